"""Who gets in, by ACLs, ownership, public-access blocks and policies' conditions; and what locks keep."""

import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import boto3
import botocore.auth
import pytest
import urllib3
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from tests import servers
from tests.sdk.s3 import client

OWNER, OTHER = "111111111111", "222222222222"
ALL = {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/global/AllUsers"}


@pytest.fixture
def s3(skybus: servers.Server) -> Any:
    return client(skybus, OWNER)


@pytest.fixture
def other(skybus: servers.Server) -> Any:
    return client(skybus, OTHER)


def make(s3: Any, ownership: str = "ObjectWriter", **more: Any) -> str:
    name = f"access-{uuid.uuid4().hex}"
    s3.create_bucket(Bucket=name, ObjectOwnership=ownership, **more)
    return name


def refusal(call: Callable[..., Any], **request: Any) -> tuple[str, int]:
    with pytest.raises(ClientError) as caught:
        call(**request)
    response = caught.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def anonymous(skybus: servers.Server, path: str, method: str = "GET", **more: Any) -> int:
    return urllib3.request(method, f"{skybus.endpoint}/{path}", retries=False, **more).status


DENIED = ("AccessDenied", 403)


# A new bucket knows no ACLs, and says so.
def test_enforced_ownership(s3: Any, other: Any) -> None:
    name = f"access-{uuid.uuid4().hex}"
    assert refusal(s3.create_bucket, Bucket=name, ACL="public-read") == ("InvalidBucketAclWithObjectOwnership", 400)
    s3.create_bucket(Bucket=name)
    rules = s3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"]["Rules"]
    assert rules == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    unsupported = ("AccessControlListNotSupported", 400)
    assert refusal(s3.put_bucket_acl, Bucket=name, ACL="public-read") == unsupported
    assert refusal(s3.put_object, Bucket=name, Key="k", ACL="public-read") == unsupported
    s3.put_object(Bucket=name, Key="k", ACL="bucket-owner-full-control")
    assert refusal(s3.put_object_acl, Bucket=name, Key="k", ACL="public-read") == unsupported
    grants = s3.get_object_acl(Bucket=name, Key="k")
    assert [each["Permission"] for each in grants["Grants"]] == ["FULL_CONTROL"]
    assert grants["Grants"][0]["Grantee"]["ID"] == grants["Owner"]["ID"] == s3.list_buckets()["Owner"]["ID"]
    s3.delete_bucket_ownership_controls(Bucket=name)
    assert refusal(s3.get_bucket_ownership_controls, Bucket=name) == ("OwnershipControlsNotFoundError", 404)
    s3.put_bucket_acl(Bucket=name, ACL="public-read")
    enforced = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert refusal(s3.put_bucket_ownership_controls, Bucket=name, OwnershipControls=enforced) == (
        "InvalidBucketAclWithObjectOwnership", 400)
    assert other.list_objects_v2(Bucket=name)["KeyCount"] == 1


# Canned lists: what each lets another account and nobody do.
@pytest.mark.parametrize(("acl", "others_list", "anyone_lists", "others_write"), [
    ("private", False, False, False), ("public-read", True, True, False), ("authenticated-read", True, False, False),
    ("public-read-write", True, True, True)])
def test_bucket_acls(
    skybus: servers.Server, s3: Any, other: Any, acl: str, others_list: bool, anyone_lists: bool, others_write: bool
) -> None:
    name = make(s3, ACL=acl)
    assert (anonymous(skybus, name) == 200) is anyone_lists
    assert (anonymous(skybus, f"{name}/new", "PUT", body=b"x") == 200) is others_write
    if others_list:
        other.list_objects_v2(Bucket=name)
    else:
        assert refusal(other.list_objects_v2, Bucket=name) == DENIED
    assert refusal(other.get_bucket_acl, Bucket=name) == DENIED


def test_object_acls(skybus: servers.Server, s3: Any, other: Any) -> None:
    name = make(s3)
    s3.put_object(Bucket=name, Key="open", Body=b"1", ACL="public-read")
    s3.put_object(Bucket=name, Key="closed", Body=b"2")
    assert anonymous(skybus, f"{name}/open") == 200
    assert anonymous(skybus, f"{name}/closed") == 403
    assert refusal(other.get_object, Bucket=name, Key="closed") == DENIED
    theirs = other.list_buckets()["Owner"]["ID"]
    s3.put_object_acl(Bucket=name, Key="closed", GrantRead=f'id="{theirs}"')
    assert other.get_object(Bucket=name, Key="closed")["Body"].read() == b"2"
    assert anonymous(skybus, f"{name}/closed") == 403
    assert refusal(other.get_object_acl, Bucket=name, Key="closed") == DENIED
    policy = s3.get_object_acl(Bucket=name, Key="open")
    assert {"Grantee": ALL, "Permission": "READ"} in policy["Grants"]
    del policy["ResponseMetadata"]
    policy["Grants"] = [{"Grantee": {"Type": "CanonicalUser", "ID": theirs}, "Permission": "READ_ACP"}]
    s3.put_object_acl(Bucket=name, Key="open", AccessControlPolicy=policy)
    assert other.get_object_acl(Bucket=name, Key="open")["Grants"] == policy["Grants"]
    assert anonymous(skybus, f"{name}/open") == 403


# Lists tell of each object whose it is, and of uploads whose the object will be and who began it.
@pytest.mark.parametrize(("ownership", "theirs"), [
    ("ObjectWriter", True), ("BucketOwnerPreferred", True), ("BucketOwnerEnforced", False)])
def test_owners_told(s3: Any, other: Any, ownership: str, theirs: bool) -> None:
    name = make(s3, ownership)
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": "s3:*",
        "Resource": [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]}]}))
    stranger = other.list_buckets()["Owner"]["ID"]
    owner = stranger if theirs else s3.list_buckets()["Owner"]["ID"]
    other.put_object(Bucket=name, Key="k", Body=b"1")
    upload = other.create_multipart_upload(Bucket=name, Key="u")["UploadId"]
    for told in (s3.list_objects(Bucket=name)["Contents"], s3.list_objects_v2(Bucket=name, FetchOwner=True)["Contents"],
                 s3.list_object_versions(Bucket=name)["Versions"]):
        assert [each["Owner"]["ID"] for each in told] == [owner]
    for told in (s3.list_multipart_uploads(Bucket=name)["Uploads"][0],
                 other.list_parts(Bucket=name, Key="u", UploadId=upload)):
        assert (told["Owner"]["ID"], told["Initiator"]["ID"]) == (owner, stranger)


