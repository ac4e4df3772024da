"""Policies of access points: kept, checked, given back. Who they let in: actors/s3/entering.py.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_PutAccessPointPolicy.html and its neighbours
"""

from collections.abc import Mapping
from typing import Any

from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot, Transaction
from actors.s3 import entering, policy_rules, publicity
from actors.s3.errors import S3Error
from actors.s3.points import Point
from actors.s3control.access_points import found

Request = Mapping[str, Any]
Answer = dict[str, Any]


class NoSuchAccessPointPolicy(S3Error):
    code, status_code = "NoSuchAccessPointPolicy", 404
    words = "The specified accesspoint policy does not exist"

    def __init__(self, name: str) -> None:
        super().__init__(AccessPointName=name)


def put(context: Context, transaction: Transaction, request: Request) -> Answer:
    point = found(context, transaction, request)
    policy_rules.check(request["Policy"], point.arn, inside="/object/")
    point.record["policy"] = request["Policy"]
    if entering.is_public(point) and entering.settings(transaction, point).get("BlockPublicPolicy"):
        raise publicity.prevented(context, point.arn, "policies", "BlockPublicPolicy")
    point.save(transaction)
    return {}


def get(context: Context, snapshot: Snapshot, request: Request) -> Answer:
    return {"Policy": _with_policy(context, snapshot, request).policy}


def delete(context: Context, transaction: Transaction, request: Request) -> Answer:
    point = found(context, transaction, request)
    if point.record.pop("policy", None) is not None:
        point.save(transaction)
    return {}


def status(context: Context, snapshot: Snapshot, request: Request) -> Answer:
    return {"PolicyStatus": {"IsPublic": entering.is_public(_with_policy(context, snapshot, request))}}


def _with_policy(context: Context, snapshot: Snapshot, request: Request) -> Point:
    """NoSuchAccessPointPolicy."""
    point = found(context, snapshot, request)
    if point.policy is None:
        raise NoSuchAccessPointPolicy(point.key.name)
    return point
