"""boto3 finds its own calls in CloudTrail, and pages through them."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests import servers
from tests.waiting import until


def found(client: Any, at_least: int, **attributes: str) -> list[dict[str, Any]]:
    """LookupEvents until there are so many: events come a moment after their call."""
    wanted = [{"AttributeKey": key, "AttributeValue": value} for key, value in attributes.items()]

    def enough() -> list[dict[str, Any]]:
        pages = client.get_paginator("lookup_events").paginate(
            LookupAttributes=wanted, PaginationConfig={"PageSize": 2})
        events = [event for page in pages for event in page["Events"]]
        return events if len(events) >= at_least else []

    return until(enough, f"{attributes} finds fewer than {at_least}")


def test_lookup(skybus: servers.Server) -> None:
    iam: Any = skybus.client("iam")
    trail: Any = skybus.client("cloudtrail")
    for number in range(5):
        iam.create_user(UserName=f"looked-up-{number}")
    iam.delete_user(UserName="looked-up-0")
    with pytest.raises(ClientError):
        iam.get_user(UserName="looked-up-0")
    events = [event for event in found(trail, 5, EventName="CreateUser")
              if event["Resources"][0]["ResourceName"].startswith("looked-up")]
    assert [event["Resources"] for event in events] == [
        [{"ResourceType": "AWS::IAM::User", "ResourceName": f"looked-up-{number}"}] for number in (4, 3, 2, 1, 0)]
    assert {(event["Username"], event["ReadOnly"], event["EventSource"], event["AccessKeyId"]) for event in events} == {
        ("root", "false", "iam.amazonaws.com", "test")}
    whole = json.loads(events[0]["CloudTrailEvent"])
    assert whole["requestParameters"] == {"userName": "looked-up-4"}
    assert whole["sourceIPAddress"] == "127.0.0.1"
    assert whole["userAgent"].startswith("Botocore/")
    assert [event["EventName"] for event in found(trail, 3, ResourceName="looked-up-0")] == [
        "GetUser", "DeleteUser", "CreateUser"]
    assert json.loads(found(trail, 1, EventName="GetUser")[0]["CloudTrailEvent"])["errorCode"] == "NoSuchEntity"
    assert found(trail, 1, EventId=whole["eventID"])[0]["EventName"] == "CreateUser"


def test_lookup_says_no(skybus: servers.Server) -> None:
    trail: Any = skybus.client("cloudtrail")
    one = {"AttributeKey": "EventName", "AttributeValue": "CreateUser"}
    for params, code in (
        ({"LookupAttributes": [one, one]}, "InvalidLookupAttributesException"),
        ({"StartTime": 2_000_000_000, "EndTime": 1_000_000_000}, "InvalidTimeRangeException"),
        ({"NextToken": "bm9uZQ=="}, "InvalidNextTokenException"),
    ):
        with pytest.raises(ClientError) as caught:
            trail.lookup_events(**params)
        assert caught.value.response["Error"]["Code"] == code
