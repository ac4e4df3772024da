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
    """With all of them in the list of versions."""
    places = result.get(_PLACES)
    if not places:
        return result
    found = list(result[_VERSIONS])
    for place, marker in zip(places, result[_MARKERS], strict=True):
        found.insert(place, marker)
    return {**result, _VERSIONS: found, _MARKERS: None}


def writers(members: Mapping[str, Write]) -> dict[str, Write]:
    """Those of a merged result: what has no size is a delete marker."""
    version, marker = members[_VERSIONS], members[_MARKERS]

    def write(out: list[str], value: list[Mapping[str, Any]]) -> None:
        for each in value:
            (version if "Size" in each else marker)(out, [each])

    return {**members, _VERSIONS: write}
