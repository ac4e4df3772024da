"""What a lifecycle configuration may ask for: each rule on its own, and all of them together.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html and
https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html; codes and
sentences are those that users report, LocalStack's snapshots and the tests of NooBaa and scality/cloudserver hold.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

from actors.s3.errors import InvalidArgument, InvalidRequest, MalformedXML
from actors.s3.keys import LIMIT_BYTES
from actors.s3.tags import TAG_KEY_LIMIT, TAG_VALUE_LIMIT

RULES_LIMIT = 1000
ID_LIMIT = 255                            # characters
STANDARD_DAYS = 30                        # that an object stays before it may go to a class of infrequent access
_INFREQUENT = frozenset({"STANDARD_IA", "ONEZONE_IA"})
_CLASSES = _INFREQUENT | {"INTELLIGENT_TIERING", "GLACIER", "DEEP_ARCHIVE", "GLACIER_IR"}
# What a rule does, by its member and as sentences call it.
_ACTIONS = {
    "Expiration": "Expiration", "Transitions": "Transition",
    "NoncurrentVersionExpiration": "NoncurrentVersionExpiration",
    "NoncurrentVersionTransitions": "NoncurrentVersionTransition",
    "AbortIncompleteMultipartUpload": "AbortIncompleteMultipartUpload",
}

Rule = Mapping[str, Any]


def check(rules: Sequence[Rule]) -> None:
    """MalformedXML, InvalidArgument, InvalidRequest. The first rule says whether prefixes stand in filters."""
    if not 0 < len(rules) <= RULES_LIMIT:
        raise MalformedXML
    for rule in rules:
        _check_rule(rule)
    ids = [rule["ID"] for rule in rules if rule.get("ID")]
    if len(set(ids)) < len(ids):
        raise InvalidArgument("Rule ID must be unique. Found same ID for more than one rule")
    if "Filter" not in rules[0]:
        if any("Filter" in rule for rule in rules):
            raise InvalidRequest("Filter element can only be used in Lifecycle V2.")
        _check_prefixes(rules)
    elif any("Prefix" in rule for rule in rules):
        raise InvalidRequest("Base level prefix cannot be used in Lifecycle V2, prefixes are only supported in the "
                             "Filter.")


def _check_prefixes(rules: Sequence[Rule]) -> None:
    """Without filters no object has two rules that do the same."""
    for member, action in _ACTIONS.items():
        for one, other in pairwise(sorted(rule["Prefix"] or "" for rule in rules if rule.get(member))):
            if other.startswith(one):
                raise InvalidRequest(f"Found overlapping prefixes '{one}' and '{other}' for same action type "
                                     f"'{action}'")


def _check_rule(rule: Rule) -> None:
    if rule.get("Status") not in ("Enabled", "Disabled") or ("Filter" in rule) == ("Prefix" in rule):
        raise MalformedXML
    if len(rule.get("ID") or "") > ID_LIMIT:
        raise InvalidArgument(f"ID length should not exceed allowed limit of {ID_LIMIT}")
    if not any(rule.get(action) for action in _ACTIONS):
        raise InvalidRequest("At least one action needs to be specified in a rule.")
    _check_filter(rule)
    _check_expiration(rule.get("Expiration"))
    for name, days in (("NoncurrentVersionExpiration", "NoncurrentDays"),
                       ("AbortIncompleteMultipartUpload", "DaysAfterInitiation")):
        if rule.get(name) is not None:
            if days not in rule[name]:
                raise MalformedXML
            if rule[name][days] <= 0:
                raise InvalidArgument(f"'{days}' for {name} action must be a positive integer")
    _check_transitions(rule)
    _check_noncurrent_transitions(rule)


# Filters


def _check_filter(rule: Rule) -> None:
    given = rule.get("Filter") or {}
    if len(given) > 1:
        raise MalformedXML
    found = dict(conditions(rule))
    if "And" in given and sum(len(value) if name == "Tags" else 1 for name, value in (given["And"] or {}).items()) < 2:
        raise MalformedXML
    _check_lengths(rule.get("Prefix") or found.get("Prefix") or "", found.get("Tags", ()))
    tags = [tag["Key"] for tag in found.get("Tags", ())]
    if len(set(tags)) < len(tags):
        raise InvalidRequest("Duplicate Tag Keys are not allowed.")
    least, most = found.get("ObjectSizeGreaterThan"), found.get("ObjectSizeLessThan")
    if least is not None and most is not None and most <= least:
        raise InvalidRequest("'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'.")
    marker = "ExpiredObjectDeleteMarker" in (rule.get("Expiration") or {})
    for action, is_there in (("ExpiredObjectDeleteMarker", marker),
                             ("AbortIncompleteMultipartUpload", bool(rule.get("AbortIncompleteMultipartUpload")))):
        if is_there and tags:
            raise InvalidRequest(f"{action} cannot be specified with Tags.")
        if is_there and (least is not None or most is not None):
            raise InvalidRequest(f"{action} cannot be specified with Object Size.")


def _check_lengths(prefix: str, tags: Sequence[Mapping[str, str]]) -> None:
    if len(prefix.encode()) > LIMIT_BYTES:
        raise InvalidRequest(f"The maximum size of a prefix is {LIMIT_BYTES}")
    for tag in tags:
        if not 1 <= len(tag["Key"]) <= TAG_KEY_LIMIT:
            raise InvalidRequest(f"A Tag's Key must be a length between 1 and {TAG_KEY_LIMIT}.")
        if len(tag["Value"]) > TAG_VALUE_LIMIT:
            raise InvalidRequest(f"A Tag's Value must be a length between 0 and {TAG_VALUE_LIMIT}.")


def conditions(rule: Rule) -> Iterator[tuple[str, Any]]:
    """Of a filter, those of its And among them: Prefix, Tags, ObjectSizeGreaterThan, ObjectSizeLessThan."""
    given = rule.get("Filter") or {}
    for name, value in {**given, **(given.get("And") or {})}.items():
        if name != "And":
            yield ("Tags", [value]) if name == "Tag" else (name, value)


def _scope(rule: Rule) -> str:
    """What a rule is for, as sentences tell it."""
    if "Prefix" in rule:
        return f"prefix '{rule['Prefix'] or ''}'"
    told = []
    for name, value in conditions(rule):
        told += [f"tag={{key={tag['Key']}, value={tag['Value']}}}" for tag in value] if name == "Tags" else [
            f"{name.lower()}={value}"]
    return f"filter '({' and '.join(told) or 'prefix='})'"


# Actions


def _check_expiration(expiration: Rule | None) -> None:
    if expiration is None:
        return
    if len([name for name in ("Days", "Date", "ExpiredObjectDeleteMarker") if name in expiration]) != 1:
        raise MalformedXML
    if expiration.get("Days", 1) <= 0:
        raise InvalidArgument("'Days' for Expiration action must be a positive integer")
    if "Date" in expiration:
        _check_date(expiration["Date"])


def _check_date(date: datetime) -> None:
    if (date.hour, date.minute, date.second, date.microsecond) != (0, 0, 0, 0):
        raise InvalidArgument("'Date' must be at midnight GMT", "Date", f"{date:%Y-%m-%dT%H:%M:%S}.000Z")


def _check_transitions(rule: Rule) -> None:
    transitions, expiration = rule.get("Transitions") or [], rule.get("Expiration") or {}
    for transition in transitions:
        _check_transition(transition)
    _check_classes(rule, "Transitions")
    units = {unit for transition in transitions for unit in ("Days", "Date") if unit in transition}
    if len(units) > 1:
        raise InvalidRequest(f"Found mixed 'Date' and 'Days' based Transition actions in lifecycle rule for "
                             f"{_scope(rule)}")
    for unit in units:
        if {"Days", "Date"} - {unit} & expiration.keys():
            raise InvalidRequest("Found mixed 'Date' and 'Days' based Expiration and Transition actions in lifecycle "
                                 f"rule for {_scope(rule)}")
        if unit in expiration:
            _check_order(rule, unit, "Expiration", "Transitions")


def _check_transition(transition: Rule) -> None:
    storage_class = transition.get("StorageClass")
    if storage_class not in _CLASSES or ("Days" in transition and "Date" in transition):
        raise MalformedXML
    if "Date" in transition:
        _check_date(transition["Date"])
    elif "Days" not in transition:
        raise InvalidArgument("'Transition' action must specify either 'Days' or 'Date'")
    elif transition["Days"] < 0:
        raise InvalidArgument("'Days' in Transition action must be nonnegative")
    elif transition["Days"] < STANDARD_DAYS and storage_class in _INFREQUENT:
        raise InvalidArgument(f"'Days' in Transition action must be greater than or equal to {STANDARD_DAYS} for "
                              f"storageClass '{storage_class}'")


def _check_noncurrent_transitions(rule: Rule) -> None:
    for transition in rule.get("NoncurrentVersionTransitions") or ():
        if transition.get("StorageClass") not in _CLASSES or "NoncurrentDays" not in transition:
            raise MalformedXML
        if transition["NoncurrentDays"] < 0:
            raise InvalidArgument("'NoncurrentDays' in NoncurrentVersionTransition action must be nonnegative")
    _check_classes(rule, "NoncurrentVersionTransitions")
    if rule.get("NoncurrentVersionExpiration"):
        _check_order(rule, "NoncurrentDays", "NoncurrentVersionExpiration", "NoncurrentVersionTransitions")


def _check_classes(rule: Rule, member: str) -> None:
    classes = [transition["StorageClass"] for transition in rule.get(member) or ()]
    if len(set(classes)) < len(classes):
        raise InvalidRequest(f"'StorageClass' must be different for '{_ACTIONS[member]}' actions in same 'Rule' with "
                             f"{_scope(rule)}")


def _check_order(rule: Rule, unit: str, ends: str, moves: str) -> None:
    """What ends comes after all that moves."""
    if any(rule[ends][unit] <= transition[unit] for transition in rule.get(moves) or ()):
        raise InvalidArgument(f"'{unit}' in the {ends} action for {_scope(rule)} must be greater than '{unit}' in the "
                              f"{_ACTIONS[moves]} action")
