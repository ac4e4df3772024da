"""What a user has several of, each under an id and with a status: keys, certificates, credentials of services."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from actors.iam.errors import NoSuchEntity
from actors.iam.state import Book, Record

Request = Mapping[str, Any]


class Owned(NamedTuple):
    """`kind` of their rows; `member` of a request that holds the id; `missing`: the refusal, {} for the id."""

    kind: str
    member: str
    missing: str

    def rows(self, book: Book, user: Record, after: str = "") -> Iterator[tuple[str, Record]]:
        return book.rows(self.kind, user["id"], after=after)

    def get(self, book: Book, user: Record, request: Request) -> Record:
        """NoSuchEntity."""
        row = book.row(self.kind, user["id"], request[self.member])
        if row is None:
            raise NoSuchEntity(self.missing.format(request[self.member]))
        return row

    def put(self, book: Book, user: Record, row: Record) -> None:
        book.put(row, self.kind, user["id"], row["id"])

    def set_status(self, book: Book, user: Record, request: Request) -> dict[str, Any]:
        row = self.get(book, user, request)
        row["status"] = request["Status"]
        self.put(book, user, row)
        return {}

    def remove(self, book: Book, user: Record, request: Request) -> Record:
        """What is gone."""
        row = self.get(book, user, request)
        book.drop(self.kind, user["id"], row["id"])
        return row
