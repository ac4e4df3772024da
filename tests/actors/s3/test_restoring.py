"""Archived objects are read once they are restored and until that expires, and at no other time.

Codes and messages: AWS's answers as users of RestoreObject report them; dates: the developer guide on restoring.
"""

from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.s3 import archives, restoring, state
from actors.s3.errors import InvalidObjectState
from schemas.errors import AwsError
from tests.actors.s3.caller import Caller, open_caller

DAY_S = 24 * 3600
ASKED = {"Days": 2, "GlacierJobParameters": {"Tier": "Standard"}}


@pytest.fixture
def s3(tmp_path: Path) -> Iterator[Caller]:
    with open_caller(tmp_path) as caller:
        caller.call("CreateBucket", Bucket="bucket")
        caller.call("PutObject", Bucket="bucket", Key="k", Body=b"cold", StorageClass="GLACIER")
        yield caller


def restore(s3: Caller, key: str = "k", **asked: Any) -> Any:
    return s3.call("RestoreObject", Bucket="bucket", Key=key, RestoreRequest={**ASKED, **asked}).get("StatusCode", 200)


def refusal(call: Any, *arguments: Any, **request: Any) -> tuple[str, int | None, str, Any]:
    with pytest.raises(AwsError) as caught:
        call(*arguments, **request)
    error = caught.value
    return error.error_code, error.status, error.message, error.fields.get("StorageClass")


def read(s3: Caller) -> bytes:
    return bytes(s3.call("GetObject", Bucket="bucket", Key="k")["Body"])


def told(s3: Caller) -> Any:
    return s3.call("HeadObject", Bucket="bucket", Key="k").get("Restore")


def listed(s3: Caller) -> Any:
    answer = s3.call("ListObjectsV2", Bucket="bucket", OptionalObjectAttributes=["RestoreStatus"])
    return answer["Contents"][0].get("RestoreStatus")


def run_job(s3: Caller) -> Any:
    """A step of the restore's job now; its next turn."""
    version = s3.call("HeadObject", Bucket="bucket", Key="k").get("VersionId", state.NULL)
    job = {"bucket": "bucket", "key": "k", "id": version}
    following: Any = s3.store.transact(lambda transaction: restoring.step(transaction, s3.now, job))
    return following and following["wake_at"]


def test_a_restore(s3: Caller) -> None:
    closed = ("InvalidObjectState", 403, "The operation is not valid for the object's storage class", "GLACIER")
    assert refusal(read, s3) == closed
    assert (told(s3), listed(s3)) == (None, None)
    assert restore(s3) == 202
    assert (told(s3), listed(s3)) == ('ongoing-request="true"', {"IsRestoreInProgress": True})
    assert refusal(read, s3) == closed
    assert refusal(restore, s3) == ("RestoreAlreadyInProgress", 409, "Object restore is already in progress", None)
    s3.now += restoring.RESTORE_S["Standard"]
    assert read(s3) == b"cold"
    begins, _, date = told(s3).partition(', expiry-date="')
    assert begins == 'ongoing-request="false"'
    until = parsedate_to_datetime(date.rstrip('"')).timestamp()
    assert until % DAY_S == 0
    assert 2 * DAY_S <= until - s3.now < 3 * DAY_S
    assert listed(s3)["RestoreExpiryDate"].timestamp() == until
    assert run_job(s3) == until
    assert restore(s3, Days=5) == 200
    assert run_job(s3) == until + 3 * DAY_S
    s3.now = until + 3 * DAY_S
    assert refusal(read, s3) == closed
    assert run_job(s3) is None
    assert told(s3) is None
    assert restore(s3) == 202


def test_a_faster_tier_overtakes(s3: Caller) -> None:
    assert restore(s3, GlacierJobParameters={"Tier": "Bulk"}) == 202
    assert restore(s3, GlacierJobParameters={"Tier": "Expedited"}) == 202
    s3.now += restoring.RESTORE_S["Expedited"]
    assert read(s3) == b"cold"


def test_refused_restores(s3: Caller) -> None:
    s3.call("PutObject", Bucket="bucket", Key="warm", StorageClass="GLACIER_IR")
    assert refusal(restore, s3, "warm") == (
        "InvalidObjectState", 403, "Restore is not allowed for the object's current storage class", "GLACIER_IR")
    s3.call("PutObject", Bucket="bucket", Key="deep", StorageClass="DEEP_ARCHIVE")
    assert refusal(restore, s3, "deep", GlacierJobParameters={"Tier": "Expedited"})[0] == "InvalidArgument"
    assert restore(s3, "deep", GlacierJobParameters={"Tier": "Bulk"}) == 202
    assert refusal(restore, s3, "none")[0] == "NoSuchKey"
    for asked in ({"Days": 0}, {"Days": None}, {"GlacierJobParameters": {"Tier": "Fast"}}):
        given = {name: value for name, value in {**ASKED, **asked}.items() if value is not None}
        assert s3.error("RestoreObject", Bucket="bucket", Key="k", RestoreRequest=given) == "MalformedXML"
    assert refusal(restore, s3, Type="SELECT")[:2] == ("NotImplemented", 501)


# One is readable exactly from when its copy is there until that expires.
@given(ready=st.integers(0, 10), lasts=st.integers(1, 10), now=st.integers(0, 30))
def test_when_one_is_readable(ready: int, lasts: int, now: int) -> None:
    record = {"class": "GLACIER", "restore": {"ready": ready, "until": ready + lasts}}
    if ready <= now < ready + lasts:
        archives.check_copyable(record, now)
    else:
        with pytest.raises(InvalidObjectState):
            archives.check_copyable(record, now)
