"""Access logs on their way: lines are gathered in memory, written down every FLUSH_S, and put as objects later.

As on AWS nothing waits for a log and completeness is not promised: what a crash finds in memory is lost, the lines of
at most FLUSH_S; what is written down is put by a job DELIVERY_S later, as logging.s3.amazonaws.com, whom the target's
policy or ACL must let in. What cannot be put is dropped, and counted (`skybus_s3_log_records_dropped_total`).
"""

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import structlog

from actors.runtime.chain.call import Call
from actors.runtime.principals import SERVICE_PREFIX
from actors.runtime.store.errors import Overloaded
from actors.runtime.store.shard import Shard
from actors.runtime.store.transaction import Snapshot, Transaction
from actors.s3 import log_lines, log_targets, points, queues, state
from actors.s3.access import bucket_name
from actors.s3.errors import S3Error
from actors.s3.log_targets import LOGGER
from actors.s3.owners import canonical_id
from actors.s3.queues import Item, Queue
from actors.s3.state import Bucket
from bus.client import Client
from bus.subjects import SERVICE
from bus.transport import BusError
from schemas.envelope import Identity
from schemas.errors import AwsError

LOG_JOB = "log"
FLUSH_S = 5.0
DELIVERY_S = 60.0                         # from the first line that is written down to the object; AWS: within hours
GATHERED_LIMIT_BYTES = 8 << 20            # in memory, of all buckets; further lines are dropped
ROW_LIMIT_BYTES = 1 << 20                 # written down together
ROWS_LIMIT = 1000                         # of one bucket, not yet put; further ones are dropped
ROWS_OF_OBJECT = 8
ATTEMPTS, RETRY_S = 10, 30.0
DAY_S = 24 * 3600
_CHANGING = frozenset({"PutBucketLogging", "CreateBucket", "DeleteBucket"})

log = structlog.get_logger(__name__)
Job = dict[str, Any]
Content = Mapping[str, Any]


