"""Completing a multipart upload writes a row and none of the object's bytes."""

import pytest

from tests import servers
from tests.load.bench_s3 import MIB
from tests.load.bench_s3_complete import BUCKET, KEY, complete

WRITTEN_LIMIT_BYTES = 512 * 1024          # some pages of the shard, envelopes, lines of logs; a part has at least 5 MiB


# Expected: actors/s3/DESIGN.md, "Why a multipart object is a list". That the parts are counted as they come shows that
# the count sees what is written.
@pytest.mark.parametrize(("mib", "parts"), [(15, 3), pytest.param(10 * 1024, 20, marks=pytest.mark.slow)])
def test_no_byte_moves(mib: int, parts: int) -> None:
    with servers.skybus("--durability", "os") as server:
        done = complete(server, mib, parts)
        head = server.client("s3").head_object(Bucket=BUCKET, Key=KEY)  # type: ignore[attr-defined]
    assert (head["ContentLength"], head["ETag"]) == (mib * MIB, done.etag)
    assert done.etag.endswith(f'-{parts}"')
    assert done.uploaded_bytes >= mib * MIB
    assert done.bytes < WRITTEN_LIMIT_BYTES, done
