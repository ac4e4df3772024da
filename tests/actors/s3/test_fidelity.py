"""What S3 answers where it is easily got wrong: code, status, sentence.

Where nothing else is said, the expectations are those of LocalStack's snapshots and moto's tests that run against AWS.
"""

import json
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from actors.runtime.principal import NOBODY, principal_of
from actors.s3.multipart import location
from schemas.errors import AwsError
from tests.actors.s3.caller import Caller, open_caller

BUCKET = "bucket"
NEVER = "HPniJFCxqTsMuIH9KX8K8wEjNUgmABCD"      # no version id of anybody's
PART = b"x" * 5 * 1024 * 1024
MALFORMED = "The XML you provided was not well-formed or did not validate against our published schema"


@pytest.fixture
def s3(tmp_path: Path) -> Iterator[Caller]:
    with open_caller(tmp_path) as caller:
        caller.call("CreateBucket", Bucket=BUCKET)
        yield caller


def refused(s3: Caller, name: str, **request: Any) -> AwsError:
    with pytest.raises(AwsError) as caught:
        s3.call(name, Bucket=BUCKET, **request)
    return caught.value


def said(s3: Caller, name: str, **request: Any) -> tuple[str, int | None, str]:
    error = refused(s3, name, **request)
    return error.error_code, error.status, error.message


def version(s3: Caller, status: str = "Enabled") -> None:
    s3.call("PutBucketVersioning", Bucket=BUCKET, VersioningConfiguration={"Status": status})


def put(s3: Caller, key: str = "k", body: bytes = b"body", **request: Any) -> dict[str, Any]:
    return s3.call("PutObject", Bucket=BUCKET, Key=key, Body=body, **request)


# Deletions


def test_a_version_that_cannot_be(s3: Caller) -> None:
    """Of one key it is a wrong argument, among many that key's own failure."""
    put(s3)
    wrong = refused(s3, "DeleteObject", Key="k", VersionId=NEVER)
    assert (wrong.error_code, wrong.fields["ArgumentName"]) == ("InvalidArgument", "versionId")
    answer = s3.call("DeleteObjects", Bucket=BUCKET, Delete={"Objects": [{"Key": "k", "VersionId": NEVER}]})
    assert answer["Errors"] == [{"Key": "k", "VersionId": NEVER, "Code": "NoSuchVersion",
                                 "Message": "The specified version does not exist."}]
    assert s3.call("GetObject", Bucket=BUCKET, Key="k")["Body"] == b"body"


@pytest.mark.parametrize("bypass", [True, False])
def test_nothing_to_bypass(s3: Caller, bypass: bool) -> None:
    assert said(s3, "DeleteObject", Key="k", BypassGovernanceRetention=bypass) == (
        "InvalidArgument", 400, "x-amz-bypass-governance-retention is only applicable to Object Lock enabled buckets.")


# https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html; a delete marker as measured on AWS
# (ministack's issue 1475, LocalStack's 13894), not as that page has it.
def test_conditional_deletions(s3: Caller) -> None:
    assert said(s3, "DeleteObject", Key="k", IfMatch="*")[:2] == ("NoSuchKey", 404)
    assert s3.call("DeleteObject", Bucket=BUCKET, Key="k", IfMatchSize=4) == {}
    put(s3)
    assert said(s3, "DeleteObject", Key="k", IfMatch='"other"')[:2] == ("PreconditionFailed", 412)
    assert said(s3, "DeleteObject", Key="k", IfMatchSize=5)[:2] == ("PreconditionFailed", 412)
    version(s3)
    assert s3.call("DeleteObject", Bucket=BUCKET, Key="k", IfMatch="*")["DeleteMarker"] is True
    for match in ("*", '"other"'):
        assert said(s3, "DeleteObject", Key="k", IfMatch=match)[:2] == ("NoSuchKey", 404)


def test_no_keys(s3: Caller) -> None:
    assert said(s3, "DeleteObjects", Delete={}) == ("MalformedXML", 400, MALFORMED)
    assert said(s3, "DeleteObjects", Delete={"Objects": []}) == ("MalformedXML", 400, MALFORMED)
    assert said(s3, "DeleteObjects", Delete={"Objects": [{}]}) == ("MalformedXML", 400, MALFORMED)
    assert said(s3, "DeleteObjects")[0] == "InvalidRequest"


# Versions


def test_where_delete_markers_stand(s3: Caller) -> None:
    """Among all versions, by key, the newest first: a gateway writes them so."""
    version(s3)
    put(s3, "a")
    for key in ("b", "a"):
        put(s3, key)
        s3.call("DeleteObject", Bucket=BUCKET, Key=key)
    told = s3.call("ListObjectVersions", Bucket=BUCKET)
    assert [each["Key"] for each in told["Versions"]] == ["a", "a", "b"]
    assert ([each["Key"] for each in told["DeleteMarkers"]], told["MarkerPlaces"]) == (["a", "b"], [0, 3])


@pytest.mark.parametrize(("operation", "method", "more"), [
    ("GetObjectTagging", "GET", {}), ("DeleteObjectTagging", "DELETE", {}),
    ("PutObjectTagging", "PUT", {"Tagging": {"TagSet": []}}), ("GetObjectRetention", "GET", {}),
    ("PutObjectLegalHold", "PUT", {"LegalHold": {"Status": "ON"}}),
])
def test_what_a_delete_marker_has_not(s3: Caller, operation: str, method: str, more: dict[str, Any]) -> None:
    """Named or not: it is the version that is meant."""
    version(s3)
    put(s3)
    marker = s3.call("DeleteObject", Bucket=BUCKET, Key="k")["VersionId"]
    for request in ({}, {"VersionId": marker}):
        error = refused(s3, operation, Key="k", **request, **more)
        assert (error.error_code, error.status) == ("MethodNotAllowed", 405)
        assert (error.fields["Method"], error.fields["ResourceType"]) == (method, "DeleteMarker")


