"""Replication: the copies that a bucket's rules ask for, made by a job, under the role that the configuration names.

An item of the queue is a version by key and id; what it is now, and which rules it is for now, is read when its turn
comes. The role is assumed, and must be allowed to read the source and to replicate to the destination, as on AWS, the
destination's bucket policy counting too: asked of the chain by `MayReplicate`, a part that does nothing but pass it.
A replica has its source's version id and place among the versions, metadata, tags, locks and, where it keeps its owner,
ACL. Bytes are linked, not copied. Replica, status and the item's end are one commit.
Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-what-is-isnot-replicated.html and
…/setting-repl-config-perm-overview.html
"""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, NamedTuple

import structlog

from actors.runtime.access import Access
from actors.runtime.roles import Session, assume
from actors.runtime.store.shard import Shard
from actors.runtime.store.transaction import Snapshot, Transaction
from actors.s3 import collecting, contents, events, queues, state
from actors.s3.access import bucket_name
from actors.s3.contents import Body, Content
from actors.s3.engine.blobs import Blobs
from actors.s3.engine.sealing import OurKey
from actors.s3.events import Happened
from actors.s3.ownership import ENFORCED, of_bucket
from actors.s3.queues import Item
from actors.s3.replication import COMPLETED, FAILED, KIND, PENDING, REPLICA, rules_for
from actors.s3.state import Bucket, Record
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
Rule = Mapping[str, Any]


class _Version(NamedTuple):
    """What is to be replicated, as it was read. `there`: buckets that have it already."""

    bucket: Bucket
    key: str
    record: Record
    role: str
    rules: list[Rule]
    content: Content
    parts: list[tuple[int, int, bytes]]
    there: set[str]


class Replicator:
    """A shard's. Remembers the sessions of roles that it has assumed."""

    def __init__(self, shard: Shard, blobs: Blobs, ours: OurKey, client: Client) -> None:
        self._shard = shard
        self._blobs = blobs
        self._ours = ours
        self._client = client
        self._sessions: dict[str, Session] = {}

    async def step(self, now: float, job: Job) -> Job | None:
        items: list[Item] = self._shard.read(lambda view: queues.first(view, job, ITEMS_OF_STEP))
        attempts = job.get("attempts", 0)
        for item in items:
            try:
                more = await self._replicate(job, item, now)
            except BusError as error:
                attempts += 1
                log.info("replication_waits", bucket=job["bucket"], reason=type(error).__name__, attempts=attempts)
                if attempts >= ATTEMPTS:
                    await self._shard.transact(lambda view: self._end(view, job, item, {}))  # noqa: B023 - awaited here
                    attempts = 0
                wait_s = min(RETRY_S * 2 ** max(attempts - 1, 0), RETRY_LIMIT_S)
                return {**job, "attempts": attempts, "wake_at": now + wait_s}
            attempts = 0
            if not more:
                return None
        return {**job, "attempts": 0, "wake_at": 0.0} if items else None

    async def _replicate(self, job: Job, item: Item, now: float) -> bool:
        """One version, to all its destinations. Is there more in the queue? BusError."""
        version: _Version | None = self._shard.read(lambda view: _read(
            view, job["bucket"], item.content, self._ours))
        if version is None:
            return bool(await self._shard.transact(lambda view: queues.done(view, job, [item])))
        outcomes: dict[str, str] = {}     # by destination: why it failed, "" where it did not
        copies: dict[str, list[Piece]] = {}
        for rule in version.rules:
            name = bucket_name(rule["Destination"]["Bucket"])
            outcomes[name] = await self._refusal(version, rule, now)
            if outcomes[name] or name in version.there:
                continue
            try:
                copies[name] = await asyncio.to_thread(_linked, self._blobs, version.content)
            except FileNotFoundError:               # the version has gone meanwhile
                outcomes[name] = "SourceObjectNotFound"
        files = [file.name for pieces in copies.values() for file in pieces]

        def commit(transaction: Transaction) -> bool:
            for rule in version.rules:
                name = bucket_name(rule["Destination"]["Bucket"])
                if not outcomes[name]:
                    outcomes[name] = _put(transaction, version, rule, copies.get(name), self._ours)
            return self._end(transaction, job, item, outcomes)

        async with collecting.named_or_removed(self._shard, self._blobs, files):
            more: bool = await self._shard.transact(commit)
        await self._tidy(files)
        return more

    async def _tidy(self, files: list[str]) -> None:
        """Links that no replica came to need: it was there already."""
        left = self._shard.read(lambda view: [name for name in files if not contents.is_known(view, name)])
        if left:
            await asyncio.to_thread(self._blobs.remove, left)

    def _end(self, transaction: Transaction, job: Job, item: Item, outcomes: Mapping[str, str]) -> bool:
        """The source's status, and no more of this item."""
        bucket, key = state.find_bucket(transaction, job["bucket"]), item.content["key"]
        record = None if bucket is None else bucket.version(key, item.content["id"])
        if bucket is not None and record is not None and record.get("replication") == PENDING:
            failed = {name: reason for name, reason in outcomes.items() if reason}
            status = COMPLETED if outcomes and not failed else FAILED
            bucket.update(key, {**record, "replication": status})
            if status == FAILED:
                _tell(transaction, bucket, key, record, failed)
        return queues.done(transaction, job, [item])

    async def _refusal(self, version: _Version, rule: Rule, now: float) -> str:
        """Why the role may not replicate this; "": it may. BusError."""
        deletes = bool(version.record.get("marker"))
        asked = {
            "Bucket": bucket_name(rule["Destination"]["Bucket"]), "Key": version.key, "From": version.bucket.name,
            "VersionId": version.record["id"], "Deletes": deletes, "Tags": bool(version.record.get("tags")),
            "Owner": bool(rule["Destination"].get("AccessControlTranslation")),
        }
        try:
            session = await self._session(version.role, now)
        except AwsError as error:
            log.warning("replication_refused", bucket=version.bucket.name, role=version.role, reason=error.message)
            return "AssumeRoleNotPermitted"
        try:
            await self._client.call("s3", f"{PART}{MAY}", asked, identity=session.identity,
                                    region=version.bucket.record["region"])
        except AwsError as error:
            log.warning("replication_refused", bucket=version.bucket.name, role=version.role, reason=error.message)
            return "DstPutObjectNotPermitted" if not deletes else "DstDeleteObjNotPermitted"
        return ""

    async def _session(self, role: str, now: float) -> Session:
        session = self._sessions.get(role)
        if session is None or (session.expires - SESSION_LEFT).timestamp() <= now:
            if len(self._sessions) >= SESSIONS_LIMIT:
                self._sessions.clear()
            session = self._sessions[role] = await assume(self._client, "s3", role, "s3-replication")
        return session


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


