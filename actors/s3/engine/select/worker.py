"""The bounded process (actors/runtime/bounded) that runs one query.

It reads an object's bytes itself, from the files it is told of, and writes none but the one in memory that Parquet
needs:

    in    _Asked's members, once
    out   {"records": bytes}, {"progress": [scanned, processed, returned]}, and at last {"stats": […]} or
          {"error": [code, message]}
"""

import sys
import time
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from actors.runtime.bounded.worker import Frame, Tell, serve
from actors.s3.engine.blobs import Blobs, Rotten
from actors.s3.engine.select import records, writing
from actors.s3.engine.select.errors import SelectError
from actors.s3.engine.select.evaluation import Columns, Evaluation, rows_of
from actors.s3.engine.select.parser import parse
from actors.s3.engine.select.records import Counted, Csv
from actors.s3.engine.select.syntax import Query
from actors.s3.engine.select.writing import CsvForm, JsonForm
from bus.files import Piece

FLUSH_BYTES = 64 * 1024                   # of records in one frame; a record is never cut
PROGRESS_S = 1.0                          # between two reports


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


class _Work:
    """One query on its way through an object."""

    def __init__(self, asked: _Asked, tell: Tell) -> None:
        self._asked = asked
        self._tell = tell
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
            self._tell({"progress": self._counts()})      # a short query's only one
        self._tell({"stats": self._counts()})

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
            self._tell({"progress": self._counts()})

    def _flush(self) -> None:
        if self._held:
            self._returned += len(self._held)
            self._tell({"records": bytes(self._held)})
            self._held.clear()

    def _counts(self) -> list[int]:
        return [self._scanned.bytes, self._processed.bytes, self._returned]


@lru_cache(maxsize=64)
def _column_names(named: tuple[str, ...], count: int) -> Sequence[str]:
    """Of so many columns: by place where they have no name."""
    return [*named, *(f"_{place}" for place in range(len(named) + 1, count + 1))][:count]


def _names(query: Query) -> list[str]:
    """What projections without a name of their own are called: by their place."""
    return [each.alias or f"_{place}" for place, each in enumerate(query.projections, 1)]


def answer(request: Frame, tell: Tell) -> None:
    try:
        _Work(_Asked(**request), tell).run()
    except SelectError as error:
        tell({"error": [error.code, error.message]})
    except (Rotten, OSError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        tell({"error": ["InternalError", ""]})


if __name__ == "__main__":
    serve(answer)
