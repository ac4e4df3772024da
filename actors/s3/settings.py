"""The table of contents goes on: what is set of a bucket and of who may have what. service.py is its first part."""

from collections.abc import Mapping
from typing import Any

from actors.runtime.actor import operation, query
from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot, Transaction
from actors.s3 import granting, locking, publicity

Request = Mapping[str, Any]
Answer = dict[str, Any]


class Settings:
    """S3's operations on settings; a part of the actor."""

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
