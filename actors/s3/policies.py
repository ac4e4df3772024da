"""Bucket policies: kept, checked, given back. The chain (permissions.py) decides who they let in.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html and its neighbours.
"""

from collections.abc import Mapping
from typing import Any

from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot, Transaction
from actors.s3 import policy_rules, publicity
from actors.s3.access import bucket_of
from actors.s3.errors import NoSuchBucketPolicy
from actors.s3.publicity import POLICY

Request = Mapping[str, Any]
Answer = dict[str, Any]


def put(context: Context, transaction: Transaction, request: Request) -> Answer:
    bucket = bucket_of(context, transaction, request)
    text = request["Policy"]
    policy_rules.check(text, f"arn:aws:s3:::{bucket.name}")
    publicity.check_policy(context, bucket, text)
    bucket.configure(POLICY, text)
    return {}


def get(context: Context, snapshot: Snapshot, request: Request) -> Answer:
    bucket = bucket_of(context, snapshot, request)
    text = bucket.configuration(POLICY)
    if text is None:
        raise NoSuchBucketPolicy(bucket.name)
    return {"Policy": text}


def delete(context: Context, transaction: Transaction, request: Request) -> Answer:
    bucket_of(context, transaction, request).configure(POLICY, None)
    return {}
