"""S3's parameters: what no member of an operation says of them, in S3's words, before anything is looked up.

Sources of the sentences: ceph/s3-tests, versitygw's tests, and what two projects measured of AWS in 2026 (backlot, and
recordings of ListObjectVersions for rabata.io).
"""

import re
from functools import cache
from typing import NamedTuple

from gateway.protocols.rest import bound
from schemas.errors import AwsError
from schemas.models import Operation

Query = dict[str, list[str]]

_INTEGER = re.compile("(-?)0*([0-9]{1,10})")
_INT32_MAX = 2**31 - 1
_PART_NUMBER = "partNumber"
_UPLOAD = "uploadId"
_NUMBERS = {_PART_NUMBER: "Part number must be an integer between 1 and 10000, inclusive"}
# What the one listing has and the other has not.
_STRANGE = {
    "ListObjects": {name: f"{told} only supported in REST.GET.BUCKET with list-type=2"
                    for name, told in (("continuation-token", "continuation-token"), ("start-after", "startAfter"))},
    "ListObjectsV2": {"marker": "Marker unsupported with REST.GET.BUCKET in list-type=2"},
}
_FETCH_OWNER = "fetch-owner"
_VERSION = "versionId"
_VERSIONS = {"GetBucketAcl": "Invalid version id specified"}


class _Facts(NamedTuple):
    """Of an operation: the parameters that are integers, and is it one of a bucket?"""

    numbers: tuple[str, ...]
    of_bucket: bool


def read(operation: Operation, query: Query) -> Query:
    """What is left to read, as the members will have it. InvalidArgument."""
    facts = _facts(operation)
    left = {name: values for name, values in query.items() if not _says_nothing(facts, name, values[0])}
    for name, message in _STRANGE.get(operation.name, {}).items():
        if name in query:
            raise _refusal(message, name)
    if facts.of_bucket and _VERSION in query:
        message = _VERSIONS.get(operation.name, "This operation does not accept a version-id.")
        raise _refusal(message, _VERSION, query[_VERSION][0])
    return left


def check_no_part(query: Query) -> None:
    """A part of nothing is no object. InvalidArgument."""
    for name, other in ((_PART_NUMBER, _UPLOAD), (_UPLOAD, _PART_NUMBER)):
        if name in query:
            raise _refusal(f"This operation does not accept {name} without {other}", name, query[name][0])


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
    return _Facts(tuple(wire for _, member, wire in members if member.shape.kind == "integer"),
                  operation.uri.startswith("/{Bucket}") and "{Key" not in operation.uri and operation.method != "POST")


def _refusal(message: str, name: str, value: str | None = None) -> AwsError:
    fields = {"ArgumentName": name} if value is None else {"ArgumentName": name, "ArgumentValue": value}
    return AwsError(message, code="InvalidArgument", status=400, **fields)
