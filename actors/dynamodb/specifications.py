"""Encryption and warm throughput: checked and shown as AWS shows them, and changing nothing here.

Nothing is encrypted by DynamoDB here, and there is no KMS: a key is named back, not asked for.
Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_SSESpecification.html, API_WarmThroughput
"""

from collections.abc import Mapping
from typing import Any

from actors.dynamodb.schema import refuse

ON_DEMAND_WARM = {"ReadUnitsPerSecond": 12_000, "WriteUnitsPerSecond": 4_000}
AWS_KEY = "alias/aws/dynamodb"

Request = Mapping[str, Any]
Answer = dict[str, Any]


def encryption(wanted: Request | None, account: str, region: str) -> Answer | None:
    """SSEDescription; None for AWS's own key, which AWS does not show."""
    if not wanted:
        return None
    key, kind = wanted.get("KMSMasterKeyId"), wanted.get("SSEType")
    if not wanted.get("Enabled"):
        if key:
            raise refuse("KMSMasterKeyId can be specified only if SSEType is KMS")
        return None
    if kind == "AES256":
        raise refuse("SSEType AES256 is not supported")
    name = key or AWS_KEY
    resource = name if name.startswith(("alias/", "key/")) else f"key/{name}"
    arn = name if name.startswith("arn:") else f"arn:aws:kms:{region}:{account}:{resource}"
    return {"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": arn}


def put_encryption(description: dict[str, Any], wanted: Request | None, account: str, region: str) -> None:
    """On a description to be saved; a request that says nothing changes nothing."""
    if wanted is None:
        return
    shown = encryption(wanted, account, region)
    if shown is None:
        description.pop("SSEDescription", None)
    else:
        description["SSEDescription"] = shown


def put_warm(description: dict[str, Any], wanted: Request | None) -> None:
    """Of a table or an index. AWS lets it grow only."""
    if not wanted:
        return
    current = description.get("WarmThroughput", {})
    for member, units in wanted.items():
        if units < 1:
            raise refuse(f"WarmThroughput {member} must be at least 1")
        if units < current.get(member, 0):
            raise refuse(f"Requested {member} for WarmThroughput is lower than the current one: {current[member]}")
    description["WarmThroughput"] = {**current, **wanted}


def warm(description: Request, *, on_demand: bool, status: str = "ACTIVE") -> Answer:
    """What is warm by itself: on demand AWS's initial capacity, else what is provisioned."""
    units = description.get("ProvisionedThroughput") or {}
    basis = ON_DEMAND_WARM if on_demand else {
        "ReadUnitsPerSecond": units.get("ReadCapacityUnits", 1),
        "WriteUnitsPerSecond": units.get("WriteCapacityUnits", 1),
    }
    asked = description.get("WarmThroughput", {})
    return {**{member: max(value, asked.get(member, 0)) for member, value in basis.items()}, "Status": status}