# Reads


@pytest.mark.parametrize(("asked", "told"), [
    ({}, True), ({"Range": "bytes=0-100"}, True), ({"Range": "bytes=-4"}, True), ({"PartNumber": 1}, True),
    ({"Range": "bytes=1-"}, False), ({"Range": "bytes=2-1"}, True),
])
def test_the_checksum_of_all_of_it(s3: Caller, asked: dict[str, Any], told: bool) -> None:
    """Whatever range it was asked for by."""
    put(s3, body=b"1234")
    answer = s3.call("GetObject", Bucket=BUCKET, Key="k", ChecksumMode="ENABLED", **asked)
    assert ("ChecksumCRC64NVME" in answer) == told


# https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html and OpenStack Swift's tests.
@pytest.mark.parametrize(("number", "error"), [
    (0, ("InvalidArgument", 400)), (-1, ("InvalidArgument", 400)), (10_001, ("InvalidArgument", 400)),
    (2, ("InvalidPartNumber", 416)), (10_000, ("InvalidPartNumber", 416))])
def test_parts_that_are_not_there(s3: Caller, number: int, error: tuple[str, int]) -> None:
    put(s3)
    for name in ("GetObject", "HeadObject"):
        assert said(s3, name, Key="k", PartNumber=number)[:2] == error


# A moment that is yet to come is one like others. adobe/S3Mock, whose tests of it ran against AWS in 2025.
def test_modified_since_what_is_to_come(s3: Caller) -> None:
    put(s3)
    soon = datetime.fromtimestamp(s3.now + 60, UTC)
    for name in ("GetObject", "HeadObject"):
        assert said(s3, name, Key="k", IfModifiedSince=soon)[:2] == ("NotModified", 304)
    source = {"CopySource": f"{BUCKET}/k", "CopySourceIfModifiedSince": soon}
    assert said(s3, "CopyObject", Key="copy", **source)[:2] == ("PreconditionFailed", 412)


# What a copy keeps of its source is not looked at in its request; what it replaces is. scality/cloudserver.
def test_metadata_of_copies(s3: Caller) -> None:
    put(s3, Metadata={"a": "b"}, CacheControl="max-age=1")
    asked = {"Key": "copy", "CopySource": f"{BUCKET}/k", "Metadata": {"large": "x" * 2048}, "CacheControl": "no-store"}
    for directive in ({}, {"MetadataDirective": "COPY"}):
        s3.call("CopyObject", Bucket=BUCKET, **asked, **directive)
        copied = s3.call("HeadObject", Bucket=BUCKET, Key="copy")
        assert (copied["Metadata"], copied["CacheControl"]) == ({"a": "b"}, "max-age=1")
    assert said(s3, "CopyObject", **asked, MetadataDirective="REPLACE")[:2] == ("MetadataTooLarge", 400)


# Expires is given back as it was written (versitygw's tests); one that is asked for instead, as that is.
def test_expires_as_it_was_written(s3: Caller) -> None:
    moment = datetime(2026, 3, 21, tzinfo=UTC)
    put(s3, Expires=moment, ExpiresString="Fri, 21 Mar 2026 00:00:00 GMT")
    kept = s3.call("HeadObject", Bucket=BUCKET, Key="k")
    assert (kept["Expires"], kept["ExpiresString"]) == (moment, "Fri, 21 Mar 2026 00:00:00 GMT")
    assert "ExpiresString" not in s3.call("HeadObject", Bucket=BUCKET, Key="k", ResponseExpires=moment)
    assert s3.call("HeadObject", Bucket=BUCKET, Key="k", ResponseExpiresString="0")["ExpiresString"] == "0"


# Tags


@pytest.mark.parametrize(("text", "tags"), [
    ("wrongquery&wrongagain", {"wrongagain": "", "wrongquery": ""}), ("key1&&key2", {"key1": "", "key2": ""}),
    ("&", {}), ("key+%2B=a%20%C3%BC", {"key +": "a ü"}), ("key@=val@&", {"key@": "val@"}),
    ("b=1&a", {"a": "", "b": "1"}),
])
def test_tags_in_a_header(s3: Caller, text: str, tags: dict[str, str]) -> None:
    put(s3, Tagging=text)
    told = s3.call("GetObjectTagging", Bucket=BUCKET, Key="k")["TagSet"]
    assert [(tag["Key"], tag["Value"]) for tag in told] == list(tags.items())


# The last two are versitygw's.
@pytest.mark.parametrize("text", ["a=1&a=2", "key1=val1,key2=val2", "=", "key%"])
def test_no_tags_in_a_header(s3: Caller, text: str) -> None:
    error = refused(s3, "PutObject", Key="k", Body=b"", Tagging=text)
    assert (error.error_code, error.fields["ArgumentName"], error.fields["ArgumentValue"]) == (
        "InvalidArgument", "x-amz-tagging", text)


@pytest.mark.parametrize(("key", "value", "message"), [
    ("aws:a", "", "Your TagKey cannot be prefixed with aws:"), ("a,b", "", "The TagKey you have provided is invalid"),
    ("a", "b(", "The TagValue you have provided is invalid"),
])
def test_tags_that_cannot_be(s3: Caller, key: str, value: str, message: str) -> None:
    put(s3)
    tags = {"TagSet": [{"Key": key, "Value": value}]}
    assert said(s3, "PutObjectTagging", Key="k", Tagging=tags) == ("InvalidTag", 400, message)
    assert said(s3, "PutObjectTagging", Key="none", Tagging=tags)[0] == "NoSuchKey"


# Buckets