class Logger:
    """A shard's. Which buckets have a log is kept in memory, so that the others' requests cost a look into a set."""

    def __init__(self, shard: Shard, client: Client) -> None:
        self._shard = shard
        self._client = client
        self._owners: dict[str, str] = shard.read(_logged)         # accounts, by bucket that has a log
        self._gathered: dict[tuple[str, int], list[str]] = defaultdict(list)       # by bucket and day
        self._bytes = 0
        self._flush_due = False
        self.dropped = 0

    def note(self, call: Call) -> None:
        """A request's answer is made."""
        name = call.request.get("Bucket")
        if not isinstance(name, str):
            return
        if call.error is None and call.context.operation.name in _CHANGING:
            self._look_again(bucket_name(name))
        if self._owners and call.context.principal.arn != LOGGER:  # its own requests would make a log for ever
            self._gather(call)

    def _look_again(self, name: str) -> None:
        owner = self._shard.read(lambda view: _owner_of_log(view, name))
        if owner:
            self._owners[name] = owner
        else:
            self._owners.pop(name, None)

    def _gather(self, call: Call) -> None:
        for given, operation, key in log_lines.entries(call):
            name, point = self._through(call, given) if points.may_stand(given) else (given, "-")
            owner = self._owners.get(name)
            if owner is None:
                continue
            line = log_lines.line(call, owner, name, operation, key, point)
            if self._bytes + len(line) > GATHERED_LIMIT_BYTES:
                self.dropped += 1
                continue
            self._gathered[name, int(call.context.now // DAY_S)].append(line)
            self._bytes += len(line) + 1
        if self._bytes > ROW_LIMIT_BYTES:
            self._flush()
        elif self._bytes and not self._flush_due:
            self._flush_due = True
            asyncio.get_running_loop().call_later(FLUSH_S, self._flush)

    def _through(self, call: Call, name: str) -> tuple[str, str]:
        """The bucket, and the ARN of the access point that its request names; "-": none."""
        try:
            point: points.Point | None = self._shard.read(lambda view: points.find(view, name, call.context.region))
        except S3Error:
            point = None
        return (bucket_name(name), "-") if point is None else (point.bucket, point.arn)

    def _flush(self) -> None:
        self._flush_due = False
        gathered, self._gathered, self._bytes = self._gathered, defaultdict(list), 0
        for (name, day), found in gathered.items():
            text = "\n".join(found) + "\n"
            row = {"day": day, "text": text, "lines": len(found)}
            try:
                self._shard.write(partial(_write_down, name, row), partial(self._written, len(found)), len(text))
            except Overloaded:
                self.dropped += len(found)

    def _written(self, count: int, kept: bool | None, error: BaseException | None) -> None:
        if error is not None or not kept:
            self.dropped += count
            log.warning("log_records_dropped", count=count, reason=str(error or "too many wait"))

    async def step(self, now: float, job: Job) -> Job | None:
        """Puts the next object of a bucket's log."""
        items, bucket = self._shard.read(lambda view: (
            _of_one_day(queues.first(view, job, ROWS_OF_OBJECT)), state.find_bucket(view, job["bucket"])))
        wanted = None if bucket is None else (bucket.configuration(log_targets.KIND) or {}).get("LoggingEnabled")
        if items and bucket is not None and wanted is not None:
            reason = await self._put(bucket, wanted, items)
            if reason and job.get("attempts", 0) < ATTEMPTS:
                return {**job, "attempts": job.get("attempts", 0) + 1, "wake_at": now + RETRY_S}
            if reason:
                count = sum(item.content["lines"] for item in items)
                self.dropped += count
                log.warning("log_records_dropped", bucket=job["bucket"], count=count, reason=reason)
        more = await self._shard.transact(lambda transaction: queues.done(transaction, job, items))
        return {**job, "attempts": 0, "wake_at": 0.0} if more else None

    async def _put(self, bucket: Bucket, wanted: Content, items: list[Item]) -> str:
        """Why not; "": it is there. The name is made of the lines: what is put again replaces itself."""
        body = "".join(item.content["text"] for item in items).encode()
        unique = hashlib.sha256(body).hexdigest()[:16].upper()
        last = items[-1].content
        key = log_targets.key(bucket, wanted, last["day"] * DAY_S, last["at"], unique)
        params = {"Bucket": wanted["TargetBucket"], "Key": key, "Body": body, "ContentType": "text/plain",
                  **_grants(wanted, bucket.owner)}
        identity = Identity(SERVICE, bucket.owner, f"{SERVICE_PREFIX}{LOGGER.removesuffix('.amazonaws.com')}".replace(
            ".", "_"))
        try:
            await self._client.call("s3", "PutObject", params, identity=identity, region=bucket.record["region"],
                                    source={"arn": f"arn:aws:s3:::{bucket.name}", "account": bucket.owner})
        except (AwsError, BusError) as error:
            return str(error)
        return ""


def _logged(view: Snapshot) -> dict[str, str]:
    names = [record["name"] for record in state.buckets(view)]
    return {name: owner for name in names if (owner := _owner_of_log(view, name))}


def _owner_of_log(view: Snapshot, name: str) -> str:
    """The account of a bucket that has a log; "": it has none."""
    bucket = state.find_bucket(view, name)
    wanted = bucket is not None and (bucket.configuration(log_targets.KIND) or {}).get("LoggingEnabled")
    return bucket.owner if bucket is not None and wanted else ""


def _write_down(name: str, row: Mapping[str, Any], transaction: Transaction) -> bool:
    now = transaction.now()
    queue = Queue(b"log\0" + name.encode(), LOG_JOB, {"bucket": name, "wake_at": now + DELIVERY_S}, ROWS_LIMIT)
    return queues.push(transaction, queue, {**row, "at": now})


def _of_one_day(items: Iterable[Item]) -> list[Item]:
    found = list(items)
    return [item for item in found if item.content["day"] == found[0].content["day"]]


_GRANTS = {"FULL_CONTROL": "GrantFullControl", "READ": "GrantRead"}       # AWS takes others too, and lets them be


def _grants(wanted: Content, owner: str) -> dict[str, str]:
    """TargetGrants as headers of the objects, which their owner gets too."""
    found: dict[str, list[str]] = defaultdict(list)
    if wanted.get("TargetGrants"):
        found["GrantFullControl"].append(f'id="{canonical_id(owner)}"')
    for grant in wanted.get("TargetGrants") or ():
        grantee = grant.get("Grantee") or {}
        named = f'id="{grantee["ID"]}"' if grantee.get("ID") else f'uri="{grantee.get("URI", "")}"'
        if grant["Permission"] in _GRANTS:
            found[_GRANTS[grant["Permission"]]].append(named)
    return {member: ",".join(grantees) for member, grantees in found.items()}
