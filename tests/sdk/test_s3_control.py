"""The public-access block of an account through boto3: kept, told, and stronger than its buckets' own. Tags by ARN.

Expected: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html,
https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_TagResource.html
"""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from tests import servers
from tests.sdk.s3 import client
from tests.sdk.test_s3_access import refusal

ACCOUNT, OTHER = "333333333333", "444444444444"
ALL = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True}


def control_of(skybus: servers.Server, account: str = ACCOUNT) -> Any:
    made: Any = boto3.client("s3control", region_name="us-east-1", endpoint_url=skybus.endpoint,
                             aws_access_key_id=account, aws_secret_access_key="test")
    return servers.without_resolving(made, skybus.endpoint)


@pytest.fixture
def control(skybus: servers.Server) -> Iterator[Any]:
    made = control_of(skybus)
    yield made
    made.delete_public_access_block(AccountId=ACCOUNT)


def test_put_told_and_deleted(skybus: servers.Server, control: Any) -> None:
    missing = ("NoSuchPublicAccessBlockConfiguration", 404)
    assert refusal(control.get_public_access_block, AccountId=ACCOUNT) == missing
    control.put_public_access_block(AccountId=ACCOUNT, PublicAccessBlockConfiguration={"BlockPublicAcls": True})
    told = control.get_public_access_block(AccountId=ACCOUNT)["PublicAccessBlockConfiguration"]
    assert told == {**dict.fromkeys(ALL, False), "BlockPublicAcls": True}
    assert refusal(control.get_public_access_block, AccountId=OTHER) == ("AccessDenied", 403)
    assert refusal(control_of(skybus, OTHER).get_public_access_block, AccountId=OTHER) == missing
    gone = control.delete_public_access_block(AccountId=ACCOUNT)
    assert gone["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert refusal(control.get_public_access_block, AccountId=ACCOUNT) == missing


def test_it_holds_for_every_bucket(skybus: servers.Server, control: Any) -> None:
    s3, other, name = client(skybus, ACCOUNT), client(skybus, OTHER), f"open-{uuid.uuid4().hex}"
    s3.create_bucket(Bucket=name, ObjectOwnership="ObjectWriter")
    policy = json.dumps({"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
                                        "Resource": f"arn:aws:s3:::{name}/policy*"}]})
    s3.put_bucket_policy(Bucket=name, Policy=policy)
    s3.put_object(Bucket=name, Key="policy", Body=b"1")
    s3.put_object(Bucket=name, Key="acl", Body=b"1", ACL="public-read")
    for key in ("policy", "acl"):
        assert other.get_object(Bucket=name, Key=key)["Body"].read() == b"1"
    control.put_public_access_block(AccountId=ACCOUNT, PublicAccessBlockConfiguration=ALL)
    for key in ("policy", "acl"):
        assert refusal(other.get_object, Bucket=name, Key=key) == ("AccessDenied", 403)
        assert s3.get_object(Bucket=name, Key=key)["Body"].read() == b"1"
    assert refusal(s3.put_bucket_policy, Bucket=name, Policy=policy) == ("AccessDenied", 403)
    assert refusal(s3.put_object, Bucket=name, Key="k", Body=b"1", ACL="public-read") == ("AccessDenied", 403)
    new = {"Bucket": f"new-{uuid.uuid4().hex}", "ObjectOwnership": "ObjectWriter"}
    assert refusal(s3.create_bucket, **new, ACL="public-read") == ("AccessDenied", 403)
    s3.create_bucket(**new, ACL="private")
    missing = ("NoSuchPublicAccessBlockConfiguration", 404)
    assert refusal(s3.get_public_access_block, Bucket=name) == missing         # the bucket's own


def test_tags_are_those_of_the_bucket(skybus: servers.Server, control: Any) -> None:
    s3, name = client(skybus, ACCOUNT), f"tagged-{uuid.uuid4().hex}"
    s3.create_bucket(Bucket=name)
    asked = {"AccountId": ACCOUNT, "ResourceArn": f"arn:aws:s3:::{name}"}
    assert control.list_tags_for_resource(**asked)["Tags"] == []
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]})
    added = control.tag_resource(**asked, Tags=[{"Key": "b", "Value": "3"}, {"Key": "c", "Value": "4"}])
    assert added["ResponseMetadata"]["HTTPStatusCode"] == 204
    told = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "3"}, {"Key": "c", "Value": "4"}]
    assert control.list_tags_for_resource(**asked)["Tags"] == s3.get_bucket_tagging(Bucket=name)["TagSet"] == told
    gone = control.untag_resource(**asked, TagKeys=["a", "c", "never"])
    assert gone["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert s3.get_bucket_tagging(Bucket=name)["TagSet"] == [{"Key": "b", "Value": "3"}]
    control.untag_resource(**asked, TagKeys=["b"])
    assert refusal(s3.get_bucket_tagging, Bucket=name) == ("NoSuchTagSet", 404)


def test_tags_that_are_refused(skybus: servers.Server, control: Any) -> None:
    name = f"tagged-{uuid.uuid4().hex}"
    client(skybus, OTHER).create_bucket(Bucket=name)
    tags, others = [{"Key": "a", "Value": "1"}], f"arn:aws:s3:::{name}"
    for account, arn, code in (
            (ACCOUNT, others, ("AccessDenied", 403)),
            (OTHER, others, ("AccessDenied", 403)),                           # said to be the owner's, by another
            (ACCOUNT, f"{others}-not", ("NoSuchResource", 404)),
            (ACCOUNT, f"{others}/key", ("InvalidRequest", 400)),
            (ACCOUNT, "arn:aws:sqs:us-east-1:333333333333:q", ("InvalidRequest", 400))):
        asked = {"AccountId": account, "ResourceArn": arn}
        assert refusal(control.tag_resource, **asked, Tags=tags) == code
        assert refusal(control.untag_resource, **asked, TagKeys=["a"]) == code
        assert refusal(control.list_tags_for_resource, **asked) == code
