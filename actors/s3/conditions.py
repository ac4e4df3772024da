"""If-Match, If-None-Match and their dates, on reads and on writes.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html; the order of evaluation is that
of RFC 9110 13.2.2.
"""

from collections.abc import Mapping
from datetime import datetime
from email.utils import formatdate
from typing import Any

from actors.s3.errors import (
    ConditionalRequestConflict,
    NoSuchKey,
    NotImplementedHeader,
    NotModified,
    PreconditionFailed,
)
from actors.s3.state import Record, upload_time_us

Request = Mapping[str, Any]

_NO_VERSION = "Conditional delete operations are not allowed when a version ID is included in the request parameters."


def bare(etag: str) -> str:
    """The one that what changes an object takes, no list, and as policies see it. Measured on AWS:
    https://github.com/versity/versitygw/pull/2368"""
    return etag.strip('"')


def check_read(request: Request, record: Record) -> None:
    """Of GetObject and HeadObject. PreconditionFailed, NotModified."""
    failed = _failed(request, record, "IfMatch", "IfUnmodifiedSince", "IfNoneMatch", "IfModifiedSince")
    if failed in ("If-None-Match", "If-Modified-Since"):
        raise NotModified(headers={
            "ETag": f'"{record["etag"]}"', "Last-Modified": formatdate(record["time"], usegmt=True)})
    if failed:
        raise PreconditionFailed(failed)


def check_copy(request: Request, record: Record) -> None:
    """Of the source of a copy, where every failure is PreconditionFailed."""
    failed = _failed(request, record, *[f"CopySource{name}" for name in (
        "IfMatch", "IfUnmodifiedSince", "IfNoneMatch", "IfModifiedSince")])
    if failed:
        raise PreconditionFailed(f"x-amz-copy-source-{failed}")


def check_write(request: Request, key: str, current: Record | None) -> None:
    """Of what replaces an object. NoSuchKey, PreconditionFailed, NotImplementedHeader."""
    match, none_match = request.get("IfMatch"), request.get("IfNoneMatch")
    if match is None and none_match is None:
        return
    if match is not None and none_match is not None:
        raise NotImplementedHeader(
            Header="If-Match,If-None-Match",
            additionalMessage="Multiple conditional request headers present in the request")
    there = current is not None and not current.get("marker")
    if none_match is not None:
        if none_match != "*":
            raise NotImplementedHeader(
                Header="If-None-Match",
                additionalMessage="We don't accept the provided value of If-None-Match header for this API")
        if there:
            raise PreconditionFailed("If-None-Match")
        return
    if match == "*":
        raise NotImplementedHeader(
            Header="If-Match", additionalMessage="We don't accept the provided value of If-Match header for this API")
    if current is None or not there:
        raise NoSuchKey(key)
    assert match is not None
    if bare(match) != current["etag"]:
        raise PreconditionFailed("If-Match")


def check_complete(request: Request, key: str, current: Record | None, upload: Record) -> None:
    """Of an upload that ends as an object: as check_write, and nothing may have come between since it began.
    ConditionalRequestConflict."""
    check_write(request, key, current)
    moved = upload.get("disturbed") or (current is not None and current["seq"] // 1000 > upload_time_us(upload))
    if moved and request.get("IfNoneMatch") is not None:
        raise ConditionalRequestConflict("If-None-Match", key)
    if moved and request.get("IfMatch") is not None:
        raise ConditionalRequestConflict("If-Match", key)


def check_abort(request: Request, upload: Record) -> None:
    """Of an upload that is given up: it began in that second. PreconditionFailed."""
    began = request.get("IfMatchInitiatedTime")
    if began is not None and _second(began) != int(upload["time"]):
        raise PreconditionFailed("x-amz-if-match-initiated-time")


def refuse_delete(request: Request) -> None:
    """Of DeleteObject: what only directory buckets look at, and what is about no version. NotImplementedHeader.

    As LocalStack's snapshots have it of AWS: https://github.com/localstack/localstack/issues/13894
    """
    for member, header in (("IfMatchLastModifiedTime", "x-amz-if-match-last-modified-time"),
                           ("IfMatchSize", "x-amz-if-match-size")):
        if request.get(member) is not None:
            raise NotImplementedHeader(Header=header)
    if request.get("IfMatch") is not None and request.get("VersionId"):
        raise NotImplementedHeader(Header="If-Match", additionalMessage=_NO_VERSION)


def check_delete(request: Request, key: str, current: Record | None) -> None:
    """Of DeleteObject, and with its own member name of DeleteObjects. NoSuchKey, PreconditionFailed.

    Under a delete marker there is none, whatever lies there. The user guide has 412 for it; what answers is 404:
    https://github.com/ministackorg/ministack/issues/1475, https://github.com/localstack/localstack/issues/13894
    """
    match = request.get("IfMatch") or request.get("ETag")
    if match is None:
        return
    if current is None or current.get("marker"):
        raise NoSuchKey(key)
    if match != "*" and bare(match) != current["etag"]:
        raise PreconditionFailed("If-Match")


def _failed(request: Request, record: Record, *names: str) -> str:
    """The header of the condition that does not hold; "" when all do. A moment may be one that is yet to come."""
    match, unmodified, none_match, modified = [request.get(name) for name in names]
    etag, time = record["etag"], int(record["time"])
    if match is not None:
        if not _matches(match, etag):
            return "If-Match"
    elif unmodified is not None and time > _second(unmodified):
        return "If-Unmodified-Since"
    if none_match is not None:
        if _matches(none_match, etag):
            return "If-None-Match"
    elif modified is not None and time <= _second(modified):
        return "If-Modified-Since"
    return ""


def _second(moment: datetime) -> int:
    return int(moment.timestamp())


def _matches(condition: str, etag: str) -> bool:
    """Of a list of entity tags, or *."""
    tags = [tag.strip().removeprefix("W/").strip('"') for tag in condition.split(",")]
    return "*" in tags or etag in tags
