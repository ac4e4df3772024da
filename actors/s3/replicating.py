"""Replication: the copies that a bucket's rules ask for, made by a job, under the role that the configuration names.

An item of the queue is a version by key and id; what it is now, and which rules it is for now, is read when its turn
comes. Several are under way at once: their places in the destination are by their times, not by who comes first. The
role is assumed, and must be allowed to read the source and to replicate to the destination, as on AWS, the
destination's bucket policy counting too: asked of the chain by `MayReplicate`, a part that does nothing but pass it.
Bytes are linked, not copied. Replica (replicas.py), status and the item's end are one commit.
Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/setting-repl-config-perm-overview.html
"""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import structlog

from actors.runtime.access import Access
from actors.runtime.roles import Session, assume
from actors.runtime.store.shard import Shard
from actors.runtime.store.transaction import Transaction
from actors.s3 import collecting, contents, queues, replicas, state
from actors.s3.engine.blobs import Blobs, Rotten
from actors.s3.engine.sealing import OurKey
from actors.s3.queues import Item
from actors.s3.replicas import Rule, Source, destination
from actors.s3.replication import COMPLETED, FAILED, PENDING, REPLICA
from bus.backoff import backoff_s
from bus.client import Client
from bus.files import Piece
from bus.subjects import PART
from bus.transport import BusError
from schemas.errors import AwsError

MAY = "MayReplicate"                      # the part by which the chain is asked
ITEMS_OF_STEP = 16
ATTEMPTS = 30                             # at one version while IAM cannot be asked: about 25 minutes
RETRY_S, RETRY_LIMIT_S = 1.0, 60.0
SESSION_LEFT = timedelta(minutes=5)       # a role's session is used until so long before its end
SESSIONS_LIMIT = 1000

log = structlog.get_logger(__name__)
Job = dict[str, Any]
Outcomes = Mapping[str, str]              # by destination: why it failed; "": it did not