# One that is empty is not as if there were none: versitygw's issue 1644, aws-sdk-js's 526.
def test_places(s3: Caller) -> None:
    def create(region: str, place: str) -> str:
        return s3.acting(region=region).error(
            "CreateBucket", Bucket="other", CreateBucketConfiguration={"LocationConstraint": place})

    assert [create("us-west-2", place) for place in ("us-east-1", "us-east-2", "moon")] == [
        "IllegalLocationConstraintException"] * 3
    assert [create("us-east-1", place) for place in ("us-east-1", "moon", "")] == ["InvalidLocationConstraint"] * 3


# A bucket may be made with tags: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html. The sentence
# about aws: is the one of ministack's tests, which have it from AWS.
def test_a_bucket_is_made_with_tags(s3: Caller) -> None:
    def make(**tags: str) -> dict[str, Any]:
        return {"Bucket": "tagged", "CreateBucketConfiguration": {
            "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}}

    with pytest.raises(AwsError, match='User-defined tag keys can\'t start with "aws:"'):
        s3.call("CreateBucket", **make(**{"aws:a": "b"}))
    assert s3.error("CreateBucket", **make(**{f"k{number}": "v" for number in range(51)})) == "BadRequest"
    assert s3.error("HeadBucket", Bucket="tagged") == "NoSuchBucket"
    s3.call("CreateBucket", **make(team="a", empty=""))
    assert s3.call("GetBucketTagging", Bucket="tagged") == {
        "TagSet": [{"Key": "team", "Value": "a"}, {"Key": "empty", "Value": ""}]}


@pytest.mark.parametrize("name", ["amzn-s3-demo-x", "sthree-x", "xn--x", "x--x-s3", "a..b", "a.-b", "1.2.3.4", "aB"])
def test_names(s3: Caller, name: str) -> None:
    assert s3.error("CreateBucket", Bucket=name) == "InvalidBucketName"


# What never was a name is told so whatever is asked of it; what once was one in us-east-1 is a bucket that is not
# there. versitygw's issue 1358, which has it from AWS; of former names bucketnamingrules.html.
@pytest.mark.parametrize(("name", "code"), [
    ("a", "InvalidBucketName"), ("my bucket", "InvalidBucketName"), ("x" * 256, "InvalidBucketName"),
    ("Upper_Case", "NoSuchBucket"), ("a..b", "NoSuchBucket"), ("x" * 255, "NoSuchBucket"),
])
def test_names_of_no_bucket(s3: Caller, name: str, code: str) -> None:
    assert s3.error("GetObject", Bucket=name, Key="k") == code
    assert s3.error("ListObjectsV2", Bucket=name) == code


def test_settings_that_cannot_be(s3: Caller) -> None:
    asked = {"Status": "Enabled", "MFADelete": "On"}
    assert said(s3, "PutBucketVersioning", VersioningConfiguration=asked) == ("MalformedXML", 400, MALFORMED)
    assert said(s3, "PutPublicAccessBlock", PublicAccessBlockConfiguration={}) == (
        "InvalidRequest", 400, "Must specify at least one configuration.")
    assert said(s3, "PutBucketPolicy", Policy="") == (
        "MalformedPolicy", 400, "Policies must be valid JSON and the first byte must be '{'")
    assert said(s3, "PutBucketPolicy", Policy="{}") == ("MalformedPolicy", 400, "Missing required field Statement")
    assert said(s3, "PutObjectLockConfiguration") == ("MissingRequestBodyError", 400, "Request Body is empty")
    with pytest.raises(AwsError, match="Invalid x-amz-object-ownership header: Somebody") as caught:
        s3.call("CreateBucket", Bucket="other", ObjectOwnership="Somebody")
    assert caught.value.error_code == "InvalidArgument"
    rule = {"Status": "Enabled", "Prefix": "", "NoncurrentVersionTransitions": [{"StorageClass": "GLACIER"}]}
    assert said(s3, "PutBucketLifecycleConfiguration", LifecycleConfiguration={"Rules": [rule]})[0] == "MalformedXML"


# Policies


ARN = f"arn:aws:s3:::{BUCKET}"


def policy(**statement: Any) -> str:
    first = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"{ARN}/*"} | statement
    return json.dumps({"Version": "2012-10-17", "Statement": [first]})


NO_RESOURCE, NO_ACTION = "Policy has invalid resource", "Policy has invalid action"
NOT_ABOUT = "Action does not apply to any resource(s) in statement"


# The sentences are those that users of AWS report, and versitygw's tests.
@pytest.mark.parametrize(("actions", "resources", "message"), [
    ("s3:GetObject", f"{ARN}/*", ""), ("s3:ListBucket", ARN, ""), ("s3:*", f"{ARN}/a", ""), ("*", ARN, ""),
    ("s3:Get*", ARN, ""), ("S3:getobject", f"{ARN}*", ""), ("s3:ListBucket", f"{ARN[:-2]}*", ""),
    (["s3:GetObject", "s3:ListBucket"], [ARN, f"{ARN}/*"], ""), ("s3:PutObject", "arn:aws:s3:::*", ""),
    ("s3:DeleteObjectVersionTagging", f"{ARN}/a?/${{aws:username}}", ""), ("s3:ReplicateObject", f"{ARN}/*", ""),
    ("s3:PutObject", ARN, NOT_ABOUT), ("s3:ListBucket", f"{ARN}/*", NOT_ABOUT), ("s3:PutO*", ARN, NOT_ABOUT),
    (["s3:GetObject", "s3:ListBucket"], f"{ARN}/*", NOT_ABOUT), ("s3:DeleteObject", ARN, NOT_ABOUT),
    ("s3:Hello", ARN, NO_ACTION), ("dynamodb:GetItem", ARN, NO_ACTION),
    ("s3:GetObject", "*", NO_RESOURCE), ("s3:GetObject", f"{ARN}s/*", NO_RESOURCE),
    ("s3:ListBucket", "arn:aws:s3:::b", NO_RESOURCE),
])
def test_what_a_policy_may_be_about(s3: Caller, actions: Any, resources: Any, message: str) -> None:
    text = policy(Action=actions, Resource=resources)
    if message:
        assert said(s3, "PutBucketPolicy", Policy=text) == ("MalformedPolicy", 400, message)
    else:
        assert s3.call("PutBucketPolicy", Bucket=BUCKET, Policy=text) == {}


# What S3 says where IAM would speak of syntax errors; None: the statement has no such element.
@pytest.mark.parametrize(("elements", "message"), [
    ({"Effect": None}, "Missing required field Effect"), ({"Effect": "allow"}, "Invalid effect: allow"),
    ({"Principal": None}, "Missing required field Principal"), ({"Action": None}, "Missing required field Action"),
    ({"Resource": None}, "Missing required field Resource"), ({"condition": {}}, "Unknown field condition"),
    ({"Principal": {"AWS": "somebody"}}, "Invalid principal in policy"),
    ({"Principal": []}, "Invalid principal in policy"), ({"Principal": {"AWS": []}}, "Invalid principal in policy"),
    ({"Action": []}, NO_ACTION), ({"Action": "GetObject"}, NO_ACTION), ({"Action": "s3:"}, NO_ACTION),
    ({"Resource": []}, NO_RESOURCE), ({"Resource": "bucket"}, NO_RESOURCE),
    ({"Principal": {"AWS": "arn:aws:iam::ACCOUNT:root"}}, "Invalid principal in policy"),
    ({"Principal": {"AWS": "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1"}}, ""),
    ({"Condition": {"StringEqual": {"aws:Referer": "a"}}}, "Invalid Condition type : StringEqual"),
    ({"Condition": {"StringEquals": {"s3:x-acl": "private"}}}, "Policy has an invalid condition key"),
    ({"Condition": {"StringEquals": {"Referer": "a"}}}, "Policy has an invalid condition key"),
    ({"Condition": {"StringEquals": {"s3:ExistingObjectTag/a": "b"}}}, ""),
    ({"Condition": {"StringEqualsIfExists": {"aws:SomethingNew": "a"}}}, ""),
    ({"Condition": {"IpAddress": {"aws:SourceIp": ["10.0.0.1/24", "10.0.0"]}}}, "Invalid IP address in Conditions"),
    ({"Condition": {"NotIpAddress": {"aws:SourceIp": ["10.0.0.1/24", "2001:db8::/32"]}}}, ""),
])
def test_statements(s3: Caller, elements: dict[str, Any], message: str) -> None:
    document = json.loads(policy(**elements))
    [first] = document["Statement"]
    document["Statement"] = {name: value for name, value in first.items() if value is not None}
    if message:
        assert said(s3, "PutBucketPolicy", Policy=json.dumps(document)) == ("MalformedPolicy", 400, message)
    else:
        assert s3.call("PutBucketPolicy", Bucket=BUCKET, Policy=json.dumps(document)) == {}


@pytest.mark.parametrize(("members", "message"), [
    ({"Statement": []}, "Could not parse the policy: Statement is empty!"),
    ({"Version": "2020-10-17"}, "The policy must contain a valid version string"),
    ({"Name": "a"}, "Unknown field Name"),
    ({"Id": "a" * 20_480}, "Normalized policy document exceeds the maximum allowed size of 20480 bytes"),
])
def test_documents(s3: Caller, members: dict[str, Any], message: str) -> None:
    text = json.dumps(json.loads(policy()) | members)
    assert said(s3, "PutBucketPolicy", Policy=text) == ("MalformedPolicy", 400, message)
    assert s3.call("PutBucketPolicy", Bucket=BUCKET, Policy=policy() + " " * 20_480) == {}


# The sentences are those that versitygw's tests expect.
@pytest.mark.parametrize(("text", "message"), [
    ("", "Policies must be valid JSON and the first byte must be '{'"),
    ("[]", "Policies must be valid JSON and the first byte must be '{'"), ("{,}", "This policy contains invalid Json"),
])
def test_no_documents(s3: Caller, text: str, message: str) -> None:
    assert said(s3, "PutBucketPolicy", Policy=text) == ("MalformedPolicy", 400, message)


# https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html (x-amz-copy-source)
def test_copies_of_what_was_deleted(s3: Caller) -> None:
    version(s3)
    put(s3)
    marker = s3.call("DeleteObject", Bucket=BUCKET, Key="k")["VersionId"]
    error = refused(s3, "CopyObject", Key="copy", CopySource=f"{BUCKET}/k")
    assert (error.error_code, error.fields["Headers"]) == (
        "NoSuchKey", {"x-amz-delete-marker": "true", "x-amz-version-id": marker})
    assert said(s3, "CopyObject", Key="copy", CopySource=f"{BUCKET}/k?versionId=") == (
        "InvalidArgument", 400, "Version id cannot be the empty string")


# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
def test_all_but_somebody(s3: Caller) -> None:
    others = json.loads(policy())
    others["Statement"][0]["NotPrincipal"] = {"AWS": "222222222222"}
    del others["Statement"][0]["Principal"]
    assert said(s3, "PutBucketPolicy", Policy=json.dumps(others))[0] == "MalformedPolicy"
    others["Statement"][0]["Effect"] = "Deny"
    assert s3.call("PutBucketPolicy", Bucket=BUCKET, Policy=json.dumps(others)) == {}


# Listings


@pytest.mark.parametrize(("operation", "member", "name", "inner"), [
    ("ListObjects", "MaxKeys", "max-keys", "maxKeys"), ("ListObjectsV2", "MaxKeys", "max-keys", "maxKeys"),
    ("ListMultipartUploads", "MaxUploads", "max-uploads", "max-uploads"),
])
def test_how_many(s3: Caller, operation: str, member: str, name: str, inner: str) -> None:
    assert said(s3, operation, **{member: -1}) == (
        "InvalidArgument", 400, f"Argument {inner} must be an integer between 0 and 2147483647")
    assert said(s3, operation, EncodingType="", **{member: -1})[2] == "Invalid Encoding Method specified in Request"
    answer = s3.call(operation, Bucket=BUCKET, EncodingType="URL", **{member: 2**31 - 1})
    assert (answer[member], answer["EncodingType"]) == (1000 if member == "MaxUploads" else 2**31 - 1, "URL")


# Of versions AWS has other sentences, tells the number it was given, and looks at these things in this order, as
# measured in March and September 2026.
def test_how_many_versions_and_from_where(s3: Caller) -> None:
    put(s3)
    (only,) = s3.call("ListObjectVersions", Bucket=BUCKET, MaxKeys=2**31 - 1)["Versions"]
    refusals: list[tuple[dict[str, Any], str]] = [
        ({"MaxKeys": -1}, "max-keys cannot be negative"),
        ({"MaxKeys": -1, "EncodingType": "bad"}, "Invalid Encoding Method specified in Request"),
        ({"VersionIdMarker": ""}, "A version-id marker cannot be specified without a key marker."),
        ({"VersionIdMarker": "bad", "EncodingType": "bad"},
         "A version-id marker cannot be specified without a key marker."),
        ({"VersionIdMarker": "", "KeyMarker": ""}, "A version-id marker cannot be empty."),
        ({"VersionIdMarker": "", "KeyMarker": "k", "EncodingType": "bad"}, "A version-id marker cannot be empty."),
        ({"VersionIdMarker": "bad", "KeyMarker": "", "EncodingType": "bad"}, "Invalid version id specified"),
    ]
    for request, message in refusals:
        assert said(s3, "ListObjectVersions", **request) == ("InvalidArgument", 400, message)
    assert s3.call("ListObjectVersions", Bucket=BUCKET, MaxKeys=2**31 - 1)["MaxKeys"] == 2**31 - 1
    answer = s3.call("ListObjectVersions", Bucket=BUCKET, KeyMarker="", VersionIdMarker=only["VersionId"], Delimiter="")
    assert (answer["Versions"], answer["Delimiter"]) == ([only], "")


def test_where_a_listing_goes_on(s3: Caller) -> None:
    for key in "abc":
        put(s3, key)
    first = s3.call("ListObjectsV2", Bucket=BUCKET, StartAfter="a", MaxKeys=1)
    assert (first["StartAfter"], [each["Key"] for each in first["Contents"]]) == ("a", ["b"])
    rest = s3.call("ListObjectsV2", Bucket=BUCKET, StartAfter="a", ContinuationToken=first["NextContinuationToken"])
    assert ("StartAfter" in rest, [each["Key"] for each in rest["Contents"]]) == (False, ["c"])
    wrong = ("InvalidArgument", 400, "The continuation token provided is incorrect")
    assert said(s3, "ListObjectsV2", ContinuationToken="", MaxKeys=-1) == wrong
    assert said(s3, "ListObjectsV2", ContinuationToken="", EncodingType="bad")[2] != wrong[2]
    assert s3.call("ListObjectsV2", Bucket=BUCKET, StartAfter="")["StartAfter"] == ""
    assert said(s3, "ListMultipartUploads", KeyMarker="k", UploadIdMarker=NEVER) == (
        "InvalidArgument", 400, "Invalid uploadId marker")
    s3.call("ListMultipartUploads", Bucket=BUCKET, UploadIdMarker=NEVER)


# Measured on AWS: backlot. What begins like a marker up to the delimiter has been told, but for StartAfter.
@pytest.mark.parametrize(("operation", "member", "told", "groups"), [
    ("ListObjects", "Marker", "Contents", []), ("ListObjectsV2", "StartAfter", "Contents", ["a/"]),
    ("ListObjectVersions", "KeyMarker", "Versions", []),
])
def test_a_marker_under_a_common_prefix(
    s3: Caller, operation: str, member: str, told: str, groups: list[str]
) -> None:
    for key in ("a/1", "a/2", "b"):
        put(s3, key)
    answer = s3.call(operation, Bucket=BUCKET, Delimiter="/", **{member: "a/1"})
    assert [each["Prefix"] for each in answer["CommonPrefixes"]] == groups
    assert [each["Key"] for each in answer[told]] == ["b"]


# Measured on AWS: backlot.
def test_lists_of_buckets(s3: Caller) -> None:
    assert "BucketRegion" not in s3.call("ListBuckets")["Buckets"][0]
    for request in ({"Prefix": ""}, {"MaxBuckets": 1}, {"ContinuationToken": ""}, {"BucketRegion": "US-EAST-1"}):
        answer = s3.call("ListBuckets", **request)
        assert [(each["Name"], each["BucketRegion"]) for each in answer["Buckets"]] == [(BUCKET, "us-east-1")]
        assert ("Prefix" in answer) is ("Prefix" in request)
    refusals: list[tuple[dict[str, Any], str]] = [
        ({"MaxBuckets": 0, "BucketRegion": "zz"}, "Argument max-buckets must be an integer between 1 and 10000"),
        ({"BucketRegion": "zz", "ContinuationToken": "garbage"}, "Argument value zz is not a valid AWS Region"),
        ({"BucketRegion": "eu-east-1"}, "Argument value eu-east-1 is not a valid AWS Region"),
        ({"BucketRegion": ""}, "Argument value  is not a valid AWS Region"),
        ({"BucketRegion": "eu-west-1"},
         "Requests with bucket-region specified must be made to the corresponding regional endpoint"),
        ({"ContinuationToken": "garbage"}, "The continuation token provided is incorrect"),
    ]
    for request, message in refusals:
        error = refused(s3, "ListBuckets", **request)
        assert (error.error_code, error.message) == ("InvalidArgument", message)


def test_what_a_completion_says_of_the_whole(s3: Caller) -> None:
    """Its mode must be the upload's, which is none without an algorithm; its checksum of the upload's algorithm."""
    for begun, mode in (({}, "null"), ({"ChecksumAlgorithm": "CRC32C", "ChecksumType": "FULL_OBJECT"}, "FULL_OBJECT")):
        upload = s3.call("CreateMultipartUpload", Bucket=BUCKET, Key="k", **begun)["UploadId"]
        etag = s3.call("UploadPart", Bucket=BUCKET, Key="k", UploadId=upload, PartNumber=1, Body=b"abc")["ETag"]
        request = {"Key": "k", "UploadId": upload, "MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": etag}]}}
        assert said(s3, "CompleteMultipartUpload", **request, ChecksumType="COMPOSITE") == (
            "InvalidRequest", 400, f"The upload was created using the {mode} checksum mode. The complete request must "
            "use the same checksum mode.")
        if begun:
            for name in ("ChecksumCRC32C", "ChecksumCRC32"):
                assert said(s3, "CompleteMultipartUpload", **request, **{name: "AAAAAA=="}) == (
                    "BadDigest", 400, "The crc32c you specified did not match the calculated checksum.")
        missing = {**request, "MultipartUpload": {"Parts": [{"PartNumber": 2, "ETag": etag}]}}
        assert refused(s3, "CompleteMultipartUpload", **missing).fields["ETag"] == etag.strip('"')


