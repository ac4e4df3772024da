"""ListStreams, DescribeStream, GetShardIterator, GetRecords.

A stream has one shard for as long as it lives: all changes of a table in one order, which is more than AWS promises.
Sources: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Operations_Amazon_DynamoDB_Streams.html;
behaviour at the edges from Scylla's Alternator (test_streams.py), which runs its tests against AWS.
"""

import hashlib
import time
from collections.abc import Generator, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from actors.dynamodb import streams
from actors.dynamodb.engine.values import INVALID, measure
from actors.dynamodb.streams import Change
from actors.dynamodbstreams import iterators
from actors.dynamodbstreams.errors import ShardNotFound, StreamNotFound, TrimmedDataAccessException
from actors.dynamodbstreams.iterators import Place
from actors.runtime.context import Context
from actors.runtime.parts import Parts, merged
from actors.runtime.store.transaction import Snapshot
from schemas.errors import ValidationException

LIST_LIMIT_STREAMS = 100
RECORDS_LIMIT = 1000
ANSWER_LIMIT_BYTES = 1024 * 1024
SLICE_S = 0.002
SEQUENCE_BASE = 10**20                    # sequence numbers have 21 digits and more, all the same number of them

Request = Mapping[str, Any]
Stream = dict[str, Any]                   # a stream's record, see streams.stream_at


def listed(context: Context, snapshot: Snapshot, request: Request) -> dict[str, Any]:
    limit = _limit(request, LIST_LIMIT_STREAMS)
    start = request.get("ExclusiveStartStreamArn")
    after = b"" if start is None else _key(context, start)
    found = streams.streams_of(snapshot, context.scope, request.get("TableName") or "", after)
    told = [
        {"StreamArn": each["arn"], "TableName": each["table"], "StreamLabel": each["label"]}
        for each in islice(found, limit + 1)
    ]
    if len(told) > limit:
        return {"Streams": told[:limit], "LastEvaluatedStreamArn": told[limit - 1]["StreamArn"]}
    return {"Streams": told}


async def listed_across(parts: Parts, request: Request) -> dict[str, Any]:
    """The same of several shards."""
    limit = _limit(request, LIST_LIMIT_STREAMS)
    answers = await parts.ask_all(request)
    found, has_more = merged(answers, "Streams", "LastEvaluatedStreamArn", limit,
                             lambda stream: (stream["TableName"], stream["StreamLabel"]))
    return {"Streams": found, **({"LastEvaluatedStreamArn": found[-1]["StreamArn"]} if has_more else {})}


def described(context: Context, snapshot: Snapshot, request: Request) -> dict[str, Any]:
    stream = _stream(context, snapshot, request["StreamArn"])
    _limit(request, LIST_LIMIT_STREAMS)
    shard = shard_id(stream)
    span = {"StartingSequenceNumber": shown(0)}
    if stream["ended"] is not None:
        span["EndingSequenceNumber"] = shown(streams.last_sequence(snapshot, stream["space"]))
    after = request.get("ExclusiveStartShardId")
    has_children_only = request.get("ShardFilter") is not None       # and no shard of ours has children
    shards = [] if has_children_only or (after is not None and after >= shard) else [
        {"ShardId": shard, "SequenceNumberRange": span}
    ]
    return {"StreamDescription": {
        "StreamArn": stream["arn"],
        "StreamLabel": stream["label"],
        "StreamStatus": "ENABLED" if stream["ended"] is None else "DISABLED",
        "StreamViewType": stream["view"],
        "CreationRequestDateTime": datetime.fromtimestamp(stream["created"], UTC),
        "TableName": stream["table"],
        "KeySchema": stream["key_schema"],
        "Shards": shards,
    }}


def iterator(context: Context, snapshot: Snapshot, request: Request) -> dict[str, Any]:
    stream = _stream(context, snapshot, request["StreamArn"])
    if request["ShardId"] != shard_id(stream):
        raise ShardNotFound
    place = Place(stream["arn"], _wanted(snapshot, stream, request))
    return {"ShardIterator": iterators.issued(place, context.now)}


def _wanted(snapshot: Snapshot, stream: Stream, request: Request) -> int:
    """The sequence of the first change an iterator of this type reads."""
    kind: str = request["ShardIteratorType"]
    number: str | None = request.get("SequenceNumber")
    space: int = stream["space"]
    if kind in ("AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"):
        if number is None:
            raise ValidationException(f"{INVALID}SequenceNumber must be specified for ShardIteratorType {kind}")
        sequence = _sequence(number)
        is_after = kind == "AFTER_SEQUENCE_NUMBER"
        if not 0 <= sequence <= streams.last_sequence(snapshot, space) + (not is_after):
            raise ValidationException("Invalid SequenceNumber for the shard")
        sequence = max(1, sequence + is_after)
        if sequence < streams.first_sequence(snapshot, space):
            raise TrimmedDataAccessException
        return sequence
    if number is not None:
        raise ValidationException(f"{INVALID}SequenceNumber must not be specified for ShardIteratorType {kind}")
    if kind == "TRIM_HORIZON":
        return streams.first_sequence(snapshot, space)
    if kind == "AT_TIMESTAMP":
        if request.get("Timestamp") is None:
            raise ValidationException(f"{INVALID}Timestamp must be specified for ShardIteratorType {kind}")
        return _at(snapshot, space, request["Timestamp"].timestamp())
    assert kind == "LATEST", kind
    return streams.last_sequence(snapshot, space) + 1


