"""ListObjectVersions as S3 writes it: versions and delete markers in one order, by key, the newest first.

Its model has a list of each; what stands where, the actor says beside them (actors/s3/listing.py). SDKs that go by the
model do not look, minio-go does. Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html
"""

from collections.abc import Mapping
from typing import Any

from gateway.protocols.xml_shapes import Write

OPERATION = "ListObjectVersions"
_VERSIONS, _MARKERS, _PLACES = "Versions", "DeleteMarkers", "MarkerPlaces"


def merged(result: Mapping[str, Any]) -> Mapping[str, Any]:
    """With pairs in place of both lists, where there are markers: of which list an entry is, and the entry."""
    if not result.get(_PLACES):
        return result
    found = [(_VERSIONS, version) for version in result[_VERSIONS]]
    for place, marker in zip(result[_PLACES], result[_MARKERS], strict=True):
        found.insert(place, (_MARKERS, marker))
    return {**result, _VERSIONS: None, _MARKERS: None, _PLACES: found}


def writers(members: Mapping[str, Write]) -> dict[str, Write]:
    """Those of a merged result."""
    def write(out: list[str], pairs: list[tuple[str, Any]]) -> None:
        for name, entry in pairs:
            members[name](out, [entry])

    return {**members, _PLACES: write}