def test_what_stands_beside_a_refusal(s3: Caller) -> None:
    version(s3)
    put(s3)
    s3.call("DeleteObject", Bucket=BUCKET, Key="k")
    s3.call("CreateBucket", Bucket="west", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    noon = datetime(2030, 1, 1, 12, tzinfo=UTC)
    rule = {"Status": "Enabled", "Filter": {}, "Expiration": {"Date": noon}}
    everything = {"RedirectAllRequestsTo": {"HostName": "h"}, "IndexDocument": {"Suffix": "i"}}
    refusals: list[tuple[str, dict[str, Any], dict[str, str]]] = [
        ("PutObject", {"Key": "k", "Body": b"", "StorageClass": "OUTPOSTS"}, {"StorageClassRequested": "OUTPOSTS"}),
        ("PutObjectAcl", {"Key": "k", "ACL": "private"}, {"Method": "PUT", "ResourceType": "DeleteMarker"}),
        ("PutBucketLifecycleConfiguration", {"LifecycleConfiguration": {"Rules": [rule]}},
         {"ArgumentName": "Date", "ArgumentValue": "2030-01-01T12:00:00.000Z"}),
        ("PutBucketLogging", {"BucketLoggingStatus": {"LoggingEnabled": {"TargetBucket": "west", "TargetPrefix": ""}}},
         {"TargetBucketLocation": "us-west-2"}),
        ("PutBucketWebsite", {"WebsiteConfiguration": everything},
         {"ArgumentName": "RedirectAllRequestsTo", "ArgumentValue": "not null"}),
    ]
    for operation, request, fields in refusals:
        told = refused(s3, operation, **request).fields
        assert {name: value for name, value in told.items() if name != "Headers"} == fields


# A copy tells the version it makes, "null" too, and of the version it is made of all but that. No type of its checksum.
def test_versions_that_a_copy_tells(s3: Caller) -> None:
    told = []
    put(s3)
    for status in ("", "Suspended", "Enabled", "Suspended"):
        if status:
            version(s3, status)
        answer = s3.call("CopyObject", Bucket=BUCKET, Key="k", CopySource=f"{BUCKET}/k", MetadataDirective="REPLACE")
        told.append((answer.get("CopySourceVersionId"), answer.get("VersionId")))
    made = told[2][1]
    assert made not in (None, "null")
    assert told == [(None, None), (None, "null"), (None, made), (made, "null")]
    assert "ChecksumType" not in answer["CopyObjectResult"]


def test_what_is_there_and_empty(s3: Caller) -> None:
    s3.call("CreateBucket", Bucket="acls", ObjectOwnership="ObjectWriter")
    for request, code in (({"AccessControlPolicy": {}}, "MalformedACLError"), ({}, "MissingSecurityHeader"),
                          ({"ACL": "private", "AccessControlPolicy": {}}, "UnexpectedContent")):
        with pytest.raises(AwsError) as caught:
            s3.call("PutBucketAcl", Bucket="acls", **request)
        assert caught.value.error_code == code
    website = {"IndexDocument": {"Suffix": "i"}, "RoutingRules": []}
    assert said(s3, "PutBucketWebsite", WebsiteConfiguration=website) == ("MalformedXML", 400, MALFORMED)


# To make one's own bucket again, in us-east-1, resets its ACL, and what is said of that is checked as ever.
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html, BucketAlreadyOwnedByYou
def test_a_bucket_made_again(s3: Caller) -> None:
    assert said(s3, "CreateBucket", ACL="public-ready")[:2] == ("InvalidArgument", 400)
    assert said(s3, "CreateBucket", ACL="public-read")[:2] == ("InvalidBucketAclWithObjectOwnership", 400)
    for acl, grants in (("public-read", 2), (None, 1), ("authenticated-read", 2)):
        request = {"ACL": acl} if acl else {}
        s3.call("CreateBucket", Bucket="again", ObjectOwnership="ObjectWriter", **request)
        assert len(s3.call("GetBucketAcl", Bucket="again")["Grants"]) == grants


# Who may not make buckets hears of the name first: adobe/S3Mock, whose test of it ran against AWS.
def test_a_bucket_that_nobody_can_make(s3: Caller) -> None:
    with pytest.raises(AwsError) as caught:
        s3.actor.accesses(s3.context("CreateBucket"), {"Bucket": "Invalid"})
    assert caught.value.error_code == "InvalidBucketName"


def test_where_an_upload_has_gone(s3: Caller) -> None:
    """On the host that was asked, in its style. adobe/S3Mock, whose test of it ran against AWS."""
    for host, place in (("localhost:1", "http://localhost:1/bucket/a%2Fb"),
                           ("bucket.s3.localhost:1", "http://bucket.s3.localhost:1/a%2Fb"),
                           ("", "http://bucket.s3.us-east-1.amazonaws.com/a%2Fb")):
        context = replace(s3.context("CompleteMultipartUpload"), source={"host": host})
        assert location(context, BUCKET, "a/b") == place


def test_a_bucket_that_was_to_be_in_the_eu(s3: Caller) -> None:
    s3.call("CreateBucket", Bucket="union", CreateBucketConfiguration={"LocationConstraint": "EU"})
    assert s3.call("GetBucketLocation", Bucket="union") == {"LocationConstraint": "EU"}
    assert s3.acting(region="eu-west-1").call("HeadBucket", Bucket="union")["BucketRegion"] == "eu-west-1"


def test_what_a_list_of_uploads_leaves_out(s3: Caller) -> None:
    """The prefix where none is asked for, and as the next marker a common prefix behind which there is nothing."""
    for key in ("in/a/1", "in/b"):
        s3.call("CreateMultipartUpload", Bucket=BUCKET, Key=key)
    assert "Prefix" not in s3.call("ListMultipartUploads", Bucket=BUCKET)
    for prefix, limit, following in (("in/a", 9, ""), ("in/", 1, "in/a/"), ("in/", 9, "in/b")):
        told = s3.call("ListMultipartUploads", Bucket=BUCKET, Prefix=prefix, Delimiter="/", MaxUploads=limit)
        assert (told["Prefix"], told["CommonPrefixes"]) == (prefix, [{"Prefix": "in/a/"}])
        assert (told["NextKeyMarker"], bool(told["NextUploadIdMarker"])) == (following, following == "in/b")


def test_parts_behind_the_last(s3: Caller) -> None:
    upload = {"Bucket": BUCKET, "Key": "k"}
    upload["UploadId"] = s3.call("CreateMultipartUpload", **upload, ChecksumAlgorithm="SHA256")["UploadId"]
    sums = {"ChecksumSHA256": b64encode(sha256(b"x").digest()).decode()}
    etag = s3.call("UploadPart", **upload, PartNumber=1, Body=b"x", **sums)["ETag"]
    listed = s3.call("ListParts", **upload, PartNumberMarker=10)
    s3.call("CompleteMultipartUpload", **upload,
            MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag, **sums}]})
    told = s3.call("GetObjectAttributes", Bucket=BUCKET, Key="k", ObjectAttributes=["ObjectParts"],
                   PartNumberMarker=10)["ObjectParts"]
    for page in (listed, told):
        assert (page["PartNumberMarker"], page["NextPartNumberMarker"], page["IsTruncated"]) == (10, 0, False)