def _sequence(number: str) -> int:
    if not (number.isascii() and number.isdecimal()):
        raise ValidationException(f"{INVALID}Invalid SequenceNumber: {number}")
    return int(number) - SEQUENCE_BASE


def _at(snapshot: Snapshot, space: int, moment: float) -> int:
    """The first change not older than `moment`: sequences have no gaps, and times go back only if the clock did."""
    low, high = streams.first_sequence(snapshot, space), streams.last_sequence(snapshot, space) + 1
    while low < high:
        middle = (low + high) // 2
        change = streams.change_at(snapshot, space, middle)
        assert change is not None, "sequences have no gaps"
        if change.when < moment:
            low = middle + 1
        else:
            high = middle
    return low


def records(context: Context, snapshot: Snapshot, request: Request) -> Generator[None, None, dict[str, Any]]:
    """At most Limit records and 1 MB, at least one if there is any. The next iterator is absent at the end of a stream
    that was disabled."""
    place = iterators.parsed(request["ShardIterator"], context.now)
    limit = _limit(request, RECORDS_LIMIT)
    stream = _stream(context, snapshot, place.arn)
    if place.sequence < streams.first_sequence(snapshot, stream["space"]):
        raise TrimmedDataAccessException
    told: list[dict[str, Any]] = []
    size = 0
    slice_end = time.perf_counter() + SLICE_S
    for change in islice(streams.changes(snapshot, stream["space"], place.sequence), limit):
        record = _record(context, stream, change)
        size += record["dynamodb"]["SizeBytes"]
        if told and size > ANSWER_LIMIT_BYTES:
            break
        told.append(record)
        if time.perf_counter() > slice_end:
            yield
            slice_end = time.perf_counter() + SLICE_S
    answer: dict[str, Any] = {"Records": told}
    after = place.sequence + len(told)
    if stream["ended"] is None or after <= streams.last_sequence(snapshot, stream["space"]):
        answer["NextShardIterator"] = iterators.issued(Place(place.arn, after), context.now)
    return answer


def _record(context: Context, stream: Stream, change: Change) -> dict[str, Any]:
    item = change.keys or change.new or change.old
    assert item is not None, "a change tells at least the key"
    keys = {each["AttributeName"]: item[each["AttributeName"]] for each in stream["key_schema"]}
    told: dict[str, Any] = {"ApproximateCreationDateTime": datetime.fromtimestamp(int(change.when), UTC), "Keys": keys}
    size = measure(keys)
    for member, image in (("NewImage", change.new), ("OldImage", change.old)):
        if image is not None:
            told[member] = image
            size += measure(image)
    told |= {"SequenceNumber": shown(change.sequence), "SizeBytes": size, "StreamViewType": stream["view"]}
    record = {
        "eventID": _event_id(stream, change.sequence), "eventName": change.event, "eventVersion": "1.1",
        "eventSource": "aws:dynamodb", "awsRegion": context.region, "dynamodb": told,
    }
    if change.is_expiry:
        record["userIdentity"] = {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}
    return record


def _event_id(stream: Stream, sequence: int) -> str:
    return hashlib.blake2b(f"{stream['arn']}/{sequence}".encode(), digest_size=16).hexdigest()


def shown(sequence: int) -> str:
    """As AWS's SequenceNumber: decimal digits that sort as text too."""
    return str(SEQUENCE_BASE + sequence)


def shard_id(stream: Stream) -> str:
    """In AWS's form: shardId-<20 digits of milliseconds>-<8 hexadecimal digits>."""
    return f"shardId-{int(stream['created'] * 1000):020d}-{stream['space']:08x}"


def _limit(request: Request, most: int) -> int:
    limit: int = request.get("Limit") or most
    if limit > most:
        raise ValidationException(f"{INVALID}Limit should be less than or equal to {most}")
    return limit


def _stream(context: Context, snapshot: Snapshot, arn: str) -> Stream:
    stream = streams.stream_at(snapshot, _key(context, arn))
    if stream is None or stream["arn"] != arn:
        raise StreamNotFound(arn)
    return stream


def _key(context: Context, arn: str) -> bytes:
    """Where a stream's record is. StreamNotFound for an ARN of another account or region."""
    head, slash, label = arn.partition("/stream/")
    parts = head.split(":", 5)
    if not slash or len(parts) != 6 or not parts[5].startswith("table/"):
        raise ValidationException("Invalid StreamArn")
    account, region = context.scope
    if parts[:5] != ["arn", "aws", "dynamodb", region, account] or not arn.isascii():
        raise StreamNotFound(arn)
    return streams.stream_key(context.scope, parts[5].removeprefix("table/"), label)
