"""What a trail wants: event selectors, checked as AWS checks them; Insights, which are not here.

Sources: https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_PutEventSelectors.html and its types' pages;
sentences about their number: ministack's tests.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from actors.cloudtrail import trails
from actors.cloudtrail.errors import InsightNotEnabled, InvalidEventSelectors, NotHere
from actors.runtime.audit.selectors import FIELDS
from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot, Transaction

SELECTORS_LIMIT = 5                                # basic ones
RESOURCES_LIMIT = 250                              # of all basic ones together
VALUES_LIMIT = 500                                 # of all advanced ones together
BASIC_TYPES = ("AWS::S3::Object", "AWS::Lambda::Function", "AWS::DynamoDB::Table")
DEFAULT = trails.DEFAULT_SELECTORS
_OPERATORS = ("Equals", "StartsWith", "EndsWith", "NotEquals", "NotStartsWith", "NotEndsWith")
_EXACT = ("eventCategory", "resources.type", "readOnly")     # compared by Equals alone

Request = Mapping[str, Any]
Answer = dict[str, Any]


def put(transaction: Transaction, context: Context, request: Request) -> Answer:
    basic, advanced = request.get("EventSelectors"), request.get("AdvancedEventSelectors")
    if basic is not None and advanced is not None:
        raise InvalidEventSelectors("You can select events by using either EventSelectors or AdvancedEventSelectors, "
                                    "but not both.")
    trail = trails.at_home(transaction, context, request["TrailName"])
    if basic is not None:
        _check_basic(basic)
        trail["selectors"] = {"EventSelectors": [{**DEFAULT[0], **each} for each in basic]}
    elif advanced is not None:
        _check_advanced(advanced)
        trail["selectors"] = {"AdvancedEventSelectors": advanced}
    else:
        raise InvalidEventSelectors("You must select events by using either EventSelectors or AdvancedEventSelectors, "
                                    "but you cannot use both.")
    trails.save(transaction, trail)
    return {"TrailARN": trails.arn(trail), **trail["selectors"]}


def get(view: Snapshot, context: Context, request: Request) -> Answer:
    trail = trails.get(view, context, request["TrailName"])
    return {"TrailARN": trails.arn(trail), **(trail["selectors"] or {"EventSelectors": DEFAULT})}


def _check_basic(selectors: list[Answer]) -> None:
    if not 0 < len(selectors) <= SELECTORS_LIMIT:
        raise InvalidEventSelectors(f"Specify a valid number of selectors (1 to {SELECTORS_LIMIT}) for your trail")
    resources = [each for selector in selectors for each in selector.get("DataResources") or ()]
    for resource in resources:
        if resource.get("Type") not in BASIC_TYPES:
            raise InvalidEventSelectors(f"The data resource type {resource.get('Type')} is not valid.")
        for value in resource.get("Values") or ():
            if not value.startswith("arn:"):
                raise InvalidEventSelectors(f"Value {value} for DataResources.Values is invalid.")
    if sum(len(each.get("Values") or ()) for each in resources) > RESOURCES_LIMIT:
        raise InvalidEventSelectors(f"A trail has at most {RESOURCES_LIMIT} data resources.")


def _check_advanced(selectors: list[Answer]) -> None:
    if not selectors:
        raise InvalidEventSelectors(f"Specify between 1 and {VALUES_LIMIT} selectors for your trail.")
    count = 0
    for selector in selectors:
        fields = {field["Field"]: field for field in selector["FieldSelectors"]}
        for name, field in fields.items():
            given = [operator for operator in _OPERATORS if field.get(operator)]
            if name not in FIELDS:
                raise InvalidEventSelectors(f"The field {name} is not valid.")
            if not given or (name in _EXACT and given != ["Equals"]):
                raise InvalidEventSelectors(f"The operators of the field {name} are not valid.")
            count += sum(len(field[operator]) for operator in given)
        category = fields.get("eventCategory", {}).get("Equals")
        if category not in (["Management"], ["Data"]):
            raise InvalidEventSelectors("An advanced event selector must have eventCategory Equals Management or Data.")
        if category == ["Data"] and "resources.type" not in fields:
            raise InvalidEventSelectors("An advanced event selector for data events must have resources.type.")
    if count > VALUES_LIMIT:
        raise InvalidEventSelectors(f"The advanced event selectors of a trail have at most {VALUES_LIMIT} values.")


def of(trail: trails.Trail) -> Answer:
    """As actors/runtime/audit/selectors.py takes them."""
    return trail["selectors"] or {"EventSelectors": DEFAULT}


def interests(view: Snapshot) -> Iterator[tuple[str, str, Answer]]:
    """(account, region or "" for all, selectors) of the trails that want data events."""
    for trail in trails.all_of(view):
        if trail["logging"] and _wants_data(trail["selectors"]):
            yield trail["account"], "" if trail["multi"] else trail["region"], trail["selectors"]


def _wants_data(selectors: Answer) -> bool:
    basic = any(each.get("DataResources") for each in selectors.get("EventSelectors") or ())
    return basic or any(
        field["Field"] == "eventCategory" and field.get("Equals") == ["Data"]
        for each in selectors.get("AdvancedEventSelectors") or () for field in each["FieldSelectors"])


# Insights

def put_insights(view: Snapshot, context: Context, request: Request) -> Answer:
    trail = trails.at_home(view, context, request.get("TrailName") or "")
    if request.get("InsightSelectors"):
        raise NotHere("CloudTrail Insights")
    return {"TrailARN": trails.arn(trail), "InsightSelectors": []}


def get_insights(view: Snapshot, context: Context, request: Request) -> Answer:
    trail = trails.get(view, context, request.get("TrailName") or "")
    raise InsightNotEnabled(f"Trail {trails.arn(trail)} does not have Insights enabled.")