# A policy never keeps the root of the bucket's account from mending it, but everyone else. Source:
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html
def test_locked_out(skybus: servers.Server, s3: Any) -> None:
    name, user = make(s3), f"u{uuid.uuid4().hex}"
    iam = boto3.Session(OWNER, "test", region_name="us-east-1").client("iam", endpoint_url=skybus.endpoint)
    iam.create_user(UserName=user)
    iam.put_user_policy(UserName=user, PolicyName="all", PolicyDocument=json.dumps({
        "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}))
    key = iam.create_access_key(UserName=user)["AccessKey"]
    somebody = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name="us-east-1").client(
        "s3", endpoint_url=skybus.endpoint)
    upload = somebody.create_multipart_upload(Bucket=name, Key="u")["UploadId"]
    assert somebody.list_parts(Bucket=name, Key="u", UploadId=upload)["Initiator"] == {
        "ID": f"arn:aws:iam::{OWNER}:user/{user}", "DisplayName": user}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{
        "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": f"arn:aws:s3:::{name}"}]})
    s3.put_bucket_policy(Bucket=name, Policy=policy)
    assert refusal(somebody.get_bucket_policy, Bucket=name) == DENIED
    assert refusal(s3.get_bucket_acl, Bucket=name) == DENIED
    assert s3.get_bucket_policy(Bucket=name)["Policy"] == policy
    s3.put_bucket_policy(Bucket=name, Policy=policy)
    s3.delete_bucket_policy(Bucket=name)
    s3.get_bucket_acl(Bucket=name)


