"""Access points: their records, and which bucket one stands for where a request names it in a bucket's place.

By its ARN, by its alias, or, as SDKs put an ARN's before the host of an endpoint of one's own, as `<name>-<account>`.
Requests through one: entering.py; their administration: actors/s3control/.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-naming.html
"""

import re
import secrets
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple, cast

from actors.runtime.access import Access
from actors.runtime.store.transaction import Snapshot, Transaction
from actors.s3 import state
from actors.s3.errors import AccessDenied, NoSuchAccessPoint
from actors.s3.state import Bucket, Record
from bus.codec import unpack

ALIAS = "-s3alias"
INTERNET, VPC = "Internet", "VPC"
ACCOUNT_DIGITS = 12
_REMEMBERED = 1024                        # names, since every request has one
_ALIAS_PREFIX_CHARACTERS = 20             # of its name in its alias, so that this is no longer than a bucket's name
_ALIAS_CHANCE_CHARACTERS = 34
_USED = "s3:dataaccesspointarn"
_BASE_32 = "abcdefghijklmnopqrstuvwxyz234567"
_ARN = re.compile("arn:aws[a-z-]*:s3:([a-z0-9-]*):([0-9]*):accesspoint[:/]([^/:]+)(?:/object/(.+))?", re.DOTALL)


class Key(NamedTuple):
    account: str
    region: str
    name: str

    @property
    def arn(self) -> str:
        return f"arn:aws:s3:{self.region}:{self.account}:accesspoint/{self.name}"

    @property
    def row(self) -> bytes:
        return b"e" + "\0".join(self).encode()


class Point:
    """One access point in one transaction or snapshot."""

    def __init__(self, key: Key, record: Record) -> None:
        self.key = key
        self.record = record
        self.arn = key.arn

    @property
    def bucket(self) -> str:
        bucket: str = self.record["bucket"]
        return bucket

    @property
    def alias(self) -> str:
        alias: str = self.record["alias"]
        return alias

    @property
    def vpc(self) -> str:
        """"": it may be used from everywhere."""
        vpc: str = self.record.get("vpc", "")
        return vpc

    @property
    def policy(self) -> str | None:
        policy: str | None = self.record.get("policy")
        return policy

    @property
    def block(self) -> Mapping[str, bool]:
        block: Mapping[str, bool] = self.record["block"]
        return block

    @property
    def tags(self) -> Mapping[str, str]:
        tags: Mapping[str, str] = self.record.get("tags", {})
        return tags

    @property
    def origin(self) -> str:
        return VPC if self.vpc else INTERNET

    @property
    def condition_keys(self) -> Mapping[str, str]:
        """Of every request through it, and of those about it."""
        return condition_keys(self.key, self.origin)

    def save(self, transaction: Transaction) -> None:
        state.write(transaction, self.key.row, self.record)


class Entered(Bucket):
    """A bucket that is used through an access point, whose public-access block holds as well."""

    __slots__ = ("_point",)

    def __init__(self, bucket: Bucket, point: Point) -> None:
        super().__init__(bucket.view, bucket.record)
        self._point = point

    @property
    def block(self) -> Mapping[str, bool]:
        return self._point.block


def condition_keys(key: Key, origin: str) -> Mapping[str, str]:
    return {_USED: key.arn, "s3:dataaccesspointaccount": key.account,
            "s3:accesspointnetworkorigin": origin}


# Names


@lru_cache(_REMEMBERED)
def may_stand(name: str | None) -> bool:
    """May this stand for an access point in a bucket's place? Few names of buckets are such that it may."""
    return name is not None and (
        name.endswith(ALIAS) or name.startswith("arn:") or name[-ACCOUNT_DIGITS:].isdecimal())


def key_of_arn(arn: str) -> Key | None:
    """Of an access point's ARN, or of an object's in one."""
    found = _ARN.fullmatch(arn)
    return Key(found[2], found[1], found[3]) if found else None


