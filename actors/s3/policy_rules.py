"""What a bucket policy must be to be kept, and what S3 says of one that is not.

Sources: the grammar and the keys, https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html and
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html; the messages are those of AWS in
LocalStack's snapshots, in versitygw's issues and in reports of users.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cache
from ipaddress import ip_network
from typing import Any, NamedTuple

from actors.runtime.actions import action_of
from actors.runtime.policy import (
    InvalidPrincipal,
    MalformedPolicy,
    StatementSource,
    UnknownOperator,
    Use,
    compile_document,
    parse,
)
from actors.s3.errors import MalformedBucketPolicy
from actors.s3.permissions import OF_VERSIONS, of_version
from schemas.models import load

POLICY_LIMIT_BYTES = 20 * 1024            # without the white space between what it says
_VERSIONS = ("2012-10-17", "2008-10-17")
# What a policy and a statement may hold; of a statement's, one of each pair must be there.
_TOP = ("Version", "Id", "Statement")
_NOBODY, _NO_ACTION = "Invalid principal in policy", "Policy has invalid action"
_NO_RESOURCE = "Policy has invalid resource"
_ACTION = re.compile(r"\*|[Ss]3:[A-Za-z0-9*?]+")
_RESOURCE = re.compile(r"arn:[^:]*:(?:s3|[^:]*[*?][^:]*):.*", re.DOTALL)


def _texts(given: Any, form: re.Pattern[str] = re.compile(".+", re.DOTALL)) -> bool:
    """Is it one of that form, or several?"""
    several = given if isinstance(given, list) else [given]
    return bool(several) and all(isinstance(text, str) and form.fullmatch(text) for text in several)


def _principals(given: Any) -> bool:
    return given == "*" or (isinstance(given, dict) and all(map(_texts, given.values())))


_REQUIRED: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "Principal": (_principals, _NOBODY), "Action": (lambda given: _texts(given, _ACTION), _NO_ACTION),
    "Resource": (lambda given: _texts(given, _RESOURCE), _NO_RESOURCE),
}
_ELEMENTS = ("Sid", "Effect", "Condition", *_REQUIRED, *(f"Not{name}" for name in _REQUIRED))
# S3's condition keys, in lower case; those of a tag end in "/".
_KEYS = frozenset(f"s3:{name}" for name in (
    "accessgrantsinstancearn", "accesspointnetworkorigin", "accesspointtag/", "authtype", "buckettag/",
    "dataaccesspointaccount", "dataaccesspointarn", "delimiter", "destinationregion", "existingjoboperation",
    "existingjobpriority", "existingobjecttag/", "if-match", "if-none-match", "inventoryaccessibleoptionalfields",
    "isreplicationpauserequest", "jobsuspendedcause", "locationconstraint", "max-keys", "object-lock-legal-hold",
    "object-lock-mode", "object-lock-remaining-retention-days", "object-lock-retain-until-date",
    "objectcreationoperation", "prefix", "requestjoboperation", "requestjobpriority", "requestobjecttag/",
    "requestobjecttagkeys", "resourceaccount", "signatureage", "signatureversion", "tlsversion", "versionid",
    "x-amz-acl", "x-amz-bucket-namespace", "x-amz-content-sha256", "x-amz-copy-source", "x-amz-grant-full-control",
    "x-amz-grant-read", "x-amz-grant-read-acp", "x-amz-grant-write", "x-amz-grant-write-acp",
    "x-amz-metadata-directive", "x-amz-object-annotation-directive", "x-amz-object-if-match", "x-amz-object-ownership",
    "x-amz-server-side-encryption", "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-server-side-encryption-customer-algorithm", "x-amz-storage-class", "x-amz-website-redirect-location",
))
_OF_ADDRESSES = ("IpAddress", "NotIpAddress")
# What is done to buckets and to objects, but by no operation of S3's.
_OF_BUCKETS = frozenset({"s3:ListTagsForResource", "s3:TagResource", "s3:UntagResource"})
_OF_OBJECTS = frozenset({
    "s3:BypassGovernanceRetention", "s3:GetObjectVersionForReplication", "s3:GetObjectVersionTorrent",
    "s3:InitiateReplication", "s3:ObjectOwnerOverrideToBucketOwner", "s3:ReplicateDelete", "s3:ReplicateObject",
    "s3:ReplicateTags",
})
_NAMED = re.compile(r"AWS:arn:aws[a-z-]*:(?:iam|sts)::(?:[0-9]{12}|cloudfront):")  # CloudFront's access identities
_WILD = re.compile(r"[*?]|\$\{")


def check(text: str, arn: str, inside: str = "/") -> None:
    """Of the bucket's or the access point's with this ARN; behind it and `inside` stands an object's key.
    MalformedPolicy."""
    for written in _statements(text):
        _check_elements(written)
    try:
        compile_document(text, Use.RESOURCE)
    except InvalidPrincipal as error:
        raise MalformedBucketPolicy(_NOBODY) from error
    except UnknownOperator as error:
        raise MalformedBucketPolicy(f"Invalid Condition type : {error.name}") from error
    except MalformedPolicy as error:
        raise MalformedBucketPolicy(str(error)) from error
    for statement in parse(text, Use.RESOURCE)[1]:
        if statement.allow and statement.not_principal:
            raise MalformedBucketPolicy("Allow with NotPrincipal is not allowed")
        if any(name.startswith("AWS:arn:") and not _NAMED.match(name) for name in statement.principals or ()):
            raise MalformedBucketPolicy(_NOBODY)
        _check_conditions(statement)
        _check_actions(statement, [_kinds_of_resource(resource, arn, arn + inside) for resource in statement.resources])


# The document's own shape, told in S3's words before the grammar tells of it in IAM's.


def _statements(text: str) -> Iterator[Mapping[str, Any]]:
    """Those that are any: the grammar refuses the rest."""
    if not text.lstrip().startswith("{"):
        raise MalformedBucketPolicy("Policies must be valid JSON and the first byte must be '{'")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise MalformedBucketPolicy("This policy contains invalid Json") from None
    plain = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    if len(plain.encode(errors="surrogatepass")) > POLICY_LIMIT_BYTES:
        raise MalformedBucketPolicy(
            f"Normalized policy document exceeds the maximum allowed size of {POLICY_LIMIT_BYTES} bytes")
    _check_known(document, _TOP)
    if "Statement" not in document:
        raise MalformedBucketPolicy("Missing required field Statement")
    if document["Statement"] in ([], {}):
        raise MalformedBucketPolicy("Could not parse the policy: Statement is empty!")
    if document.get("Version", _VERSIONS[0]) not in _VERSIONS:
        raise MalformedBucketPolicy("The policy must contain a valid version string")
    found = document["Statement"]
    return (one for one in (found if isinstance(found, list) else [found]) if isinstance(one, dict))


def _check_known(holder: Mapping[str, Any], names: Iterable[str]) -> None:
    for name in holder:
        if name not in names:
            raise MalformedBucketPolicy(f"Unknown field {name}")


def _check_elements(statement: Mapping[str, Any]) -> None:
    _check_known(statement, _ELEMENTS)
    if "Effect" not in statement:
        raise MalformedBucketPolicy("Missing required field Effect")
    if statement["Effect"] not in ("Allow", "Deny"):
        raise MalformedBucketPolicy(f"Invalid effect: {statement['Effect']}")
    for name, (names_some, message) in _REQUIRED.items():
        given = [statement[written] for written in (name, f"Not{name}") if written in statement]
        if not given:
            raise MalformedBucketPolicy(f"Missing required field {name}")
        if not all(map(names_some, given)):
            raise MalformedBucketPolicy(message)


def _check_conditions(statement: StatementSource) -> None:
    for condition in statement.conditions:
        vendor, _, name = condition.key.lower().partition(":")
        key, slash, _ = name.partition("/")
        if not name or (vendor == "s3" and f"s3:{key}{slash}" not in _KEYS):
            raise MalformedBucketPolicy("Policy has an invalid condition key")
        if condition.operator in _OF_ADDRESSES and not all(map(_is_address, condition.values)):
            raise MalformedBucketPolicy("Invalid IP address in Conditions")


def _is_address(text: str) -> bool:
    try:
        return bool(_WILD.search(text) or ip_network(text, strict=False))
    except ValueError:
        return False


# Each action of a statement must be one on something that the statement is about: the bucket, or objects in it.


class Kinds(NamedTuple):
    bucket: bool
    objects: bool


def _kinds_of_resource(resource: str, arn: str, inside: str) -> Kinds:
    literal = _WILD.split(resource, maxsplit=1)[0]
    found = Kinds(fnmatchcase(arn, resource), literal.startswith(inside) or (
        literal != resource and inside.startswith(literal)))
    if not resource.startswith("arn:") or not any(found):
        raise MalformedBucketPolicy(_NO_RESOURCE)
    return found


def _check_actions(statement: StatementSource, resources: Iterable[Kinds]) -> None:
    if not statement.not_action and not statement.not_resource:
        there = Kinds(*map(any, zip(*resources, strict=True)))
        for action in statement.actions:
            kinds = _kinds_of_action(action.lower())
            if not any(kinds):
                raise MalformedBucketPolicy(_NO_ACTION)
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