# What another account puts is its own, unless it hands it over.
def test_object_writers(s3: Any, other: Any) -> None:
    name = make(s3, ACL="public-read-write")
    other.put_object(Bucket=name, Key="theirs", Body=b"1")
    assert other.get_object(Bucket=name, Key="theirs")["Body"].read() == b"1"
    assert refusal(s3.get_object, Bucket=name, Key="theirs") == DENIED
    other.put_object(Bucket=name, Key="shared", Body=b"2", ACL="bucket-owner-full-control")
    assert s3.get_object(Bucket=name, Key="shared")["Body"].read() == b"2"
    s3.delete_object(Bucket=name, Key="theirs")


@pytest.mark.parametrize(("request_", "error"), [
    ({"ACL": "wrong"}, "InvalidArgument"), ({"GrantRead": "id=nobody"}, "InvalidArgument"),
    ({"GrantRead": "uri=http://nowhere"}, "InvalidArgument"), ({"GrantRead": "x"}, "InvalidArgument"),
    ({"GrantRead": "emailaddress=a@b.c"}, "UnresolvableGrantByEmailAddress"),
    ({"ACL": "private", "GrantRead": f"uri={ALL['URI']}"}, "InvalidRequest"),
    ({}, "MissingSecurityHeader"),
    ({"AccessControlPolicy": {"Grants": [{"Grantee": ALL, "Permission": "READ"}]}}, "MalformedACLError"),
])
def test_malformed_acls(s3: Any, request_: dict[str, Any], error: str) -> None:
    name = make(s3)
    before = s3.get_bucket_acl(Bucket=name)["Grants"]
    assert refusal(s3.put_bucket_acl, Bucket=name, **request_) == (error, 400)
    assert s3.get_bucket_acl(Bucket=name)["Grants"] == before


def everyone(name: str, **condition: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": "*", "Action": "s3:*",
        "Resource": [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"],
        **({"Condition": condition} if condition else {})}]})


def test_public_access_block(skybus: servers.Server, s3: Any, other: Any) -> None:
    name = make(s3, ACL="public-read")
    assert refusal(s3.get_public_access_block, Bucket=name) == ("NoSuchPublicAccessBlockConfiguration", 404)
    s3.put_bucket_policy(Bucket=name, Policy=everyone(name))
    s3.put_object(Bucket=name, Key="k", Body=b"1")
    assert s3.get_bucket_policy_status(Bucket=name)["PolicyStatus"]["IsPublic"] is True
    assert anonymous(skybus, f"{name}/k") == 200
    block = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
    s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=block)
    assert s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"] == block
    assert anonymous(skybus, f"{name}/k") == anonymous(skybus, name) == 403
    assert refusal(other.get_object, Bucket=name, Key="k") == refusal(other.list_objects_v2, Bucket=name) == DENIED
    assert s3.get_object(Bucket=name, Key="k")["Body"].read() == b"1"
    with pytest.raises(ClientError, match="prevented by the BlockPublicPolicy setting in S3 Block Public Access"):
        s3.put_bucket_policy(Bucket=name, Policy=everyone(name))
    for call, key in ((s3.put_bucket_acl, {}), (s3.put_object, {"Key": "n"}), (s3.put_object_acl, {"Key": "k"})):
        assert refusal(call, Bucket=name, ACL="public-read", **key) == DENIED
    s3.delete_public_access_block(Bucket=name)
    assert anonymous(skybus, f"{name}/k") == 200


@pytest.mark.parametrize(("condition", "public"), [
    ({"StringEquals": {"aws:SourceVpc": "vpc-1"}}, False), ({"StringLike": {"aws:SourceVpc": "vpc-*"}}, True),
    ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, False), ({"IpAddress": {"aws:SourceIp": "0.0.0.0/1"}}, True),
    ({"StringEquals": {"s3:prefix": "a"}}, True), ({"StringNotEquals": {"aws:SourceVpc": "vpc-1"}}, True)])
