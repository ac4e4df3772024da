"""Amazon S3's operations: a table of contents. What each does stands in the module it names."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, ClassVar, cast

from actors.runtime.access import Access, Guard
from actors.runtime.actor import ServiceActor, job, operation, part, query
from actors.runtime.chain.authorise import allowed
from actors.runtime.chain.call import Call
from actors.runtime.context import Context
from actors.runtime.store.environment import Durability
from actors.runtime.store.transaction import Snapshot, Transaction
from actors.runtime.surroundings import Surroundings
from actors.runtime.vault import KEY_FILE, Vault
from actors.s3 import (
    attributes,
    bodies,
    buckets,
    collecting,
    contents,
    copying,
    delivering,
    documents,
    entering,
    listing,
    multipart,
    objects,
    permissions,
    policies,
    reading,
    reencrypting,
    replication,
    resealing,
    restoring,
    selecting,
    tagging,
    upgrades,
    uploads,
)
from actors.s3.contents import Body
from actors.s3.engine.blobs import Blobs
from actors.s3.engine.sealing import OurKey
from actors.s3.errors import AccessDenied, NoSuchKey
from actors.s3.listing import Paging
from actors.s3.log_delivery import LOG_JOB, Logger
from actors.s3.replicating import MAY, Replicator
from actors.s3.scrubbing import Scrubber
from actors.s3.selecting import Queries
from actors.s3.settings import Settings
from bus.files import FOLDER
from bus.metrics import Sample
from schemas.errors import AwsError

Request = Mapping[str, Any]
Answer = dict[str, Any]


class S3(Settings, ServiceActor):
    """Buckets and objects. `blobs` holds what is too large for the shard, `ours` seals what no customer's key does."""

    service: ClassVar[str] = "s3"
    stateful: ClassVar[bool] = True
    file_folders: ClassVar[tuple[str, ...]] = (FOLDER,)
    private_files: ClassVar[tuple[str, ...]] = (KEY_FILE,)
    blobs: Blobs
    replicator: Replicator
    logger: Logger
    vault: Vault
    ours: OurKey
    queries: Queries
    scrubber: Scrubber

    def attach(self, surroundings: Surroundings) -> None:
        super().attach(surroundings)
        self.vault = Vault(surroundings.directory, shared=False)      # one look at its file less for every object
        self.ours = OurKey(self.vault)
        self.queries = Queries()
        self.blobs = Blobs(surroundings.directory / FOLDER, durable=self.shard.durability is Durability.FSYNC)
        self.scrubber = Scrubber(self.shard, self.blobs)
        self.shard.write(collecting.begin, collecting.begun)
        self.shard.write(upgrades.begin, collecting.begun)
        self.logger = Logger(self.shard, surroundings.client)
        self.replicator = Replicator(self.shard, self.blobs, self.ours, surroundings.client)

    def samples(self) -> Sequence[Sample]:
        dropped: Sample = ("skybus_s3_log_records_dropped_total", {}, self.logger.dropped)
        return [*delivering.samples(), *self.scrubber.samples(), dropped]

    def answered(self, call: Call) -> None:
        self.logger.note(call)

    def system_answers(self) -> Mapping[str, Any]:
        return {"bucket": lambda question: self.shard.read(lambda view: documents.tell(view, question)),
                "scrub": self.scrubber.answer, "reseal": self._reseal}

    async def _reseal(self, question: Answer) -> Answer:
        return {"sealed": await resealing.rotate(self.shard, self.vault)}

    def finding(self) -> str:
        return self.scrubber.finding()

    # What authorisation asks

    def accesses(self, context: Context, request: Request) -> Sequence[Access]:
        if context.part or not entering.concerns(request):
            return permissions.accesses(context, request)
        found: Sequence[Access] = self.shard.read(lambda view: entering.accesses(view, context, request))
        return found

    def guard(self, context: Context, access: Access) -> Guard | None:
        if context.operation.name == "CreateBucket":   # whose it is already, the operation says
            return None
        guard = permissions.guard if access.resource.startswith(permissions.ARN) else entering.guard
        found: Guard | None = self.shard.read(lambda view: guard(view, context, access))
        return found

    def refusal(self, context: Context, access: Access, error: AwsError) -> AwsError:
        told: AwsError = self.shard.read(lambda view: permissions.refusal(view, context, access, error))
        return told

    def passed(self, context: Context, request: Request) -> Sequence[str]:
        if not isinstance(request.get("Bucket"), str) or not entering.concerns(request):
            return ()
        found: Sequence[str] = self.shard.read(lambda view: entering.passed(view, context, request))
        return found

    def tags(self, context: Context, access: Access) -> Mapping[str, str]:
        found: Mapping[str, str] = self.shard.read(lambda view: entering.tags(view, access))
        return found

    def condition_keys(
        self, context: Context, access: Access, request: Request
    ) -> Mapping[str, str | tuple[str, ...]]:
        found: Mapping[str, str | tuple[str, ...]] = self.shard.read(
            lambda view: permissions.condition_keys(view, context, access, request))
        return found

    # Buckets

    @operation("CreateBucket")
    def create_bucket(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return buckets.create(context, transaction, request)

    @query("HeadBucket")
    def head_bucket(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return buckets.head(context, snapshot, request)

    @operation("DeleteBucket")
    def delete_bucket(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return buckets.delete(context, transaction, request)

    @query("ListBuckets")
    def list_buckets(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return buckets.listed(context, snapshot, request)

    @query("GetBucketLocation")
    def get_bucket_location(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return buckets.location(context, snapshot, request)

    @query("GetBucketVersioning")
    def get_bucket_versioning(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return buckets.versioning(context, snapshot, request)

    @operation("PutBucketVersioning")
    def put_bucket_versioning(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return buckets.set_versioning(context, transaction, request)

    @query("GetBucketPolicy")
    def get_bucket_policy(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return policies.get(context, snapshot, request)

    @operation("PutBucketPolicy")
    def put_bucket_policy(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return policies.put(context, transaction, request)

    @operation("DeleteBucketPolicy")
    def delete_bucket_policy(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return policies.delete(context, transaction, request)

    # Objects

    @operation("PutObject")
    def put_object(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return objects.put(context, transaction, request, bodies.inline(request), self.ours)

    @operation("PutObject", when=bodies.is_large)
    async def put_large_object(self, context: Context, request: Request) -> Any:
        async def finish(body: Body) -> Any:
            return await self.shard.transact(
                lambda transaction: objects.put(context, transaction, request, body, self.ours))

        return await bodies.settled(self.shard, self.blobs, context, request, finish)

    @query("GetObject")
    def get_object(self, context: Context, snapshot: Snapshot, request: Request) -> Any:
        try:
            found = reading.get(context, snapshot, request, self.ours)
        except NoSuchKey as error:
            raise self._missing(context, request, error) from error
        return bodies.answered(self.blobs, context, *found)

    @query("HeadObject")
    def head_object(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        try:
            return reading.head(context, snapshot, request, self.ours)
        except NoSuchKey as error:
            raise self._missing(context, request, error) from error

    def _missing(self, context: Context, request: Request, error: NoSuchKey) -> AwsError:
        """That a key is not there is told to those who may list."""
        return error if self._may(context, request, (permissions.of_listing(request["Bucket"]),)) else AccessDenied()

    def _may(self, context: Context, request: Request, needed: Sequence[Access]) -> bool:
        """These as well?"""
        if entering.concerns(request):
            needed = self.shard.read(lambda view: entering.also(view, context, request, needed))
        return all(allowed(context, self, each, request) for each in needed)

    @query("GetObjectAttributes")
    def get_object_attributes(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return attributes.get(context, snapshot, request, self.ours)

    @operation("DeleteObject")
    def delete_object(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return objects.delete(context, transaction, request)

    @operation("DeleteObjects")
    def delete_objects(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        def may(each: Request) -> bool:
            return self._may(context, request, permissions.of_deletion(request["Bucket"], each))

        return objects.delete_many(context, transaction, request, may)

    @operation("CopyObject")
    async def copy_object(self, context: Context, request: Request) -> Answer:
        return await copying.copy(self.shard, self.blobs, self.ours, context, request)

    @operation("SelectObjectContent")
    async def select_object_content(self, context: Context, request: Request) -> AsyncIterator[Answer]:
        try:
            asked: Answer = self.shard.read(
                lambda view: selecting.asked(context, view, request, self.ours, self.blobs))
        except NoSuchKey as error:
            raise self._missing(context, request, error) from error
        async with aclosing(cast("Any", self.queries.run(asked, self.blobs))) as events:
            async for event in events:
                yield event

    @operation("UpdateObjectEncryption")
    def update_object_encryption(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return reencrypting.update(context, transaction, request)

    @operation("RestoreObject")
    def restore_object(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return restoring.restore(context, transaction, request)

    @part(MAY, of="PutObject", reads=True, authorised=True)
    def may_replicate(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        """Says nothing: that it is answered is the answer."""
        return {}

    # Multipart uploads

    @operation("CreateMultipartUpload")
    def create_multipart_upload(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return multipart.create(context, transaction, request)

    @operation("UploadPart")
    async def upload_part(self, context: Context, request: Request) -> Any:
        async def finish(body: Body) -> Any:
            return await self.shard.transact(
                lambda transaction: multipart.put_part(context, transaction, request, body, self.ours))

        needed: str = self.shard.read(
            lambda snapshot: multipart.needed_of_part(multipart.check_part(context, snapshot, request)[1]))
        return await bodies.settled(self.shard, self.blobs, context, request, finish, needed)

    @operation("UploadPartCopy")
    async def upload_part_copy(self, context: Context, request: Request) -> Answer:
        return await copying.copy_part(self.shard, self.blobs, self.ours, context, request)

    @operation("CompleteMultipartUpload")
    def complete_multipart_upload(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return multipart.complete(context, transaction, request, self.ours)

    @operation("AbortMultipartUpload")
    def abort_multipart_upload(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return multipart.abort(context, transaction, request)

    @query("ListParts")
    def list_parts(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return uploads.list_parts(context, snapshot, request)

    @query("ListMultipartUploads")
    def list_multipart_uploads(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return uploads.listed(context, snapshot, request)

    # Listings

    @query("ListObjects")
    def list_objects(self, context: Context, snapshot: Snapshot, request: Request) -> Paging:
        return (yield from listing.objects(context, snapshot, request))

    @query("ListObjectsV2")
    def list_objects_v2(self, context: Context, snapshot: Snapshot, request: Request) -> Paging:
        return (yield from listing.objects_v2(context, snapshot, request))

    @query("ListObjectVersions")
    def list_object_versions(self, context: Context, snapshot: Snapshot, request: Request) -> Paging:
        return (yield from listing.versions(context, snapshot, request))

    # Tags

    @query("GetObjectTagging")
    def get_object_tagging(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return tagging.get_object(context, snapshot, request)

    @operation("PutObjectTagging")
    def put_object_tagging(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return tagging.put_object(context, transaction, request)

    @operation("DeleteObjectTagging")
    def delete_object_tagging(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return tagging.delete_object(context, transaction, request)

    @query("GetBucketTagging")
    def get_bucket_tagging(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return tagging.get_bucket(context, snapshot, request)

    @operation("PutBucketTagging")
    def put_bucket_tagging(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return tagging.put_bucket(context, transaction, request)

    @operation("DeleteBucketTagging")
    def delete_bucket_tagging(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return tagging.delete_bucket(context, transaction, request)

    # Jobs

    @job(restoring.RESTORE_JOB)
    def restored(self, transaction: Transaction, now: float, state: Answer) -> Answer | None:
        """Tells that a restored copy is there, and that it is gone."""
        return restoring.step(transaction, now, state)

    @job(contents.SWEEP_JOB)
    async def sweep(self, now: float, state: Answer) -> Answer | None:
        """Removes files whose contents have ended."""
        return await collecting.sweep(self.shard, self.blobs, now)

    @job(replication.REPLICATE_JOB)
    async def replicate(self, now: float, state: Answer) -> Answer | None:
        """Makes the copies that a bucket's rules ask for."""
        return await self.replicator.step(now, state)

    @job(LOG_JOB)
    async def put_log(self, now: float, state: Answer) -> Answer | None:
        """Puts what was written down of a bucket's access log into its target."""
        return await self.logger.step(now, state)

    @job(collecting.TEND_JOB)
    async def tend(self, now: float, state: Answer) -> Answer | None:
        """Removes orphans and verifies stored files, a shelf at a time."""
        return await collecting.tend(self.shard, self.blobs, self.scrubber, now, state)
