"""Log files: a trail's events, gzipped JSON, put into its bucket a while after they came; at least once.

    <prefix>/AWSLogs/<account>/CloudTrail/<region>/yyyy/mm/dd/<account>_CloudTrail_<region>_<time>_<16 letters>.json.gz

One job per trail that logs. Each step takes the next events of the ledger, puts a file for each of their regions, and
commits how far it came; what a crash cuts off is put again.

Source: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-find-log-files.html
"""

import gzip
from base64 import b32encode
from datetime import UTC, datetime
from hashlib import sha256
from itertools import islice
from typing import Any, NamedTuple

import orjson

from actors.cloudtrail import buckets, choices, digests, ledger, trails
from actors.cloudtrail.trails import Trail
from actors.runtime.audit.selectors import compiled, facts_of_event
from actors.runtime.store.shard import Shard
from actors.runtime.store.transaction import Snapshot, Transaction
from bus.client import Client

DELIVERY_WAIT_S = 60.0                             # between two looks; AWS: about five minutes
SETTLED_AFTER_S = 60.0                             # after a stop: what happened before it has come by then
SCAN_LIMIT_ROWS = 1000                             # of the ledger, in one step
FILE_LIMIT_BYTES = 1 << 20                         # of events in one step, before compression
COMPRESSION = 6

State = dict[str, Any]


class File(NamedTuple):
    """A log file as it is put. Times are the events', in AWS's form."""

    region: str
    key: str
    body: bytes                                    # compressed
    hash: str                                      # of what is inside
    oldest: str
    newest: str


class Taken(NamedTuple):
    files: list[File]
    cursor: int
    more: bool                                     # there is more to take at once


async def step(shard: Shard, client: Client, now: float, state: State) -> State | None:
    """One step of a trail's job; None when the trail is gone, or has stopped and has all of its events."""
    place = state["account"], state["region"], state["name"]
    trail: Trail | None = shard.read(lambda view: trails.load(view, *place))
    if trail is None:
        return None
    taken: Taken = shard.read(lambda view: take(view, trail))
    error = ""
    for file in taken.files:
        error = error or await buckets.put(client, trail, file.key, file.body, "application/json", {})
    outcome = {"attempt": now, "error": error} | ({} if error else {"success": now})
    if not taken.files:
        outcome = {}
    going_on = await shard.transact(lambda transaction: _committed(transaction, place, taken, outcome))
    if not going_on:
        return None
    if trail["validation"]:
        await digests.deliver(shard, client, now, place)
    return {**state, "wake_at": 0.0 if taken.more and not error else now + DELIVERY_WAIT_S}


def take(view: Snapshot, trail: Trail) -> Taken:
    """The trail's next events as files, one for each region that has some."""
    wants = compiled(choices.of(trail))
    by_region: dict[str, list[dict[str, Any]]] = {}
    cursor, size, count = trail["cursor"], 0, 0
    for sequence, line in islice(ledger.after(view, trail["cursor"]), SCAN_LIMIT_ROWS):
        if size > FILE_LIMIT_BYTES:
            break
        cursor, count = sequence, count + 1
        event = orjson.loads(line)
        if _concerns(trail, event) and wants(facts_of_event(event)):
            by_region.setdefault(event["awsRegion"], []).append(event)
            size += len(line)
    files = [_file(trail, region, events, cursor) for region, events in sorted(by_region.items())]
    return Taken(files, cursor, count == SCAN_LIMIT_ROWS or size > FILE_LIMIT_BYTES)


def _concerns(trail: Trail, event: dict[str, Any]) -> bool:
    """Of its account, its regions, and of when it logged: events come a while after their time."""
    if event["recipientAccountId"] != trail["account"] or not (trail["multi"] or event["awsRegion"] == trail["region"]):
        return False
    seconds = ledger.seconds_of(event)
    return any(int(start) <= seconds and (not stop or seconds <= stop) for start, stop in trail["windows"])


def _file(trail: Trail, region: str, events: list[dict[str, Any]], cursor: int) -> File:
    inside = orjson.dumps({"Records": events})
    times = sorted(event["eventTime"] for event in events)
    newest = datetime.fromisoformat(times[-1].replace("Z", "+00:00")).astimezone(UTC)
    unique = b32encode(sha256(inside + str(cursor).encode()).digest()).decode()[:16]
    account = trail["account"]
    key = (f"{trails.root_of(trail)}CloudTrail/{region}/{newest:%Y/%m/%d}/"
           f"{account}_CloudTrail_{region}_{newest:%Y%m%dT%H%MZ}_{unique}.json.gz")
    body = gzip.compress(inside, COMPRESSION, mtime=0)
    return File(region, key, body, sha256(inside).hexdigest(), times[0], times[-1])


def _committed(
    transaction: Transaction, place: tuple[str, str, str], taken: Taken, outcome: dict[str, Any]
) -> bool:
    """Whether the job goes on. The trail may have been changed meanwhile, so it is read again."""
    trail = trails.load(transaction, *place)
    if trail is None:
        return False
    trail["last"] = {**trail["last"], **outcome}
    if not outcome.get("error"):
        trail["cursor"] = taken.cursor
        if trail["validation"]:
            digests.note(trail, taken.files, transaction.now())
        if not taken.more:
            trail["windows"] = [[start, stop] for start, stop in trail["windows"]
                                if not stop or stop + SETTLED_AFTER_S > transaction.now()]
    trail["job"] = bool(trail["windows"])
    trails.save(transaction, trail)
    return bool(trail["job"])
