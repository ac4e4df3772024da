"""Notification configurations: what is refused, in AWS's words, and that no event of what is accepted goes two ways."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.s3 import notifications
from actors.s3.errors import InvalidArgument
from schemas.errors import AwsError
from schemas.models import load

QUEUE = "arn:aws:sqs:us-east-1:000000000000:q"
EVENTS = sorted(notifications.EVENTS)
PLAIN = [event for event in EVENTS if not event.endswith("*")]
texts = st.text("ab", max_size=3)


def rules(prefix: str, suffix: str) -> dict[str, Any]:
    found = [{"Name": name, "Value": value} for name, value in (("prefix", prefix), ("Suffix", suffix)) if value]
    return {"Filter": {"Key": {"FilterRules": found}}} if found else {}


configurations = st.builds(
    lambda events, prefix, suffix: {"QueueArn": QUEUE, "Events": events, **rules(prefix, suffix)},
    st.lists(st.sampled_from(EVENTS), min_size=1, max_size=3, unique=True), texts, texts)


# https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html
@given(configurations, st.sampled_from(PLAIN), st.text("ab", max_size=5))
def test_filters(configuration: dict[str, Any], event: str, key: str) -> None:
    """An event is wanted by name or by its family, of keys that begin and end as the filter says; no others."""
    document = notifications.checked({"QueueConfigurations": [configuration]})
    prefix, suffix = notifications.filters(configuration)
    named = event in configuration["Events"] or any(
        each.endswith(":*") and event.startswith(each[:-1]) for each in configuration["Events"])
    wanted = notifications.chosen(document, event, key) is not None
    assert wanted == (named and key[:len(prefix)] == prefix and key[len(key) - len(suffix):] == suffix
                      and len(key) >= max(len(prefix), len(suffix)))


@given(st.lists(configurations, min_size=2, max_size=4), st.sampled_from(PLAIN), st.text("ab", max_size=5))
def test_no_event_is_for_two(found: list[dict[str, Any]], event: str, key: str) -> None:
    """Overlaps are refused, so one event never goes two ways."""
    singles = [notifications.checked({"QueueConfigurations": [each]}) for each in found]
    takers = sum(notifications.chosen(each, event, key) is not None for each in singles)
    try:
        document = notifications.checked({"QueueConfigurations": found})
    except InvalidArgument:
        return
    assert takers <= 1
    assert (notifications.chosen(document, event, key) is not None) == (takers == 1)


def test_events_are_those_of_the_model() -> None:
    names = load("s3").operations["PutBucketNotificationConfiguration"].input
    assert names is not None
    queue = names.members["NotificationConfiguration"].shape.members["QueueConfigurations"].shape.item
    assert queue is not None
    item = queue.shape.members["Events"].shape.item
    assert item is not None
    assert frozenset(item.shape.traits["enum"]) == notifications.EVENTS


# The messages: LocalStack's snapshots of AWS; minio's issue 2472; terraform's and the CDK's issues.
@pytest.mark.parametrize(("document", "code", "told"), [
    ({"QueueConfigurations": [{"QueueArn": "q", "Events": ["s3:ObjectCreated:*"]}]}, "InvalidArgument",
     ("The ARN could not be parsed", "Queue", "q")),
    ({"LambdaFunctionConfigurations": [{"LambdaFunctionArn": QUEUE, "Events": ["s3:ObjectCreated:*"]}]},
     "InvalidArgument", ("The ARN could not be parsed", "CloudFunction", QUEUE)),
    ({"QueueConfigurations": [{"QueueArn": QUEUE, "Events": ["s3:ObjectLost"]}]}, "InvalidArgument",
     ("The event is not supported for notifications", "Event", "s3:ObjectLost")),
    ({"QueueConfigurations": [{"QueueArn": QUEUE, "Events": ["s3:ObjectCreated:*"], "Filter": {"Key": {
        "FilterRules": [{"Name": "INVALID", "Value": "x"}]}}}]}, "InvalidArgument",
     ("filter rule name must be either prefix or suffix", "FilterRule.Name", "INVALID")),
    ({"QueueConfigurations": [{"QueueArn": QUEUE, "Events": ["s3:ObjectCreated:*"]}] * 2}, "InvalidArgument",
     ("Configurations overlap. Configurations on the same bucket cannot share a common event type.", "Event",
      "s3:ObjectCreated:*, s3:ObjectCreated:*")),
    ({"QueueConfigurations": [
        {"QueueArn": QUEUE, "Events": ["s3:ObjectCreated:*"], **rules("", ".jpg")},
        {"QueueArn": QUEUE, "Events": ["s3:ObjectCreated:Put"], **rules("a/", "")}]}, "InvalidArgument",
     ("Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes are "
      "overlapping for the same event type.", None, None)),
    ({"QueueConfigurations": [{"Id": "a", "QueueArn": QUEUE, "Events": [event]}
                              for event in ("s3:ObjectAcl:Put", "s3:LifecycleTransition")]}, "InvalidArgument",
     ("The same ID is used for multiple notification configurations. IDs must be unique.", None, None)),
    ({"QueueConfigurations": [{"QueueArn": QUEUE, "Events": []}]}, "MalformedXML", None),
])
def test_refused(document: dict[str, Any], code: str, told: tuple[str, str, str] | None) -> None:
    with pytest.raises(AwsError) as caught:
        notifications.checked(document)
    error = caught.value
    assert error.error_code == code
    if told is not None:
        assert (error.message, error.fields.get("ArgumentName"), error.fields.get("ArgumentValue")) == told


# https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html: valid examples
def test_accepted() -> None:
    document = notifications.checked({
        "QueueConfigurations": [
            {"QueueArn": QUEUE, "Events": ["s3:ObjectCreated:*"], **rules("images/", ".jpg")},
            {"QueueArn": QUEUE, "Events": ["s3:ObjectCreated:*"], **rules("images/", ".png")},
            {"QueueArn": QUEUE, "Events": ["s3:ObjectRemoved:*"]}],
        "EventBridgeConfiguration": {}})
    kept = document["QueueConfigurations"]
    assert kept[0]["Filter"]["Key"]["FilterRules"] == [
        {"Name": "Prefix", "Value": "images/"}, {"Name": "Suffix", "Value": ".jpg"}]
    assert len({each["Id"] for each in kept}) == 3
    assert document["EventBridgeConfiguration"] == {}
