"""Access points through boto3: their administration, and objects through their ARN, alias and host, as their policies,
their buckets' and the callers' own let them.

Expected: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-policies.html and its neighbours, and
LocalStack's snapshots of AWS (tests/aws/services/s3control) where a comment says so.
"""

import json
import re
import uuid
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

import boto3
import pytest
from botocore.config import Config

from tests import servers
from tests.sdk.s3 import client
from tests.sdk.test_s3_access import DENIED, anonymous, refusal

OWNER, OTHER, REGION = "555555555555", "666666666666", "us-east-1"
OPEN = {"BlockPublicAcls": False, "IgnorePublicAcls": False, "BlockPublicPolicy": False, "RestrictPublicBuckets": False}


def control_of(skybus: servers.Server, account: str = OWNER, **keys: str) -> Any:
    made = of(account, keys).client(
        "s3control", endpoint_url=skybus.endpoint, config=Config(parameter_validation=False))
    return servers.without_resolving(made, skybus.endpoint)


def s3_of(skybus: servers.Server, account: str = OWNER, host: str = "localhost", **keys: str) -> Any:
    """A client that finds the host which it makes of an access point's ARN."""
    url = f"http://{host}:{skybus.port}" if host else None
    made = of(account, keys).client("s3", endpoint_url=url, config=Config(retries={"total_max_attempts": 1}))

    def connect(request: Any, **_: Any) -> None:
        asked = urlsplit(request.url)
        request.headers["Host"] = asked.netloc
        request.url = request.url.replace(f"{asked.scheme}://{asked.netloc}", skybus.endpoint, 1)

    made.meta.events.register("before-send", connect)
    return made


def of(account: str, keys: Mapping[str, str]) -> Any:
    """A session of a user's keys, or else of the account's root."""
    return boto3.Session(keys.get("key", account), keys.get("secret", "test"), region_name=REGION)


class Made(NamedTuple):
    """An access point of OWNER's and its bucket, which holds `key`."""

    name: str
    bucket: str
    arn: str
    alias: str


def make(skybus: servers.Server, account: str = OWNER, **more: Any) -> Made:
    name, bucket = f"ap-{uuid.uuid4().hex[:12]}x", f"points-{uuid.uuid4().hex}x"
    s3 = client(skybus, OWNER)
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="key", Body=b"1")
    told = control_of(skybus, account).create_access_point(AccountId=account, Name=name, Bucket=bucket, **more)
    return Made(name, bucket, told["AccessPointArn"], told["Alias"])


def document(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **each} for each in statements]})


def user(skybus: servers.Server, account: str, *statements: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """Its ARN and its key."""
    iam = of(account, {}).client("iam", endpoint_url=skybus.endpoint)
    name = f"user-{uuid.uuid4().hex[:12]}"
    arn: str = iam.create_user(UserName=name)["User"]["Arn"]
    if statements:
        iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document(*statements))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return arn, {"key": key["AccessKeyId"], "secret": key["SecretAccessKey"]}


def delegate(skybus: servers.Server, made: Made, account: str = OWNER) -> None:
    """The bucket lets its access points decide, as AWS recommends."""
    resources = [f"arn:aws:s3:::{made.bucket}", f"arn:aws:s3:::{made.bucket}/*"]
    client(skybus, OWNER).put_bucket_policy(Bucket=made.bucket, Policy=document({
        "Principal": {"AWS": "*"}, "Action": "s3:*", "Resource": resources,
        "Condition": {"StringEquals": {"s3:DataAccessPointAccount": account}}}))