@pytest.mark.parametrize("kind", ["Analytics", "IntelligentTiering", "Inventory", "Metrics"])
def test_a_configuration_that_is_not_there(s3: Caller, kind: str) -> None:
    for operation in ("Get", "Delete"):
        error = refused(s3, f"{operation}Bucket{kind}Configuration", Id="x")
        assert (error.error_code, error.status, error.message, error.fields) == (
            "NoSuchConfiguration", 404, "The specified configuration does not exist.", {})


# https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html: where ACLs are off, only one that
# gives the bucket's owner full control may be put, in any form.
def test_acls_where_they_are_off(s3: Caller) -> None:
    put(s3)
    told = s3.call("GetObjectAcl", Bucket=BUCKET, Key="k")
    mine = {name: told[name] for name in ("Owner", "Grants")}
    more = {**mine, "Grants": [*mine["Grants"], {**mine["Grants"][0], "Permission": "READ"}]}
    for operation, at in (("PutObjectAcl", {"Key": "k"}), ("PutBucketAcl", {})):
        assert s3.call(operation, Bucket=BUCKET, **at, AccessControlPolicy=mine) == {}
        assert s3.call(operation, Bucket=BUCKET, **at, ACL="bucket-owner-full-control") == {}
        granted = {"GrantRead": f"id={told['Owner']['ID']}"}
        for request in ({"AccessControlPolicy": more}, {"ACL": "private"}, granted):
            assert said(s3, operation, **at, **request) == (
                "AccessControlListNotSupported", 400, "The bucket does not allow ACLs")