class Replicator:
    """A shard's. Remembers the sessions of roles that it has assumed."""

    def __init__(self, shard: Shard, blobs: Blobs, ours: OurKey, client: Client) -> None:
        self._shard = shard
        self._blobs = blobs
        self._ours = ours
        self._client = client
        self._sessions: dict[str, Session] = {}
        self._assuming = asyncio.Lock()   # one session a role is enough

    async def step(self, now: float, job: Job) -> Job | None:
        items: list[Item] = self._shard.read(lambda view: queues.first(view, job, ITEMS_OF_STEP))
        outcomes = await asyncio.gather(*(self._replicate(job, item, now) for item in items), return_exceptions=True)
        for item, outcome in zip(items, outcomes, strict=True):
            if isinstance(outcome, BusError):
                return await self._put_off(job, item, now, outcome)
            if isinstance(outcome, BaseException):
                raise outcome
        return {**job, "attempts": 0, "wake_at": 0.0} if items and all(outcomes) else None

    async def _put_off(self, job: Job, item: Item, now: float, error: BusError) -> Job:
        attempts = job.get("attempts", 0) + 1
        log.info("replication_waits", bucket=job["bucket"], reason=type(error).__name__, attempts=attempts)
        if attempts >= ATTEMPTS:
            await self._shard.transact(lambda transaction: _end(transaction, job, item, {}))
            return {**job, "attempts": 0, "wake_at": 0.0}
        return {**job, "attempts": attempts, "wake_at": now + backoff_s(attempts, RETRY_S, RETRY_LIMIT_S)}

    async def _replicate(self, job: Job, item: Item, now: float) -> bool:
        """One version, to all its destinations. Is there more in the queue? BusError."""
        source: Source | None = self._shard.read(lambda view: replicas.read(
            view, job["bucket"], item.content, self._ours))
        if source is None:
            return bool(await self._shard.transact(lambda transaction: queues.done(transaction, job, [item])))
        refused = {destination(rule): await self._refusal(source, rule, now) for rule in source.rules}
        copies = {name: await self._linked(source) for name, reason in refused.items()
                  if not reason and name not in source.there}
        files = [file.name for pieces in copies.values() for file in pieces or ()]

        def commit(transaction: Transaction) -> bool:
            outcomes = dict(refused)
            for rule in source.rules:
                name = destination(rule)
                if copies.get(name, []) is None:
                    outcomes[name] = "SourceObjectUnreadable"
                elif not outcomes[name]:
                    outcomes[name] = replicas.put(transaction, source, rule, copies.get(name), self._ours)
            return _end(transaction, job, item, outcomes)

        async with collecting.named_or_removed(self._shard, self._blobs, files):
            more: bool = await self._shard.transact(commit)
        await self._tidy(files)
        return more

    async def _linked(self, source: Source) -> list[Piece] | None:
        """The files under names of their own. None: they have gone meanwhile, or are not what was stored."""
        content = source.content
        if content is None:
            return None
        sealed = "customer" in source.record
        try:
            return await asyncio.to_thread(lambda: [self._blobs.link(piece, sealed=sealed) for piece in content.pieces])
        except (OSError, Rotten) as error:
            log.warning("replication_unreadable", bucket=source.bucket.name, reason=str(error))
            return None

    async def _tidy(self, files: list[str]) -> None:
        """Links that no replica came to need."""
        left = self._shard.read(lambda view: [name for name in files if not contents.is_known(view, name)])
        if left:
            await asyncio.to_thread(self._blobs.remove, left)

    # May it?

    async def _refusal(self, source: Source, rule: Rule, now: float) -> str:
        """Why the role may not replicate this; "": it may. BusError."""
        asked = {
            "Bucket": destination(rule), "Key": source.key, "From": source.bucket.name, "Deletes": source.is_marker,
            "VersionId": source.record["id"], "Tags": bool(source.record.get("tags")),
            "Owner": bool(rule["Destination"].get("AccessControlTranslation")),
        }
        reason = "AssumeRoleNotPermitted"
        remembered = source.role in self._sessions
        try:
            session = await self._session(source.role, now)
            reason = "DstDeleteObjNotPermitted" if source.is_marker else "DstPutObjectNotPermitted"
            await self._client.call("s3", f"{PART}{MAY}", asked, identity=session.identity,
                                    region=source.bucket.record["region"])
        except AwsError as error:
            if remembered and error.error_code != "AccessDenied":      # its session is none any more: a new role's
                self._sessions.pop(source.role, None)
                return await self._refusal(source, rule, now)
            log.warning("replication_refused", bucket=source.bucket.name, role=source.role, reason=error.message)
            return reason
        return ""

    async def _session(self, role: str, now: float) -> Session:
        async with self._assuming:
            session = self._sessions.get(role)
            if session is None or (session.expires - SESSION_LEFT).timestamp() <= now:
                if len(self._sessions) >= SESSIONS_LIMIT:
                    self._sessions.clear()
                session = self._sessions[role] = await assume(self._client, "s3", role, "s3-replication")
            return session


def _end(transaction: Transaction, job: Job, item: Item, outcomes: Outcomes) -> bool:
    """The source's status, and no more of this item. Is there more in the queue?"""
    bucket, key = state.find_bucket(transaction, job["bucket"]), item.content["key"]
    record = None if bucket is None else bucket.version(key, item.content["id"])
    if bucket is not None and record is not None and record.get("replication") == PENDING:
        failed = {name: reason for name, reason in outcomes.items() if reason}
        done = REPLICA if record.get("replica") else COMPLETED
        status = done if outcomes and not failed else FAILED
        bucket.update(key, {**record, "replication": status})
        replicas.tell_failed(transaction, bucket, key, record, failed)
    return queues.done(transaction, job, [item])


def accesses(request: Mapping[str, Any]) -> list[Access]:
    """What MayReplicate needs: the role's rights on the source and the destination."""
    source, target = (f"arn:aws:s3:::{request[name]}" for name in ("From", "Bucket"))
    version = {"s3:versionid": request["VersionId"]}
    found = [Access("s3:ReplicateDelete" if request["Deletes"] else "s3:ReplicateObject", f"{target}/{request['Key']}"),
             Access("s3:GetReplicationConfiguration", source)]
    if not request["Deletes"]:
        found.append(Access("s3:GetObjectVersionForReplication", f"{source}/{request['Key']}", version))
    if request["Tags"]:
        found += [Access("s3:GetObjectVersionTagging", f"{source}/{request['Key']}", version),
                  Access("s3:ReplicateTags", f"{target}/{request['Key']}")]
    if request["Owner"]:
        found.append(Access("s3:ObjectOwnerOverrideToBucketOwner", f"{target}/{request['Key']}"))
    return found
