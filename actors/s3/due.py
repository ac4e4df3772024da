"""When what a lifecycle's rules ask for is due, and what S3 tells of that: of an object that will expire, and of an
upload that will be aborted. What is done then: expiring.py.

A time is due at the midnight, UTC, after so many days. Of several rules the one that comes first is told.
Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html and the API pages of the
operations that answer x-amz-expiration and x-amz-abort-date.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Any
from urllib.parse import quote

from actors.s3.lifecycle import LIFECYCLE
from actors.s3.rules import matches
from actors.s3.state import Bucket, Record

DAY_S = 24 * 3600

Rule = Mapping[str, Any]
Answer = dict[str, Any]


def due_at(since: float, days: int) -> float:
    """The midnight after so many days."""
    return -(-(since + days * DAY_S) // DAY_S) * DAY_S


def due_time(action: Rule, since: float) -> float:
    """Of an expiration by days or date, or a transition."""
    if "Date" in action:
        moment: float = action["Date"].timestamp()
        return moment
    return due_at(since, action.get("Days", action.get("NoncurrentDays", 0)))


def is_timed(action: Rule) -> bool:
    """Does it say when?"""
    return "Days" in action or "Date" in action


def enabled(rules: list[Rule]) -> list[Rule]:
    return [rule for rule in rules if rule["Status"] == "Enabled"]


def aborting(rules: list[Rule]) -> Iterator[tuple[Rule, int]]:
    """Those that abort uploads, with the days they leave them."""
    for rule in rules:
        days = (rule.get("AbortIncompleteMultipartUpload") or {}).get("DaysAfterInitiation")
        if days is not None:
            yield rule, days


def told(bucket: Bucket, key: str, record: Record) -> Answer:
    """Expiration, of a version that is the current one."""
    expiring = [(due_time(rule["Expiration"], record["time"]), rule) for rule in _rules(bucket)
                if is_timed(rule.get("Expiration") or {}) and matches(rule, key, record)]
    if not expiring:
        return {}
    time, rule = min(expiring, key=lambda each: each[0])
    return {"Expiration": f'expiry-date="{formatdate(time, usegmt=True)}", rule-id="{quote(rule["ID"], safe="")}"'}


def told_of_upload(bucket: Bucket, upload: Record) -> Answer:
    """AbortDate and AbortRuleId."""
    found = [(due_at(upload["time"], days), rule) for rule, days in aborting(_rules(bucket))
             if matches(rule, upload["key"], {})]
    if not found:
        return {}
    time, rule = min(found, key=lambda each: each[0])
    return {"AbortDate": datetime.fromtimestamp(time, UTC), "AbortRuleId": rule["ID"]}


def _rules(bucket: Bucket) -> list[Rule]:
    found = bucket.configuration(LIFECYCLE)
    return [] if found is None else enabled(found["rules"])
