"""Rules with a filter, as lifecycles and replications have them: which versions are they for?"""

from collections.abc import Mapping
from typing import Any

from actors.s3.state import Record

Rule = Mapping[str, Any]


def matches(rule: Rule, key: str, record: Record) -> bool:
    """Is this version among those the rule is for?"""
    chosen: Rule = rule.get("Filter") or {}
    chosen = chosen.get("And") or chosen
    tags = [*(chosen.get("Tags") or ()), *([chosen["Tag"]] if chosen.get("Tag") else [])]
    size, own = record.get("size", 0), record.get("tags", {})
    return key.startswith(chosen.get("Prefix") or rule.get("Prefix") or "") \
        and all(own.get(tag["Key"]) == tag["Value"] for tag in tags) \
        and size > chosen.get("ObjectSizeGreaterThan", -1) \
        and size < chosen.get("ObjectSizeLessThan", size + 1)
