"""What a lifecycle may ask for: codes and sentences are AWS's, see actors/s3/lifecycle_rules.py."""

from datetime import UTC, datetime
from typing import Any

import pytest

from actors.s3.errors import S3Error
from actors.s3.lifecycle_rules import check

Rule = dict[str, Any]

MIDNIGHT, MORNING = datetime(2030, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, 6, tzinfo=UTC)
EXPIRES: Rule = {"Expiration": {"Days": 90}}
TAG = {"Key": "a", "Value": "b"}


def rule(**more: Any) -> Rule:
    return {"Status": "Enabled", "Filter": {"Prefix": "x/"}, **more}


def old(prefix: str, **more: Any) -> Rule:
    return {"Status": "Enabled", "Prefix": prefix, **more}


def moves(*days: int, **more: Any) -> list[Rule]:
    classes = ("STANDARD_IA", "GLACIER", "DEEP_ARCHIVE")
    return [{"Days": each, "StorageClass": name, **more} for each, name in zip(days, classes, strict=False)]


def later(*days: int) -> list[Rule]:
    return [{"NoncurrentDays": each["Days"], "StorageClass": each["StorageClass"]} for each in moves(*days)]


def on(date: datetime) -> Rule:
    return {"Date": date, "StorageClass": "GLACIER"}


@pytest.mark.parametrize("rules", [
    [rule(**EXPIRES)], [rule(**EXPIRES, Transitions=moves(30, 60))], [rule(Filter={}, **EXPIRES)],
    [rule(Transitions=[{"Days": 0, "StorageClass": "GLACIER"}])], [rule(Transitions=[on(MIDNIGHT)])],
    [rule(Expiration={"ExpiredObjectDeleteMarker": True}, Transitions=moves(30))],
    [rule(Expiration={"Date": datetime(2031, 1, 1, tzinfo=UTC)}, Transitions=[on(MIDNIGHT)])],
    [rule(NoncurrentVersionExpiration={"NoncurrentDays": 61}, NoncurrentVersionTransitions=later(30, 60))],
    [rule(**EXPIRES, Filter={"And": {"Tags": [TAG], "ObjectSizeGreaterThan": 1, "ObjectSizeLessThan": 2}})],
    [rule(**EXPIRES, Filter={"And": {"Prefix": "", "Tags": [{"Key": "k" * 128, "Value": "v" * 256}]}})],
    [rule(**EXPIRES, Filter={"Prefix": "é" * 512})],
    [old("a", **EXPIRES), old("b", **EXPIRES), old("a", NoncurrentVersionExpiration={"NoncurrentDays": 1})],
])
def test_taken(rules: list[Rule]) -> None:
    check(rules)


