"""What S3 says of bucket policies that it does not take: code, status, sentence.

Where nothing else is said, the expectations are those of LocalStack's snapshots and moto's tests that run against AWS.
"""

import json
from typing import Any

import pytest

from tests.actors.s3.answers import BUCKET, said
from tests.actors.s3.caller import Caller

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


# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
def test_all_but_somebody(s3: Caller) -> None:
    others = json.loads(policy())
    others["Statement"][0]["NotPrincipal"] = {"AWS": "222222222222"}
    del others["Statement"][0]["Principal"]
    assert said(s3, "PutBucketPolicy", Policy=json.dumps(others))[0] == "MalformedPolicy"
    others["Statement"][0]["Effect"] = "Deny"
    assert s3.call("PutBucketPolicy", Bucket=BUCKET, Policy=json.dumps(others)) == {}
