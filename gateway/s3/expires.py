"""Expires, which S3 keeps and gives back as it was written, though its model calls it a timestamp.

What is no moment, or is written otherwise than here, travels beside the moment as ExpiresString, which is botocore's
name for it in answers. Sources: botocore.handlers (handle_expires_header); versitygw's tests, for a wrong weekday.
"""

from dataclasses import replace
from typing import Any

from gateway.protocols import scalars
from gateway.protocols.rest import header_text
from gateway.protocols.wire import HttpRequest, HttpResponse
from schemas.errors import SerializationException

HEADER, PARAMETER = "expires", "response-expires"
AS_WRITTEN = "ExpiresString"


def lifted(request: HttpRequest) -> tuple[HttpRequest, dict[str, Any]]:
    """The request without its Expires, and the params that stand for it."""
    headers = dict(request.headers)
    return replace(request, headers=headers), _params("Expires", headers.pop(HEADER))


def lifted_override(request: HttpRequest) -> tuple[HttpRequest, dict[str, Any]]:
    """The same of what an answer is to have."""
    operation, labels, query = request.named
    query = dict(query)
    texts = query.pop(PARAMETER)
    return replace(request, named=(operation, labels, query)), _params("ResponseExpires", texts[0])


def dress(response: HttpResponse, text: str) -> None:
    response.headers["Expires"] = header_text(text)


def _params(member: str, text: str) -> dict[str, Any]:
    try:
        moment = scalars.read_time(text)
    except SerializationException:
        return {f"{member}String": text}
    if scalars.write_time(moment, scalars.RFC) == text:
        return {member: moment}
    return {member: moment, f"{member}String": text}
