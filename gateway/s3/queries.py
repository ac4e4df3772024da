"""S3's parameters: what no member of an operation says of them, in S3's words, before anything is looked up.

Sources of the sentences: ceph/s3-tests, versitygw's tests, and what two projects measured of AWS in 2026 (backlot, and
recordings of ListObjectVersions for rabata.io).
"""

import re
from collections.abc import Container
from functools import cache
from typing import NamedTuple

from gateway.protocols.rest import bound
from gateway.s3 import selectors
from schemas.errors import AwsError
from schemas.models import Operation

Query = dict[str, list[str]]

_INTEGER = re.compile("(-?)0*([0-9]{1,10})")
_INT32_MAX = 2**31 - 1
_PART_NUMBER = "partNumber"
_NUMBERS = {_PART_NUMBER: "Part number must be an integer between 1 and 10000, inclusive"}
# What the one listing has and the other has not.
_STRANGE = {
    "ListObjects": {name: f"{told} only supported in REST.GET.BUCKET with list-type=2"
                    for name, told in (("continuation-token", "continuation-token"), ("start-after", "startAfter"))},
    "ListObjectsV2": {"marker": "Marker unsupported with REST.GET.BUCKET in list-type=2"},
}
_FETCH_OWNER = "fetch-owner"
_VERSION = "versionId"
_OVERRIDE = "response-"
_VERSIONS = {"GetBucketAcl": "Invalid version id specified"}


class _Facts(NamedTuple):
    """Of an operation: the parameters that are integers, is it one of a version, or on what has none, and which are
    headers of its answer?"""

    numbers: tuple[str, ...]
    of_version: bool
    without_version: bool
    overrides: frozenset[str]


def read(operation: Operation, query: Query) -> Query:
    """What is left to read, as the members will have it. InvalidArgument."""
    facts = _facts(operation)
    left = {name: values for name, values in query.items() if not _says_nothing(facts, name, values[0])}
    for name, message in _STRANGE.get(operation.name, {}).items():
        if name in query:
            raise _refusal(message, name)
    if _VERSION in query:
        _check_version(operation, facts, query[_VERSION][0])
    if facts.overrides:
        _check_overrides(facts.overrides, query)
    return left


def _check_overrides(known: Container[str], query: Query) -> None:
    """InvalidArgument, as versitygw's issue 2075 measured it."""
    for name, values in query.items():
        if name.startswith(_OVERRIDE) and name not in known:
            raise _refusal(f"{name} is not in the set of overridable response headers. Please refer to the S3 API "
                           "documentation for a complete list of overridable response headers.", name, values[0])


def _check_version(operation: Operation, facts: _Facts, text: str) -> None:
    """A bucket has none, nor has what is yet to come; the name of one is not empty. InvalidArgument."""
    if facts.without_version:
        message = _VERSIONS.get(operation.name, "This operation does not accept a version-id.")
        raise _refusal(message, _VERSION, text)
    if facts.of_version and not text:
        raise _refusal("Version id cannot be the empty string", _VERSION, text)


def check_no_part(query: Query) -> None:
    """A part of nothing is no object. MethodNotAllowed, InvalidArgument."""
    if selectors.UPLOAD in query:
        raise selectors.unnumbered()
    if _PART_NUMBER in query:                      # S3 tells the name again, not the number: versitygw's issue 1226
        raise _refusal("This operation does not accept partNumber without uploadId", _PART_NUMBER, _PART_NUMBER)


def _says_nothing(facts: _Facts, name: str, text: str) -> bool:
    """Is it as if it were not there? InvalidArgument for a number that is none."""
    if name in facts.numbers:
        if not text and name not in _NUMBERS:
            return True
        found = _INTEGER.fullmatch(text)
        if found is None or int(found[2]) > _INT32_MAX + bool(found[1]):
            raise _refusal(_NUMBERS.get(name, f"Provided {name} not an integer or within integer range"), name, text)
    return name == _FETCH_OWNER and text != "true"


@cache
def _facts(operation: Operation) -> _Facts:
    members = bound(operation.input, "querystring") if operation.input is not None else []
    of_version = any(wire == _VERSION for _, _, wire in members)
    of_bucket = operation.uri.startswith("/{Bucket}") and "{Key" not in operation.uri
    return _Facts(
        tuple(wire for _, member, wire in members if member.shape.kind == "integer"), of_version,
        not of_version and (operation.method == "PUT" or (of_bucket and operation.method != "POST")),
        frozenset(wire for _, _, wire in members if wire.startswith(_OVERRIDE)))


def _refusal(message: str, name: str, value: str | None = None) -> AwsError:
    fields = {"ArgumentName": name} if value is None else {"ArgumentName": name, "ArgumentValue": value}
    return AwsError(message, code="InvalidArgument", status=400, **fields)
