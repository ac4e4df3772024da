"""What S3 answers of objects and buckets where it is easily got wrong: code, status, sentence.

Where nothing else is said, the expectations are those of LocalStack's snapshots and moto's tests that run against AWS.
"""

from datetime import UTC, datetime
from typing import Any

import pytest

from actors.s3.permissions import of_deletion
from schemas.errors import AwsError
from tests.actors.s3.answers import BUCKET, put, refused, said, version
from tests.actors.s3.caller import Caller

NEVER = "HPniJFCxqTsMuIH9KX8K8wEjNUgmABCD"      # no version id of anybody's
MALFORMED = "The XML you provided was not well-formed or did not validate against our published schema"


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
    put(s3)
    assert said(s3, "DeleteObject", Key="k", IfMatch='"other"')[:2] == ("PreconditionFailed", 412)
    version(s3)
    assert s3.call("DeleteObject", Bucket=BUCKET, Key="k", IfMatch="*")["DeleteMarker"] is True
    for match in ("*", '"other"'):
        assert said(s3, "DeleteObject", Key="k", IfMatch=match)[:2] == ("NoSuchKey", 404)


# As LocalStack recorded it in 2026; of DeleteObjects, as S3 answers elements that it does not know.
@pytest.mark.parametrize(("request_", "header", "more"), [
    ({"IfMatchSize": 4}, "x-amz-if-match-size", None),
    ({"IfMatch": "*", "IfMatchSize": 4, "IfMatchLastModifiedTime": datetime(2026, 1, 1, tzinfo=UTC)},
     "x-amz-if-match-last-modified-time", None),
    ({"IfMatch": "*", "VersionId": "null"}, "If-Match",
     "Conditional delete operations are not allowed when a version ID is included in the request parameters."),
])
def test_conditions_that_no_deletion_has(s3: Caller, request_: dict[str, Any], header: str, more: str | None) -> None:
    put(s3)
    wrong = refused(s3, "DeleteObject", Key="k", **request_)
    assert (wrong.error_code, wrong.status, wrong.fields["Header"], wrong.fields.get("additionalMessage")) == (
        "NotImplemented", 501, header, more)
    sized = {"Objects": [{"Key": "k", "Size": 4}]}
    assert said(s3, "DeleteObjects", Delete=sized) == ("MalformedXML", 400, MALFORMED)
    assert s3.call("HeadObject", Bucket=BUCKET, Key="k")["ContentLength"] == 4


# Measured on AWS: https://github.com/versity/versitygw/pull/2368
def test_a_write_has_one_entity_tag_to_match(s3: Caller) -> None:
    etag = put(s3)["ETag"]
    for several in (f'"{"0" * 32}", {etag}', f'{etag}, "{"0" * 32}"'):
        assert said(s3, "PutObject", Key="k", IfMatch=several)[:2] == ("PreconditionFailed", 412)
        assert said(s3, "DeleteObject", Key="k", IfMatch=several)[:2] == ("PreconditionFailed", 412)
        assert s3.call("HeadObject", Bucket=BUCKET, Key="k", IfMatch=several)["ETag"] == etag
    put(s3, IfMatch=etag.strip('"'))


# Sources: that pull request, and https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html and
# conditional-deletes.html: who names an ETag must be allowed to read the object.
@pytest.mark.parametrize(("name", "request_", "keys", "reads"), [
    ("PutObject", {"IfMatch": '"abc"'}, {"s3:if-match": "abc"}, True),
    ("PutObject", {"IfNoneMatch": "*"}, {"s3:if-none-match": "*"}, False),
    ("DeleteObject", {"IfMatch": "abc"}, {"s3:if-match": "abc"}, True),
    ("DeleteObject", {"IfMatch": "*"}, {"s3:if-match": "*"}, False),
    ("DeleteObject", {"IfMatch": "abc", "VersionId": "null"}, {}, False),
    ("HeadObject", {"IfMatch": "abc", "IfNoneMatch": "*"}, {}, True),
])
def test_what_policies_see_of_conditions(
    s3: Caller, name: str, request_: dict[str, Any], keys: dict[str, str], reads: bool
) -> None:
    context, request = s3.context(name), {"Bucket": BUCKET, "Key": "k", **request_}
    asked = s3.actor.accesses(context, request)
    found = s3.actor.condition_keys(context, asked[0], request)
    assert {key: value for key, value in found.items() if key.endswith("-match")} == keys
    assert ("s3:GetObject" in [access.action for access in asked]) is reads


def test_what_policies_see_of_each_deletion() -> None:
    plain, = of_deletion(BUCKET, {"Key": "k"})
    there, = of_deletion(BUCKET, {"Key": "k", "ETag": "*"})
    same, read = of_deletion(BUCKET, {"Key": "k", "ETag": '"abc"'})
    assert [access.keys.get("s3:if-match") for access in (plain, there, same)] == [None, "*", "abc"]
    assert (same.action, read.action) == ("s3:DeleteObject", "s3:GetObject")


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
        assert (said(s3, name, Key="none", PartNumber=number)[:2] == error) == (error[1] == 400)


