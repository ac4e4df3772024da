"""ListObjects, ListObjectsV2 and ListObjectVersions: keys in the order of their UTF-8 bytes, a page at a time.

Keys that share a prefix up to the delimiter are told once, and their scan jumps over all of them. What is no object any
more (delete markers, older versions) costs no page entry, so long stretches of it give way to others.
Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html and its neighbours.
"""

import base64
from collections.abc import Callable, Generator, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import quote

from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot
from actors.s3 import archives, ownership, state
from actors.s3.access import bucket_of
from actors.s3.errors import InvalidArgument
from actors.s3.objects import STANDARD
from actors.s3.owners import owner
from actors.s3.state import Bucket, Record
from bus.codec import unpack

PAGE_LIMIT = 1000
INTEGER_LIMIT = 2**31 - 1
GIVE_WAY_ROWS = 64                        # looked at between two moments for others
MARKER_PLACES = "MarkerPlaces"            # of delete markers among all versions: S3's documents have both in one order
_TOKEN_PREFIX = "1"  # noqa: S105 - the form of our continuation tokens

Request = Mapping[str, Any]
Answer = dict[str, Any]
Paging = Generator[None, None, Answer]


class Page:
    """What one answer holds, as it grows. `entries`: (key, record); `prefixes` in their order."""

    def __init__(self, request: Request, limit: int) -> None:
        self.prefix: str = request.get("Prefix") or ""
        self.delimiter: str = request.get("Delimiter") or ""
        self.asked = limit                # told as it was asked for
        self.limit = min(limit, PAGE_LIMIT)
        self.entries: list[tuple[str, Record]] = []
        self.prefixes: list[str] = []
        self.last = ""                    # the last key or prefix told
        self.truncated = False

    @property
    def count(self) -> int:
        return len(self.entries) + len(self.prefixes)

    def group(self, key: str) -> str:
        """The common prefix this key falls under; ""."""
        if not self.delimiter:
            return ""
        cut = key.find(self.delimiter, len(self.prefix))
        return key[:cut + len(self.delimiter)] if cut >= 0 else ""


def objects(context: Context, snapshot: Snapshot, request: Request) -> Paging:
    """ListObjects, version 1."""
    bucket = bucket_of(context, snapshot, request)
    write = writer(request)
    page, marker = Page(request, _limit(request)), request.get("Marker") or ""
    yield from _fill(bucket, page, _told_group(page, marker) or marker)
    answer = _common(bucket, request, page, write)
    answer |= {"Marker": write(marker), **_where(bucket)}
    more, owner_of = _asked_for(context, request), ownership.owners_in(bucket)
    answer["Contents"] = [_object(key, record, write, owner_of(record)) | more(record)
                          for key, record in page.entries]
    if page.truncated and page.delimiter:
        answer["NextMarker"] = write(page.last)
    return answer


def objects_v2(context: Context, snapshot: Snapshot, request: Request) -> Paging:
    bucket = bucket_of(context, snapshot, request)
    write = writer(request)
    token, start = request.get("ContinuationToken"), request.get("StartAfter")
    after = _from_token(token) if token is not None else start or ""
    page = Page(request, _limit(request))
    yield from _fill(bucket, page, after)
    more, owner_of = _asked_for(context, request), ownership.owners_in(bucket)
    answer = _common(bucket, request, page, write)
    answer["Contents"] = [_object(key, record, write, owner_of(record) if request.get("FetchOwner") else "")
                          | more(record) for key, record in page.entries]
    answer |= {"KeyCount": page.count, **_where(bucket)}
    if token is not None:
        answer["ContinuationToken"] = token
    elif start is not None:
        answer["StartAfter"] = write(start)
    if page.truncated:
        answer["NextContinuationToken"] = _to_token(page.last)
    return answer


def _where(bucket: Bucket) -> Answer:
    """S3's models have no member for it: a header of every list of objects (gateway/protocols/rest_xml.py)."""
    return {"BucketRegion": bucket.record["region"]}


