"""Which bytes decide an operation's slot: the gateway, actors and outsiders all compute the same.

slot = two hex digits of crc32(routing key) & 0xff, or `any` where the operation names no single resource.
The routing key is `<account>/<region>/<resource name>` in UTF-8; the resource name is the request member named here.
Global services that keep an account together (ACCOUNT_SERVICES) have `<account>//`: neither region nor name. Those
whose names are everyone's (NAME_SERVICES) have `//<resource name>`: S3's buckets belong to no two accounts.
"""

from collections.abc import Mapping
from typing import Any
from zlib import crc32

ANY = "any"
SLOT_COUNT = 256

# service -> the request members that may name the resource, first one present wins.
RESOURCE_MEMBERS: dict[str, tuple[str, ...]] = {
    "dynamodb": ("TableName",),
    "lambda": ("FunctionName",),
    "s3": ("Bucket",),
    "sqs": ("QueueUrl", "QueueName"),
}

ACCOUNT_SERVICES = frozenset({"iam"})
NAME_SERVICES = frozenset({"s3"})

_HEX = [f"{slot:02x}" for slot in range(SLOT_COUNT)]


def slot(service: str, account: str, region: str, params: Mapping[str, Any]) -> str:
    """Two hex digits, or ANY when no member of `params` names a resource.

    An ARN stands for the name at its end, so both forms of one table fall in one slot.
    """
    for member in RESOURCE_MEMBERS.get(service, ()):
        name = params.get(member)
        if isinstance(name, str) and name:
            if service in NAME_SERVICES:
                return slot_of("", "", resource_name(name))
            return slot_of(account, region, resource_name(name))
    return slot_of(account, "", "") if service in ACCOUNT_SERVICES else ANY


def has_slots(service: str) -> bool:
    """Do its requests name slots, which who has the state then owns?"""
    return service in RESOURCE_MEMBERS or service in ACCOUNT_SERVICES


def slot_of(account: str, region: str, name: str) -> str:
    return _HEX[crc32(f"{account}/{region}/{name}".encode("utf-8", "surrogatepass")) & 0xFF]


def resource_name(name: str) -> str:
    """`arn:aws:dynamodb:us-east-1:0:table/T/index/I` -> `T`; a queue's URL -> its last part; a plain name -> itself."""
    if name.startswith("arn:"):
        resource = name.split(":", 5)[-1]
        kind, slash, rest = resource.partition("/")
        return rest.split("/", 1)[0] if slash else kind.rsplit(":", 1)[-1]
    if "://" in name:
        return name.rsplit("/", 1)[-1]
    return name
