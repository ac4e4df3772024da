"""Bucket policies: kept, checked, given back. Who they let in is decided by the chain (permissions.py).

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html and its neighbours; the messages are
those of AWS in LocalStack's snapshots and in reports of users.
"""

import json
import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from functools import cache
from typing import Any, NamedTuple

from actors.runtime.actions import action_of
from actors.runtime.context import Context
from actors.runtime.policy import MalformedPolicy, StatementSource, Use, compile_document, parse
from actors.runtime.store.transaction import Snapshot, Transaction
from actors.s3 import publicity
from actors.s3.access import bucket_of
from actors.s3.errors import MalformedBucketPolicy, NoSuchBucketPolicy
from actors.s3.permissions import OF_VERSIONS, of_version
from actors.s3.publicity import POLICY
from schemas.models import load

POLICY_LIMIT_BYTES = 20 * 1024
# What is done to buckets and to objects, but by no operation of S3's.
_OF_BUCKETS = frozenset({"s3:ListTagsForResource", "s3:TagResource", "s3:UntagResource"})
_OF_OBJECTS = frozenset({
    "s3:BypassGovernanceRetention", "s3:GetObjectVersionForReplication", "s3:GetObjectVersionTorrent",
    "s3:InitiateReplication", "s3:ObjectOwnerOverrideToBucketOwner", "s3:ReplicateDelete", "s3:ReplicateObject",
    "s3:ReplicateTags",
})
_WILD = re.compile(r"[*?]|\$\{")

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
    _check_is_policy(text)
    try:
        compile_document(text, Use.RESOURCE)
    except MalformedPolicy as error:
        raise MalformedBucketPolicy(str(error)) from error
    arn = f"arn:aws:s3:::{bucket}"
    for statement in parse(text, Use.RESOURCE)[1]:
        if statement.allow and statement.not_principal:
            raise MalformedBucketPolicy("Allow with NotPrincipal is not allowed")
        _check_actions(statement, [_kinds_of_resource(resource, arn) for resource in statement.resources])


def _check_is_policy(text: str) -> None:
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise MalformedBucketPolicy("Policies must be valid JSON and the first byte must be '{'")
    if "Statement" not in document:
        raise MalformedBucketPolicy("Missing required field Statement")


# Each action of a statement must be one on something that the statement is about: the bucket, or objects in it.


class Kinds(NamedTuple):
    bucket: bool
    objects: bool


def _kinds_of_resource(resource: str, arn: str) -> Kinds:
    literal = _WILD.split(resource, maxsplit=1)[0]
    inside = f"{arn}/"
    found = Kinds(fnmatchcase(arn, resource), literal.startswith(inside) or (
        literal != resource and inside.startswith(literal)))
    if not resource.startswith("arn:") or not any(found):
        raise MalformedBucketPolicy("Policy has invalid resource")
    return found


def _check_actions(statement: StatementSource, resources: Iterable[Kinds]) -> None:
    if not statement.not_action and not statement.not_resource:
        there = Kinds(*map(any, zip(*resources, strict=True)))
        for action in statement.actions:
            kinds = _kinds_of_action(action.lower())
            if not any(kinds):
                raise MalformedBucketPolicy("Policy has invalid action")
            if not ((kinds.bucket and there.bucket) or (kinds.objects and there.objects)):
                raise MalformedBucketPolicy("Action does not apply to any resource(s) in statement")


def _kinds_of_action(pattern: str) -> Kinds:
    on_bucket, on_objects = _actions()
    return Kinds(any(fnmatchcase(action, pattern) for action in on_bucket),
                 any(fnmatchcase(action, pattern) for action in on_objects))


@cache
def _actions() -> tuple[frozenset[str], frozenset[str]]:
    """Those on buckets and those on objects, in lower case."""
    bucket, objects = set(_OF_BUCKETS), set(_OF_OBJECTS)
    for name, operation in load("s3").operations.items():
        members = operation.input.members if operation.input is not None else {}
        action = action_of(operation)
        if "Key" in members:
            objects |= {action, of_version(action)} if name in OF_VERSIONS else {action}
        elif "Bucket" in members:
            bucket.add(action)
    bucket -= objects                     # DeleteObjects
    return frozenset(map(str.lower, bucket)), frozenset(map(str.lower, objects))


def get(context: Context, snapshot: Snapshot, request: Request) -> Answer:
    bucket = bucket_of(context, snapshot, request)
    text = bucket.configuration(POLICY)
    if text is None:
        raise NoSuchBucketPolicy(bucket.name)
    return {"Policy": text}


def delete(context: Context, transaction: Transaction, request: Request) -> Answer:
    bucket_of(context, transaction, request).configure(POLICY, None)
    return {}
