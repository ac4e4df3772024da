"""CBOR as the RPC v2 protocol uses it: RFC 8949 without the tags that make objects.

Our own: cbor2 would read any tag (regular expressions, addresses, shared references), bounds no nesting, and is one
more compiled dependency on every start; what AWS sends is this small. tests/wire holds it against cbor2.
"""

import struct
from datetime import datetime
from typing import Any

from gateway.protocols.scalars import epoch_number, from_epoch
from gateway.protocols.wire import NESTING_MAX, malformed

_BREAK = object()
_INDEFINITE = 31
_EPOCH_TAG = 1
_FLOATS = {25: struct.Struct(">e"), 26: struct.Struct(">f"), 27: struct.Struct(">d")}
_SIMPLE = {20: False, 21: True, 22: None, 23: None}
_DOUBLE = struct.Struct(">Bd")


def decode(data: bytes) -> Any:
    """One item and nothing after it. SerializationException."""
    reader = _Reader(data)
    try:
        value = reader.item(NESTING_MAX)
    except (IndexError, UnicodeDecodeError, struct.error):
        raise malformed("The request is not well-formed CBOR.") from None
    if value is _BREAK or reader.at != len(data):
        raise malformed("The request is not one CBOR item.")
    return value


class _Reader:
    __slots__ = ("at", "data")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def item(self, levels: int) -> Any:
        """`levels` more may follow below this one."""
        initial = self.data[self.at]
        self.at += 1
        major, info = initial >> 5, initial & 31
        if major == 7:
            return self._simple(info)
        if info == _INDEFINITE:
            return self._indefinite(major, levels)
        number = info if info < 24 else self._number(info)
        if major == 0:
            return number
        if major == 1:
            return -1 - number
        if major < 4:
            return self._text(major, number)
        if levels <= 0:
            raise malformed(f"The request is nested deeper than {NESTING_MAX} levels.")
        if major == 6:
            return self._tagged(number, levels - 1)
        if number > len(self.data) - self.at:
            raise IndexError                       # each item takes a byte: a lie, found before any loop
        if major == 4:
            return [self._inner(levels - 1) for _ in range(number)]
        return {self._key(levels - 1): self._inner(levels - 1) for _ in range(number)}

    def _number(self, info: int) -> int:
        if info > 27:
            raise malformed("The request is not well-formed CBOR.")
        return int.from_bytes(self._take(1 << (info - 24)), "big")

    def _take(self, count: int) -> bytes:
        end = self.at + count
        if end > len(self.data):
            raise IndexError
        taken = self.data[self.at:end]
        self.at = end
        return taken

    def _text(self, major: int, count: int) -> Any:
        taken = self._take(count)
        return taken if major == 2 else taken.decode()

    def _inner(self, levels: int) -> Any:
        value = self.item(levels)
        if value is _BREAK:
            raise malformed("A CBOR break stands where an item should.")
        return value

    def _key(self, levels: int) -> str:
        key = self._inner(levels)
        if type(key) is not str:
            raise malformed("A CBOR map's key is not a text.")
        return key

    def _indefinite(self, major: int, levels: int) -> Any:
        if levels <= 0 or major in (0, 1, 6):
            raise malformed("The request is not well-formed CBOR.")
        if major == 4:
            return list(iter(lambda: self.item(levels - 1), _BREAK))
        if major == 5:
            return self._open_map(levels - 1)
        kind = bytes if major == 2 else str
        parts = list(iter(lambda: self.item(0), _BREAK))
        if not all(type(part) is kind for part in parts):
            raise malformed("A CBOR text has parts of another kind.")
        return kind().join(parts)

    def _open_map(self, levels: int) -> dict[str, Any]:
        made: dict[str, Any] = {}
        while (key := self.item(levels)) is not _BREAK:
            if type(key) is not str:
                raise malformed("A CBOR map's key is not a text.")
            made[key] = self._inner(levels)
        return made

    def _tagged(self, tag: int, levels: int) -> Any:
        value = self._inner(levels)
        if tag != _EPOCH_TAG:
            return value                           # a tag we do not know adds nothing to its value
        if type(value) is not int and type(value) is not float:
            raise malformed("A CBOR timestamp is not a number.")
        return from_epoch(value)

    def _simple(self, info: int) -> Any:
        if info in _SIMPLE:
            return _SIMPLE[info]
        if info in _FLOATS:
            form = _FLOATS[info]
            return form.unpack(self._take(form.size))[0]
        if info == _INDEFINITE:
            return _BREAK
        raise malformed("The request holds a CBOR value without meaning.")


def encode(value: Any) -> bytes:
    """str, bytes, bool, int of 64 bits, float (as a double), None, datetime (tag 1), lists and maps of these."""
    out = bytearray()
    _encode(out, value)
    return bytes(out)


def _head(out: bytearray, major: int, number: int) -> None:
    major <<= 5
    if number < 24:
        out.append(major | number)
    elif number < 0x100:
        out += bytes((major | 24, number))
    elif number < 0x10000:
        out.append(major | 25)
        out += number.to_bytes(2, "big")
    elif number < 0x100000000:
        out.append(major | 26)
        out += number.to_bytes(4, "big")
    else:
        out.append(major | 27)
        out += number.to_bytes(8, "big")


def _encode(out: bytearray, value: Any) -> None:
    if isinstance(value, str):
        text = value.encode()
        _head(out, 3, len(text))
        out += text
    elif isinstance(value, bool) or value is None:
        out.append(0xF6 if value is None else 0xF5 if value else 0xF4)
    elif isinstance(value, int):
        _head(out, 0 if value >= 0 else 1, value if value >= 0 else -1 - value)
    elif isinstance(value, float):
        out += _DOUBLE.pack(0xFB, value)
    elif isinstance(value, dict):
        _head(out, 5, len(value))
        for key, item in value.items():
            _encode(out, key)
            _encode(out, item)
    elif isinstance(value, list | tuple):
        _head(out, 4, len(value))
        for item in value:
            _encode(out, item)
    elif isinstance(value, datetime):
        _head(out, 6, _EPOCH_TAG)
        _encode(out, epoch_number(value))
    else:
        assert isinstance(value, bytes | bytearray | memoryview), f"{type(value).__name__} has no place in a response"
        _head(out, 2, len(value))
        out += value