def versions(context: Context, snapshot: Snapshot, request: Request) -> Paging:
    bucket = bucket_of(context, snapshot, request)
    marker, id_marker = request.get("KeyMarker") or "", _id_marker(request)
    write = writer(request)
    if request.get("MaxKeys", 0) < 0:
        raise InvalidArgument("max-keys cannot be negative", "max-keys")
    page = Page(request, _limit(request))
    found = yield from _versions(bucket, page, marker, id_marker if marker else "")
    answer = _common(bucket, request, page, write)
    answer |= {"KeyMarker": write(marker), "VersionIdMarker": id_marker}
    if "Delimiter" in request:
        answer["Delimiter"] = write(page.delimiter)
    more, owner_of = _asked_for(context, request), ownership.owners_in(bucket)
    told = [_version(key, record, newest, write, owner_of(record)) | more(record) for key, record, newest in found]
    answer["Versions"] = [each for each in told if "Size" in each]
    answer["DeleteMarkers"] = [each for each in told if "Size" not in each]
    answer[MARKER_PLACES] = [place for place, each in enumerate(told) if "Size" not in each]
    if page.truncated:
        answer["NextKeyMarker"] = write(page.last)
        if found and found[-1][0] == page.last:
            answer["NextVersionIdMarker"] = found[-1][1]["id"]
    return answer


def _id_marker(request: Request) -> str:
    """"" where there is none. Sentences and their order were measured on AWS in March 2026. InvalidArgument."""
    marker: str | None = request.get("VersionIdMarker")
    if marker is None:
        return ""
    if request.get("KeyMarker") is None:
        wrong = "A version-id marker cannot be specified without a key marker."
    elif not marker:
        wrong = "A version-id marker cannot be empty."
    elif marker != state.NULL and state.sequence_of(marker) is None:
        wrong = "Invalid version id specified"
    else:
        return marker
    raise InvalidArgument(wrong, "version-id-marker", marker)


def _told_group(page: Page, marker: str) -> str:
    """The common prefix that a marker falls under, which is told no more; ""."""
    return page.group(marker) if marker >= page.prefix else ""


def _fill(bucket: Bucket, page: Page, after: str) -> Generator[None, None, None]:
    """Current objects behind `after`, delete markers left out."""
    if not page.limit:
        return
    rows = _rows(bucket, page, after)
    looked_at = 0
    for key, row in rows:
        looked_at += 1
        if looked_at % GIVE_WAY_ROWS == 0:
            yield
        record = cast("Record", unpack(row))
        if record.get("marker"):
            continue
        if page.count >= page.limit:
            page.truncated = True
            break
        group = page.group(key)
        if group:
            page.prefixes.append(group)
            rows.jump(group)
            page.last = group
        else:
            page.entries.append((key, record))
            page.last = key


class _Rows(Iterator[tuple[str, bytes]]):
    """Rows of current versions from one key on, within a prefix; `jump` goes behind everything under another."""

    def __init__(self, bucket: Bucket, prefix: str, start: bytes) -> None:
        self._bucket = bucket
        self._stop = state.past_text(prefix) if prefix else b""
        self._rows = bucket.scan(b"o", start, self._stop)

    def jump(self, group: str) -> None:
        self._rows = self._bucket.scan(b"o", state.past_text(group), self._stop)

    def __next__(self) -> tuple[str, bytes]:
        key, row = next(self._rows)
        return state.opened(key[:-2]), row


def _rows(bucket: Bucket, page: Page, after: str) -> _Rows:
    """Behind `after`, which may be a common prefix that was told."""
    start = state.escaped(page.prefix)
    if after and after >= page.prefix:
        group = page.group(after)
        told_as_group = bool(group) and group == after
        start = state.past_text(after) if told_as_group else state.closed(after) + b"\0"
    elif after:
        start = max(start, state.closed(after) + b"\0")
    return _Rows(bucket, page.prefix, start)


def _versions(
    bucket: Bucket, page: Page, marker: str, id_marker: str
) -> Generator[None, None, list[tuple[str, Record, bool]]]:
    """(key, version, is the newest), all of a key together, the newest first."""
    found: list[tuple[str, Record, bool]] = []
    if not page.limit:
        return found
    for key, record, newest in _rest_of_key(bucket, page, marker, id_marker):
        if len(found) >= page.limit:
            page.truncated = True
            return found
        found.append((key, record, newest))
        page.last = key
    rows = _rows(bucket, page, _told_group(page, marker) or marker)
    for looked_at, (key, row) in enumerate(rows):
        if looked_at % GIVE_WAY_ROWS == GIVE_WAY_ROWS - 1:
            yield
        group = page.group(key)
        if group:
            if len(found) + len(page.prefixes) >= page.limit:
                page.truncated = True
                return found
            page.prefixes.append(group)
            page.last = group
            rows.jump(group)
            continue
        current = cast("Record", unpack(row))
        for number, record in enumerate(_all_of(bucket, key, current)):
            if len(found) + len(page.prefixes) >= page.limit:
                page.truncated = True
                return found
            found.append((key, record, number == 0))
            page.last = key
    return found


