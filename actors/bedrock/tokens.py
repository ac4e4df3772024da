"""clientRequestToken: the same request again answers what it answered, another one with the same token is refused."""

import hashlib
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

from actors.bedrock.errors import ConflictException
from actors.bedrock.state import Book
from actors.runtime.context import Context

REMEMBERED_S = 8 * 3600.0
FORGOTTEN_ROWS = 64                       # looked at with each new one, so that there are never many too old

Request = Mapping[str, Any]
Answer = dict[str, Any]


def once(book: Book, context: Context, request: Request, create: Callable[[], Answer]) -> Answer:
    """What `create` answers, or answered the first time. ConflictException."""
    token = request.get("clientRequestToken")
    if not token:
        return create()
    asked = hashlib.sha256(repr(sorted(request.items())).encode()).hexdigest()
    row = book.row("token", context.operation.name, token)
    if row is not None and book.now() < row["until"]:
        if row["asked"] != asked:
            raise ConflictException("The client request token was used before, with other parameters.")
        answered: Answer = row["answer"]
        return answered
    answer = create()
    _forget(book, context.operation.name)
    remembered = {"token": token, "asked": asked, "until": book.now() + REMEMBERED_S, "answer": answer}
    book.put(remembered, "token", context.operation.name, token)
    return answer


def _forget(book: Book, operation: str) -> None:
    for row in list(islice(book.rows("token", operation), FORGOTTEN_ROWS)):
        if row["until"] <= book.now():
            book.drop("token", operation, row["token"])
