"""The metadata at the beginning of a GGUF file. https://github.com/ggml-org/ggml/blob/master/docs/gguf.md"""

import struct
from pathlib import Path
from typing import Any, BinaryIO

VERSIONS = (2, 3)
ENTRIES_LIMIT = 65_536
TEXT_LIMIT_BYTES = 16 * 1024 * 1024
LIST_LIMIT = 16 * 1024 * 1024

_NUMBERS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_TEXT, _LIST = 8, 9


class NotGguf(ValueError):
    """The file is no GGUF file, or a broken one."""


def read(path: Path) -> dict[str, Any]:
    """Its keys and values; a list is told as its length. NotGguf, OSError."""
    with path.open("rb") as file:
        if file.read(4) != b"GGUF":
            raise NotGguf(f"{path.name} is not a GGUF file.")
        version, _, entries = struct.unpack("<IQQ", _exactly(file, 20))
        if version not in VERSIONS or entries > ENTRIES_LIMIT:
            raise NotGguf(f"{path.name} is a GGUF file of version {version}, which cannot be read.")
        return {_text(file): _value(file, _number(file, 4)) for _ in range(entries)}


def _exactly(file: BinaryIO, size: int) -> bytes:
    data = file.read(size)
    if len(data) != size:
        raise NotGguf("The GGUF file ends too early.")
    return data


def _number(file: BinaryIO, kind: int) -> Any:
    form = _NUMBERS.get(kind)
    if form is None:
        raise NotGguf(f"The GGUF file has a value of type {kind}.")
    return struct.unpack(form, _exactly(file, struct.calcsize(form)))[0]


def _text(file: BinaryIO) -> str:
    length = _number(file, 10)
    if length > TEXT_LIMIT_BYTES:
        raise NotGguf("The GGUF file has a text of absurd length.")
    return _exactly(file, length).decode("utf-8", "replace")


def _value(file: BinaryIO, kind: int) -> Any:
    if kind == _TEXT:
        return _text(file)
    if kind != _LIST:
        return _number(file, kind)
    inner, length = _number(file, 4), _number(file, 10)
    if length > LIST_LIMIT:
        raise NotGguf("The GGUF file has a list of absurd length.")
    for _ in range(length):
        _value(file, inner)
    return length
