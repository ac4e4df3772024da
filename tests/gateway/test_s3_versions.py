"""ListObjectVersions' documents hold versions and delete markers in one order.

As https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html shows it and minio-go reads it.
"""

import re
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.protocols.rest_xml import RestXml
from schemas.models import load

TIME = datetime(2030, 1, 1, tzinfo=UTC)


def entry(number: int, is_marker: bool) -> dict[str, Any]:
    told = {"Key": "k", "VersionId": str(number), "LastModified": TIME}
    return told if is_marker else {**told, "Size": 0}


@given(st.lists(st.booleans()))
def test_one_order(markers: list[bool]) -> None:
    told = [entry(number, is_marker) for number, is_marker in enumerate(markers)]
    result = {
        "IsTruncated": False, "Versions": [each for each in told if "Size" in each],
        "DeleteMarkers": [each for each in told if "Size" not in each],
        "MarkerPlaces": [number for number, is_marker in enumerate(markers) if is_marker],
    }
    body = RestXml().serialise(load("s3").operations["ListObjectVersions"], result, "id").body
    assert body is not None
    found = re.findall(rb"<(Version|DeleteMarker)><Key>k</Key><VersionId>([0-9]+)<", body)
    assert found == [(b"DeleteMarker" if is_marker else b"Version", b"%d" % number)
                     for number, is_marker in enumerate(markers)]
