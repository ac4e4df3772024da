"""Event selectors: which events a trail wants. The same test decides in the chain whether a data event is recorded at
all, and in CloudTrail what a trail's log files hold.

Sources: https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_DataResource.html,
…/API_AdvancedFieldSelector.html.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from actors.runtime.audit.operations import DATA_TYPES, reads_only, source_of

if TYPE_CHECKING:
    from actors.runtime.chain.call import Call

Selectors = Mapping[str, Any]                      # {"EventSelectors": […]} or {"AdvancedEventSelectors": […]}


class Facts(NamedTuple):
    """What selectors may ask about an event."""

    category: str                                  # Management or Data
    name: str
    source: str
    read_only: bool
    type: str = ""                                 # of a data event's resource
    arn: str = ""


Test = Callable[[Facts], bool]


def compiled(selectors: Selectors) -> Test:
    """True for the events that any of the selectors wants."""
    advanced = selectors.get("AdvancedEventSelectors")
    tests = [_advanced(each) for each in advanced] if advanced else \
        [_basic(each) for each in selectors.get("EventSelectors") or ()]
    return lambda facts: any(test(facts) for test in tests)


def _basic(selector: Mapping[str, Any]) -> Test:
    kind = selector.get("ReadWriteType") or "All"
    management = selector.get("IncludeManagementEvents", True)
    excluded = frozenset(selector.get("ExcludeManagementEventSources") or ())
    wanted = {each["Type"]: tuple(each.get("Values") or ()) for each in selector.get("DataResources") or ()}

    def test(facts: Facts) -> bool:
        if kind != "All" and facts.read_only != (kind == "ReadOnly"):
            return False
        if facts.category == "Management":
            return management and facts.source not in excluded
        return any(_within(facts.arn, value) for value in wanted.get(facts.type, ()))

    return test


def _within(arn: str, value: str) -> bool:
    """A value names one resource, all under a prefix that ends in "/", or ("arn:aws:lambda") all of a service."""
    if value.count(":") < 5 or value.endswith("/") or value.startswith("arn:aws:s3:::"):
        return arn.startswith(value) or f"{arn}/" == value
    return arn == value


_FIELDS: dict[str, Callable[[Facts], str]] = {
    "eventCategory": lambda facts: facts.category, "eventName": lambda facts: facts.name,
    "eventSource": lambda facts: facts.source, "readOnly": lambda facts: "true" if facts.read_only else "false",
    "resources.type": lambda facts: facts.type, "resources.ARN": lambda facts: facts.arn,
}
FIELDS = frozenset(_FIELDS)
_OPERATORS: dict[str, tuple[Callable[[str, str], bool], bool]] = {       # comparison; negated?
    "Equals": (str.__eq__, False), "StartsWith": (str.startswith, False), "EndsWith": (str.endswith, False),
    "NotEquals": (str.__eq__, True), "NotStartsWith": (str.startswith, True), "NotEndsWith": (str.endswith, True),
}


def _advanced(selector: Mapping[str, Any]) -> Test:
    conditions = [
        (_FIELDS[field["Field"]], compare, negated, tuple(field[operator]))
        for field in selector["FieldSelectors"]
        for operator, (compare, negated) in _OPERATORS.items() if field.get(operator)
    ]

    def test(facts: Facts) -> bool:
        return all(any(compare(of(facts), value) for value in values) != negated
                   for of, compare, negated, values in conditions)

    return test


def facts_of_event(event: Mapping[str, Any]) -> Facts:
    resources = event.get("resources") or [{}]
    category = event["eventCategory"]
    named = resources[0] if category == "Data" else {}
    return Facts(category, event["eventName"], event["eventSource"], event["readOnly"], named.get("type", ""),
                 named.get("ARN", ""))


class Interests:
    """Which data events anyone wants, as CloudTrail last said: `wanted` is empty where nobody asks for any."""

    def __init__(self) -> None:
        self.wanted: dict[str, list[tuple[str, Test]]] = {}    # account -> (region or "" for all, test)

    def learn(self, trails: Iterable[tuple[str, str, Selectors]]) -> None:
        """(account, region or "", selectors) of each trail that logs and has selectors of data events."""
        wanted: dict[str, list[tuple[str, Test]]] = {}
        for account, region, selectors in trails:
            wanted.setdefault(account, []).append((region, compiled(selectors)))
        self.wanted = wanted

    def include(self, call: "Call") -> bool:
        context, operation = call.context, call.context.operation
        accounts = {context.identity.account, context.account}
        facts = Facts("Data", operation.name, source_of(operation), reads_only(operation),
                      DATA_TYPES.get(operation.service.name, ""), call.resource)
        return any(region in ("", context.region) and test(facts)
                   for account in accounts for region, test in self.wanted.get(account, ()))