def _read(view: Snapshot, name: str, item: Mapping[str, Any], ours: OurKey) -> _Version | None:
    """None: there is nothing more to replicate."""
    bucket = state.find_bucket(view, name)
    document = None if bucket is None else bucket.configuration(KIND)
    record = None if bucket is None else bucket.version(item["key"], item["id"])
    if bucket is None or record is None or record.get("replication") != PENDING:
        return None
    rules = [] if document is None else rules_for(document, item["key"], record)
    targets = {bucket_name(rule["Destination"]["Bucket"]) for rule in rules}
    there = {name for name in targets if _has_replica(view, name, item["key"], record)}
    content = record.get("content")
    return _Version(
        bucket, item["key"], record, document["Role"] if document else "", rules,
        Content(b"", []) if content is None else contents.load(view, content, ours),
        [] if content is None else contents.parts(view, content), there)


def _has_replica(view: Snapshot, target: str, key: str, record: Record) -> bool:
    bucket = state.find_bucket(view, target)
    return bucket is not None and bucket.version(key, record["id"]) is not None


def _linked(blobs: Blobs, content: Content) -> list[Piece]:
    """The files under names of their own. In a thread."""
    return [blobs.link(piece) for piece in content.pieces]


def _put(
    transaction: Transaction, version: _Version, rule: Rule, files: list[Piece] | None, ours: OurKey
) -> str:
    """The replica; why there is none, or "". `files`: its own; None: it was there."""
    target = state.find_bucket(transaction, bucket_name(rule["Destination"]["Bucket"]))
    if target is None:
        return "DstBucketNotFound"
    if target.versioning != state.ENABLED:
        return "DstBucketUnversioned"
    bucket = state.find_bucket(transaction, version.bucket.name)
    source = None if bucket is None else bucket.version(version.key, version.record["id"])
    if source is None:
        return "SourceObjectNotFound"
    record = _described(target, rule, source)
    there = target.version(version.key, record["id"])
    if not target.has_place_for(version.key, record) or (there is None and files is None):
        return "DstVersionConflict"
    if there is not None:
        record |= {name: there[name] for name in ("content",) if name in there}
    elif not record.get("marker"):
        record["content"] = contents.keep_files(transaction, files, ours, version.parts) if files else contents.keep(
            transaction, Body(version.content.data, None, record["size"], {}), ours)
    target.insert(version.key, record)
    if there is None:
        _announce(transaction, target, version.key, record)
    return ""


def _described(target: Bucket, rule: Rule, source: Record) -> Record:
    destination = rule["Destination"]
    record = {**source, "replication": REPLICA}
    if destination.get("StorageClass") and not source.get("marker"):
        record["class"] = destination["StorageClass"]
    if of_bucket(target) == ENFORCED or destination.get("AccessControlTranslation"):
        record["owner"] = target.owner
        record.pop("acl", None)
    key = (destination.get("EncryptionConfiguration") or {}).get("ReplicaKmsKeyID")
    if key and "SSEKMSKeyId" in record.get("encryption", {}):
        record["encryption"] = {**record["encryption"], "SSEKMSKeyId": key}
    if not target.record.get("lock"):
        record.pop("retain", None)
        record.pop("hold", None)
    return record


def _announce(transaction: Transaction, target: Bucket, key: str, record: Record) -> None:
    if record.get("marker"):
        name = "ObjectRemoved:DeleteMarkerCreated"
    else:
        name = "ObjectCreated:CompleteMultipartUpload" if record.get("parts") else "ObjectCreated:Put"
    events.happened(transaction, target, Happened(name, key, record))


def _tell(transaction: Transaction, bucket: Bucket, key: str, record: Record, failed: Mapping[str, str]) -> None:
    for name, reason in failed.items():
        operation = "OBJECT_DELETE" if record.get("marker") else "OBJECT_PUT"
        more = {"replicationEventData": {
            "destinationBucket": f"arn:aws:s3:::{name}", "s3Operation": operation, "failureReason": reason,
            "requestTime": events.moment(record["time"])}}
        events.happened(transaction, bucket, Happened("Replication:OperationFailedReplication", key, record, more))