@pytest.mark.parametrize(("rules", "code", "message"), [
    ([], "MalformedXML", ""), ([rule()], "InvalidRequest", "At least one action needs to be specified in a rule."),
    ([rule(**EXPIRES)] * 1001, "MalformedXML", ""), ([rule(**EXPIRES, Status="on")], "MalformedXML", ""),
    ([rule(**EXPIRES, Prefix="")], "MalformedXML", ""), ([{"Status": "Enabled", **EXPIRES}], "MalformedXML", ""),
    ([rule(**EXPIRES, ID="i" * 256)], "InvalidArgument", "ID length should not exceed allowed limit of 255"),
    ([rule(**EXPIRES, ID="i")] * 2, "InvalidArgument", "Rule ID must be unique. Found same ID for more than one rule"),
    ([rule(**EXPIRES), old("", **EXPIRES)], "InvalidRequest",
     "Base level prefix cannot be used in Lifecycle V2, prefixes are only supported in the Filter."),
    ([old("", **EXPIRES), rule(**EXPIRES)], "InvalidRequest", "Filter element can only be used in Lifecycle V2."),
    ([old("a/b", **EXPIRES), old("a", **EXPIRES)], "InvalidRequest",
     "Found overlapping prefixes 'a' and 'a/b' for same action type 'Expiration'"),
    # filters
    ([rule(**EXPIRES, Filter={"Prefix": "x", "Tag": TAG})], "MalformedXML", ""),
    ([rule(**EXPIRES, Filter={"And": {"Prefix": "x"}})], "MalformedXML", ""),       # terraform-provider-aws 23882
    ([rule(**EXPIRES, Filter={"And": {"Tags": [TAG]}})], "MalformedXML", ""),
    ([old("x" * 1025, **EXPIRES)], "InvalidRequest", "The maximum size of a prefix is 1024"),
    ([rule(**EXPIRES, Filter={"Prefix": "é" * 513})], "InvalidRequest", "The maximum size of a prefix is 1024"),
    ([rule(**EXPIRES, Filter={"Tag": {"Key": "k" * 129, "Value": ""}})], "InvalidRequest",
     "A Tag's Key must be a length between 1 and 128."),
    ([rule(**EXPIRES, Filter={"Tag": {"Key": "k", "Value": "v" * 257}})], "InvalidRequest",
     "A Tag's Value must be a length between 0 and 256."),
    ([rule(**EXPIRES, Filter={"And": {"Tags": [TAG, TAG]}})], "InvalidRequest", "Duplicate Tag Keys are not allowed."),
    ([rule(**EXPIRES, Filter={"And": {"ObjectSizeGreaterThan": 2, "ObjectSizeLessThan": 2}})], "InvalidRequest",
     "'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'."),
    ([rule(Expiration={"ExpiredObjectDeleteMarker": True}, Filter={"Tag": TAG})], "InvalidRequest",
     "ExpiredObjectDeleteMarker cannot be specified with Tags."),
    ([rule(AbortIncompleteMultipartUpload={"DaysAfterInitiation": 1}, Filter={"ObjectSizeLessThan": 1})],
     "InvalidRequest", "AbortIncompleteMultipartUpload cannot be specified with Object Size."),
    # the end of things
    ([rule(Expiration={"Days": 0})], "InvalidArgument", "'Days' for Expiration action must be a positive integer"),
    ([rule(Expiration={"Days": 1, "ExpiredObjectDeleteMarker": True})], "MalformedXML", ""),
    ([rule(Expiration={})], "InvalidRequest", "At least one action needs to be specified in a rule."),
    ([rule(Expiration={"Date": MORNING})], "InvalidArgument", "'Date' must be at midnight GMT"),
    ([rule(NoncurrentVersionExpiration={"NewerNoncurrentVersions": 1})], "MalformedXML", ""),
    ([rule(AbortIncompleteMultipartUpload={"DaysAfterInitiation": 0})], "InvalidArgument",
     "'DaysAfterInitiation' for AbortIncompleteMultipartUpload action must be a positive integer"),
    # transitions
    ([rule(Transitions=[{"Days": 1, "StorageClass": "STANDARD"}])], "MalformedXML", ""),
    ([rule(Transitions=moves(30, Date=MIDNIGHT))], "MalformedXML", ""),
    ([rule(Transitions=[{"StorageClass": "GLACIER"}])], "InvalidArgument",
     "'Transition' action must specify either 'Days' or 'Date'"),
    ([rule(Transitions=[on(MORNING)])], "InvalidArgument", "'Date' must be at midnight GMT"),
    ([rule(Transitions=[{"Days": -1, "StorageClass": "GLACIER"}])], "InvalidArgument",
     "'Days' in Transition action must be nonnegative"),
    ([rule(Transitions=moves(29))], "InvalidArgument",
     "'Days' in Transition action must be greater than or equal to 30 for storageClass 'STANDARD_IA'"),
    ([rule(Transitions=[*moves(30), *moves(60)])], "InvalidRequest",
     "'StorageClass' must be different for 'Transition' actions in same 'Rule' with filter '(prefix=x/)'"),
    ([rule(Transitions=[*moves(30), on(MIDNIGHT)])], "InvalidRequest",
     "Found mixed 'Date' and 'Days' based Transition actions in lifecycle rule for filter '(prefix=x/)'"),
    ([old("x", Transitions=[on(MIDNIGHT)], **EXPIRES)], "InvalidRequest",
     "Found mixed 'Date' and 'Days' based Expiration and Transition actions in lifecycle rule for prefix 'x'"),
    ([rule(Transitions=moves(30, 90), **EXPIRES)], "InvalidArgument",
     "'Days' in the Expiration action for filter '(prefix=x/)' must be greater than 'Days' in the Transition action"),
    ([rule(Transitions=moves(90), **EXPIRES, Filter={"And": {"Prefix": "x", "Tags": [TAG], "ObjectSizeLessThan": 9}})],
     "InvalidArgument", "'Days' in the Expiration action for filter '(prefix=x and tag={key=a, value=b} and "
     "objectsizelessthan=9)' must be greater than 'Days' in the Transition action"),
    ([rule(NoncurrentVersionTransitions=[{"StorageClass": "GLACIER"}])], "MalformedXML", ""),
    ([rule(NoncurrentVersionTransitions=later(-1))], "InvalidArgument",
     "'NoncurrentDays' in NoncurrentVersionTransition action must be nonnegative"),
    ([rule(Filter={}, NoncurrentVersionExpiration={"NoncurrentDays": 30}, NoncurrentVersionTransitions=later(30))],
     "InvalidArgument", "'NoncurrentDays' in the NoncurrentVersionExpiration action for filter '(prefix=)' must be "
     "greater than 'NoncurrentDays' in the NoncurrentVersionTransition action"),
])
def test_refused(rules: list[Rule], code: str, message: str) -> None:
    with pytest.raises(S3Error) as caught:
        check(rules)
    assert caught.value.error_code == code
    assert not message or caught.value.message == message