def find(view: Snapshot, name: str, region: str) -> Point | None:
    """What stands in a bucket's place in a request to `region`; None: a bucket. NoSuchAccessPoint, AccessDenied."""
    if not may_stand(name):
        return None
    if name.startswith("arn:"):
        key = key_of_arn(name)
        if key is None:
            return None
        found = get(view, key._replace(region=key.region or region))
        if found is None:
            raise NoSuchAccessPoint(key.name)
        return found
    if name.endswith(ALIAS):
        return _by_alias(view, name)
    return None if state.find_bucket(view, name) is not None else by_host(view, name, region)


def by_host(view: Snapshot, name: str, region: str) -> Point | None:
    """`<name>-<account>`: as an access point's ARN stands before a host."""
    begin, dash, account = name[:-ACCOUNT_DIGITS - 1], name[-ACCOUNT_DIGITS - 1:-ACCOUNT_DIGITS], name[-ACCOUNT_DIGITS:]
    return get(view, Key(account, region, begin)) if begin and dash == "-" and account.isdecimal() else None


def _by_alias(view: Snapshot, alias: str) -> Point:
    row = view.get(_alias_row(alias))
    found = None if row is None else get(view, Key(*row.decode().split("\0")))
    if found is None:
        raise AccessDenied("Could not access through this access point")
    return found


# What an access is about


def used(view: Snapshot, bucket: Bucket, access: Access) -> Bucket:
    """The bucket as it is used in an access to it: through an access point, where its keys say so."""
    arn = access.keys.get(_USED)
    point = None if arn is None else _of_arn(view, str(arn))
    return bucket if point is None else Entered(bucket, point)


def place(view: Snapshot, access: Access) -> tuple[Bucket | None, str, Point | None]:
    """The bucket and the object's key that an access is about, and the access point whose ARN it has."""
    found = _ARN.fullmatch(access.resource)
    if found is None:
        name, _, key = access.resource.removeprefix("arn:aws:s3:::").partition("/")
        return state.find_bucket(view, name), key, None
    point = _of_arn(view, access.resource)
    return (None, "", None) if point is None else (state.find_bucket(view, point.bucket), found[4] or "", point)


def _of_arn(view: Snapshot, arn: str) -> Point | None:
    key = key_of_arn(arn)
    return None if key is None else get(view, key)


# Rows


def get(view: Snapshot, key: Key) -> Point | None:
    record = state.read(view, key.row)
    return None if record is None else Point(key, record)


def add(transaction: Transaction, key: Key, record: Record) -> Point:
    """Gives it its alias."""
    chance = "".join(secrets.choice(_BASE_32) for _ in range(_ALIAS_CHANCE_CHARACTERS))
    alias = f"{key.name[:_ALIAS_PREFIX_CHARACTERS]}-{chance}{ALIAS}"
    point = Point(key, {**record, "alias": alias})
    point.save(transaction)
    transaction.put(_alias_row(alias), "\0".join(key).encode())
    transaction.put(_bucket_prefix(point.bucket) + "\0".join(key).encode(), b"")
    return point


def remove(transaction: Transaction, point: Point) -> None:
    for row in (point.key.row, _alias_row(point.alias), _bucket_prefix(point.bucket) + "\0".join(point.key).encode()):
        transaction.delete(row)


def listed(view: Snapshot, account: str, region: str, after: str = "") -> Iterator[Point]:
    """An account's in a region, by name."""
    prefix = Key(account, region, "").row
    for row, packed in view.scan(prefix + after.encode() + (b"\0" if after else b""), state.past(prefix)):
        yield Point(Key(account, region, row[len(prefix):].decode()), cast("Record", unpack(packed)))


def count(view: Snapshot, account: str, region: str) -> int:
    prefix = Key(account, region, "").row
    return sum(1 for _ in view.scan(prefix, state.past(prefix)))


def has_some(view: Snapshot, bucket: str) -> bool:
    prefix = _bucket_prefix(bucket)
    return next(view.scan(prefix, state.past(prefix)), None) is not None


def _alias_row(alias: str) -> bytes:
    return b"l" + alias.encode()


def _bucket_prefix(bucket: str) -> bytes:
    return b"m" + bucket.encode() + b"\0"

