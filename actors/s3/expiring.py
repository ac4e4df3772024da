"""What a lifecycle does: objects expire, move to other storage classes, lose old versions, uploads are aborted.

One run goes through a bucket's keys, then its uploads (one a step: it may have 10,000 parts), and waits for the next
midnight, UTC. When something is due: due.py. What a lock keeps stays.
Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html; what is too small to move:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html
"""

from collections.abc import Mapping
from itertools import islice, pairwise
from typing import Any

from actors.runtime.store.transaction import Transaction
from actors.s3 import due, events, locks, state, uploads, versions
from actors.s3.due import DAY_S, due_at, due_time
from actors.s3.errors import AccessDenied
from actors.s3.events import Happened
from actors.s3.lifecycle import BY_CLASS, LIFECYCLE
from actors.s3.lifecycle_rules import conditions
from actors.s3.objects import STANDARD, second
from actors.s3.rules import matches
from actors.s3.state import Bucket, Record

KEYS_OF_STEP = 32
VERSIONS_OF_STEP = 128                    # of one key; older ones wait for the next day
DELETED = "LifecycleExpiration:Delete"
SMALL_BYTES = 128 * 1024
_TAKING_SMALL = frozenset({"GLACIER", "DEEP_ARCHIVE"})
_SIZES = frozenset({"ObjectSizeGreaterThan", "ObjectSizeLessThan"})

Rule = Mapping[str, Any]


def step(transaction: Transaction, now: float, job: dict[str, Any]) -> dict[str, Any] | None:
    bucket = state.find_bucket(transaction, job["bucket"])
    lifecycle = None if bucket is None else bucket.configuration(LIFECYCLE)
    if bucket is None or lifecycle is None or lifecycle["run"] != job["run"]:
        return None
    rules = due.enabled(lifecycle["rules"])
    following = {"bucket": bucket.name, "run": job["run"]}
    if not job.get("uploads"):
        last = _keys(transaction, bucket, rules, now, job.get("after", b""))
        return {**following, "after": last} if last else {**following, "uploads": True}
    over = next((upload for _, upload in uploads.under_way(bucket, b"") if _is_aborted(rules, upload, now)), None)
    if over is not None:
        uploads.end(transaction, bucket, over)
        return {**following, "uploads": True}
    return {**following, "wake_at": (now // DAY_S + 1) * DAY_S}


def _keys(transaction: Transaction, bucket: Bucket, rules: list[Rule], now: float, after: bytes) -> bytes:
    """The escaped key it came to; b"": there are no more."""
    rows = list(islice(bucket.scan(b"o", after + b"\xff" if after else b"", b""), KEYS_OF_STEP))
    for row, _ in rows:
        _key(transaction, bucket, state.opened(row[:-2]), rules, now)
    return rows[-1][0] if len(rows) == KEYS_OF_STEP else b""


def _key(transaction: Transaction, bucket: Bucket, key: str, rules: list[Rule], now: float) -> None:
    current = bucket.current(key)
    assert current is not None, "it was just read"
    older = list(islice(bucket.older(key), VERSIONS_OF_STEP))
    _older(transaction, bucket, key, [current, *older], rules, now)
    if current.get("marker"):
        if next(bucket.older(key), None) is None and any(_ends_marker(rule, key, current, now) for rule in rules):
            versions.remove(transaction, bucket, Happened(DELETED, key, current))
        return
    matching = [rule for rule in rules if matches(rule, key, current)]
    if any(_is_due(rule.get("Expiration") or {}, current["time"], now) for rule in matching):
        _expire(transaction, bucket, key, current)
        return
    moved = _class(bucket, matching, "Transitions", current, current["time"], now)
    if moved != current.get("class", STANDARD):
        _move(transaction, bucket, key, current, moved)


def _expire(transaction: Transaction, bucket: Bucket, key: str, current: Record) -> None:
    if bucket.versioning:
        marker: Record = {"marker": True, "time": second(transaction), "owner": bucket.owner, "etag": "", "size": 0}
        versions.put(transaction, bucket, Happened("LifecycleExpiration:DeleteMarkerCreated", key, marker), current)
    else:
        versions.remove(transaction, bucket, Happened(DELETED, key, current))


def _move(transaction: Transaction, bucket: Bucket, key: str, record: Record, storage_class: str) -> None:
    moved = {name: value for name, value in record.items() if name != "restore"} | {"class": storage_class}
    bucket.update(key, moved)
    more = {"lifecycleEventData": {"transitionEventData": {"destinationStorageClass": storage_class}}}
    events.happened(transaction, bucket, Happened(
        "LifecycleTransition", key, moved, more, {"destination-storage-class": storage_class}))


def _older(
    transaction: Transaction, bucket: Bucket, key: str, found: list[Record], rules: list[Rule], now: float
) -> None:
    """`found`: the current one and those behind it. Each is noncurrent since the one before it came."""
    for position, (newer, record) in enumerate(pairwise(found)):
        matching = [rule for rule in rules if matches(rule, key, record)]
        if any(_is_outlived(rule.get("NoncurrentVersionExpiration"), newer["time"], position, now)
               for rule in matching) and _may_go(record, now):
            versions.remove(transaction, bucket, Happened(DELETED, key, record))
            continue
        moved = _class(bucket, matching, "NoncurrentVersionTransitions", record, newer["time"], now)
        if not record.get("marker") and moved != record.get("class", STANDARD):
            _move(transaction, bucket, key, record, moved)


def _may_go(record: Record, now: float) -> bool:
    try:
        locks.check_removal(record, now, bypass=False)
    except AccessDenied:
        return False
    return True


def _is_outlived(expiration: Rule | None, since: float, newer_noncurrent: int, now: float) -> bool:
    if not expiration or expiration.get("NoncurrentDays") is None:
        return False
    return newer_noncurrent >= expiration.get("NewerNoncurrentVersions", 0) \
        and due_at(since, expiration["NoncurrentDays"]) <= now


def _ends_marker(rule: Rule, key: str, marker: Record, now: float) -> bool:
    """Nothing stands behind it: asked for by name, or a rule that expires by days does it too."""
    expiration = rule.get("Expiration") or {}
    by_days = "Days" in expiration and due_at(marker["time"], expiration["Days"]) <= now
    return matches(rule, key, marker) and bool(expiration.get("ExpiredObjectDeleteMarker") or by_days)


def _class(bucket: Bucket, rules: list[Rule], member: str, record: Record, since: float, now: float) -> str:
    """Where it stands once what is due has been done: the transition that came last counts."""
    known = [(due_time(transition, since), transition["StorageClass"])
             for rule in rules for transition in rule.get(member) or ()
             if record["size"] >= SMALL_BYTES or _moves_small(bucket, rule, transition["StorageClass"])]
    found: str = max((each for each in known if each[0] <= now), default=(0.0, record.get("class", STANDARD)))[1]
    return found


def _moves_small(bucket: Bucket, rule: Rule, storage_class: str) -> bool:
    """A rule that says which sizes it is for means it; else the configuration's minimum counts."""
    if not _SIZES.isdisjoint(name for name, _ in conditions(rule)):
        return True
    lifecycle = bucket.configuration(LIFECYCLE)
    return lifecycle.get("minimum") == BY_CLASS and storage_class in _TAKING_SMALL


def _is_due(action: Rule, since: float, now: float) -> bool:
    return due.is_timed(action) and due_time(action, since) <= now


def _is_aborted(rules: list[Rule], upload: Record, now: float) -> bool:
    return any(matches(rule, upload["key"], {}) and due_at(upload["time"], days) <= now
               for rule, days in due.aborting(rules))
