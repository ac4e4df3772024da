"""Where invocations are to be logged: kept and shown."""

from collections.abc import Mapping
from typing import Any

from actors.bedrock.state import Book
from schemas.errors import ValidationException

Answer = dict[str, Any]


def put(book: Book, request: Mapping[str, Any]) -> Answer:
    config = request["loggingConfig"]
    if not config.get("cloudWatchConfig") and not config.get("s3Config"):
        raise ValidationException("At least one of cloudWatchConfig and s3Config is required in loggingConfig.")
    book.put({"config": config}, "logging")
    return {}


def get(book: Book) -> Answer:
    row = book.row("logging")
    return {} if row is None else {"loggingConfig": row["config"]}


def delete(book: Book) -> Answer:
    book.drop("logging")
    return {}