def _rest_of_key(bucket: Bucket, page: Page, marker: str, id_marker: str) -> Iterator[tuple[str, Record, bool]]:
    """The versions of the marker's key that come behind the marker's version."""
    if not id_marker or not marker.startswith(page.prefix) or page.group(marker):
        return
    named = bucket.version(marker, id_marker)
    below = named["seq"] if named is not None else state.sequence_of(id_marker)
    if below is None:
        return
    current = bucket.current(marker)
    if current is not None and current["seq"] < below:
        yield marker, current, True
    for record in bucket.older(marker, below):
        yield marker, record, False


def _all_of(bucket: Bucket, key: str, current: Record) -> Iterator[Record]:
    yield current
    if bucket.versioning:
        yield from bucket.older(key)


def _limit(request: Request) -> int:
    """As it was asked for. InvalidArgument."""
    return integer(request.get("MaxKeys", PAGE_LIMIT), "max-keys", "maxKeys")


def integer(given: int | str, name: str, inner: str = "") -> int:
    """A parameter of a listing; `inner` is what S3 calls a negative one by. InvalidArgument."""
    try:
        given = int(given)
    except ValueError:
        raise _no_integer(given, name) from None
    if given > INTEGER_LIMIT:
        raise _no_integer(given, name)
    if given < 0:
        raise InvalidArgument(f"Argument {inner or name} must be an integer between 0 and {INTEGER_LIMIT}",
                              inner or name, given)
    return given


def _no_integer(given: int | str, name: str) -> InvalidArgument:
    return InvalidArgument(f"Provided {name} not an integer or within integer range", name, given)


def writer(request: Request) -> Any:
    """How keys and prefixes are written. InvalidArgument."""
    encoding = request.get("EncodingType")
    if encoding is None:
        return str
    if encoding.lower() != "url":
        raise InvalidArgument("Invalid Encoding Method specified in Request", "encoding-type", encoding)
    return lambda text: quote(text, safe="/-_.~*")


def _common(bucket: Bucket, request: Request, page: Page, write: Any) -> Answer:
    answer: Answer = {
        "Name": bucket.name, "Prefix": write(page.prefix), "MaxKeys": page.asked, "IsTruncated": page.truncated,
        "CommonPrefixes": [{"Prefix": write(prefix)} for prefix in page.prefixes],
    }
    if page.delimiter:
        answer["Delimiter"] = write(page.delimiter)
    if request.get("EncodingType"):
        answer["EncodingType"] = request["EncodingType"]
    return answer


def _object(key: str, record: Record, write: Any, account: str) -> Answer:
    found: Answer = {
        "Key": write(key), "LastModified": datetime.fromtimestamp(record["time"], UTC), "ETag": f'"{record["etag"]}"',
        "Size": record["size"], "StorageClass": record.get("class", STANDARD),
    }
    if record.get("sums"):
        found |= {"ChecksumAlgorithm": list(record["sums"]), "ChecksumType": record.get("sum_type", "FULL_OBJECT")}
    if account:
        found["Owner"] = owner(account)
    return found


def _asked_for(context: Context, request: Request) -> Callable[[Record], Answer]:
    """What is told of an object to who asks for it, and to nobody else."""
    if "RestoreStatus" in (request.get("OptionalObjectAttributes") or ()):
        return lambda record: archives.told_in_list(record, context.now)
    return lambda record: {}


def _version(key: str, record: Record, newest: bool, write: Any, account: str) -> Answer:
    common: Answer = {"Key": write(key), "VersionId": record["id"], "IsLatest": newest,
                      "LastModified": datetime.fromtimestamp(record["time"], UTC), "Owner": owner(account)}
    if record.get("marker"):
        return common
    described = _object(key, record, write, "")
    return {**described, **common}


def _to_token(key: str) -> str:
    return _TOKEN_PREFIX + base64.urlsafe_b64encode(key.encode()).decode()


def _from_token(token: str) -> str:
    """InvalidArgument."""
    try:
        if token[:1] != _TOKEN_PREFIX:
            raise ValueError("no token of ours")
        return base64.urlsafe_b64decode(token[1:].encode("ascii")).decode()
    except ValueError as error:
        raise InvalidArgument("The continuation token provided is incorrect", "continuation-token") from error
