"""Lists: AWS's filters, order and tokens, the same for every kind of resource."""

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from actors.bedrock.state import Record
from schemas.errors import ValidationException

PAGE_ITEMS = 100
_AFTER = ("creationTimeAfter", "submitTimeAfter", "createdAfter")
_BEFORE = ("creationTimeBefore", "submitTimeBefore", "createdBefore")

Request = Mapping[str, Any]
Answer = dict[str, Any]


def page(member: str, records: Iterable[Record], request: Request, shown: Callable[[Record], Answer]) -> Answer:
    """{member: […], nextToken} of what the request's filters let through, the latest first unless it says otherwise."""
    ascending = request.get("sortOrder") == "Ascending"
    found = sorted((record for record in records if _wanted(record, request)), key=_place, reverse=not ascending)
    token = request.get("nextToken")
    if token:
        last = _read(token)
        found = [record for record in found if (_place(record) > last if ascending else _place(record) < last)]
    limit = request.get("maxResults") or PAGE_ITEMS
    answer: Answer = {member: [shown(record) for record in found[:limit]]}
    if len(found) > limit:
        answer["nextToken"] = _token(_place(found[limit - 1]))
    return answer


def _place(record: Record) -> tuple[float, str]:
    return record["created"], record["id"]


def _wanted(record: Record, request: Request) -> bool:
    created = record["created"]
    after, before = _time(request, _AFTER), _time(request, _BEFORE)
    status = request.get("statusEquals")
    return (after is None or created > after) and (before is None or created < before) \
        and (not status or record["shown"].get("status") == status) \
        and request.get("nameContains", "") in record["name"]


def _time(request: Request, members: Iterable[str]) -> float | None:
    for member in members:
        given = request.get(member)
        if given is not None:
            return given.timestamp() if isinstance(given, datetime) else float(given)
    return None


def _token(place: tuple[float, str]) -> str:
    return base64.urlsafe_b64encode(f"{place[0]!r} {place[1]}".encode()).decode()


def _read(token: str) -> tuple[float, str]:
    try:
        created, _, identity = base64.b64decode(token, altchars=b"-_", validate=True).decode().partition(" ")
        return float(created), identity
    except (binascii.Error, ValueError) as error:
        raise ValidationException("The provided next token is invalid.") from error
