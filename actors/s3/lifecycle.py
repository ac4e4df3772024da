"""Lifecycle configurations: put, told, deleted. What they may say: lifecycle_rules.py; what they do: expiring.py.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLifecycleConfiguration.html
"""

import secrets
from collections.abc import Mapping
from typing import Any

from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot, Transaction
from actors.s3 import lifecycle_rules
from actors.s3.access import bucket_of
from actors.s3.documents import NotConfigured
from actors.s3.errors import InvalidRequest

EXPIRE_JOB = "expire"
LIFECYCLE = "lifecycle"                   # the kind of configuration it is: {"rules", "run", "minimum"}
# What is too small to move: anything below 128 KB, or as each class has it. Old configurations do not say.
ALL_CLASSES, BY_CLASS = "all_storage_classes_128K", "varies_by_storage_class"

Request = Mapping[str, Any]
Answer = dict[str, Any]


def get(context: Context, snapshot: Snapshot, request: Request) -> Answer:
    bucket = bucket_of(context, snapshot, request)
    found = bucket.configuration(LIFECYCLE)
    if found is None:
        raise NotConfigured("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist", bucket.name)
    return {"Rules": found["rules"], "TransitionDefaultMinimumObjectSize": found.get("minimum", ALL_CLASSES)}


def put(context: Context, transaction: Transaction, request: Request) -> Answer:
    """Begins a run of its own; that of the configuration before it ends (expiring.py)."""
    bucket = bucket_of(context, transaction, request)
    rules = (request.get("LifecycleConfiguration") or {}).get("Rules") or []
    lifecycle_rules.check(rules)
    minimum = request.get("TransitionDefaultMinimumObjectSize") or ALL_CLASSES
    if minimum not in (ALL_CLASSES, BY_CLASS):
        raise InvalidRequest(f"Invalid TransitionDefaultMinimumObjectSize found: {minimum}")
    kept = [{"ID": secrets.token_hex(16), **rule} for rule in rules]
    run = secrets.token_hex(8)
    bucket.configure(LIFECYCLE, {"rules": kept, "run": run, "minimum": minimum})
    transaction.start_job(EXPIRE_JOB, {"bucket": bucket.name, "run": run})
    return {"TransitionDefaultMinimumObjectSize": minimum}


def delete(context: Context, transaction: Transaction, request: Request) -> Answer:
    bucket_of(context, transaction, request).configure(LIFECYCLE, None)
    return {}
