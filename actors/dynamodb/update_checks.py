"""What one UpdateTable may ask for: mostly one thing at a time. Looks at the request alone.

Source: every pair of members, measured on AWS by the public ack-api-quirks notes (DDB-TABLE-382; 152, 160, 174, 359 and
the catalogue of messages, 442).
"""

from collections.abc import Iterable, Mapping
from typing import Any

from actors.dynamodb import schema
from actors.dynamodb.schema import refuse
from schemas.errors import ValidationException

MEMBERS = ("ProvisionedThroughput", "BillingMode", "GlobalSecondaryIndexUpdates", "DeletionProtectionEnabled",
           "TableClass", "OnDemandThroughput", "StreamSpecification", "SSESpecification", "WarmThroughput")
ACTIONS = ("Update", "Create", "Delete")
NOTHING = (
    "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates, "
    "SSESpecification, ReplicaUpdates, MultiAccountReplicaReady, ReplicaTransitRoleArn, MultiRegionConsistency, "
    "DeletionProtectionEnabled, OnDemandThroughput, WarmThroughput or TableClass is required"
)
_ALONE = (("SSESpecification", "Server-Side Encryption modification"),
          ("DeletionProtectionEnabled", "DeletionProtection modification"),
          ("TableClass", "TableClass modification"), ("WarmThroughput", "WarmThroughput"))

Request = Mapping[str, Any]


def check(request: Request) -> None:
    """ValidationException."""
    asked = {member for member in MEMBERS if request.get(member) not in (None, [])}
    changes = request.get("GlobalSecondaryIndexUpdates")
    if not asked:
        raise ValidationException(NOTHING)
    if changes == []:
        raise refuse("List of GlobalSecondaryIndexUpdates is empty")
    _check_index_changes(changes or ())
    _check_together(asked, changes or ())
    if request.get("BillingMode") == schema.PAY_PER_REQUEST:
        schema.check_billing(request)
    elif request.get("BillingMode") == schema.PROVISIONED and not request.get("ProvisionedThroughput"):
        raise refuse("ProvisionedThroughput must be specified when BillingMode is PROVISIONED")
    if request.get("ProvisionedThroughput"):
        schema.check_throughput(request["ProvisionedThroughput"])


def _check_together(asked: set[str], changes: Iterable[Request]) -> None:
    """Streams have rules of their own (streams.py)."""
    if "WarmThroughput" in asked and any("Create" in each for each in changes):
        raise refuse("Create global secondary index cannot be specified when updating WarmThroughput")
    for member, words in _ALONE:
        if member in asked and len(asked) > 1:
            raise refuse(f"{words} must be the only operation in the request")
    if "OnDemandThroughput" in asked and asked - {"OnDemandThroughput", "BillingMode"}:
        raise refuse("OnDemandThroughput can only be combined with BillingMode in an UpdateTable request")
    if "ProvisionedThroughput" in asked and any("Update" not in each for each in changes):
        raise refuse("You cannot create or delete index while updating table IOPS")


def _check_index_changes(changes: Iterable[Request]) -> None:
    names: set[str] = set()
    for change in changes:
        known = sum(action in change for action in ACTIONS)
        if known == 0:
            raise refuse("One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, "
                         "GlobalSecondaryIndexUpdate.Delete must not be null")
        if known > 1:
            raise refuse("Only one global secondary index action is allowed per GlobalSecondaryIndexUpdate object")
        name = action_of(change)[1]["IndexName"]
        if name in names:
            raise refuse(f"Only one global secondary index update per index is allowed simultaneously. Index: {name}")
        names.add(name)


def action_of(change: Request) -> tuple[str, Request]:
    """Of one of GlobalSecondaryIndexUpdates, checked: what is to be done, and its members."""
    (action, wanted), = ((action, change[action]) for action in ACTIONS if action in change)
    return action, wanted
