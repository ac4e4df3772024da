"""Encryption, warm and on-demand throughput: checked and shown as AWS does; what they set changes nothing here but
on-demand limits, which throttle where that is asked for (throttle.py).

Nothing is encrypted by DynamoDB here, and there is no KMS: a key is named back, not asked for.
Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_SSESpecification.html, API_WarmThroughput,
API_OnDemandThroughput; rules and wording: measured on AWS by the public ack-api-quirks notes (DDB-TABLE-039, 051, 059,
128, 134, 155, 178, 437, 442).
"""

from collections.abc import Mapping
from typing import Any

from actors.dynamodb.schema import refuse

ON_DEMAND_WARM = {"ReadUnitsPerSecond": 12_000, "WriteUnitsPerSecond": 4_000}
INITIAL = ("https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html"
           "#on-demand-capacity-mode-initial")
AWS_KEY = "alias/aws/dynamodb"
NO_LIMIT = -1                             # takes an on-demand limit away
_PROVISIONED = {"ReadUnitsPerSecond": "ReadCapacityUnits", "WriteUnitsPerSecond": "WriteCapacityUnits"}

Request = Mapping[str, Any]
Answer = dict[str, Any]


def _encryption(wanted: Request, account: str, region: str) -> Answer | None:
    """SSEDescription; None for AWS's own key, which AWS does not show."""
    key, kind = wanted.get("KMSMasterKeyId"), wanted.get("SSEType")
    if kind == "AES256":
        raise refuse("SSEType AES256 is not supported")
    if not wanted.get("Enabled", kind == "KMS"):
        for member in ("SSEType", "KMSMasterKeyId"):
            if wanted.get(member):
                raise refuse(f"{member} can not be specified if Enabled is false")
        return None
    if key and kind != "KMS":
        raise refuse("SSEType KMS is required if KMSMasterKeyId is specified")
    name = key or AWS_KEY
    resource = name if name.startswith(("alias/", "key/")) else f"key/{name}"
    arn = name if name.startswith("arn:") else f"arn:aws:kms:{region}:{account}:{resource}"
    return {"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": arn}


def put_encryption(description: Answer, wanted: Request | None, account: str, region: str) -> None:
    """Of a new table, on a description to be saved."""
    shown = None if wanted is None else _encryption(wanted, account, region)
    if shown is not None:
        description["SSEDescription"] = shown


def change_encryption(description: Answer, wanted: Request | None, account: str, region: str) -> None:
    """The same of a table that is there; a request that says nothing changes nothing."""
    if wanted is None:
        return
    shown, current = _encryption(wanted, account, region), description.get("SSEDescription")
    if shown is None and current is None:
        raise refuse("Table is already encrypted by default")
    if current is not None and wanted.get("KMSMasterKeyId") == current["KMSMasterKeyArn"]:
        raise refuse("Table is already encrypted with given KMSMasterKeyId. "
                     "Use KMSMasterKeyId parameter if you want to change Master Key")
    if shown is None:
        del description["SSEDescription"]
    else:
        description["SSEDescription"] = shown


def put_warm(description: Answer, wanted: Request | None, *, on_demand: bool, is_new: bool = False) -> None:
    """Of a table or an index, on its description to be saved. It only grows."""
    basis = warm(description, on_demand=on_demand)
    for member, units in (wanted or {}).items():
        if units < basis[member]:
            raise refuse(f"Requested {member} for WarmThroughput for {_what(description)} is lower than "
                         + _basis(member, on_demand=on_demand, is_new=is_new))
    if wanted:
        description["WarmThroughput"] = {**description.get("WarmThroughput", {}), **wanted}


def _what(description: Request) -> str:
    return f"index {description['IndexName']}" if "IndexName" in description else "table"


def _basis(member: str, *, on_demand: bool, is_new: bool) -> str:
    if not is_new:
        return "current WarmThroughput, decreasing WarmThroughput is not supported"
    if on_demand:
        return f"initial throughput for OnDemand. See: {INITIAL}"
    return f"{_PROVISIONED[member]} of ProvisionedThroughput"


def keep_warm(description: Answer, *, on_demand: bool) -> None:
    """Before its throughput changes: what was warm once stays so."""
    shown = warm(description, on_demand=on_demand)
    description["WarmThroughput"] = {member: shown[member] for member in ON_DEMAND_WARM}


def warm(description: Request, *, on_demand: bool, status: str = "ACTIVE") -> Answer:
    """What is warm by itself: on demand AWS's initial capacity, else what is provisioned."""
    units = description.get("ProvisionedThroughput") or {}
    basis = ON_DEMAND_WARM if on_demand else {
        member: units.get(provisioned, 1) for member, provisioned in _PROVISIONED.items()}
    asked = description.get("WarmThroughput", {})
    return {**{member: max(value, asked.get(member, 0)) for member, value in basis.items()}, "Status": status}


def put_on_demand(description: Answer, wanted: Request | None, *, on_demand: bool, is_new: bool = False) -> None:
    """Limits of a table or an index, on its description to be saved; what is not named stays."""
    index = f" for index : {description['IndexName']}" if "IndexName" in description else ""
    for member, units in (wanted or {}).items():
        if not on_demand:
            when = "table BillingMode is PROVISIONED." if is_new else "the table BillingMode is PROVISIONED"
            raise refuse(f"{member} for OnDemandThroughput{index} cannot be specified when {when}")
        if units < 1 and (is_new or units != NO_LIMIT):
            raise refuse(f"Requested {member} for OnDemandThroughput{index or ' for table'} is outside of valid range")
    limits = {**description.pop("OnDemandThroughput", {}), **(wanted or {})}
    limits = {member: units for member, units in limits.items() if units != NO_LIMIT}
    if limits:
        description["OnDemandThroughput"] = limits
