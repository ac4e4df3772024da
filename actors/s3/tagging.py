"""The operations on tags of objects and buckets. Their limits and forms: tags.py."""

from collections.abc import Mapping
from typing import Any

from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot, Transaction
from actors.s3 import reading, versions
from actors.s3.access import bucket_of
from actors.s3.errors import NoSuchTagSet
from actors.s3.events import Happened
from actors.s3.state import Bucket, Record
from actors.s3.tags import BUCKET_TAGS_LIMIT, OBJECT_TAGS_LIMIT, Tags, from_set, to_set

BUCKET_TAGS = "tagging"                   # the kind of configuration they are

Request = Mapping[str, Any]
Answer = dict[str, Any]

# Of objects


def get_object(context: Context, snapshot: Snapshot, request: Request) -> Answer:
    bucket, record = reading.find_version(context, snapshot, request, "GET")
    return {"TagSet": to_set(record.get("tags", {})), **_version(bucket, record)}


def put_object(context: Context, transaction: Transaction, request: Request) -> Answer:
    found = reading.find_version(context, transaction, request, "PUT")
    return _tag(context, transaction, request, found, from_set(request["Tagging"], OBJECT_TAGS_LIMIT, "Object"), "Put")


def delete_object(context: Context, transaction: Transaction, request: Request) -> Answer:
    found = reading.find_version(context, transaction, request, "DELETE")
    return _tag(context, transaction, request, found, {}, "Delete")


def _tag(
    context: Context, transaction: Transaction, request: Request, found: tuple[Bucket, Record], tags: Tags, done: str
) -> Answer:
    bucket, record = found
    event = Happened(f"ObjectTagging:{done}", request["Key"], {**record, "tags": tags})
    versions.change(transaction, bucket, event, context)
    return _version(bucket, record)


def _version(bucket: Bucket, record: Record) -> Answer:
    return {"VersionId": record["id"]} if bucket.versioning else {}


# Of buckets


def get_bucket(context: Context, snapshot: Snapshot, request: Request) -> Answer:
    bucket = bucket_of(context, snapshot, request)
    tags = bucket.configuration(BUCKET_TAGS)
    if tags is None:
        raise NoSuchTagSet(bucket.name)
    return {"TagSet": to_set(tags)}


def put_bucket(context: Context, transaction: Transaction, request: Request) -> Answer:
    bucket = bucket_of(context, transaction, request)
    bucket.configure(BUCKET_TAGS, from_set(request["Tagging"], BUCKET_TAGS_LIMIT, "Bucket") or None)
    return {}


def delete_bucket(context: Context, transaction: Transaction, request: Request) -> Answer:
    bucket_of(context, transaction, request).configure(BUCKET_TAGS, None)
    return {}
