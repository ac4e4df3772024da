"""Items as text: DynamoDB JSON, one `{"Item": …}` a line, and CSV.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport.Output.html and
S3DataImport.Format.html: binary is base64; in CSV every attribute that is no key is a string, and empty is left out.
"""

import csv
import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from actors.dynamodb.engine.values import ITEM_LIMIT_BYTES, Item

_DECODER = json.JSONDecoder()
LINE_LIMIT_BYTES = 8 * ITEM_LIMIT_BYTES   # an item's JSON is longer than the item: base64, quotes, escapes
csv.field_size_limit(LINE_LIMIT_BYTES)


class Unreadable(ValueError):
    """A line that is no item. The text says why."""


def write_json(item: Item) -> bytes:
    """One line, its end included."""
    return _line({"Item": item})


def write_change(written: int, keys: Item, old: Item | None, new: Item | None) -> bytes:
    """The same of an item's change, `written` microseconds since the epoch. Images that are None are left out."""
    images = {"OldImage": old, "NewImage": new}
    record = {"Metadata": {"WriteTimestampMicros": {"N": str(written)}}, "Keys": keys,
              **{name: image for name, image in images.items() if image is not None}}
    return _line(record)


def _line(record: Mapping[str, Any]) -> bytes:
    return json.dumps(record, default=_base64, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _base64(content: Any) -> str:
    if isinstance(content, bytes):
        return b64encode(content).decode()
    raise TypeError(f"no member of an item: {type(content)}")


def read_jsons(line: bytes) -> Iterator[Item | Unreadable]:
    """The items of a line, mostly one, or why one is none. AWS reads several that nothing parts, too."""
    try:
        text, start = line.decode().strip(), 0
        while start < len(text):
            record, start = _DECODER.raw_decode(text, start)
            yield _item(record)
            while text[start:start + 1].isspace():
                start += 1
    except Unreadable as error:
        yield error
    except (ValueError, RecursionError):
        yield Unreadable("the line is not JSON")


def read_json(line: bytes) -> Item:
    """Unreadable. What the attributes hold is not checked, but that their binaries are base64."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise Unreadable("the line is not JSON") from error
    return _item(record)


def _item(record: Any) -> Item:
    item = record.get("Item") if isinstance(record, dict) else None
    if not isinstance(item, dict) or not item:
        raise Unreadable("the line has no Item")
    return {name: _value(value) for name, value in item.items()}


def _value(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Unreadable("an attribute is no AttributeValue")
    return {kind: _READERS[kind](content) if kind in _READERS else content for kind, content in value.items()}


def _binary(content: Any) -> bytes:
    try:
        return b64decode(content, validate=True)
    except (ValueError, TypeError) as error:
        raise Unreadable("a binary is not base64") from error


def _members(content: Any) -> list[Any]:
    if not isinstance(content, list):
        raise Unreadable("a list or set is no list")
    return content


def _map(content: Any) -> Item:
    if not isinstance(content, dict):
        raise Unreadable("a map is no map")
    return {name: _value(value) for name, value in content.items()}


_READERS: dict[str, Callable[[Any], Any]] = {
    "B": _binary, "BS": lambda content: [_binary(each) for each in _members(content)], "M": _map,
    "L": lambda content: [_value(each) for each in _members(content)],
}


def read_csv(
    lines: Iterable[str], types: Mapping[str, str], *, delimiter: str = ",", header: list[str] | None = None
) -> Iterator[Item | Unreadable]:
    """Items, or why a row is none. `types`: of the key attributes; `header`: when the first row is not the header."""
    rows = csv.reader(lines, delimiter=delimiter)
    names = header if header is not None else next(rows, [])
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield Unreadable(str(error))
            continue
        if not row:
            continue
        if len(row) != len(names):
            yield Unreadable(f"{len(row)} fields under {len(names)} headers")
            continue
        try:
            yield {name: _field(text, types.get(name, "S")) for name, text in zip(names, row, strict=True) if text}
        except Unreadable as error:
            yield error


def _field(text: str, kind: str) -> dict[str, Any]:
    return {kind: _binary(text) if kind == "B" else text}