# The answers are those of LocalStack's snapshots.
def test_made_told_listed_ended(skybus: servers.Server) -> None:
    control, made = control_of(skybus), make(skybus)
    assert made.arn == f"arn:aws:s3:{REGION}:{OWNER}:accesspoint/{made.name}"
    assert re.fullmatch(f"{made.name}-[a-z2-7]{{34}}-s3alias", made.alias)
    told = control.get_access_point(AccountId=OWNER, Name=made.name)
    listed = {"Name": made.name, "NetworkOrigin": "Internet", "Bucket": made.bucket, "AccessPointArn": made.arn,
              "Alias": made.alias, "BucketAccountId": OWNER}
    assert listed.items() <= told.items()
    assert told["Endpoints"]["fips_dualstack"] == f"s3-accesspoint-fips.dualstack.{REGION}.amazonaws.com"
    assert told["PublicAccessBlockConfiguration"] == dict.fromkeys(OPEN, True)
    assert control.list_access_points(AccountId=OWNER, Bucket=made.bucket)["AccessPointList"] == [listed]
    again = {"AccountId": OWNER, "Name": made.name, "Bucket": made.bucket}
    assert refusal(control.create_access_point, **again) == ("AccessPointAlreadyOwnedByYou", 409)
    s3 = client(skybus, OWNER)
    s3.delete_object(Bucket=made.bucket, Key="key")
    assert refusal(s3.delete_bucket, Bucket=made.bucket) == ("BucketHasAccessPointsAttached", 400)
    gone = control.delete_access_point(AccountId=OWNER, Name=made.name)
    assert gone["ResponseMetadata"]["HTTPStatusCode"] == 204
    with pytest.raises(control.exceptions.ClientError) as caught:
        control.get_access_point(AccountId=OWNER, Name=made.name)
    error = caught.value.response["Error"]
    assert (error["Code"], error["AccessPointName"]) == ("NoSuchAccessPoint", made.name)
    assert error["Message"] == "The specified accesspoint does not exist"
    s3.delete_bucket(Bucket=made.bucket)


def test_pages(skybus: servers.Server) -> None:
    made, control = make(skybus, OTHER, BucketAccountId=OWNER), control_of(skybus, OTHER)
    names = sorted([made.name, *(f"page-{number}x" for number in range(3))])
    for name in names:
        if name != made.name:
            control.create_access_point(AccountId=OTHER, Name=name, Bucket=made.bucket, BucketAccountId=OWNER)
    found, token = [], ""
    for _ in names:
        page = control.list_access_points(AccountId=OTHER, MaxResults=1, Bucket=made.bucket, **(
            {"NextToken": token} if token else {}))
        found += [each["Name"] for each in page["AccessPointList"]]
        token = page.get("NextToken", "")
    assert (found, token) == (names, "")
    assert control_of(skybus).list_access_points(AccountId=OWNER, Bucket=made.bucket)["AccessPointList"] == []


# The answers are those of LocalStack's snapshots, but for those about the bucket's account and region.
def test_those_that_are_none(skybus: servers.Server) -> None:
    made, control = make(skybus), control_of(skybus)
    unparsed, invalid = ("InvalidURI", 400), ("InvalidRequest", 400)
    for name, code in (("sa", unparsed), ("a" * 51, unparsed), ("WRONG-casing", unparsed), ("an_underscore", unparsed),
                       ("-hyphen-start", invalid), ("cannot-end-s3alias", invalid), ("cannot-have.dot", invalid)):
        assert refusal(control.create_access_point, AccountId=OWNER, Name=name, Bucket=made.bucket) == code, name
    assert refusal(control.create_access_point, AccountId=OWNER, Name="none", Bucket="no-bucket-of-ours") == invalid
    theirs = control_of(skybus, OTHER)
    assert refusal(theirs.create_access_point, AccountId=OTHER, Name="none", Bucket=made.bucket) == invalid
    assert refusal(theirs.get_access_point, AccountId=OWNER, Name=made.name) == DENIED
    for call in (control.get_access_point_policy, control.get_access_point_policy_status):
        assert refusal(call, AccountId=OWNER, Name=made.name) == ("NoSuchAccessPointPolicy", 404)
    for arn in ("arn:aws:s3:::bucket/*", f"{made.arn}x/object/*", f"{made.arn}/key"):
        policy = document({"Principal": "*", "Action": "s3:GetObject", "Resource": arn})
        assert refusal(control.put_access_point_policy, AccountId=OWNER, Name=made.name, Policy=policy) == (
            "MalformedPolicy", 400)


