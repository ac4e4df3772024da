"""Buckets: made, found, listed, ended; their location and versioning.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html for names,
https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html for locations.
"""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from ipaddress import IPv4Address
from typing import Any

from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot, Transaction
from actors.s3 import ownership, points, replication, state, uploads
from actors.s3.access import bucket_of, named
from actors.s3.errors import (
    BucketAlreadyExists,
    BucketAlreadyOwnedByYou,
    BucketHasAccessPoints,
    BucketNotEmpty,
    IllegalLocationConstraint,
    IllegalVersioningConfiguration,
    InvalidArgument,
    InvalidBucketName,
    InvalidBucketState,
    InvalidLocationConstraint,
    InvalidNamespaceHeader,
    MalformedXML,
    NotImplementedHeader,
)
from actors.s3.owners import owner
from actors.s3.state import Bucket
from actors.s3.tagging import BUCKET_TAGS
from actors.s3.tags import BUCKET_TAGS_LIMIT, from_set
from schemas import regions

HOME_REGION = "us-east-1"                 # whose location is null, and which makes buckets anywhere
EU = "EU"                                 # eu-west-1, and told as it was asked for
LIST_LIMIT = 10_000
_PAGING = ("MaxBuckets", "Prefix", "ContinuationToken", "BucketRegion")
GLOBAL = "global"
NAMESPACES = frozenset({GLOBAL, "account-regional"})
_NAME = frozenset("abcdefghijklmnopqrstuvwxyz0123456789.-")
_EDGE = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")
_PREFIXES = ("xn--", "sthree-", "amzn-s3-demo-")
_SUFFIXES = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")

Request = Mapping[str, Any]
Answer = dict[str, Any]


def create(context: Context, transaction: Transaction, request: Request) -> Answer:
    name = request["Bucket"]
    check_name(name)
    chosen = request.get("CreateBucketConfiguration") or {}
    region = _location(context, chosen)
    tags = from_set({"TagSet": chosen.get("Tags")}, BUCKET_TAGS_LIMIT, "New bucket")
    _check_namespace(context, request, region)
    found = state.find_bucket(transaction, name)
    if found is not None:
        if found.owner != context.account:
            raise BucketAlreadyExists(name)
        if region != HOME_REGION or found.record["region"] != HOME_REGION:
            raise BucketAlreadyOwnedByYou(name)
        ownership.reset_acl(context, found, request)
        return {"Location": f"/{name}"}            # in us-east-1 alone, to make it again is no error
    if points.by_host(transaction, name, context.region) is not None:
        raise BucketAlreadyExists(name)            # SDKs ask an access point under this name
    record = {"name": name, "account": context.account, "region": region, "time": transaction.now()}
    if chosen.get("LocationConstraint") == EU:
        record["location"] = EU
    if request.get("ObjectLockEnabledForBucket"):
        record |= {"versioning": state.ENABLED, "lock": True}
    bucket = Bucket(transaction, record)
    bucket.save()
    if tags:
        bucket.configure(BUCKET_TAGS, tags)
    ownership.begin(context, bucket, request)
    return {"Location": f"/{name}" if region == HOME_REGION else f"http://{name}.s3.amazonaws.com/",
            "BucketArn": f"arn:aws:s3:::{name}"}


def check_name(name: str) -> None:
    """InvalidBucketName."""
    labels = name.split(".")
    if not 3 <= len(name) <= 63 or not _NAME.issuperset(name) \
            or not all(label and label[0] in _EDGE and label[-1] in _EDGE for label in labels) \
            or name.startswith(_PREFIXES) or name.endswith(_SUFFIXES) or _is_address(name):
        raise InvalidBucketName(name)


def _check_namespace(context: Context, request: Request, region: str) -> None:
    """A name of an account's own namespace says whose and where it is. InvalidArgument, InvalidNamespaceHeader."""
    namespace, suffix = request.get("BucketNamespace") or GLOBAL, f"-{context.account}-{region}-an"
    if namespace not in NAMESPACES:
        raise InvalidArgument("The provided x-amz-bucket-namespace header value is not valid.",
                              "x-amz-bucket-namespace", namespace)
    if namespace != GLOBAL and not request["Bucket"].endswith(suffix):
        raise InvalidNamespaceHeader(suffix)


def _is_address(name: str) -> bool:
    try:
        IPv4Address(name)
    except ValueError:
        return False
    return True


def _location(context: Context, configuration: Mapping[str, Any]) -> str:
    """Where it is to be. IllegalLocationConstraint, InvalidLocationConstraint."""
    asked = configuration.get("LocationConstraint")
    if asked is None:
        if context.region != HOME_REGION:
            raise IllegalLocationConstraint(
                "The unspecified location constraint is incompatible for the region specific endpoint this request was "
                "sent to.")
        return HOME_REGION
    region = "eu-west-1" if asked == EU else asked
    if context.region not in (HOME_REGION, region):
        raise IllegalLocationConstraint(
            f"The {asked} location constraint is incompatible for the region specific endpoint this request was sent "
            "to.")
    if not _is_region(region) or region == HOME_REGION:
        raise InvalidLocationConstraint(asked)
    return region


