"""SimulatePrincipalPolicy's PolicyExclusionList: which of a principal's policies are left out, as if they were removed.

Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_PolicyIdentifier.html. What is well written and matches
nothing is ignored.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from actors.iam import managed
from actors.iam.documents import Held
from actors.iam.errors import InvalidInput

_ARN = re.compile(r"arn:[a-z-]+:(iam|organizations)::(\d{12}|aws):policy/[\x21-\x7e]+\Z")


class Exclusions:
    """`boundary`, `scps`: all of those are left out."""

    def __init__(self, entries: Sequence[Mapping[str, Any]]) -> None:
        """InvalidInput."""
        kinds = {entry["PolicyType"] for entry in entries if entry.get("PolicyType")}
        self.boundary, self.scps = "permission-boundary" in kinds, "scp" in kinds
        self._tests = [*(_KINDS[kind] for kind in kinds if kind in _KINDS), *(
            test for entry in entries for test in (_by_arn(entry), _by_name(entry)) if test is not None)]

    def leaves_out(self, held: Held) -> bool:
        return any(test(held) for test in self._tests)


_Test = Callable[[Held], bool]


def _is_aws(held: Held) -> bool:
    return held.managed and held.name.startswith(managed.PREFIX)


_KINDS: dict[str, _Test] = {
    "inline": lambda held: not held.managed, "aws-managed": _is_aws,
    "user-managed": lambda held: held.managed and not _is_aws(held),
}


def _by_arn(entry: Mapping[str, Any]) -> _Test | None:
    arn = entry.get("PolicyArn")
    if arn is None:
        return None
    if not _ARN.match(arn):
        raise InvalidInput(f"Invalid policy ARN in the policy exclusion list: {arn}")
    matches = _pattern(arn)
    return lambda held: held.managed and matches(held.name)


def _by_name(entry: Mapping[str, Any]) -> _Test | None:
    given = entry.get("InlinePolicyIdentifier")
    if given is None:
        return None
    name, kind, matches = given["PolicyName"], given["AttachmentType"], _pattern(given["AttachmentName"])
    return lambda held: (not held.managed and held.name == name and held.holder["kind"] == kind
                         and matches(held.holder["name"]))


def _pattern(text: str) -> Callable[[str], bool]:
    """At most one `*`, any number of `?`."""
    if text.count("*") > 1:
        raise InvalidInput(f"Only one * may stand in an identifier of the policy exclusion list: {text}")
    expression = re.compile("".join({"*": ".*", "?": "."}.get(each) or re.escape(each) for each in text))
    return lambda name: expression.fullmatch(name) is not None