# By ARN, in the hosts that botocore makes of it, and by alias: objects, listings, copies, parts, keys not there.
@pytest.mark.parametrize("by", ["arn", "alias", "s3-accesspoint"])
def test_objects(skybus: servers.Server, by: str) -> None:
    made = make(skybus)
    s3 = s3_of(skybus, host="" if by == "s3-accesspoint" else "localhost")
    name = made.alias if by == "alias" else made.arn
    assert s3.get_object(Bucket=name, Key="key")["Body"].read() == b"1"
    for key, size in (("key/small", 5), ("key/large", 50_000)):
        s3.put_object(Bucket=name, Key=key, Body=b"x" * size)
        assert s3.head_object(Bucket=name, Key=key)["ContentLength"] == size
    listed = s3.list_objects_v2(Bucket=name)
    assert (listed["Name"], listed["KeyCount"]) == (made.bucket, 3)
    s3.copy_object(Bucket=name, Key="key/copy", CopySource={"Bucket": name, "Key": "key/large"})
    direct = client(skybus, OWNER)
    assert direct.head_object(Bucket=made.bucket, Key="key/copy")["ContentLength"] == 50_000
    direct.copy_object(Bucket=made.bucket, Key="key/back", CopySource={"Bucket": name, "Key": "key/small"})
    upload = s3.create_multipart_upload(Bucket=name, Key="key/parts")
    assert upload["Bucket"] == made.bucket
    part = s3.upload_part(Bucket=name, Key="key/parts", UploadId=upload["UploadId"], PartNumber=1, Body=b"p")
    s3.complete_multipart_upload(Bucket=name, Key="key/parts", UploadId=upload["UploadId"], MultipartUpload={
        "Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
    gone = s3.delete_objects(Bucket=name, Delete={"Objects": [{"Key": "key/parts"}, {"Key": "key/copy"}]})
    assert {each["Key"] for each in gone["Deleted"]} == {"key/parts", "key/copy"}
    assert refusal(s3.get_object, Bucket=name, Key="key/none") == ("NoSuchKey", 404)
    assert refusal(s3.put_bucket_versioning, Bucket=name, VersioningConfiguration={"Status": "Enabled"}) == (
        "MethodNotAllowed", 405)
    assert s3.head_bucket(Bucket=name)["AccessPointAlias"] is (by == "alias")


def test_those_that_are_not_there(skybus: servers.Server) -> None:
    made, s3 = make(skybus), s3_of(skybus, host="")
    assert refusal(s3.get_object, Bucket=f"{made.arn}y", Key="key") == ("NoSuchAccessPoint", 404)
    assert refusal(s3_of(skybus).get_object, Bucket=made.alias.replace("-s3alias", "0-s3alias"), Key="key") == DENIED
    private = make(skybus, VpcConfiguration={"VpcId": "vpc-1a2b3c4d"})
    told = control_of(skybus).get_access_point(AccountId=OWNER, Name=private.name)
    assert (told["NetworkOrigin"], told["VpcConfiguration"]) == ("VPC", {"VpcId": "vpc-1a2b3c4d"})
    assert refusal(s3.get_object, Bucket=private.arn, Key="key") == DENIED


# Example 1 of AWS's page on policies: what the access point allows, the bucket must allow too.
def test_delegation(skybus: servers.Server) -> None:
    made, control = make(skybus), control_of(skybus)
    arn, keys = user(skybus, OWNER)
    s3 = s3_of(skybus, **keys)
    assert refusal(s3.get_object, Bucket=made.arn, Key="key") == DENIED
    control.put_access_point_policy(AccountId=OWNER, Name=made.name, Policy=document(
        {"Principal": {"AWS": arn}, "Action": "s3:GetObject", "Resource": f"{made.arn}/object/ke*"}))
    assert refusal(s3.get_object, Bucket=made.arn, Key="key") == DENIED
    delegate(skybus, made)
    assert s3.get_object(Bucket=made.arn, Key="key")["Body"].read() == b"1"
    assert refusal(s3.put_object, Bucket=made.arn, Key="key", Body=b"2") == DENIED
    assert refusal(s3.list_objects_v2, Bucket=made.arn) == DENIED
    assert refusal(s3.get_object, Bucket=made.bucket, Key="key") == DENIED
    assert refusal(s3.get_object, Bucket=make(skybus).arn, Key="key") == DENIED
    control.delete_access_point_policy(AccountId=OWNER, Name=made.name)
    assert refusal(s3.get_object, Bucket=made.arn, Key="key") == DENIED


# Callers' own policies, about both ARNs; a bucket that is to be used through its access points alone.
def test_identity_policies(skybus: servers.Server) -> None:
    made = make(skybus)
    both = [f"{made.arn}/object/*", f"arn:aws:s3:::{made.bucket}/*"]
    through = {"Action": "s3:GetObject", "Resource": both,
               "Condition": {"ArnLike": {"s3:DataAccessPointArn": f"arn:aws:s3:{REGION}:{OWNER}:accesspoint/ap-*"},
                             "StringEquals": {"s3:AccessPointNetworkOrigin": "Internet"}}}
    s3 = s3_of(skybus, **user(skybus, OWNER, through)[1])
    assert s3.get_object(Bucket=made.arn, Key="key")["Body"].read() == b"1"
    assert refusal(s3.get_object, Bucket=made.bucket, Key="key") == DENIED
    assert refusal(s3.get_object, Bucket=made.arn, Key="none") == DENIED            # who may not list is not told
    for resource in both:
        half = s3_of(skybus, **user(skybus, OWNER, {"Action": "s3:GetObject", "Resource": resource})[1])
        assert refusal(half.get_object, Bucket=made.arn, Key="key") == DENIED
    control_of(skybus).put_access_point_policy(AccountId=OWNER, Name=made.name, Policy=document(
        {"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": f"{made.arn}/object/*"}))
    with pytest.raises(s3.exceptions.ClientError) as caught:
        s3.get_object(Bucket=made.arn, Key="key")
    assert f'on resource: "{made.arn}/object/key" with an explicit deny in a resource-based policy' in str(caught.value)


# An access point of another account's on this bucket; and a caller of a third side who is let in by both.
def test_other_accounts(skybus: servers.Server) -> None:
    made = make(skybus, OTHER, BucketAccountId=OWNER)
    everything = {"Action": "s3:*", "Resource": "*"}
    arn, keys = user(skybus, OTHER, everything)
    s3 = s3_of(skybus, **keys)
    assert refusal(s3.get_object, Bucket=made.arn, Key="key") == DENIED
    delegate(skybus, made, OTHER)
    assert s3.get_object(Bucket=made.arn, Key="key")["Body"].read() == b"1"
    assert refusal(s3.get_object, Bucket=made.bucket, Key="key") == DENIED
    mine, control = make(skybus), control_of(skybus)
    delegate(skybus, mine)
    assert refusal(s3.get_object, Bucket=mine.arn, Key="key") == DENIED
    control.put_access_point_policy(AccountId=OWNER, Name=mine.name, Policy=document(
        {"Principal": {"AWS": arn}, "Action": "s3:GetObject", "Resource": f"{mine.arn}/object/*"}))
    assert s3.get_object(Bucket=mine.arn, Key="key")["Body"].read() == b"1"


# https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
def test_public_access(skybus: servers.Server) -> None:
    control, closed, opened = control_of(skybus), make(skybus), make(skybus, PublicAccessBlockConfiguration=OPEN)
    for made, code in ((closed, "AccessDenied"), (opened, "")):
        asked = {"AccountId": OWNER, "Name": made.name, "Policy": document(
            {"Principal": "*", "Action": "s3:GetObject", "Resource": f"{made.arn}/object/*"})}
        if code:
            assert refusal(control.put_access_point_policy, **asked) == (code, 403)
            continue
        control.put_access_point_policy(**asked)
        status = control.get_access_point_policy_status(AccountId=OWNER, Name=made.name)
        assert status["PolicyStatus"] == {"IsPublic": True}
        assert control.get_access_point_policy(AccountId=OWNER, Name=made.name)["Policy"] == asked["Policy"]
    delegate(skybus, opened)
    assert anonymous(skybus, f"{opened.alias}/key") == 200
    assert anonymous(skybus, f"{opened.bucket}/key") == 403
    client(skybus, OWNER).put_public_access_block(
        Bucket=opened.bucket, PublicAccessBlockConfiguration={**OPEN, "RestrictPublicBuckets": True})
    assert anonymous(skybus, f"{opened.alias}/key") == 403
    s3 = client(skybus, OWNER)                                    # the access point's own block holds for ACLs
    s3.put_bucket_ownership_controls(Bucket=closed.bucket, OwnershipControls={
        "Rules": [{"ObjectOwnership": "ObjectWriter"}]})
    s3.put_object(Bucket=closed.bucket, Key="key", Body=b"1", ACL="public-read")
    assert refusal(s3.put_object, Bucket=closed.alias, Key="key", Body=b"1", ACL="public-read") == DENIED


# Who may make, tag and change access points; conditions on what is made.
def test_administration(skybus: servers.Server) -> None:
    made = make(skybus, Tags=[{"Key": "team", "Value": "red"}])
    own = f"arn:aws:s3:{REGION}:{OWNER}:accesspoint/*"
    keys = user(skybus, OWNER, {"Action": "s3:CreateAccessPoint", "Resource": own, "Condition": {
        "StringEquals": {"s3:AccessPointNetworkOrigin": "VPC"}}}, {
        "Action": ["s3:GetAccessPoint", "s3:TagResource"], "Resource": own, "Condition": {
            "StringEquals": {"aws:ResourceTag/team": "red"}}})[1]
    control, root = control_of(skybus, **keys), control_of(skybus)
    asked = {"AccountId": OWNER, "Name": "made-by-user", "Bucket": made.bucket}
    assert refusal(control.create_access_point, **asked) == DENIED
    control.create_access_point(**asked, VpcConfiguration={"VpcId": "vpc-1"})
    assert refusal(control.get_access_point, AccountId=OWNER, Name="made-by-user") == DENIED
    assert control.get_access_point(AccountId=OWNER, Name=made.name)["Name"] == made.name
    assert refusal(control.delete_access_point, AccountId=OWNER, Name=made.name) == DENIED
    resource = {"AccountId": OWNER, "ResourceArn": made.arn}
    control.tag_resource(**resource, Tags=[{"Key": "more", "Value": "1"}])
    assert root.list_tags_for_resource(**resource)["Tags"] == [
        {"Key": "team", "Value": "red"}, {"Key": "more", "Value": "1"}]
    root.untag_resource(**resource, TagKeys=["team"])
    assert refusal(control.get_access_point, AccountId=OWNER, Name=made.name) == DENIED
    root.delete_access_point(AccountId=OWNER, Name="made-by-user")


# A bucket's name that SDKs make of an access point's ARN is taken; a bucket that was there before stays.
def test_the_name_before_a_host(skybus: servers.Server) -> None:
    made, s3 = make(skybus), client(skybus, OTHER)
    assert refusal(s3.create_bucket, Bucket=f"{made.name}-{OWNER}") == ("BucketAlreadyExists", 409)
    name = f"logs-{uuid.uuid4().hex[:8]}"
    s3.create_bucket(Bucket=f"{name}-{OTHER}")
    s3.put_object(Bucket=f"{name}-{OTHER}", Key="key", Body=b"bucket")
    control_of(skybus, OTHER).create_access_point(
        AccountId=OTHER, Name=name, Bucket=made.bucket, BucketAccountId=OWNER)
    assert s3.get_object(Bucket=f"{name}-{OTHER}", Key="key")["Body"].read() == b"bucket"
    assert refusal(s3_of(skybus, OTHER, host="").get_object, Key="key",
                   Bucket=f"arn:aws:s3:{REGION}:{OTHER}:accesspoint/{name}") == DENIED


# No SDK puts an ARN into the path; who does, in percent-encoding, is understood.
def test_path_style(skybus: servers.Server) -> None:
    made = make(skybus, PublicAccessBlockConfiguration=OPEN)
    delegate(skybus, made)
    control_of(skybus).put_access_point_policy(AccountId=OWNER, Name=made.name, Policy=document(
        {"Principal": "*", "Action": "s3:GetObject", "Resource": f"{made.arn}/object/*"}))
    assert anonymous(skybus, f"{quote(made.arn, safe='')}/key") == 200
    assert anonymous(skybus, f"{quote(made.arn + 'y', safe='')}/key") == 404
