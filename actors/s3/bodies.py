"""A request's body, from wherever it came, as what objects are made of.

Up to contents.INLINE_LIMIT_BYTES it is bytes in the request, and everything happens in one transaction. A larger one
was written into a file by the gateway (bus/files.py), or came over the bus whole: then files are settled first, in a
thread, and the transaction that names them follows.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from actors.runtime.context import Context
from actors.runtime.store.shard import Shard
from actors.s3 import checksums, collecting, contents
from actors.s3.contents import INLINE_LIMIT_BYTES, Body, Content
from actors.s3.engine.blobs import Blobs, Rotten
from actors.s3.errors import EntityTooLarge, InvalidArgument, S3Error
from bus import files
from bus.subjects import GATEWAY

DIRECT_LIMIT_BYTES = 60 * 1024 * 1024     # of a body that is answered over the bus: an envelope holds 64 MiB

Request = Mapping[str, Any]


class RequestTimeout(S3Error):
    code = "RequestTimeout"
    words = ("Your socket connection to the server was not read from or written to within the timeout period. Idle "
             "connections will be closed.")


def is_large(request: Request) -> bool:
    """Does the body need a file? Asked before the request is validated."""
    body = request.get("Body")
    return type(body) is dict or (type(body) is bytes and len(body) > INLINE_LIMIT_BYTES)


def inline(request: Request) -> Body:
    """Of a request that is not large. InvalidArgument."""
    body = request.get("Body", b"")
    if isinstance(body, str):
        body = body.encode()
    if type(body) is not bytes:
        raise InvalidArgument("Body must be bytes.", "Body")
    return contents.of_bytes(body, checksums.needed(request))


async def settled(
    shard: Shard, blobs: Blobs, context: Context, request: Request, finish: Callable[[Body], Awaitable[Any]],
    algorithm: str = "",
) -> Any:
    """What `finish` makes of the body, whose file is durable by then; and gone, if that fails. `algorithm`: whose
    digest is needed, whatever the request states; "": no other."""
    body = await _in_file(blobs, context, request)
    assert body.file is not None, "it is durable in a file of its own"
    async with collecting.named_or_removed(shard, blobs, [body.file.name]):
        if algorithm not in ("", *body.sums):
            more = await asyncio.to_thread(blobs.digests, b"", [body.file], (algorithm,))
            body = body._replace(sums={**body.sums, **more})
        return await finish(body)


async def _in_file(blobs: Blobs, context: Context, request: Request) -> Body:
    body = request.get("Body", b"")
    if type(body) is dict:
        if context.identity.door != GATEWAY:
            raise InvalidArgument("Body must be bytes.", "Body")
        reference = files.referred(body)
        try:
            file = await asyncio.to_thread(blobs.adopt, reference)
        except (FileNotFoundError, Rotten) as error:
            raise RequestTimeout from error        # its gateway has given up
        return Body(b"", file, reference.size, reference.sums)
    if type(body) is not bytes:
        raise InvalidArgument("Body must be bytes.", "Body")
    return await asyncio.to_thread(_store, blobs, body, checksums.needed(request))


def _store(blobs: Blobs, body: bytes, algorithms: tuple[str, ...]) -> Body:
    return contents.of_bytes(body, algorithms)._replace(data=b"", file=blobs.store(body))


def answered(blobs: Blobs, context: Context, answer: dict[str, Any], content: Content) -> Any:
    """The answer with its Body; an awaitable where that waits for the disk."""
    if not content.pieces:
        answer["Body"] = content.data
        return answer
    if context.identity.door == GATEWAY:
        answer["Body"] = {"files": [list(piece) for piece in content.pieces]}
        return answer
    if content.size > DIRECT_LIMIT_BYTES:
        raise EntityTooLarge(
            f"Over the bus an answer holds at most {DIRECT_LIMIT_BYTES} bytes of an object; ask for a Range.",
            ProposedSize=str(content.size), MaxSizeAllowed=str(DIRECT_LIMIT_BYTES))
    return _read(blobs, answer, content)


async def _read(blobs: Blobs, answer: dict[str, Any], content: Content) -> dict[str, Any]:
    answer["Body"] = await asyncio.to_thread(blobs.read, content.pieces)
    return answer