def _is_region(text: str) -> bool:
    words = text.split("-")
    return len(words) >= 3 and words[-1].isdigit() and all(word.isalpha() and word.islower() for word in words[:-1])


def head(context: Context, snapshot: Snapshot, request: Request) -> Answer:
    bucket = bucket_of(context, snapshot, request)
    return {"BucketRegion": bucket.record["region"], "BucketArn": f"arn:aws:s3:::{bucket.name}",
            "AccessPointAlias": request["Bucket"].endswith(points.ALIAS)}


def delete(context: Context, transaction: Transaction, request: Request) -> Answer:
    """Its configurations and unfinished uploads end with it."""
    bucket = bucket_of(context, transaction, request)
    if not bucket.is_empty():
        raise BucketNotEmpty(bucket.name, versioned=bool(bucket.versioning))
    if points.has_some(transaction, bucket.name):
        raise BucketHasAccessPoints(bucket.name)
    uploads.end_all(transaction, bucket)
    for kind in list(bucket.configurations()):
        bucket.configure(kind, None)
    transaction.delete(b"b" + bucket.name.encode())
    return {}


def listed(context: Context, snapshot: Snapshot, request: Request) -> Answer:
    """Those of the caller's account, by name."""
    limit = request.get("MaxBuckets", LIST_LIMIT)
    if not 1 <= limit <= LIST_LIMIT:
        raise InvalidArgument("Argument max-buckets must be an integer between 1 and 10000", "max-buckets", limit)
    region = request.get("BucketRegion")
    if region is not None and region.lower() != context.region:
        raise InvalidArgument(
            "Requests with bucket-region specified must be made to the corresponding regional endpoint"
            if region.lower() in regions.known() else f"Argument value {region} is not a valid AWS Region",
            "bucket-region")
    found: list[Answer] = []
    answer: Answer = {"Owner": owner(context.account), "Buckets": found}
    prefix = request.get("Prefix") or ""
    if "Prefix" in request:
        answer["Prefix"] = prefix
    in_pages = any(name in request for name in _PAGING)
    for record in state.buckets(snapshot, _after(request)):
        if record["account"] != context.account or not record["name"].startswith(prefix) \
                or (region is not None and record["region"] != context.region):
            continue
        if len(found) == limit:
            answer["ContinuationToken"] = base64.urlsafe_b64encode(found[-1]["Name"].encode()).decode()
            break
        described = {"Name": record["name"], "CreationDate": datetime.fromtimestamp(int(record["time"]), UTC),
                     "BucketArn": f"arn:aws:s3:::{record['name']}"}
        if in_pages:
            described["BucketRegion"] = record["region"]
        found.append(described)
    return answer


def _after(request: Request) -> str:
    token = request.get("ContinuationToken")
    try:
        return base64.urlsafe_b64decode(token.encode("ascii")).decode() if token else ""
    except ValueError as error:
        raise InvalidArgument("The continuation token provided is incorrect", "continuation-token") from error


def location(context: Context, snapshot: Snapshot, request: Request) -> Answer:
    """From any region: this is how a client learns where to go."""
    record = named(context, snapshot, request["Bucket"], request.get("ExpectedBucketOwner")).record
    region = record["region"]
    return {"LocationConstraint": "" if region == HOME_REGION else record.get("location", region)}


def versioning(context: Context, snapshot: Snapshot, request: Request) -> Answer:
    bucket = bucket_of(context, snapshot, request)
    return {"Status": bucket.versioning} if bucket.versioning else {}


def set_versioning(context: Context, transaction: Transaction, request: Request) -> Answer:
    bucket = bucket_of(context, transaction, request)
    asked = request["VersioningConfiguration"]
    status = asked.get("Status")
    if status not in (state.ENABLED, state.SUSPENDED):
        raise MalformedXML if status else IllegalVersioningConfiguration
    if asked.get("MFADelete", "Disabled") not in ("Enabled", "Disabled"):
        raise MalformedXML
    if asked.get("MFADelete") == "Enabled":
        raise NotImplementedHeader(Header="x-amz-mfa")
    if status == state.SUSPENDED and bucket.record.get("lock"):
        raise InvalidBucketState("An Object Lock configuration is present on this bucket, so the versioning state "
                                 "cannot be changed.")
    if status == state.SUSPENDED and bucket.record.get(replication.FLAG):
        raise InvalidBucketState("A replication configuration is present on this bucket, so you cannot change the "
                                 "versioning state. To change the versioning state, first delete the replication "
                                 "configuration.")
    bucket.record["versioning"] = status
    bucket.save()
    return {}
