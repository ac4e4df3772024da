"""Which bytes decide an operation's slot: the gateway, actors and outsiders all compute the same. And who has it.

slot = two hex digits of crc32(routing key) & 0xff, or `any` where the operation names no single resource.
The routing key is `<account>/<region>/<resource name>` in UTF-8; the resource name is the request member named here.
Global services that keep an account together (ACCOUNT_SERVICES) have `<account>//`: neither region nor name. Those
whose names are everyone's (NAME_SERVICES) have `//<resource name>`: S3's buckets belong to no two accounts.

A service's slots may be divided among several shards, a contiguous range each (Share).
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple
from zlib import crc32

ANY = "any"
SLOT_COUNT = 256
SLOTS_REMEMBERED = 4096                   # of resources that were asked for lately

# service -> the request members that may name the resource, first one present wins.
RESOURCE_MEMBERS: dict[str, tuple[str, ...]] = {
    "dynamodb": ("TableName", "TableArn", "ResourceArn", "BackupArn", "SourceTableName", "SourceTableArn", "ExportArn",
                 "ImportArn", "GlobalTableName"),
    "dynamodbstreams": ("TableName", "StreamArn", "ShardIterator"),
    "lambda": ("FunctionName",),
    "s3": ("Bucket",),
    "sqs": ("QueueUrl", "QueueName"),
}

ACCOUNT_SERVICES = frozenset({"iam"})
NAME_SERVICES = frozenset({"s3"})

# Services whose slots several shards may share, and by whose shards: the second model of a service goes with the first.
# Their actors find every request's place (ServiceActor.place) and put together what concerns several shards.
DIVISIBLE = {"dynamodb": "dynamodb", "dynamodbstreams": "dynamodb"}

_HEX = [f"{slot:02x}" for slot in range(SLOT_COUNT)]


def slot(service: str, account: str, region: str, params: Mapping[str, Any]) -> str:
    """Two hex digits, or ANY when no member of `params` names a resource.

    An ARN stands for the name at its end, so both forms of one table fall in one slot.
    """
    for member in RESOURCE_MEMBERS.get(service, ()):
        name = params.get(member)
        if isinstance(name, str) and name:
            return slot_of("", "", resource_name(name)) if service in NAME_SERVICES else slot_of(account, region, name)
    if service == "dynamodb":
        found = slots_of(account, region, set(tables(params)))
        return found.pop() if len(found) == 1 else ANY
    return slot_of(account, "", "") if service in ACCOUNT_SERVICES else ANY


def slots_of(account: str, region: str, names: set[str]) -> set[str]:
    """Where these resources are, by names or ARNs."""
    return {slot_of(account, region, name) for name in names}


def tables(params: Mapping[str, Any]) -> Iterator[str]:
    """What a batch or a transaction of DynamoDB's names, whatever its form: nothing here is validated yet."""
    items = params.get("RequestItems")
    if isinstance(items, dict):
        yield from (name for name in items if isinstance(name, str))
    actions = params.get("TransactItems")
    for action in actions if isinstance(actions, list) else ():
        for each in action.values() if isinstance(action, dict) else ():
            name = each.get("TableName") if isinstance(each, dict) else None
            if isinstance(name, str):
                yield name


def has_slots(service: str) -> bool:
    """Do its requests name slots, which who has the state then owns?"""
    return service in RESOURCE_MEMBERS or service in ACCOUNT_SERVICES


class Share(NamedTuple):
    """Shard `number`, from 0, `of` as many as a service's slots are divided among."""

    number: int = 0
    of: int = 1

    @property
    def slots(self) -> range:
        return range(SLOT_COUNT * self.number // self.of, SLOT_COUNT * (self.number + 1) // self.of)

    @property
    def name(self) -> str:
        """Its first slot, in three hex digits: a whole service's only shard is 000."""
        return f"{self.slots.start:03x}"

    @property
    def address(self) -> str:
        """A slot by which it is reached."""
        return _HEX[self.slots.start]

    @property
    def tokens(self) -> frozenset[str]:
        """Its slots as subjects have them."""
        return frozenset(_HEX[each] for each in self.slots)

    def holder(self, slot: str) -> "Share":
        """Which of them has this slot."""
        return Share((int(slot, 16) * self.of + self.of - 1) // SLOT_COUNT, self.of)


WHOLE = Share()


@lru_cache(SLOTS_REMEMBERED)
def slot_of(account: str, region: str, name: str) -> str:
    """Of a resource, by its name or by its ARN, which says whose it is and where."""
    if name.startswith("arn:"):
        parts = name.split(":", 5)
        if len(parts) == 6:
            region, account = parts[3] or region, parts[4] or account
    return _HEX[crc32(f"{account}/{region}/{resource_name(name)}".encode("utf-8", "surrogatepass")) & 0xFF]


def resource_name(name: str) -> str:
    """`arn:aws:dynamodb:us-east-1:0:table/T/index/I` -> `T`; a queue's URL -> its last part; a plain name -> itself."""
    if name.startswith("arn:"):
        resource = name.split(":", 5)[-1]
        kind, slash, rest = resource.partition("/")
        return rest.split("/", 1)[0] if slash else kind.rsplit(":", 1)[-1]
    if "://" in name:
        return name.rsplit("/", 1)[-1]
    return name
