"""Is a policy public, and public-access blocks: what they forbid to set, and what of the set they leave out.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
"""

import json
from collections.abc import Iterator, Mapping
from ipaddress import ip_network
from typing import Any

from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot, Transaction
from actors.s3 import acls, state
from actors.s3.access import bucket_of
from actors.s3.acls import Acl
from actors.s3.errors import AccessDenied, InvalidRequest, NoSuchBucketPolicy, S3Error
from actors.s3.state import Bucket
from bus.codec import pack, unpack

BLOCK, POLICY = "public-access", "policy"  # kinds of configuration
SETTINGS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
# Condition keys whose fixed values make an allowance to everyone one to somebody.
_NARROWING = frozenset({
    "aws:principalarn", "aws:principalaccount", "aws:principalorgid", "aws:principalorgpaths", "aws:sourcearn",
    "aws:sourceaccount", "aws:sourceorgid", "aws:sourceowner", "aws:sourcevpc", "aws:sourcevpce", "aws:userid",
    "aws:vpcsourceip", "s3:dataaccesspointaccount", "s3:dataaccesspointarn",
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
})
_ADDRESSES = ("aws:sourceip", "aws:vpcsourceip")
_BROADEST_BITS = {4: 8, 6: 32}            # of a network that is still somebody's
_ARN = "arn:aws:s3:::"
_FIXING = frozenset({"stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike", "ipaddress"})

Request = Mapping[str, Any]
Answer = dict[str, Any]


class NoSuchPublicAccessBlock(S3Error):
    code, status_code = "NoSuchPublicAccessBlockConfiguration", 404
    words = "The public access block configuration was not found"


def of_bucket(bucket: Bucket) -> Mapping[str, bool]:
    """What holds for it: its own block's settings, its account's, and those of an access point that it is used through.
    """
    own, general = _own(bucket), of_account(bucket.view, bucket.owner)
    return united(own, general, bucket.block) if general or bucket.block else own


def united(*blocks: Mapping[str, bool]) -> Mapping[str, bool]:
    return {name: True for name in SETTINGS if any(block.get(name) for block in blocks)}


def _own(bucket: Bucket) -> Mapping[str, bool]:
    found: Mapping[str, bool] | None = bucket.configuration(BLOCK)
    return found or {}


def of_account(view: Snapshot, account: str) -> Mapping[str, bool]:
    """The block of a whole account; empty where it has none."""
    row = view.get(state.account_key(account))
    found: Mapping[str, bool] = {} if row is None else unpack(row)
    return found


def set_of_account(transaction: Transaction, account: str, block: Mapping[str, bool] | None) -> None:
    if block is None:
        transaction.delete(state.account_key(account))
    else:
        transaction.put(state.account_key(account), pack(block))


def get(context: Context, snapshot: Snapshot, request: Request) -> Answer:
    bucket = bucket_of(context, snapshot, request)
    found = _own(bucket)
    if not found:
        raise NoSuchPublicAccessBlock(BucketName=bucket.name)
    return {"PublicAccessBlockConfiguration": dict(found)}


def put(context: Context, transaction: Transaction, request: Request) -> Answer:
    bucket = bucket_of(context, transaction, request)
    bucket.configure(BLOCK, checked(request["PublicAccessBlockConfiguration"]))
    return {}


def checked(asked: Mapping[str, Any]) -> Mapping[str, bool]:
    """As it is kept. InvalidRequest."""
    if not asked:
        raise InvalidRequest("Must specify at least one configuration.")
    return {name: bool(asked.get(name)) for name in SETTINGS}


def delete(context: Context, transaction: Transaction, request: Request) -> Answer:
    bucket_of(context, transaction, request).configure(BLOCK, None)
    return {}


def status(context: Context, snapshot: Snapshot, request: Request) -> Answer:
    """GetBucketPolicyStatus."""
    bucket = bucket_of(context, snapshot, request)
    text = bucket.configuration(POLICY)
    if text is None:
        raise NoSuchBucketPolicy(bucket.name)
    return {"PolicyStatus": {"IsPublic": is_public(text)}}


def check_policy(context: Context, bucket: Bucket, text: str) -> None:
    """AccessDenied where the bucket's block has no public policy."""
    if of_bucket(bucket).get("BlockPublicPolicy") and is_public(text):
        raise prevented(context, f"{_ARN}{bucket.name}", "policies", "BlockPublicPolicy")


def check_acl(context: Context, bucket: Bucket, acl: Acl) -> None:
    """AccessDenied where the bucket's block has no public ACL."""
    if acls.is_public(acl) and of_bucket(bucket).get("BlockPublicAcls"):
        raise prevented(context, f"{_ARN}{bucket.name}", "ACLs", "BlockPublicAcls")


def prevented(context: Context, arn: str, what: str, setting: str) -> AccessDenied:
    return AccessDenied(
        f"User: {context.principal.arn or 'anonymous'} is not authorized to perform: s3:{context.operation.name} on "
        f'resource: "{arn}" because public {what} are prevented by the {setting} setting in S3 Block Public Access.')


def is_public(text: str) -> bool:
    """Does a policy, well-formed, allow everyone anything?"""
    statements = json.loads(text)["Statement"]
    return any(map(_opens, statements if isinstance(statements, list) else [statements]))


def _opens(statement: Mapping[str, Any]) -> bool:
    if statement["Effect"] != "Allow":
        return False
    if "NotPrincipal" not in statement and "*" not in _principals(statement.get("Principal")):
        return False
    return not any(_narrows(operator, key, _listed(values))
                   for operator, block in (statement.get("Condition") or {}).items() for key, values in block.items())


def _principals(principal: Any) -> Iterator[str]:
    if isinstance(principal, Mapping):
        for names in principal.values():
            yield from _listed(names)
    else:
        yield principal


def _listed(value: Any) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else [str(value)]


def _narrows(operator: str, key: str, values: list[str]) -> bool:
    operator, key = operator.lower().rpartition(":")[2], key.lower()
    if operator not in _FIXING:
        return False
    if key in _ADDRESSES:
        return operator == "ipaddress" and all(map(_is_somebodys, values))
    return key in _NARROWING and not any("*" in value or "?" in value or "${" in value for value in values)


def _is_somebodys(address: str) -> bool:
    try:
        network = ip_network(address, strict=False)
    except ValueError:
        return False
    return network.prefixlen >= _BROADEST_BITS[network.version]
