"""The process that runs one query: what it is asked stands in its standard input, what it finds goes to its output.

It reads an object's bytes itself, from the files it is told of, and is bounded by the kernel: so much memory, so much
of a processor's time, no file of any size but the one in memory that Parquet needs. Whoever started it ends it when
nobody waits any more. Frames are a length (4 bytes, big-endian) and a msgpack map:

    in    _Asked's members, once
    out   {"records": bytes}, {"progress": [scanned, processed, returned]}, and at last {"stats": […]} or
          {"error": [code, message]}
"""

import os
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from struct import Struct
from typing import Any, BinaryIO, NamedTuple

from actors.s3.engine.blobs import Blobs, Rotten
from actors.s3.engine.select import records, writing
from actors.s3.engine.select.errors import SelectError
from actors.s3.engine.select.evaluation import Columns, Evaluation, rows_of
from actors.s3.engine.select.parser import parse
from actors.s3.engine.select.records import PARQUET_LIMIT_BYTES, Counted, Csv
from actors.s3.engine.select.syntax import Query
from actors.s3.engine.select.writing import CsvForm, JsonForm
from bus.codec import pack, unpack
from bus.files import Piece

MEMORY_LIMIT_BYTES = 2 * 1024**3          # of addresses, most of which are never touched
PROCESSOR_LIMIT_S = 300
FILES_LIMIT = 64
FLUSH_BYTES = 64 * 1024                   # of records in one frame; a record is never cut
PROGRESS_S = 1.0                          # between two reports
LENGTH = Struct(">I")


class _Asked(NamedTuple):
    query: str
    input: dict[str, Any]                 # {"csv": Csv's members} or {"json": "LINES" | "DOCUMENT"} or {"parquet": {}}
    compression: str
    output: dict[str, Any]                # {"csv": CsvForm's members} or {"json": JsonForm's}
    folder: str                           # of the files
    data: bytes                           # the object, where it has no files
    pieces: list[list[Any]]
    base: int                             # where in the object that begins
    head: list[list[Any]]                 # what lies before that has the header in it
    span: list[int] | None                # records that begin from the first byte to the second, both among them
    progress: bool


def bound() -> None:
    for kind, limit in ((resource.RLIMIT_AS, MEMORY_LIMIT_BYTES), (resource.RLIMIT_CPU, PROCESSOR_LIMIT_S),
                        (resource.RLIMIT_NOFILE, FILES_LIMIT), (resource.RLIMIT_FSIZE, PARQUET_LIMIT_BYTES),
                        (resource.RLIMIT_CORE, 0)):
        resource.setrlimit(kind, (limit, limit))


