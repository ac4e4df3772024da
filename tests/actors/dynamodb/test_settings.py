"""Tags, resource policies, contributor insights, encryption, warm throughput, limits; what one region has no use for.

Behaviour and wording: dynalite's tag operations and the API reference of each.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from actors.dynamodb import tagging
from actors.dynamodb.account import LEGACY
from actors.dynamodb.engine.values import INVALID
from tests.actors.dynamodb.caller import Caller, open_caller

ARN = "arn:aws:dynamodb:us-east-1:000000000000:table/live"
NONE = "arn:aws:dynamodb:us-east-1:000000000000:table/none"
STREAM = "arn:aws:kinesis:us-east-1:000000000000:stream/s"
GSI = {"IndexName": "by-g", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
       "Projection": {"ProjectionType": "ALL"}}


@pytest.fixture
def dynamodb(tmp_path: Path) -> Iterator[Caller]:
    with open_caller(tmp_path / "store") as caller:
        caller.create("live", attributes={"g": "S"}, GlobalSecondaryIndexes=[GSI])
        yield caller


def tags(dynamodb: Caller) -> dict[str, str]:
    listed = dynamodb.call("ListTagsOfResource", ResourceArn=ARN)
    return {each["Key"]: each["Value"] for each in listed["Tags"]}


def test_tags(dynamodb: Caller) -> None:
    assert tags(dynamodb) == {}
    dynamodb.call("TagResource", ResourceArn=ARN, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}])
    dynamodb.call("TagResource", ResourceArn=ARN, Tags=[{"Key": "a", "Value": "2"}])
    assert tags(dynamodb) == {"a": "2", "b": ""}
    dynamodb.call("UntagResource", ResourceArn=ARN, TagKeys=["a", "none"])
    assert tags(dynamodb) == {"b": ""}
    many = [{"Key": str(n), "Value": ""} for n in range(50)]
    assert dynamodb.error("TagResource", ResourceArn=ARN, Tags=many).error_code == "ValidationException"
    dynamodb.call("TagResource", ResourceArn=ARN, Tags=many[1:])
    assert len(tags(dynamodb)) == 50


TAGS = [
    ([{"Key": "k" * 129, "Value": ""}], f"The Tag Key provided is invalid, Key: {'k' * 129}"),
    ([{"Key": "", "Value": ""}], "The Tag Key provided is invalid, Key: "),
    ([{"Value": "v"}], "The Tag Key provided is invalid, Key: null"),
    ([{"Key": "k"}], "The Tag Value provided is invalid, Value: null"),
    ([{"Key": "k", "Value": "v" * 257}], f"The Tag Value provided is invalid, Value: {'v' * 257}"),
    ([{"Key": "k", "Value": "a,b"}], "The Tag Value provided is invalid, Value: a,b"),
    ([{"Key": "AWS:x", "Value": ""}], "Tag Key cannot be prefixed with aws:, Key: AWS:x"),
    ([{"Key": "k", "Value": "1"}, {"Key": "k", "Value": "2"}],
     "Duplicate Tag Keys provided as input: Duplicate Tag Key found k"),
    ([{"Key": str(n), "Value": ""} for n in range(51)], tagging.TOO_MANY),
]


# All or nothing, at once, at CreateTable as at TagResource. Wording: ack-api-quirks DDB-TABLE-107, 110, 372.
@pytest.mark.parametrize(("given", "message"), TAGS)
def test_refused_tags(dynamodb: Caller, given: list[dict[str, str]], message: str) -> None:
    keys = {"KeySchema": [{"AttributeName": "a", "KeyType": "HASH"}], "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "a", "AttributeType": "S"}]}
    good = {"Key": "good", "Value": "a+b-c=d.e_f:g/h@i ключ"}
    for operation, members in (("TagResource", {"ResourceArn": ARN}), ("CreateTable", {"TableName": "new", **keys})):
        error = dynamodb.error(operation, **members, Tags=given if len(given) > 50 else [good, *given])
        assert (error.error_code, error.message) == ("ValidationException", message)
    assert tags(dynamodb) == {}
    dynamodb.call("TagResource", ResourceArn=ARN, Tags=[good])


MISSING_POLICY = f"Resource-based policy not found for the provided ResourceArn: {ARN}"


@pytest.mark.parametrize(("operation", "code", "message", "request_"), [
    ("TagResource", "ValidationException", "Atleast one Tag needs to be provided as Input.",
     {"ResourceArn": ARN, "Tags": []}),
    ("UntagResource", "ValidationException", "Atleast one Tag Key needs to be provided as Input.",
     {"ResourceArn": ARN, "TagKeys": []}),
    ("TagResource", "ResourceNotFoundException", "Requested resource not found",
     {"ResourceArn": NONE, "Tags": [{"Key": "a", "Value": ""}]}),
    ("ListTagsOfResource", "ResourceNotFoundException",
     f"Requested resource not found: ResourcArn: {NONE} not found", {"ResourceArn": NONE}),
    ("ListTagsOfResource", "ValidationException",
     f"{INVALID}Invalid resource arn provided, only table or stream is accepted. "
     f"Provided resource arn: {ARN}/index/by-g",
     {"ResourceArn": f"{ARN}/index/by-g"}),
    ("ListTagsOfResource", "ValidationException", f"{INVALID}ARNs must start with 'arn:': x", {"ResourceArn": "x"}),
    ("ListTagsOfResource", "ValidationException",
     f"{INVALID}Provided Arn is not a DynamoDB resource arn: {ARN}/backup/0-0", {"ResourceArn": f"{ARN}/backup/0-0"}),
    ("ListTagsOfResource", "ValidationException", "Invalid TableArn: Invalid ResourceArn provided as input "
     + ARN.replace("us-east-1", "us-west-2"), {"ResourceArn": ARN.replace("us-east-1", "us-west-2")}),
    ("GetResourcePolicy", "PolicyNotFoundException", MISSING_POLICY, {"ResourceArn": ARN}),
    ("DeleteResourcePolicy", "PolicyNotFoundException", MISSING_POLICY,
     {"ResourceArn": ARN, "ExpectedRevisionId": "1"}),
    ("PutResourcePolicy", "ValidationException", f"{INVALID}Invalid policy document: This policy contains invalid Json",
     {"ResourceArn": ARN, "Policy": "{"}),
    ("PutResourcePolicy", "ValidationException", f"{INVALID}Maximum policy size of 20480 bytes exceeded",
     {"ResourceArn": ARN, "Policy": "{" + " " * 20480}),
    ("PutResourcePolicy", "ValidationException",
     f"{INVALID}Invalid policy document: Could not parse the policy: Statement is empty!",
     {"ResourceArn": ARN, "Policy": '{"Version": "2012-10-17", "Statement": []}'}),
    ("DescribeGlobalTable", "GlobalTableNotFoundException",
     "Global table not found: Global table with name: 'live' does not exist.", {"GlobalTableName": "live"}),
    ("CreateGlobalTable", "ValidationException", INVALID + LEGACY,
     {"GlobalTableName": "live", "ReplicationGroup": [{"RegionName": "us-east-1"}]}),
    ("DisableKinesisStreamingDestination", "ValidationException",
     "Table is not in a valid state to enable Kinesis Streaming Destination: KinesisStreamingDestination must be "
     "ACTIVE to perform DISABLE operation.", {"TableName": "live", "StreamArn": STREAM}),
    ("EnableKinesisStreamingDestination", "ResourceNotFoundException",
     f"Requested resource not found: Stream: {STREAM} not found (Skybus does not implement kinesis)",
     {"TableName": "live", "StreamArn": STREAM}),
    ("DescribeContributorInsights", "ResourceNotFoundException",
     "Requested resource not found: Table: live, Index: none not found", {"TableName": "live", "IndexName": "none"}),
])
def test_refused(dynamodb: Caller, operation: str, code: str, message: str, request_: dict[str, Any]) -> None:
    error = dynamodb.error(operation, **request_)
    assert (error.error_code, error.message) == (code, message)


# Revisions guard a policy; the same text keeps its revision; a table's policies go with it.
def test_resource_policies(dynamodb: Caller) -> None:
    statement = {"Effect": "Allow", "Principal": "*", "Action": "dynamodb:GetItem", "Resource": ARN}
    one, two = (json.dumps({"Version": "2012-10-17", "Statement": [statement], "Id": each}) for each in ("one", "two"))
    revision = dynamodb.call("PutResourcePolicy", ResourceArn=ARN, Policy=one, ExpectedRevisionId="NO_POLICY")
    assert dynamodb.call("GetResourcePolicy", ResourceArn=ARN) == {"Policy": one, **revision}
    assert dynamodb.call("PutResourcePolicy", ResourceArn=ARN, Policy=one) == revision
    has = f"revision id {revision['RevisionId']}."
    for expected, words in (
        ("NO_POLICY", "Requested policy update expecting none to be present for table live, but a policy exists with "),
        ("1", "Requested update for policy with revision id 1, but the policy associated to target table live has "),
    ):
        error = dynamodb.error("PutResourcePolicy", ResourceArn=ARN, Policy=two, ExpectedRevisionId=expected)
        missing = "Resource-based policy not found for the provided ResourceArn: "
        assert (error.error_code, error.message) == ("PolicyNotFoundException", f"{missing}{words}{has}")
    absent = dynamodb.error("PutResourcePolicy", ResourceArn=f"{ARN}-not", Policy=two)
    assert absent.message == "Requested resource not found: Table: live-not not found"
    new = dynamodb.call("PutResourcePolicy", ResourceArn=ARN, Policy=two, ExpectedRevisionId=revision["RevisionId"])
    assert int(new["RevisionId"]) > int(revision["RevisionId"])
    assert dynamodb.call("DeleteResourcePolicy", ResourceArn=ARN) == new
    assert dynamodb.call("DeleteResourcePolicy", ResourceArn=ARN) == {}
    dynamodb.call("PutResourcePolicy", ResourceArn=ARN, Policy=one)
    dynamodb.call("DeleteTable", TableName="live")
    dynamodb.create("live", ResourcePolicy=two)
    assert dynamodb.call("GetResourcePolicy", ResourceArn=ARN)["Policy"] == two


def test_contributor_insights(dynamodb: Caller) -> None:
    assert dynamodb.call("DescribeContributorInsights", TableName="live")["ContributorInsightsStatus"] == "DISABLED"
    on = {"TableName": "live", "ContributorInsightsAction": "ENABLE"}
    assert dynamodb.call("UpdateContributorInsights", **on)["ContributorInsightsStatus"] == "ENABLING"
    dynamodb.call("UpdateContributorInsights", **on, IndexName="by-g", ContributorInsightsMode="THROTTLED_KEYS")
    described = dynamodb.call("DescribeContributorInsights", TableName="live")
    assert described["ContributorInsightsStatus"] == "ENABLED"
    assert [rule.split("-")[1] for rule in described["ContributorInsightsRuleList"]] == ["PKC", "PKT"]
    first = dynamodb.call("ListContributorInsights", MaxResults=1)
    second = dynamodb.call("ListContributorInsights", MaxResults=1, NextToken=first["NextToken"])
    assert [each["ContributorInsightsSummaries"][0].get("IndexName") for each in (first, second)] == [None, "by-g"]
    assert "NextToken" not in second


def test_encryption_and_warm_throughput(dynamodb: Caller) -> None:
    table = dynamodb.call("DescribeTable", TableName="live")["Table"]
    assert table["WarmThroughput"] == {"ReadUnitsPerSecond": 12000, "WriteUnitsPerSecond": 4000, "Status": "ACTIVE"}
    assert "SSEDescription" not in table
    key = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": "alias/mine"}
    dynamodb.call("UpdateTable", TableName="live", SSESpecification=key)
    dynamodb.call("UpdateTable", TableName="live", WarmThroughput={"ReadUnitsPerSecond": 13000})
    table = dynamodb.call("DescribeTable", TableName="live")["Table"]
    assert table["SSEDescription"] == {"Status": "ENABLED", "SSEType": "KMS",
                                       "KMSMasterKeyArn": "arn:aws:kms:us-east-1:000000000000:alias/mine"}
    assert table["WarmThroughput"] == {"ReadUnitsPerSecond": 13000, "WriteUnitsPerSecond": 4000, "Status": "ACTIVE"}
    less = dynamodb.error("UpdateTable", TableName="live", WarmThroughput={"ReadUnitsPerSecond": 12500})
    assert less.message == (
        "One or more parameter values were invalid: Requested ReadUnitsPerSecond for WarmThroughput for table is lower "
        "than current WarmThroughput, decreasing WarmThroughput is not supported")
    ends = dynamodb.call("UpdateTable", TableName="live", SSESpecification={"Enabled": False})["TableDescription"]
    assert ends["SSEDescription"] == {**table["SSEDescription"], "Status": "UPDATING"}    # LocalStack's snapshot of AWS
    assert "SSEDescription" not in dynamodb.call("DescribeTable", TableName="live")["Table"]


# Wording: ack-api-quirks DDB-TABLE-442, 437.
@pytest.mark.parametrize(("specification", "message"), [
    ({"Enabled": False}, "Table is already encrypted by default"), ({}, "Table is already encrypted by default"),
    ({"Enabled": False, "SSEType": "KMS"}, "SSEType can not be specified if Enabled is false"),
    ({"Enabled": False, "KMSMasterKeyId": "k"}, "KMSMasterKeyId can not be specified if Enabled is false"),
    ({"Enabled": True, "KMSMasterKeyId": "k"}, "SSEType KMS is required if KMSMasterKeyId is specified"),
    ({"Enabled": True, "SSEType": "AES256"}, "SSEType AES256 is not supported"),
])
def test_refused_encryption(dynamodb: Caller, specification: dict[str, Any], message: str) -> None:
    error = dynamodb.error("UpdateTable", TableName="live", SSESpecification=specification)
    assert error.message == f"One or more parameter values were invalid: {message}"


def test_the_account(dynamodb: Caller) -> None:
    assert dynamodb.call("DescribeLimits")["TableMaxReadCapacityUnits"] == 40_000
    assert dynamodb.call("DescribeEndpoints")["Endpoints"][0]["CachePeriodInMinutes"] == 1440
    assert dynamodb.call("ListGlobalTables") == {"GlobalTables": []}
    scaling = dynamodb.call("DescribeTableReplicaAutoScaling", TableName="live")["TableAutoScalingDescription"]
    assert scaling == {"TableName": "live", "TableStatus": "ACTIVE", "Replicas": []}
    assert dynamodb.call("DescribeKinesisStreamingDestination", TableName="live")["KinesisDataStreamDestinations"] == []