def test_what_is_public(s3: Any, condition: dict[str, Any], public: bool) -> None:
    name = make(s3)
    s3.put_bucket_policy(Bucket=name, Policy=everyone(name, **condition))
    assert s3.get_bucket_policy_status(Bucket=name)["PolicyStatus"]["IsPublic"] is public


def test_conditions_on_tags(s3: Any, other: Any) -> None:
    name = make(s3, "BucketOwnerEnforced")
    arn = f"arn:aws:s3:::{name}/*"
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": "s3:GetObject", "Resource": arn,
         "Condition": {"StringEquals": {"s3:ExistingObjectTag/Public": "yes"}}},
        {"Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": ["s3:PutObject", "s3:PutObjectTagging"],
         "Resource": arn, "Condition": {"StringEquals": {"s3:RequestObjectTag/by": "other"}}}]}))
    s3.put_object(Bucket=name, Key="yes", Tagging="Public=yes")
    s3.put_object(Bucket=name, Key="no", Tagging="Public=no")
    assert other.get_object(Bucket=name, Key="yes")["Body"].read() == b""
    assert refusal(other.get_object, Bucket=name, Key="no") == DENIED
    other.put_object(Bucket=name, Key="new", Tagging="by=other")
    assert refusal(other.put_object, Bucket=name, Key="new") == DENIED
    assert refusal(other.put_object, Bucket=name, Key="new", Tagging="by=me") == DENIED


