"""Access points in the shard: their names, their rows, and what audit records tell of requests through them.

Expected: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-naming.html and
…/access-points-monitoring-logging.html
"""

from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.runtime.audit.operations import resource_of
from actors.s3 import points
from actors.s3.copying import parse_source
from actors.s3.errors import AccessDenied
from actors.s3.points import Key, Point
from tests.actors.s3.answers import BUCKET
from tests.actors.s3.caller import ACCOUNT, Caller

REGION = "us-east-1"
NAMES = st.from_regex("[a-z0-9]([a-z0-9-]{1,48})[a-z0-9]", fullmatch=True)


# Every name that stands for an access point is seen to be one; an object's key may hold anything.
@given(NAMES, st.from_regex("[0-9]{12}", fullmatch=True), st.text(min_size=1, max_size=20))
def test_names(name: str, account: str, key: str) -> None:
    made = Key(account, REGION, name)
    assert points.key_of_arn(made.arn) == points.key_of_arn(f"{made.arn}/object/{key}") == made
    assert points.key_of_arn(made.arn.replace("/", ":")) == made
    assert all(map(points.may_stand, (made.arn, f"{name}-{account}", f"{name}-abc-s3alias")))
    assert parse_source("arn:aws:s3:us-east-1:111111111111:accesspoint/ap/object/a/object/b?versionId=v") == (
        "arn:aws:s3:us-east-1:111111111111:accesspoint/ap", "a/object/b", "v")


def add(s3: Caller, name: str, account: str = ACCOUNT, region: str = REGION, bucket: str = BUCKET) -> Point:
    record = {"bucket": bucket, "time": 0.0, "block": {}, "bucket_account": ACCOUNT}
    made: Point = s3.store.transact(lambda transaction: points.add(transaction, Key(account, region, name), record))
    return made


# Accounts and regions are kept apart, and pages go by name; what ends leaves no row.
def test_rows(s3: Caller) -> None:
    made = [add(s3, name) for name in ("b", "ab", "a")]
    others = [add(s3, "a", "222222222222"), add(s3, "a", region="eu-west-1")]

    def names(view: Any, after: str = "") -> list[str]:
        return [point.key.name for point in points.listed(view, ACCOUNT, REGION, after)]

    assert s3.store.read(lambda view: (names(view), names(view, "a"), names(view, "aa"))) == (
        ["a", "ab", "b"], ["ab", "b"], ["ab", "b"])
    assert s3.error("DeleteBucket", Bucket=BUCKET) == "BucketHasAccessPointsAttached"
    for point in (*made, *others):
        s3.store.transact(partial(points.remove, point=point))
    assert s3.store.read(lambda view: [key for table in (b"e", b"l", b"m") for key, _ in view.scan(
        table, bytes((table[0] + 1,)))]) == []
    s3.call("DeleteBucket", Bucket=BUCKET)


# The page's example has an object, its bucket and the access point; the first is what the access is about.
def test_audit_records_name_the_access_point(s3: Caller) -> None:
    point, context = add(s3, "ap"), s3.context("GetObject")
    request = {"Bucket": point.alias, "Key": "a/b"}
    first, second = s3.actor.accesses(context, request)
    assert (first.resource, second.resource) == (f"arn:aws:s3:::{BUCKET}/a/b", f"{point.arn}/object/a/b")
    assert first.called == f'"{second.resource}"'
    passed = s3.actor.passed(context, request)
    assert [getattr(resource_of(arn), "type", "") for arn in (first.resource, *passed)] == [
        "AWS::S3::Object", "AWS::S3::Bucket", "AWS::S3::AccessPoint"]
    assert passed == (f"arn:aws:s3:::{BUCKET}", point.arn)
    assert s3.actor.passed(context, {"Bucket": BUCKET, "Key": "k"}) == ()
    assert s3.actor.passed(context, {"Bucket": f"no-{ACCOUNT}", "Key": "k"}) == ()
    assert s3.actor.passed(context, {"CopySource": "x"}) == ()


# A request that waits, for the disk or a commit, ends where it was let in, or nowhere.
def test_another_may_not_take_its_place(s3: Caller) -> None:
    s3.call("CreateBucket", Bucket="another")
    swapped, name = add(s3, "ap"), f"ap-{ACCOUNT}"
    for asked in (swapped.arn, name):
        context, request = s3.context("PutObject"), {"Bucket": asked, "Key": "k", "Body": b"1"}
        s3.actor.accesses(context, request)
        assert s3.store.transact(partial(s3.actor.put_object, context, request=request))["ETag"]
        s3.store.transact(partial(points.remove, point=swapped))
        swapped = add(s3, "ap", bucket="another")
        with pytest.raises(AccessDenied):
            s3.store.transact(partial(s3.actor.put_object, context, request=request))
        s3.store.transact(partial(points.remove, point=swapped))
        swapped = add(s3, "ap")
    s3.store.transact(partial(points.remove, point=swapped))
    s3.call("CreateBucket", Bucket=name)
    context, request = s3.context("PutObject"), {"Bucket": name, "Key": "k", "Body": b"1"}
    s3.actor.accesses(context, request)
    s3.call("DeleteBucket", Bucket=name)
    add(s3, "ap")
    with pytest.raises(AccessDenied):
        s3.store.transact(partial(s3.actor.put_object, context, request=request))
