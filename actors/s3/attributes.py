"""GetObjectAttributes: what is known of an object without its bytes.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html
"""

from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot
from actors.s3 import checksums, contents, encryption, reading
from actors.s3.engine.sealing import OurKey
from actors.s3.errors import InvalidArgument, InvalidRequest
from actors.s3.listing import integer
from actors.s3.objects import STANDARD
from actors.s3.state import Record
from schemas.dialects import NO_ATTRIBUTES

PARTS_LIMIT = 1000

Request = Mapping[str, Any]
Answer = dict[str, Any]


def get(context: Context, snapshot: Snapshot, request: Request, ours: OurKey) -> Answer:
    wanted = _wanted(request)
    bucket, record = reading.find(context, snapshot, request)
    encryption.sealer_of(ours, record, request)
    answer: Answer = {"LastModified": datetime.fromtimestamp(int(record["time"]), UTC)}
    if bucket.versioning:
        answer["VersionId"] = record["id"]
    if "ETag" in wanted:
        answer["ETag"] = record["etag"]
    if "Checksum" in wanted and record.get("sums"):
        answer["Checksum"] = _checksum(record)
    if "ObjectParts" in wanted and record.get("parts"):
        answer["ObjectParts"] = _parts(snapshot, record, request)
    if "StorageClass" in wanted:
        answer["StorageClass"] = record.get("class", STANDARD)
    if "ObjectSize" in wanted:
        answer["ObjectSize"] = record["size"]
    return answer


_ATTRIBUTES = frozenset({"ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"})


def _wanted(request: Request) -> list[str]:
    """Whatever the key. InvalidRequest, InvalidArgument."""
    wanted: list[str] = request["ObjectAttributes"]
    if not any(wanted):
        raise InvalidRequest(NO_ATTRIBUTES)
    unknown = [name for name in wanted if name not in _ATTRIBUTES]
    if unknown:
        raise InvalidArgument("Invalid attribute name specified.", "x-amz-object-attributes", ",".join(unknown))
    return wanted


def _checksum(record: Record) -> Answer:
    """Here a composite checksum comes without its number of parts."""
    found: Answer = {name: value.partition("-")[0] for name, value in checksums.members(record).items()}
    return found | {"ChecksumType": record.get("sum_type", checksums.FULL_OBJECT)}


def _parts(view: Snapshot, record: Record, request: Request) -> Answer:
    """They are told one by one where their checksums make the whole's."""
    limit = min(integer(request.get("MaxParts", PARTS_LIMIT), "x-amz-max-parts"), PARTS_LIMIT)
    marker = integer(request.get("PartNumberMarker") or 0, "x-amz-part-number-marker")
    if not record.get("sums") or record.get("sum_type") != checksums.COMPOSITE:
        return {"TotalPartsCount": record["parts"]}
    [algorithm] = record["sums"]
    known = [part for part in contents.parts(view, record["content"]) if part[0] > marker]
    told = known[:limit]
    return {"TotalPartsCount": record["parts"], "PartNumberMarker": marker,
            "NextPartNumberMarker": told[-1][0] if told else 0, "MaxParts": limit, "IsTruncated": len(known) > limit,
            "Parts": [{"PartNumber": number, "Size": size, f"Checksum{algorithm}": b64encode(digest).decode()}
                      for number, size, digest in told]}