# What is not there is told to those who may list, and to nobody else.
def test_missing(skybus: servers.Server, s3: Any, other: Any) -> None:
    name = make(s3)
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{name}/*"}]}))
    assert anonymous(skybus, f"{name}/none") == 403
    assert refusal(other.get_object, Bucket=name, Key="none") == DENIED
    assert refusal(other.head_object, Bucket=name, Key="none") == ("403", 403)
    assert refusal(s3.get_object, Bucket=name, Key="none") == ("NoSuchKey", 404)
    assert anonymous(skybus, f"none-{uuid.uuid4().hex}/k") == 404


def soon() -> datetime:
    return datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)


def test_locks(s3: Any) -> None:
    name = make(s3, ObjectLockEnabledForBucket=True)
    configuration = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}}
    s3.put_object_lock_configuration(Bucket=name, ObjectLockConfiguration=configuration)
    assert s3.get_object_lock_configuration(Bucket=name)["ObjectLockConfiguration"] == configuration
    version = s3.put_object(Bucket=name, Key="k", Body=b"1")["VersionId"]
    head = s3.head_object(Bucket=name, Key="k")
    assert head["ObjectLockMode"] == "GOVERNANCE"
    assert head["ObjectLockRetainUntilDate"] > datetime.now(UTC)
    assert refusal(s3.delete_object, Bucket=name, Key="k", VersionId=version) == DENIED
    gone = s3.delete_objects(Bucket=name, Delete={"Objects": [{"Key": "k", "VersionId": version}]})
    assert gone["Errors"][0]["Message"] == "Access Denied because object protected by object lock."
    s3.put_object_legal_hold(Bucket=name, Key="k", LegalHold={"Status": "ON"})
    assert s3.get_object_legal_hold(Bucket=name, Key="k")["LegalHold"] == {"Status": "ON"}
    bypassed = {"Bucket": name, "Key": "k", "VersionId": version, "BypassGovernanceRetention": True}
    assert refusal(s3.delete_object, **bypassed) == DENIED
    s3.put_object_legal_hold(Bucket=name, Key="k", LegalHold={"Status": "OFF"})
    s3.delete_object(Bucket=name, Key="k")                         # a marker hides it, and nothing is lost
    s3.delete_object(**bypassed)
    assert [each["Key"] for each in s3.list_object_versions(Bucket=name)["DeleteMarkers"]] == ["k"]


def test_compliance(s3: Any) -> None:
    name = make(s3, ObjectLockEnabledForBucket=True)
    until = soon()
    put = s3.put_object(Bucket=name, Key="k", ObjectLockMode="COMPLIANCE", ObjectLockRetainUntilDate=until)
    version = put["VersionId"]
    one = {"Bucket": name, "Key": "k", "BypassGovernanceRetention": True}
    assert s3.get_object_retention(Bucket=name, Key="k")["Retention"] == {
        "Mode": "COMPLIANCE", "RetainUntilDate": until}
    for retention in ({"Mode": "GOVERNANCE", "RetainUntilDate": until + timedelta(days=1)},
                      {"Mode": "COMPLIANCE", "RetainUntilDate": until - timedelta(hours=1)}, {}):
        assert refusal(s3.put_object_retention, Retention=retention, **one) == DENIED
    s3.put_object_retention(Retention={"Mode": "COMPLIANCE", "RetainUntilDate": until + timedelta(days=1)}, **one)
    assert refusal(s3.delete_object, VersionId=version, **one) == DENIED
    past = {"Mode": "COMPLIANCE", "RetainUntilDate": until - timedelta(days=3)}
    assert refusal(s3.put_object_retention, Retention=past, **one) == ("InvalidArgument", 400)


def test_without_lock(s3: Any) -> None:
    name = make(s3)
    s3.put_object(Bucket=name, Key="k")
    assert refusal(s3.get_object_lock_configuration, Bucket=name) == ("ObjectLockConfigurationNotFoundError", 404)
    enabled = {"ObjectLockEnabled": "Enabled"}
    assert refusal(s3.put_object_lock_configuration, Bucket=name, ObjectLockConfiguration=enabled) == (
        "InvalidBucketState", 409)
    for call, request in ((s3.get_object_retention, {}), (s3.get_object_legal_hold, {}),
                          (s3.put_object_legal_hold, {"LegalHold": {"Status": "ON"}}),
                          (s3.put_object, {"ObjectLockLegalHoldStatus": "ON"})):
        assert refusal(call, Bucket=name, Key="k", **request) == ("InvalidRequest", 400)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    for rule in ({"Mode": "GOVERNANCE", "Days": 1, "Years": 1}, {"Mode": "WRONG", "Days": 1}, {"Mode": "GOVERNANCE"}):
        assert refusal(s3.put_object_lock_configuration, Bucket=name, ObjectLockConfiguration={
            **enabled, "Rule": {"DefaultRetention": rule}}) == ("MalformedXML", 400)
    s3.put_object_lock_configuration(Bucket=name, ObjectLockConfiguration=enabled)
    assert refusal(s3.get_object_retention, Bucket=name, Key="k") == ("NoSuchObjectLockConfiguration", 404)
    assert refusal(s3.put_bucket_versioning, Bucket=name, VersioningConfiguration={"Status": "Suspended"}) == (
        "InvalidBucketState", 409)


def denying(name: str, **condition: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{
        "Effect": "Deny", "Principal": "*", "Action": ["s3:GetObject", "s3:PutObject"],
        "Resource": f"arn:aws:s3:::{name}/*", "Condition": condition}]})


# Policies on how a request is signed: in which way, in which version, how long ago, and whether its body is as well.
# Expected: https://docs.aws.amazon.com/AmazonS3/latest/API/bucket-policy-s3-sigv4-conditions.html.
@pytest.mark.parametrize(("condition", "allowed"), [
    ({"StringEquals": {"s3:authType": "REST-QUERY-STRING"}}, {"header", "form", "old form"}),
    ({"StringNotEquals": {"s3:authType": "REST-HEADER"}}, {"header"}),
    ({"StringEquals": {"s3:authType": "POST"}}, {"header", "url", "late url", "old url"}),
    ({"StringEquals": {"s3:signatureversion": "AWS"}}, {"header", "url", "late url", "form"}),
    ({"StringNotEquals": {"s3:signatureversion": "AWS"}}, {"old url", "old form"}),
    ({"NumericGreaterThan": {"s3:signatureAge": "600000"}}, {"header", "url", "old url", "form", "old form"}),
    ({"StringEquals": {"s3:x-amz-content-sha256": "UNSIGNED-PAYLOAD"}}, {"header"})])
def test_conditions_on_signatures(
    skybus: servers.Server, s3: Any, condition: dict[str, Any], allowed: set[str]
) -> None:
    name = make(s3)
    s3.put_object(Bucket=name, Key="k")
    new, old = (client(skybus, OWNER, signature_version=version) for version in ("s3v4", "s3"))
    item = {"Bucket": name, "Key": "k"}
    urls = {"url": new.generate_presigned_url("get_object", item), "old url": old.generate_presigned_url(
        "get_object", item)}
    late = AWSRequest("GET", f"{skybus.endpoint}/{name}/k")
    with patch.object(botocore.auth, "get_current_datetime", lambda: datetime.now(UTC) - timedelta(seconds=1000)):
        S3SigV4QueryAuth(Credentials(OWNER, "test"), "s3", "us-east-1", expires=3600).add_auth(late)
    urls["late url"] = str(late.url)
    s3.put_bucket_policy(Bucket=name, Policy=denying(name, **condition))
    statuses = {way: urllib3.request("GET", url, retries=False).status for way, url in urls.items()}
    for way, signing in (("form", new), ("old form", old)):
        form = signing.generate_presigned_post(name, "posted")
        statuses[way] = urllib3.request(
            "POST", form["url"], fields={**form["fields"], "file": ("f", b"x")}, retries=False).status
    try:
        got = s3.get_object(**item)
        got["Body"].read()                # an answer left unread leaves its connection open
        statuses["header"] = got["ResponseMetadata"]["HTTPStatusCode"]
    except ClientError as error:
        statuses["header"] = error.response["ResponseMetadata"]["HTTPStatusCode"]
    assert {way for way, status in statuses.items() if status in (200, 204)} == allowed
    assert {statuses[way] for way in statuses.keys() - allowed} <= {403}


# Operations that need more than the action of their name. Expected:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html; of a copy's tags
# https://repost.aws/knowledge-center/s3-troubleshoot-copy-between-buckets.
def test_several_actions(s3: Any, other: Any) -> None:
    name = make(s3, "BucketOwnerEnforced")
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    version = s3.put_object(Bucket=name, Key="tagged", Body=b"x", Tagging="a=1")["VersionId"]
    s3.put_object(Bucket=name, Key="plain", Body=b"x")
    tagged, plain = {"Bucket": name, "Key": "tagged"}, {"Bucket": name, "Key": "plain"}
    target = {"Bucket": name, "Key": "copy"}
    attributes = {**tagged, "ObjectAttributes": ["ETag"]}
    at_version = {**tagged, "VersionId": version}
    for call, request, actions in (
        (other.get_object_attributes, attributes, ["GetObjectAttributes", "GetObject"]),
        (other.get_object_attributes, {**attributes, "VersionId": version},
         ["GetObjectVersionAttributes", "GetObjectVersion"]),
        (other.copy_object, {**target, "CopySource": plain}, ["PutObject", "GetObject"]),
        (other.copy_object, {**target, "CopySource": tagged, "TaggingDirective": "REPLACE"},
         ["PutObject", "GetObject"]),
        (other.copy_object, {**target, "CopySource": tagged},
         ["PutObject", "GetObject", "GetObjectTagging", "PutObjectTagging"]),
        (other.copy_object, {**target, "CopySource": at_version},
         ["PutObject", "GetObjectVersion", "GetObjectVersionTagging", "PutObjectTagging"]),
    ):
        for missing in actions:
            s3.put_bucket_policy(Bucket=name, Policy=letting(name, *(each for each in actions if each != missing)))
            assert refusal(call, **request) == DENIED, missing
        s3.put_bucket_policy(Bucket=name, Policy=letting(name, *actions))
        call(**request)


def letting(name: str, *actions: str) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": [f"s3:{action}" for action in actions],
        "Resource": f"arn:aws:s3:::{name}/*"}]})
