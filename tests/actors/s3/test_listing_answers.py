"""What S3 answers of listings and uploads where it is easily got wrong, and to whom: code, status, sentence.

Where nothing else is said, the expectations are those of LocalStack's snapshots and moto's tests that run against AWS.
"""

from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest

from actors.runtime.principal import NOBODY, principal_of
from actors.s3.multipart import location
from schemas.errors import AwsError
from tests.actors.s3.answers import BUCKET, put, refused, said, version
from tests.actors.s3.caller import Caller

NEVER = "HPniJFCxqTsMuIH9KX8K8wEjNUgmABCD"      # no version id of anybody's
MALFORMED = "The XML you provided was not well-formed or did not validate against our published schema"


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


# AWS's sentences, as issues of aws/aws-sdk-cpp (1575), users of presigned URLs and versitygw's tests report them.
def test_what_nobody_in_particular_may_not(s3: Caller) -> None:
    put(s3)
    anonymous = s3.acting()
    anonymous.principal = NOBODY
    for name, sentence in (
        ("CreateMultipartUpload", "Anonymous users cannot initiate multipart uploads.  Please authenticate."),
        ("CopyObject", "Anonymous users cannot copy objects.  Please authenticate."),
        ("CreateBucket", "Anonymous users cannot invoke this API. Please authenticate."),
        ("DeleteBucketOwnershipControls", "s3:PutBucketOwnershipControls does not support Anonymous requests!"),
    ):
        request = {"Bucket": BUCKET, "Key": "k", "CopySource": f"{BUCKET}/k"}
        with pytest.raises(AwsError) as caught:
            s3.actor.accesses(anonymous.context(name), request)
        assert (caught.value.error_code, caught.value.status, caught.value.message) == ("AccessDenied", 403, sentence)
        assert s3.actor.accesses(s3.context(name), request)
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