# What cannot be said in an ACL is told where ACLs are off, too. PutObject with both is of moto's tests.
def test_refused_acls_where_they_are_off(s3: Caller) -> None:
    put(s3)
    both = {"ACL": "bucket-owner-full-control", "GrantRead": "id=1"}
    refusals: list[tuple[dict[str, Any], str]] = [
        ({"ACL": "fake"}, "InvalidArgument"), ({"GrantRead": "uri=http://fake"}, "InvalidArgument"),
        ({"GrantRead": "id=1"}, "InvalidArgument"), (both, "InvalidRequest"),
    ]
    nothing: list[tuple[dict[str, Any], str]] = [
        ({}, "MissingSecurityHeader"), ({"AccessControlPolicy": {}}, "MalformedACLError"),
        ({"AccessControlPolicy": {}, "ACL": "private"}, "UnexpectedContent"),
    ]
    for operation, at, refused_here in (
            ("PutObject", {"Key": "k", "Body": b""}, refusals), ("CreateMultipartUpload", {"Key": "k"}, refusals),
            ("PutObjectAcl", {"Key": "k"}, refusals + nothing), ("PutBucketAcl", {}, refusals + nothing)):
        for request, code in refused_here:
            assert refused(s3, operation, **at, **request).error_code == code


# scality/cloudserver's tests, which ran against AWS: an ACL is of a version, and which one is told where there are any.
def test_the_version_of_an_acl(s3: Caller) -> None:
    for bucket in (BUCKET, "open"):
        if bucket != BUCKET:
            s3.call("CreateBucket", Bucket=bucket, ObjectOwnership="ObjectWriter")
        at: dict[str, Any] = {"Bucket": bucket, "Key": "k"}
        grant: dict[str, Any] = {"ACL": "bucket-owner-full-control"}
        s3.call("PutObject", **at, Body=b"")
        assert s3.call("PutObjectAcl", **at, **grant) == {}
        assert "VersionId" not in s3.call("GetObjectAcl", **at)
        s3.call("PutBucketVersioning", Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        newest = s3.call("PutObject", **at, Body=b"")["VersionId"]
        for request, version_id in (({}, newest), ({"VersionId": "null"}, "null")):
            assert s3.call("PutObjectAcl", **at, **request, **grant) == {"VersionId": version_id}
            assert s3.call("GetObjectAcl", **at, **request)["VersionId"] == version_id


# ceph/s3-tests, test_bucket_acl_revoke_all: a list may be empty, which is not as if there were none.
def test_an_acl_that_grants_nothing(s3: Caller) -> None:
    s3.call("CreateBucket", Bucket="open", ObjectOwnership="ObjectWriter")
    s3.call("PutObject", Bucket="open", Key="k", Body=b"")
    for operation, at in (("BucketAcl", {"Bucket": "open"}), ("ObjectAcl", {"Bucket": "open", "Key": "k"})):
        told = s3.call(f"Get{operation}", **at)
        assert len(told["Grants"]) == 1
        s3.call(f"Put{operation}", **at, AccessControlPolicy={"Owner": told["Owner"], "Grants": []})
        assert s3.call(f"Get{operation}", **at) == {**told, "Grants": []}


# Callers


# ceph/s3-tests, test_list_multipart_upload_owner; of users and sessions the API page of ListMultipartUploads.
def test_who_began_an_upload(s3: Caller) -> None:
    s3.call("CreateBucket", Bucket="open", ObjectOwnership="ObjectWriter")
    other, user = s3.acting("222222222222"), s3.acting()
    arn = "arn:aws:iam::111111111111:user/team/ann"
    user.principal = principal_of({"kind": "user", "account": s3.account, "arn": arn, "id": "AIDA", "name": "ann"})
    mine, theirs = (caller.call("ListBuckets")["Owner"] for caller in (s3, other))
    for bucket, caller, expected in [
        ("open", s3, (mine, mine)), ("open", other, (theirs, theirs)), (BUCKET, other, (mine, theirs)),
        ("open", user, (mine, {"ID": arn, "DisplayName": "ann"})),
    ]:
        upload = {"Key": "k", "UploadId": caller.call("CreateMultipartUpload", Bucket=bucket, Key="k")["UploadId"]}
        (listed,) = s3.call("ListMultipartUploads", Bucket=bucket)["Uploads"]
        for told in (listed, s3.call("ListParts", Bucket=bucket, **upload)):
            assert (told["Owner"], told["Initiator"]) == expected
        s3.call("AbortMultipartUpload", Bucket=bucket, **upload)


# AWS's sentences, as issues of aws/aws-sdk-cpp (1575) and users of presigned URLs report them.
def test_what_nobody_in_particular_may_not(s3: Caller) -> None:
    put(s3)
    anonymous = s3.acting()
    anonymous.principal = NOBODY
    assert said(anonymous, "CreateMultipartUpload", Key="k") == (
        "AccessDenied", 403, "Anonymous users cannot initiate multipart uploads.  Please authenticate.")
    assert said(anonymous, "HeadObject", Key="k", ResponseContentType="text/html") == (
        "InvalidRequest", 400, "Request specific response headers cannot be used for anonymous GET requests.")
    assert anonymous.call("HeadObject", Bucket=BUCKET, Key="k")["ContentLength"] == 4


@pytest.mark.parametrize("account", ["", "11111111111", "1111111111111", "account-name"])
def test_expected_owners_that_are_no_accounts(s3: Caller, account: str) -> None:
    wrong = ("InvalidBucketOwnerAWSAccountID", 400,
             f"The value of the expected bucket owner parameter must be an AWS Account ID... [{account}]")
    assert said(s3, "GetBucketAcl", ExpectedBucketOwner=account) == wrong
    assert said(s3, "GetBucketAcl", ExpectedBucketOwner="222222222222")[:2] == ("AccessDenied", 403)


# What is asked of a lock is looked at before the key; a default says which of its numbers is wrong. Expected: the tests
# of versitygw of PutObjectRetention, PutObjectLegalHold and PutObjectLockConfiguration.
def test_locks_that_cannot_be(s3: Caller) -> None:
    s3.call("CreateBucket", Bucket="locked", ObjectLockEnabledForBucket=True)
    assert s3.error("PutObjectRetention", Bucket="locked", Key="none", Retention={"Mode": "GOVERNANCE"}) \
        == "MalformedXML"
    assert s3.error("PutObjectLegalHold", Bucket="locked", Key="none", LegalHold={"Status": "on"}) == "MalformedXML"
    assert s3.error("PutObjectLegalHold", Bucket="locked", Key="none", LegalHold={"Status": "ON"}) == "NoSuchKey"
    for unit, number, sentence in (
        ("Days", 0, "Default retention period must be a positive integer value."),
        ("Days", 36_501, "Default retention period too large."), ("Years", 101, "Default retention period too large."),
    ):
        rule = {"DefaultRetention": {"Mode": "GOVERNANCE", unit: number}}
        with pytest.raises(AwsError) as caught:
            s3.call("PutObjectLockConfiguration", Bucket="locked", ObjectLockConfiguration={
                "ObjectLockEnabled": "Enabled", "Rule": rule})
        assert (caught.value.error_code, caught.value.message) == ("InvalidArgument", sentence)
        assert caught.value.fields["ArgumentName"] == unit
