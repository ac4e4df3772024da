"""Takes events to where a notification configuration sends them: SQS, SNS, Lambda and EventBridge, as s3.amazonaws.com.

Each destination of a bucket has a queue of its own (queues.py), which one job empties in order, at least once, over
the bus to the service that has it. What a service that is not there, or answers an error, did not take is brought
ATTEMPTS times and then dropped; what is behind it gets one attempt each until one arrives. So nobody's absence
holds up the rest, and no write ever waits. Drops are counted (`skybus_s3_notifications_dropped_total`) and logged.
"""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

import structlog

from actors.runtime.principals import SERVICE_PREFIX
from actors.runtime.store.shard import Shard
from actors.runtime.store.transaction import Transaction
from actors.s3 import queues
from actors.s3.queues import Item, Queue
from actors.s3.state import Bucket
from bus.backoff import backoff_s
from bus.client import Client
from bus.subjects import SERVICE
from bus.transport import BusError
from schemas.envelope import Identity
from schemas.errors import AwsError

DELIVER_JOB = "deliver"
WAITING_LIMIT = 100_000                   # events of one destination; what comes then is dropped
ITEMS_OF_STEP = 32
ATTEMPTS = 8                              # of one event, waiting 1, 2, 4 … RETRY_LIMIT_S in between: about two minutes
RETRY_S, RETRY_LIMIT_S = 1.0, 60.0
TIMEOUT_S = 10.0                          # for one answer

dropped: Counter[str] = Counter()         # by service, since this process began

log = structlog.get_logger(__name__)
Request = Mapping[str, Any]


class Place(NamedTuple):
    """A destination, from its ARN."""

    arn: str
    service: str
    region: str
    account: str
    name: str


def place_of(arn: str) -> Place:
    _, _, service, region, account, name = arn.split(":", 5)
    return Place(arn, service, region, account, name)


def event_bus(bucket: Bucket) -> str:
    return f"arn:aws:events:{bucket.record['region']}:{bucket.owner}:event-bus/default"


def enqueue(transaction: Transaction, bucket: Bucket, arn: str, event: Request) -> None:
    purpose = {"arn": arn, "bucket": bucket.name, "owner": bucket.owner}
    queue = Queue(b"\0".join((b"notify", bucket.name.encode(), arn.encode())), DELIVER_JOB, purpose, WAITING_LIMIT)
    if not queues.push(transaction, queue, event):
        _drop(arn, bucket.name, "too many wait")


async def step(shard: Shard, client: Client, now: float, job: dict[str, Any]) -> dict[str, Any] | None:
    items: list[Item] = shard.read(lambda view: queues.first(view, job, ITEMS_OF_STEP))
    place, attempts = place_of(job["arn"]), job.get("attempts", 0)
    gone: list[Item] = []
    for item in items:
        reason = await _send(client, place, item.content, job)
        if not reason:
            attempts = 0
        elif attempts < ATTEMPTS - 1:
            attempts += 1
            break
        else:
            _drop(place.arn, job["bucket"], reason)
        gone.append(item)
    more = await shard.transact(lambda transaction: queues.done(transaction, job, gone))
    if not more:
        return None
    wait_s = backoff_s(attempts, RETRY_S, RETRY_LIMIT_S) if len(gone) < len(items) else 0.0
    return {**job, "attempts": attempts, "wake_at": now + wait_s if wait_s else 0.0}


async def _send(client: Client, place: Place, event: Request, job: Request) -> str:
    """Why an event did not arrive; "": it did."""
    operation, params = asked(place, event)
    try:
        answer = await client.call(place.service, operation, params, timeout_s=TIMEOUT_S,
                                   **as_s3(place, job["bucket"], job["owner"]))
    except BusError as error:
        return type(error).__name__
    except AwsError as error:
        return error.error_code
    return "FailedEntry" if answer.get("FailedEntryCount") else ""


def as_s3(place: Place, bucket: str, owner: str) -> dict[str, Any]:
    """Who asks, where, and for which bucket: destinations' policies speak of aws:SourceArn and aws:SourceAccount."""
    return {"identity": Identity(SERVICE, place.account, f"{SERVICE_PREFIX}s3"), "region": place.region,
            "source": {"arn": f"arn:aws:s3:::{bucket}", "account": owner}}


def asked(place: Place, event: Request) -> tuple[str, dict[str, Any]]:
    if place.service == "events":
        return "PutEvents", {"Entries": [{**event, "Detail": json.dumps(event["Detail"])}]}
    text = json.dumps(event)
    match place.service:
        case "sqs":
            return "SendMessage", {"QueueUrl": queue_url(place), "MessageBody": text}
        case "sns":
            return "Publish", {"TopicArn": place.arn, "Message": text, "Subject": "Amazon S3 Notification"}
    assert place.service == "lambda", place.arn
    return "Invoke", {"FunctionName": place.arn, "InvocationType": "Event", "Payload": text.encode()}


def queue_url(place: Place) -> str:
    return f"https://sqs.{place.region}.amazonaws.com/{place.account}/{place.name}"


def _drop(arn: str, bucket: str, reason: str) -> None:
    service = place_of(arn).service
    dropped[service] += 1
    log.warning("notification_dropped", bucket=bucket, destination=arn, reason=reason)


def samples() -> list[tuple[str, dict[str, str], float]]:
    return [("skybus_s3_notifications_dropped_total", {"destination": service}, count)
            for service, count in sorted(dropped.items())]
