"""The table of contents goes on: what is set of a bucket and of who may have what. service.py is its first part."""

from collections.abc import Mapping
from typing import Any

from actors.runtime.actor import job, operation, query
from actors.runtime.context import Context
from actors.runtime.store.shard import Shard
from actors.runtime.store.transaction import Snapshot, Transaction
from actors.runtime.surroundings import Surroundings
from actors.s3 import (
    delivering,
    documents,
    expiring,
    granting,
    inventories,
    inventory_reports,
    lifecycle,
    locking,
    named,
    notifying,
    publicity,
)

Request = Mapping[str, Any]
Answer = dict[str, Any]


class Settings:
    """S3's operations on settings; a part of the actor."""

    surroundings: Surroundings

    @property
    def shard(self) -> Shard:
        return self.surroundings.shard

    # Who may

    @query("GetBucketAcl")
    def get_bucket_acl(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return granting.get_bucket(context, snapshot, request)

    @operation("PutBucketAcl")
    def put_bucket_acl(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return granting.put_bucket(context, transaction, request)

    @query("GetObjectAcl")
    def get_object_acl(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return granting.get_object(context, snapshot, request)

    @operation("PutObjectAcl")
    def put_object_acl(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return granting.put_object(context, transaction, request)

    @query("GetBucketOwnershipControls")
    def get_bucket_ownership_controls(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return granting.get_controls(context, snapshot, request)

    @operation("PutBucketOwnershipControls")
    def put_bucket_ownership_controls(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return granting.put_controls(context, transaction, request)

    @operation("DeleteBucketOwnershipControls")
    def delete_bucket_ownership_controls(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return granting.delete_controls(context, transaction, request)

    @query("GetBucketPolicyStatus")
    def get_bucket_policy_status(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return publicity.status(context, snapshot, request)

    @query("GetPublicAccessBlock")
    def get_public_access_block(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return publicity.get(context, snapshot, request)

    @operation("PutPublicAccessBlock")
    def put_public_access_block(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return publicity.put(context, transaction, request)

    @operation("DeletePublicAccessBlock")
    def delete_public_access_block(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return publicity.delete(context, transaction, request)

    # What must stay

    @query("GetObjectLockConfiguration")
    def get_object_lock_configuration(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return locking.get_configuration(context, snapshot, request)

    @operation("PutObjectLockConfiguration")
    def put_object_lock_configuration(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return locking.put_configuration(context, transaction, request)

    @query("GetObjectRetention")
    def get_object_retention(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return locking.get_retention(context, snapshot, request)

    @operation("PutObjectRetention")
    def put_object_retention(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return locking.put_retention(context, transaction, request)

    @query("GetObjectLegalHold")
    def get_object_legal_hold(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return locking.get_hold(context, snapshot, request)

    @operation("PutObjectLegalHold")
    def put_object_legal_hold(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return locking.put_hold(context, transaction, request)

    # Settings kept as they come

    @query("GetBucketCors")
    def get_bucket_cors(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return documents.get(context, snapshot, request, documents.CORS)

    @operation("PutBucketCors")
    def put_bucket_cors(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return documents.put(context, transaction, request, documents.CORS)

    @operation("DeleteBucketCors")
    def delete_bucket_cors(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return documents.delete(context, transaction, request, documents.CORS)

    @query("GetBucketWebsite")
    def get_bucket_website(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return documents.get(context, snapshot, request, documents.WEBSITE)

    @operation("PutBucketWebsite")
    def put_bucket_website(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return documents.put(context, transaction, request, documents.WEBSITE)

    @operation("DeleteBucketWebsite")
    def delete_bucket_website(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return documents.delete(context, transaction, request, documents.WEBSITE)

    @query("GetBucketEncryption")
    def get_bucket_encryption(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return documents.get(context, snapshot, request, documents.ENCRYPTION)

    @operation("PutBucketEncryption")
    def put_bucket_encryption(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return documents.put(context, transaction, request, documents.ENCRYPTION)

    @operation("DeleteBucketEncryption")
    def delete_bucket_encryption(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return documents.delete(context, transaction, request, documents.ENCRYPTION)

    @query("GetBucketReplication")
    def get_bucket_replication(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return documents.get(context, snapshot, request, documents.REPLICATION)

    @operation("PutBucketReplication")
    def put_bucket_replication(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return documents.put(context, transaction, request, documents.REPLICATION)

    @operation("DeleteBucketReplication")
    def delete_bucket_replication(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return documents.delete(context, transaction, request, documents.REPLICATION)

    @query("GetBucketAccelerateConfiguration")
    def get_bucket_accelerate_configuration(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return documents.get(context, snapshot, request, documents.ACCELERATE)

    @operation("PutBucketAccelerateConfiguration")
    def put_bucket_accelerate_configuration(
        self, context: Context, transaction: Transaction, request: Request
    ) -> Answer:
        return documents.put(context, transaction, request, documents.ACCELERATE)

    @query("GetBucketLogging")
    def get_bucket_logging(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return documents.get(context, snapshot, request, documents.LOGGING)

    @operation("PutBucketLogging")
    def put_bucket_logging(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return documents.put(context, transaction, request, documents.LOGGING)

    @query("GetBucketRequestPayment")
    def get_bucket_request_payment(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return documents.get_payment(context, snapshot, request)

    @operation("PutBucketRequestPayment")
    def put_bucket_request_payment(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return documents.put_payment(context, transaction, request)

    @query("GetBucketAnalyticsConfiguration")
    def get_bucket_analytics_configuration(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return named.get(context, snapshot, request, named.ANALYTICS)

    @operation("PutBucketAnalyticsConfiguration")
    def put_bucket_analytics_configuration(
        self, context: Context, transaction: Transaction, request: Request
    ) -> Answer:
        return named.put(context, transaction, request, named.ANALYTICS)

    @operation("DeleteBucketAnalyticsConfiguration")
    def delete_bucket_analytics_configuration(
        self, context: Context, transaction: Transaction, request: Request
    ) -> Answer:
        return named.delete(context, transaction, request, named.ANALYTICS)

    @query("ListBucketAnalyticsConfigurations")
    def list_bucket_analytics_configurations(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return named.listed(context, snapshot, request, named.ANALYTICS)

    @query("GetBucketInventoryConfiguration")
    def get_bucket_inventory_configuration(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return named.get(context, snapshot, request, named.INVENTORY)

    @operation("PutBucketInventoryConfiguration")
    def put_bucket_inventory_configuration(
        self, context: Context, transaction: Transaction, request: Request
    ) -> Answer:
        return named.put(context, transaction, request, named.INVENTORY)

    @operation("DeleteBucketInventoryConfiguration")
    def delete_bucket_inventory_configuration(
        self, context: Context, transaction: Transaction, request: Request
    ) -> Answer:
        return named.delete(context, transaction, request, named.INVENTORY)

    @query("ListBucketInventoryConfigurations")
    def list_bucket_inventory_configurations(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return named.listed(context, snapshot, request, named.INVENTORY)

    @query("GetBucketMetricsConfiguration")
    def get_bucket_metrics_configuration(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return named.get(context, snapshot, request, named.METRICS)

    @operation("PutBucketMetricsConfiguration")
    def put_bucket_metrics_configuration(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return named.put(context, transaction, request, named.METRICS)

    @operation("DeleteBucketMetricsConfiguration")
    def delete_bucket_metrics_configuration(
        self, context: Context, transaction: Transaction, request: Request
    ) -> Answer:
        return named.delete(context, transaction, request, named.METRICS)

    @query("ListBucketMetricsConfigurations")
    def list_bucket_metrics_configurations(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return named.listed(context, snapshot, request, named.METRICS)

    @query("GetBucketIntelligentTieringConfiguration")
    def get_bucket_intelligent_tiering_configuration(
        self, context: Context, snapshot: Snapshot, request: Request
    ) -> Answer:
        return named.get(context, snapshot, request, named.TIERING)

    @operation("PutBucketIntelligentTieringConfiguration")
    def put_bucket_intelligent_tiering_configuration(
        self, context: Context, transaction: Transaction, request: Request
    ) -> Answer:
        return named.put(context, transaction, request, named.TIERING)

    @operation("DeleteBucketIntelligentTieringConfiguration")
    def delete_bucket_intelligent_tiering_configuration(
        self, context: Context, transaction: Transaction, request: Request
    ) -> Answer:
        return named.delete(context, transaction, request, named.TIERING)

    @query("ListBucketIntelligentTieringConfigurations")
    def list_bucket_intelligent_tiering_configurations(
        self, context: Context, snapshot: Snapshot, request: Request
    ) -> Answer:
        return named.listed(context, snapshot, request, named.TIERING)

    @job(inventories.INVENTORY_JOB)
    async def report_inventory(self, now: float, state: Answer) -> Answer | None:
        """Writes what is in a bucket, a file a step, at its inventory's midnights."""
        return await inventory_reports.step(self.shard, self.surroundings.client, now, state)

    # Notifications

    @query("GetBucketNotificationConfiguration")
    def get_bucket_notification_configuration(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return notifying.get(context, snapshot, request)

    @operation("PutBucketNotificationConfiguration")
    async def put_bucket_notification_configuration(self, context: Context, request: Request) -> Answer:
        return await notifying.put(self.shard, self.surroundings.client, context, request)

    @query("GetBucketNotification")
    def get_bucket_notification(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return notifying.get_older(context, snapshot, request)

    @operation("PutBucketNotification")
    async def put_bucket_notification(self, context: Context, request: Request) -> Answer:
        return await notifying.put(self.shard, self.surroundings.client, context, notifying.of_older(request))

    @job(delivering.DELIVER_JOB)
    async def deliver(self, now: float, state: Answer) -> Answer | None:
        """Takes a destination's events to it."""
        return await delivering.step(self.shard, self.surroundings.client, now, state)

    # Lifecycles

    @query("GetBucketLifecycleConfiguration")
    def get_bucket_lifecycle_configuration(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return lifecycle.get(context, snapshot, request)

    @operation("PutBucketLifecycleConfiguration")
    def put_bucket_lifecycle_configuration(
        self, context: Context, transaction: Transaction, request: Request
    ) -> Answer:
        return lifecycle.put(context, transaction, request)

    @operation("DeleteBucketLifecycle")
    def delete_bucket_lifecycle(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return lifecycle.delete(context, transaction, request)

    @job(lifecycle.EXPIRE_JOB)
    def expire(self, transaction: Transaction, now: float, state: Answer) -> Answer | None:
        """Does to a bucket's objects and uploads what its lifecycle says, some keys at a time, every midnight."""
        return expiring.step(transaction, now, state)