# What is no range is as if it were not there, and so is one with a space in it, and the end of what is empty:
# versitygw's tests of 100 bytes and of none.
@pytest.mark.parametrize(("text", "told", "of_nothing"), [
    *[(text, None, None) for text in ("bytes=,", "bytes= -1", "bytes=--1", "bytes=0 -1", "bytes=0- 1", "bytes=0--1",
                                      "bytes=10-5", "bytes=a-z", "foo=0-1", "bytes=100-x", "bytes=0-0,1-2", "invalid")],
    ("bytes=00-01", "bytes 0-1/100", 416), ("bytes=-1", "bytes 99-99/100", None), ("bytes=-0", 416, 416),
    ("bytes=-101", "bytes 0-99/100", None), ("bytes=0-", "bytes 0-99/100", 416), ("bytes=100-100", 416, 416),
    ("bytes=99-999", "bytes 99-99/100", 416),
])
def test_ranges(s3: Caller, text: str, told: str | int | None, of_nothing: int | None) -> None:
    put(s3, "k", bytes(100))
    put(s3, "empty", b"")
    for name in ("GetObject", "HeadObject"):
        for key, expected in (("k", told), ("empty", of_nothing)):
            if expected == 416:
                assert said(s3, name, Key=key, Range=text)[:2] == ("InvalidRange", 416)
            else:
                assert s3.call(name, Bucket=BUCKET, Key=key, Range=text).get("ContentRange") == expected


# versitygw's issues 915 and 1000, and its tests: a name is looked at before the key.
def test_attributes_that_are_none(s3: Caller) -> None:
    nothing: dict[str, Any]
    for nothing in ({}, {"ObjectAttributes": []}, {"ObjectAttributes": [""]}):
        none = refused(s3, "GetObjectAttributes", Key="none", **nothing)
        assert (none.error_code, none.message) == ("InvalidRequest", "The x-amz-object-attributes header specifying "
                                                   "the attributes to be retrieved is either missing or empty")
    wrong = refused(s3, "GetObjectAttributes", Key="none", ObjectAttributes=["ETag", "ETags"])
    assert (wrong.message, wrong.fields["ArgumentValue"]) == ("Invalid attribute name specified.", "ETags")
    assert said(s3, "GetObjectAttributes", Key="none", ObjectAttributes=["ETag"])[0] == "NoSuchKey"


# A moment that is yet to come is one like others. adobe/S3Mock, whose tests of it ran against AWS in 2025.
def test_modified_since_what_is_to_come(s3: Caller) -> None:
    put(s3)
    soon = datetime.fromtimestamp(s3.now + 60, UTC)
    for name in ("GetObject", "HeadObject"):
        assert said(s3, name, Key="k", IfModifiedSince=soon)[:2] == ("NotModified", 304)
    source = {"CopySource": f"{BUCKET}/k", "CopySourceIfModifiedSince": soon}
    assert said(s3, "CopyObject", Key="copy", **source)[:2] == ("PreconditionFailed", 412)


# versitygw's tests.
def test_a_copy_under_no_checksum(s3: Caller) -> None:
    """Looked at before its source, and told as of an upload's beginning."""
    assert said(s3, "CopyObject", Key="copy", CopySource=f"{BUCKET}/none", ChecksumAlgorithm="CRC33") == (
        "InvalidRequest", 400, "Checksum algorithm provided is unsupported. Please try again with any of the valid "
        "types: [CRC32, CRC32C, CRC64NVME, MD5, SHA1, SHA256, SHA512, XXHASH128, XXHASH3, XXHASH64]")


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


# versitygw's tests; its issue 1863 of what may be empty.
def test_cors_rules_that_cannot_be(s3: Caller) -> None:
    def put_rule(**more: list[str]) -> dict[str, Any]:
        return {"CORSConfiguration": {"CORSRules": [{"AllowedOrigins": [""], "AllowedMethods": ["PUT"], **more}]}}

    for name in ("invalid header", "X-Custom:Header", "X(Custom)", "Bad/Header", "X[Key]", "Bad=Name", 'X"Quote"'):
        for kind in ("Allowed", "Expose"):
            assert said(s3, "PutBucketCors", **put_rule(**{f"{kind}Headers": ["Date", name]})) == (
                "InvalidRequest", 400, f'{kind}Header "{name}" contains invalid character.')
    s3.call("PutBucketCors", Bucket=BUCKET, **put_rule(AllowedHeaders=["*", "x-amz-*", "a_b.c"]))


# The codes that S3 takes, of all that its sentence speaks of: versitygw's website configurations.
@pytest.mark.parametrize(("kind", "code", "sentence"), [
    *[("redirect", code, "Valid codes are 3XX except 300.") for code in ("200", "300", "306", "309", "399")],
    *[("error", code, "Valid codes are 4XX or 5XX.") for code in ("399", "418", "499", "506", "600")],
    *[("redirect", code, "") for code in ("301", "305", "307", "308")],
    *[("error", code, "") for code in ("400", "417", "500", "505")],
])
def test_codes_of_websites(s3: Caller, kind: str, code: str, sentence: str) -> None:
    redirect = {"HostName": "h", **({"HttpRedirectCode": code} if kind == "redirect" else {})}
    rule = {"Redirect": redirect, **({"Condition": {"HttpErrorCodeReturnedEquals": code}} if kind == "error" else {})}
    asked = {"WebsiteConfiguration": {"IndexDocument": {"Suffix": "i"}, "RoutingRules": [rule]}}
    if not sentence:
        s3.call("PutBucketWebsite", Bucket=BUCKET, **asked)
        return
    assert said(s3, "PutBucketWebsite", **asked) == (
        "InvalidRequest", 400, f"The provided HTTP {kind} code ({code}) is not valid. {sentence}")


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
