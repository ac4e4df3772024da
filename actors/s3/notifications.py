"""Notification configurations: checked as AWS checks them, and which of them an event is for.

The document is kept as it is told: lists of configurations, each with its Id. The operations: notifying.py.
Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketNotificationConfiguration.html and
…/userguide/notification-how-to-filtering.html; the messages are AWS's, in LocalStack's snapshots
and in minio's issue 2472.
"""

import base64
import re
import secrets
from collections.abc import Mapping
from itertools import combinations
from typing import Any, NamedTuple

from actors.s3.errors import InvalidArgument, MalformedXML

KIND = "notification"                     # the kind of configuration it is
WATCHED = "notifies"                      # of a bucket's record: it has one
EVENT_BRIDGE = "EventBridgeConfiguration"
LIMIT = 100                               # configurations of a bucket
FILTER_LIMIT = 1024                       # bytes of a prefix or suffix
ID_LIMIT = 255                            # characters
_ARN = re.compile(r"arn:aws[a-z-]*:(sqs|sns|lambda):[a-z0-9-]+:[0-9]{12}:[^\s/]+\Z")

# The lists of a document: the member that holds a configuration's ARN, its service, and what AWS calls it in errors.
LISTS = {
    "TopicConfigurations": ("TopicArn", "sns", "Topic"),
    "QueueConfigurations": ("QueueArn", "sqs", "Queue"),
    "LambdaFunctionConfigurations": ("LambdaFunctionArn", "lambda", "CloudFunction"),
}
EVENTS = frozenset(f"s3:{name}" for name in (
    "ReducedRedundancyLostObject", "ObjectCreated:*", "ObjectCreated:Put", "ObjectCreated:Post", "ObjectCreated:Copy",
    "ObjectCreated:CompleteMultipartUpload", "ObjectRemoved:*", "ObjectRemoved:Delete",
    "ObjectRemoved:DeleteMarkerCreated", "ObjectRestore:*", "ObjectRestore:Post", "ObjectRestore:Completed",
    "ObjectRestore:Delete", "Replication:*", "Replication:OperationFailedReplication",
    "Replication:OperationNotTracked", "Replication:OperationMissedThreshold",
    "Replication:OperationReplicatedAfterThreshold", "LifecycleTransition", "IntelligentTiering", "ObjectAcl:Put",
    "LifecycleExpiration:*", "LifecycleExpiration:Delete", "LifecycleExpiration:DeleteMarkerCreated",
    "ObjectTagging:*", "ObjectTagging:Put", "ObjectTagging:Delete", "ObjectAnnotation:*", "ObjectAnnotation:Put",
    "ObjectAnnotation:Delete", "ObjectRetention:Put",
))

Request = Mapping[str, Any]
Answer = dict[str, Any]


class Chosen(NamedTuple):
    id: str
    arn: str


def chosen(document: Request, event: str, key: str) -> Chosen | None:
    """The configuration that wants this event; there is one at most, as none overlap."""
    for name, (member, _, _) in LISTS.items():
        for configuration in document.get(name) or ():
            if _wants(configuration["Events"], event) and _matches(configuration, key):
                return Chosen(configuration["Id"], configuration[member])
    return None


def _wants(events: list[str], event: str) -> bool:
    return event in events or f"{event.rpartition(':')[0]}:*" in events


def _matches(configuration: Request, key: str) -> bool:
    prefix, suffix = filters(configuration)
    return key.startswith(prefix) and key.endswith(suffix)


def filters(configuration: Request) -> tuple[str, str]:
    """Prefix and suffix; "" where it has none."""
    rules = ((configuration.get("Filter") or {}).get("Key") or {}).get("FilterRules") or ()
    found = {rule["Name"].lower(): rule.get("Value") or "" for rule in rules}
    return found.get("prefix", ""), found.get("suffix", "")


# Checked


def destinations(document: Request) -> list[str]:
    """Every ARN once, in the order of the document."""
    return list(dict.fromkeys(
        each[member] for name, (member, _, _) in LISTS.items() for each in document.get(name) or ()))


