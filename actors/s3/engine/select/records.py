"""Records out of an object's bytes: of CSV, JSON and Parquet, compressed or not, a piece at a time.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_InputSerialization.html and the pages it names.
"""

import bz2
import csv
import json
import os
import zlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from actors.s3.engine.select.errors import SelectError

RECORD_LIMIT_BYTES = 1024 * 1024
DOCUMENT_LIMIT_BYTES = 128 * 1024 * 1024  # of JSON in one document, which is parsed whole
PARQUET_LIMIT_BYTES = 512 * 1024 * 1024   # of Parquet, which is read at random
PARQUET_MEMORY = "256MB"                  # DuckDB's own
PARQUET_ROWS = 1024                       # taken from DuckDB at a time
INFLATE_BYTES = 1024 * 1024
_BOM = b"\xef\xbb\xbf"

Chunks = Iterator[bytes]


class Csv(NamedTuple):
    """As InputSerialization.CSV says it, with its defaults. `header`: NONE, USE, IGNORE."""

    header: str = "NONE"
    record_delimiter: str = "\n"
    field_delimiter: str = ","
    quote: str = '"'
    escape: str = '"'
    comments: str = "#"
    quoted_delimiters: bool = False


class Counted:
    """Bytes that pass, counted."""

    def __init__(self, chunks: Chunks) -> None:
        self._chunks = chunks
        self.bytes = 0

    def __iter__(self) -> Chunks:
        for chunk in self._chunks:
            self.bytes += len(chunk)
            yield chunk


def decompressed(chunks: Chunks, compression: str) -> Chunks:
    """NONE, GZIP, BZIP2; several streams one after another are one. At most INFLATE_BYTES at a time. SelectError."""
    if compression == "NONE":
        yield from chunks
        return
    inflate = _gunzipped if compression == "GZIP" else _bunzipped
    try:
        yield from inflate(chunks)
    except (zlib.error, OSError, EOFError) as error:
        raise SelectError("TruncatedInput") from error


def _gunzipped(chunks: Chunks) -> Chunks:
    stream, ended = zlib.decompressobj(31), False
    for chunk in chunks:
        left = chunk
        while left:
            if ended:
                stream, ended = zlib.decompressobj(31), False
            data = stream.decompress(left, INFLATE_BYTES)
            ended = stream.eof
            left = stream.unused_data if ended else stream.unconsumed_tail
            if data:
                yield data
    if not ended:
        raise EOFError


def _bunzipped(chunks: Chunks) -> Chunks:
    stream = bz2.BZ2Decompressor()
    for chunk in chunks:
        left = chunk
        while left or not (stream.needs_input or stream.eof):
            if stream.eof:
                stream = bz2.BZ2Decompressor()
            data = stream.decompress(left, INFLATE_BYTES)
            left = stream.unused_data if stream.eof else b""
            if data:
                yield data
    if not stream.eof:
        raise EOFError


# Lines


def lines(chunks: Chunks, delimiter: bytes, base: int = 0) -> Iterator[tuple[int, bytes]]:
    """(where it begins, record without its delimiter) of each that is not empty. `base`: where the first chunk begins;
    what stands there is the end of a record that nobody asked for, perhaps an empty one. SelectError."""
    begins, left, skips = base, b"", base > 0
    for chunk in chunks:
        if begins == 0 and not left and chunk.startswith(_BOM):
            begins, chunk = len(_BOM), chunk[len(_BOM):]
        *whole, left = (left + chunk).split(delimiter)
        for line in whole:
            if line and not skips:
                yield begins, line
            begins, skips = begins + len(line) + len(delimiter), False
        if len(left) > RECORD_LIMIT_BYTES:
            raise SelectError("OverMaxRecordSize")
    if left and not skips:
        yield begins, left


def within(found: Iterator[tuple[int, bytes]], start: int, end: int) -> Iterator[bytes]:
    """The lines of those that begin from `start` to `end`, both among them."""
    for begins, line in found:
        if begins > end:
            return
        if begins >= start:
            yield line