class _Work:
    """One query on its way through an object."""

    def __init__(self, asked: _Asked, out: BinaryIO) -> None:
        self._asked = asked
        self._out = out
        self._form = CsvForm(**asked.output["csv"]) if "csv" in asked.output else JsonForm(**asked.output["json"])
        self._scanned = Counted(self._chunks())
        self._processed = Counted(records.decompressed(iter(self._scanned), asked.compression))
        self._returned = 0
        self._held = bytearray()
        self._reported = time.monotonic()

    def run(self) -> None:
        """SelectError, Rotten, OSError."""
        query = parse(self._asked.query)
        rows, evaluation, names = self._rows(query)
        left = query.limit
        for row in rows if left != 0 else ():
            if not evaluation.holds(row):
                self._report()
                continue
            if evaluation.collects:
                evaluation.collect(row)
                continue
            self._write(*self._selected(query, evaluation, names, row))
            if left is not None:
                left -= 1
                if left == 0:
                    break
        if evaluation.collects and query.limit != 0:
            self._write(_names(query), evaluation.values(None))
        self._flush()
        if self._asked.progress:
            self._frame({"progress": self._counts()})      # a short query's only one
        self._frame({"stats": self._counts()})

    def _chunks(self) -> Iterator[bytes]:
        return self._read(self._asked.pieces) if self._asked.pieces else iter((self._asked.data,))

    def _read(self, pieces: list[list[Any]]) -> Iterator[bytes]:
        return Blobs(Path(self._asked.folder), durable=False).pieces([Piece(*piece) for piece in pieces])

    def _rows(self, query: Query) -> tuple[Iterator[Any], Evaluation, Sequence[str] | None]:
        """The rows, what to do with them, and the names of CSV's columns where it has some."""
        if "csv" in self._asked.input:
            return self._csv_rows(query, Csv(**self._asked.input["csv"]))
        if "parquet" in self._asked.input:
            documents: Iterator[Any] = records.parquet_rows(iter(self._processed))
        elif self._asked.input["json"] == "LINES":
            documents = records.json_lines(self._lines("\n"))
        else:
            documents = records.json_documents(iter(self._processed))
        rows = (row for document in documents for row in rows_of(document, query.source))
        return rows, Evaluation(query, None), None

    def _csv_rows(self, query: Query, form: Csv) -> tuple[Iterator[Any], Evaluation, Sequence[str] | None]:
        if query.source:
            raise SelectError("InvalidKeyPath", "The key path in the SQL expression is not valid.")
        if form.header == "NONE":
            return records.csv_rows(self._lines(form.record_delimiter), form), Evaluation(query, Columns(None)), None
        delimiter = form.record_delimiter.encode()
        found = records.lines(iter(self._processed), delimiter, self._asked.base)
        first = records.lines(self._read(self._asked.head), delimiter) if self._asked.base else found
        head = next(records.csv_rows((line for _, line in first), form), [])
        names = head if form.header == "USE" else None
        rows = records.csv_rows(self._spanned(found), form)
        return rows, Evaluation(query, Columns(names)), names

    def _lines(self, delimiter: str) -> Iterator[bytes]:
        return self._spanned(records.lines(iter(self._processed), delimiter.encode(), self._asked.base))

    def _spanned(self, found: Iterator[tuple[int, bytes]]) -> Iterator[bytes]:
        if self._asked.span is None:
            return (line for _, line in found)
        return records.within(found, *self._asked.span)

    def _selected(
        self, query: Query, evaluation: Evaluation, names: Sequence[str] | None, row: Any
    ) -> tuple[Sequence[str], Sequence[Any]]:
        if query.projections:
            return _names(query), evaluation.values(row)
        if isinstance(row, dict):
            return list(row), list(row.values())
        if "csv" not in self._asked.input:
            return ["_1"], [row]
        return _column_names(tuple(names or ()), len(row)), row

    # Out

    def _write(self, names: Sequence[str], values: Sequence[Any]) -> None:
        self._held += writing.record(self._form, names, values)
        if len(self._held) >= FLUSH_BYTES:
            self._flush()
        self._report()

    def _report(self) -> None:
        if self._asked.progress and time.monotonic() - self._reported >= PROGRESS_S:
            self._reported = time.monotonic()
            self._frame({"progress": self._counts()})

    def _flush(self) -> None:
        if self._held:
            self._returned += len(self._held)
            self._frame({"records": bytes(self._held)})
            self._held.clear()

    def _counts(self) -> list[int]:
        return [self._scanned.bytes, self._processed.bytes, self._returned]

    def _frame(self, frame: dict[str, Any]) -> None:
        write_frame(self._out, frame)


@lru_cache(maxsize=64)
def _column_names(named: tuple[str, ...], count: int) -> Sequence[str]:
    """Of so many columns: by place where they have no name."""
    return [*named, *(f"_{place}" for place in range(len(named) + 1, count + 1))][:count]


def _names(query: Query) -> list[str]:
    """What projections without a name of their own are called: by their place."""
    return [each.alias or f"_{place}" for place, each in enumerate(query.projections, 1)]


def write_frame(out: BinaryIO, frame: dict[str, Any]) -> None:
    data = pack(frame)
    out.write(LENGTH.pack(len(data)) + data)
    out.flush()


def main() -> None:
    bound()
    source, out = sys.stdin.buffer, sys.stdout.buffer
    [size] = LENGTH.unpack(source.read(LENGTH.size))
    try:
        _Work(_Asked(**unpack(source.read(size))), out).run()
    except SelectError as error:
        write_frame(out, {"error": [error.code, error.message]})
    except MemoryError:
        write_frame(out, {"error": ["ExternalEvalException", ""]})
    except (Rotten, OSError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        write_frame(out, {"error": ["InternalError", ""]})
    os._exit(0)                                    # nothing is left to tidy up


if __name__ == "__main__":
    main()