def checked(given: Request) -> Answer:
    """As it is kept. InvalidArgument, MalformedXML."""
    document: Answer = {}
    for name, (member, service, called) in LISTS.items():
        found = [_checked(each, member, service, called) for each in given.get(name) or ()]
        if found:
            document[name] = found
    everything = [each for name in LISTS for each in document.get(name, ())]
    if len(everything) > LIMIT:
        raise InvalidArgument(f"The number of notification configurations must not exceed {LIMIT}.")
    ids = [each["Id"] for each in everything]
    if len(set(ids)) < len(ids):
        raise InvalidArgument("The same ID is used for multiple notification configurations. IDs must be unique.")
    for one, other in combinations(everything, 2):
        _check_overlap(one, other)
    if given.get(EVENT_BRIDGE) is not None:
        document[EVENT_BRIDGE] = {}
    return document


def _checked(given: Request, member: str, service: str, called: str) -> Answer:
    arn, events = given.get(member), given.get("Events")
    if not arn or not events:
        raise MalformedXML
    if len(given.get("Id") or "") > ID_LIMIT:
        raise InvalidArgument(f"The length of the ID must not exceed {ID_LIMIT} characters.", "Id", given["Id"])
    for event in events:
        if event not in EVENTS:
            raise InvalidArgument("The event is not supported for notifications", "Event", event)
    match = _ARN.match(arn)
    if match is None or match[1] != service:
        raise InvalidArgument("The ARN could not be parsed", called, arn)
    if arn.endswith(".fifo"):
        raise InvalidArgument("FIFO queues and topics are not supported as destinations of notifications.", called, arn)
    kept: Answer = {"Id": given.get("Id") or new_id(), member: arn, "Events": list(events)}
    rules = ((given.get("Filter") or {}).get("Key") or {}).get("FilterRules") or []
    if rules:
        kept["Filter"] = {"Key": {"FilterRules": _checked_rules(rules)}}
    return kept


def _checked_rules(rules: list[Request]) -> list[Answer]:
    kept: list[Answer] = []
    for rule in rules:
        name, value = (rule.get("Name") or ""), rule.get("Value") or ""
        if name.lower() not in ("prefix", "suffix"):
            raise InvalidArgument("filter rule name must be either prefix or suffix", "FilterRule.Name", name)
        if len(value.encode()) > FILTER_LIMIT:
            raise InvalidArgument(f"Size of filter rule value cannot exceed {FILTER_LIMIT} bytes in UTF-8 "
                                  "representation", "FilterRule.Value", value)
        if any(each["Name"].lower() == name.lower() for each in kept):
            raise InvalidArgument("Cannot specify more than one prefix or suffix rule in a filter.", "FilterRule.Name",
                                  name)
        kept.append({"Name": name.capitalize(), "Value": value})
    return kept


def new_id() -> str:
    return base64.b64encode(secrets.token_bytes(36)).decode()


# Overlaps


def _check_overlap(one: Answer, other: Answer) -> None:
    shared = next(((a, b) for a in one["Events"] for b in other["Events"] if _share(a, b)), None)
    if shared is None:
        return
    (prefix, suffix), (other_prefix, other_suffix) = filters(one), filters(other)
    if not (_overlap(prefix, other_prefix, str.startswith) and _overlap(suffix, other_suffix, str.endswith)):
        return
    if one.get("Filter") or other.get("Filter"):
        raise InvalidArgument("Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if "
                              "the prefixes are overlapping for the same event type.")
    raise InvalidArgument("Configurations overlap. Configurations on the same bucket cannot share a common event type.",
                          "Event", ", ".join(shared))


def _share(one: str, other: str) -> bool:
    """Is there an event that both stand for?"""
    if one == other:
        return True
    families = [each.removesuffix(":*") for each in (one, other)]
    return (one.endswith(":*") and other.rpartition(":")[0] == families[0]) \
        or (other.endswith(":*") and one.rpartition(":")[0] == families[1])


def _overlap(one: str, other: str, test: Any) -> bool:
    return bool(test(one, other) or test(other, one))
