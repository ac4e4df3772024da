"""Bucket policies: kept, checked, given back. Who they let in is decided by the chain (permissions.py).

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html and its neighbours; the messages are
those of AWS in LocalStack's snapshots.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from actors.runtime.context import Context
from actors.runtime.policy import MalformedPolicy, Use, compile_document
from actors.runtime.store.transaction import Snapshot, Transaction
from actors.s3 import publicity
from actors.s3.access import bucket_of
from actors.s3.errors import MalformedBucketPolicy, NoSuchBucketPolicy
from actors.s3.publicity import POLICY

POLICY_LIMIT_BYTES = 20 * 1024

Request = Mapping[str, Any]
Answer = dict[str, Any]


def put(context: Context, transaction: Transaction, request: Request) -> Answer:
    bucket = bucket_of(context, transaction, request)
    text = request["Policy"]
    check(text, bucket.name)
    publicity.check_policy(context, bucket, text)
    bucket.configure(POLICY, text)
    return {}


def check(text: str, bucket: str) -> None:
    """MalformedPolicy."""
    if len(text.encode()) > POLICY_LIMIT_BYTES:
        raise MalformedBucketPolicy("Policy exceeds the maximum allowed document size.")
    document = _parsed(text)
    if "Statement" not in document:
        raise MalformedBucketPolicy("Missing required field Statement")
    try:
        compile_document(text, Use.RESOURCE)
    except MalformedPolicy as error:
        raise MalformedBucketPolicy(str(error)) from error
    arn = f"arn:aws:s3:::{bucket}"
    for resource in _resources(document):
        if resource not in ("*", arn) and not resource.startswith(f"{arn}/") and "*" not in resource[:len(arn)]:
            raise MalformedBucketPolicy("Policy has invalid resource")


def _parsed(text: str) -> Mapping[str, Any]:
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise MalformedBucketPolicy("Policies must be valid JSON and the first byte must be '{'")
    return document


def _resources(document: Mapping[str, Any]) -> Iterator[str]:
    statements = document["Statement"]
    for statement in statements if isinstance(statements, list) else [statements]:
        found = statement.get("Resource", statement.get("NotResource", ()))
        yield from [found] if isinstance(found, str) else found


def get(context: Context, snapshot: Snapshot, request: Request) -> Answer:
    bucket = bucket_of(context, snapshot, request)
    text = bucket.configuration(POLICY)
    if text is None:
        raise NoSuchBucketPolicy(bucket.name)
    return {"Policy": text}


def delete(context: Context, transaction: Transaction, request: Request) -> Answer:
    bucket_of(context, transaction, request).configure(POLICY, None)
    return {}
