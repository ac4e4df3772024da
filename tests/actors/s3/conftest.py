"""A store with one bucket, for tests of what S3 answers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.actors.s3.answers import BUCKET
from tests.actors.s3.caller import Caller, open_caller


@pytest.fixture
def s3(tmp_path: Path) -> Iterator[Caller]:
    with open_caller(tmp_path) as caller:
        caller.call("CreateBucket", Bucket=BUCKET)
        yield caller
