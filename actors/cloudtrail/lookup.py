"""LookupEvents: the management events of the last 90 days, newest first, by at most one attribute.

Source: https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
"""

import base64
import binascii
from collections.abc import Callable, Generator, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from actors.cloudtrail import ledger
from actors.cloudtrail.errors import InvalidLookupAttributes, InvalidNextToken, InvalidTimeRange
from actors.cloudtrail.ledger import PLACE, Entry
from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot
from bus.codec import pack, unpack

PAGE_EVENTS = 50                                   # at most, and where the request says nothing
_FILTER_BYTES = 8                                  # of a token: which request it belongs to

Request = Mapping[str, Any]
Answer = dict[str, Any]
Test = Callable[[Entry], bool]

# What each attribute is compared with. Source: the page's "LookupAttributes".
_ATTRIBUTES: dict[str, Callable[[str], Test]] = {
    "EventId": lambda value: lambda entry: entry.id == value,
    "EventName": lambda value: lambda entry: entry.name == value,
    "EventSource": lambda value: lambda entry: entry.source == value,
    "ReadOnly": lambda value: lambda entry: entry.read_only == value.lower(),
    "Username": lambda value: lambda entry: entry.user == value,
    "AccessKeyId": lambda value: lambda entry: entry.access_key == value,
    "ResourceType": lambda value: lambda entry: any(kind == value for kind, _, _ in entry.resources),
    "ResourceName": lambda value: lambda entry: any(value in (name, arn) for _, name, arn in entry.resources),
}


def events(view: Snapshot, context: Context, request: Request) -> Generator[None, None, Answer]:
    """Management events: Insights, the only other category, are never found here."""
    test, filtered = _test(request), _filter(request)
    first_s, last_s = _range(request, context.now)
    prefix = ledger.lookup_prefix(context.account, context.region)
    stop = prefix + PLACE.pack(last_s + 1, 0)
    if request.get("NextToken"):
        stop = min(stop, prefix + _place(request["NextToken"], filtered))
    if request.get("EventCategory") == "insight":
        return {"Events": []}
    limit = request.get("MaxResults") or PAGE_EVENTS
    found: list[Answer] = []
    last = b""
    for count, (key, row) in enumerate(view.scan(prefix + PLACE.pack(first_s, 0), stop, reverse=True)):
        if count % ledger.YIELD_ROWS == ledger.YIELD_ROWS - 1:
            yield
        entry = Entry(*unpack(row))
        if not test(entry):
            continue
        if len(found) == limit:
            return {"Events": found, "NextToken": base64.b64encode(filtered + last).decode()}
        last = key[len(prefix):]
        found.append(_shown(view, entry, last))
    return {"Events": found}


def _test(request: Request) -> Test:
    attributes = request.get("LookupAttributes") or []
    if len(attributes) > 1:
        raise InvalidLookupAttributes("You can only specify one lookup attribute.")
    if not attributes:
        return lambda entry: True
    value = attributes[0]["AttributeValue"]
    if not value:
        raise InvalidLookupAttributes("The attribute value must not be empty.")
    return _ATTRIBUTES[attributes[0]["AttributeKey"]](value)


def _range(request: Request, now: float) -> tuple[int, int]:
    """First and last second, both included; nothing older than 90 days."""
    first, last = request.get("StartTime"), request.get("EndTime")
    first_s = 0 if first is None else int(first.timestamp())
    last_s = int(now) + 1 if last is None else int(last.timestamp())
    if first_s > last_s or last_s < 0:
        raise InvalidTimeRange
    return max(first_s, int(now - ledger.RETENTION_S), 0), last_s


def _filter(request: Request) -> bytes:
    """A token goes on with its own request only."""
    asked = [[each["AttributeKey"], each["AttributeValue"]] for each in request.get("LookupAttributes") or ()]
    times = [request[member].timestamp() for member in ("StartTime", "EndTime") if request.get(member) is not None]
    return sha256(pack([asked, times, request.get("EventCategory") or ""])).digest()[:_FILTER_BYTES]


def _place(token: str, filtered: bytes) -> bytes:
    try:
        raw = base64.b64decode(token, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidNextToken("Invalid token.") from error
    if len(raw) != _FILTER_BYTES + PLACE.size or raw[:_FILTER_BYTES] != filtered:
        raise InvalidNextToken("Invalid token.")
    return raw[_FILTER_BYTES:]


def _shown(view: Snapshot, entry: Entry, place: bytes) -> Answer:
    seconds, sequence = PLACE.unpack(place)
    line = ledger.read(view, sequence)
    event: Answer = {
        "EventId": entry.id, "EventName": entry.name, "ReadOnly": entry.read_only,
        "EventTime": datetime.fromtimestamp(seconds, UTC), "EventSource": entry.source, "Username": entry.user,
        "Resources": [{"ResourceType": kind, "ResourceName": name} for kind, name, _ in entry.resources],
        "CloudTrailEvent": "" if line is None else line.decode(),
    }
    return {**event, "AccessKeyId": entry.access_key} if entry.access_key else event