def text(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        raise SelectError("InvalidTextEncoding") from error


# CSV


def csv_rows(found: Iterator[bytes], form: Csv) -> Iterator[list[str]]:
    """The fields of each record that is no comment. SelectError."""
    delimiter, quote = form.field_delimiter, form.quote
    doubled = form.escape == quote
    csv.field_size_limit(RECORD_LIMIT_BYTES)
    options: dict[str, Any] = {
        "delimiter": delimiter, "quotechar": quote or None, "doublequote": doubled,
        "escapechar": None if doubled else form.escape or None,
        "quoting": csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
    }
    strips = form.record_delimiter == "\n"
    for line in _quoted_together(found, form) if form.quoted_delimiters and quote else found:
        record = text(line)
        if strips and record[-1] == "\r":
            record = record[:-1]
        if not record or (form.comments and record.startswith(form.comments)):
            continue
        if not quote or quote not in record:
            yield record.split(delimiter)
            continue
        try:
            yield _joined(list(csv.reader((record,) if "\n" not in record else record.splitlines(keepends=True),
                                          **options)))
        except csv.Error as error:
            raise SelectError("CSVParsingError") from error


def _joined(rows: list[list[str]]) -> list[str]:
    """One record is one row, whatever line breaks the reader sees in it."""
    return [field for row in rows for field in row]


def _quoted_together(found: Iterator[bytes], form: Csv) -> Iterator[bytes]:
    """Lines whose quotes are open go on in the next one."""
    quote, delimiter = form.quote.encode(), form.record_delimiter.encode()
    escaped = b"" if form.escape == form.quote else (form.escape + form.quote).encode()
    held = b""
    for line in found:
        held = held + delimiter + line if held else line
        quotes = held.count(quote) - (held.count(escaped) if escaped else 0)
        if quotes % 2 == 0:
            yield held
            held = b""
        elif len(held) > RECORD_LIMIT_BYTES:
            raise SelectError("OverMaxRecordSize")
    if held:
        raise SelectError("CSVUnescapedQuote")


# JSON


def json_lines(found: Iterator[bytes]) -> Iterator[Any]:
    for line in found:
        if not line.isspace():
            yield _document(line)


def _document(line: bytes) -> Any:
    try:
        return _DECODER.decode(text(line))
    except (ValueError, RecursionError) as error:
        raise SelectError("JSONParsingError") from error


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


_DECODER = json.JSONDecoder(parse_constant=_no_number)     # orjson would round integers of more than 64 bits


def json_documents(chunks: Chunks) -> Iterator[Any]:
    """One after the other, however they are laid out."""
    held = b""
    for chunk in chunks:
        held += chunk
        if len(held) > DOCUMENT_LIMIT_BYTES:
            raise SelectError("OverMaxRecordSize")
    whole, at = text(held.removeprefix(_BOM)), 0
    try:
        while at < len(whole):
            if whole[at].isspace():
                at += 1
                continue
            document, at = _DECODER.raw_decode(whole, at)
            yield document
    except (ValueError, RecursionError) as error:
        raise SelectError("JSONParsingError") from error


# Parquet


def parquet_rows(chunks: Chunks) -> Iterator[dict[str, Any]]:
    """DuckDB reads it, out of memory alone: it may open that one file of ours and nothing else. SelectError."""
    try:
        import duckdb  # late: 60 MB, needed for this alone
    except ImportError as error:
        raise SelectError("UnsupportedFunction", "Parquet needs the package duckdb, which is not installed.") from error
    file = os.memfd_create("parquet", os.MFD_CLOEXEC)
    try:
        size = 0
        for chunk in chunks:
            size += len(chunk)
            if size > PARQUET_LIMIT_BYTES:
                raise SelectError("OverMaxParquetBlockSize")
            os.write(file, chunk)
        path = f"/proc/self/fd/{file}"
        with duckdb.connect(config={"threads": 1, "memory_limit": PARQUET_MEMORY, "temp_directory": ""}) as engine:
            engine.execute(f"SET allowed_paths=['{path}']")
            engine.execute("SET enable_external_access=false")
            engine.execute("SET lock_configuration=true")
            found = engine.execute(f"SELECT * FROM read_parquet('{path}')")     # noqa: S608 - a path of our own
            names = [column[0] for column in found.description]
            while rows := found.fetchmany(PARQUET_ROWS):
                for row in rows:
                    yield dict(zip(names, map(_plain, row), strict=True))
    except duckdb.Error as error:
        raise SelectError("ParquetParsingError") from error
    finally:
        os.close(file)


def _plain(value: Any) -> Any:
    """A value of DuckDB's as one of ours."""
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    if isinstance(value, time | timedelta | UUID):
        return str(value)
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, dict):
        return {str(name): _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value
