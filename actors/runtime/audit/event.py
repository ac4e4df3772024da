"""A call as CloudTrail's event, version 1.11, ready to be written as JSON.

Sources: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html,
…/cloudtrail-event-reference-user-identity.html. `tlsDetails` are left out.
"""

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from actors.runtime.audit.operations import (
    DATA_TYPES,
    GLOBAL_REGION,
    GLOBAL_SERVICES,
    is_data_operation,
    makes_session,
    reads_only,
    resource_of,
    source_of,
)
from actors.runtime.audit.parameters import shown
from actors.runtime.context import Context
from actors.runtime.principal import Principal, Standing
from bus.subjects import DIRECT, SERVICE
from bus.tracing import OK
from schemas.envelope import ANONYMOUS

if TYPE_CHECKING:
    from actors.runtime.chain.call import Call

VERSION = "1.11"
FIELD_LIMIT_CHARACTERS = 1024
INTERNAL = "AWS Internal"

Event = dict[str, Any]

_KINDS = {"user": "IAMUser", "role": "AssumedRole", "federated": "FederatedUser", "root": "Root"}


def events_of(call: "Call") -> list[Event]:
    """The caller's event, and its twin for the owner of the resource where that is another account."""
    context = call.context
    recipient = context.identity.account
    event = _event(call, recipient)
    owner = context.owner
    if not owner or owner == recipient:
        return [event]
    if context.principal.standing is Standing.ANONYMOUS:       # nobody's: the owner alone hears of it
        return [{**event, "recipientAccountId": owner}]
    event["sharedEventID"] = new_id()
    return [event, {**event, "eventID": new_id(), "recipientAccountId": owner}]


def _event(call: "Call", recipient: str) -> Event:
    context, operation = call.context, call.context.operation
    service = operation.service.name
    data, reads = is_data_operation(operation), reads_only(operation)
    event: Event = {
        "eventVersion": VERSION,
        "userIdentity": user_identity(context),
        "eventTime": moment(context.now),
        "eventSource": source_of(operation),
        "eventName": operation.name,
        "awsRegion": GLOBAL_REGION if service in GLOBAL_SERVICES else _bounded(context.region),
        "sourceIPAddress": _address(context),
        "userAgent": _bounded(context.source.get("user_agent") or INTERNAL),
    }
    if call.outcome != OK:
        event["errorCode"] = call.outcome
        fault = call.reply.error if call.reply is not None else None
        if fault is not None and fault.message:
            event["errorMessage"] = _bounded(fault.message)
    event["requestParameters"] = shown(service, operation.input, call.request, "requestParameters")
    answers = call.outcome == OK and not data and (not reads or makes_session(operation))
    event["responseElements"] = shown(service, operation.output, call.result, "responseElements") if answers else None
    event["requestID"] = _bounded(context.request_id)
    event["eventID"] = new_id()
    event["readOnly"] = reads
    resource = resource_of(call.resource)
    if resource is not None:
        account = resource.arn.split(":")[4] or context.owner or recipient
        kind = DATA_TYPES.get(service, resource.type) if data else resource.type
        event["resources"] = [{"accountId": account, "type": kind, "ARN": _bounded(resource.arn)}]
        for passed in filter(None, map(resource_of, call.actor.passed(context, call.request))):
            event["resources"].append({
                "accountId": passed.arn.split(":")[4] or account, "type": passed.type, "ARN": _bounded(passed.arn)})
    return event | {
        "eventType": "AwsApiCall", "managementEvent": not data, "recipientAccountId": recipient,
        "eventCategory": "Data" if data else "Management",
    }


def user_identity(context: Context) -> Event:
    principal, identity = context.principal, context.identity
    if principal.standing is Standing.ANONYMOUS:
        return {"type": "AWSAccount", "principalId": "", "accountId": ANONYMOUS}
    if principal.standing is Standing.UNKNOWN:
        return {"type": "Unknown", "accountId": identity.account, "accessKeyId": identity.principal}
    if not principal.account:
        return {"type": "AWSService", "invokedBy": principal.arn}
    record = principal.record
    kind = "Root" if principal.caller.root else _KINDS[record["kind"]]
    found: Event = {
        "type": kind, "principalId": principal.user_id, "arn": principal.arn, "accountId": principal.account,
        "accessKeyId": identity.principal,
    }
    if kind == "IAMUser":
        found["userName"] = principal.name
    if "issued" in record:
        found["sessionContext"] = _session(principal)
    if identity.door == SERVICE:
        found["invokedBy"] = INTERNAL
    return found


def _session(principal: Principal) -> Event:
    """Of temporary credentials: when they were made, with which factor, and who they were made for."""
    record = principal.record
    context: Event = {"attributes": {
        "creationDate": moment(float(record["issued"])),
        "mfaAuthenticated": principal.keys.get("aws:multifactorauthpresent", "false"),
    }}
    if record["kind"] in ("role", "federated"):
        source = record["source"]
        kind = {"role": "Role", "user": "IAMUser"}.get(source.split(":", 5)[5].partition("/")[0], "Root")
        issuer: Event = {"type": kind, "principalId": record.get("source_id") or record["id"].partition(":")[0],
                         "arn": source, "accountId": principal.account}
        if kind != "Root":
            issuer["userName"] = source.rpartition("/")[2]
        context["sessionIssuer"] = issuer
    identity = principal.keys.get("aws:sourceidentity")
    if identity:
        context["sourceIdentity"] = identity
    return context


def user_name(event: Event) -> str:
    """What LookupEvents calls its user: the user's name, a session's, "root"."""
    identity = event["userIdentity"]
    if identity["type"] == "Root":
        return "root"
    name: str = identity.get("userName") or identity.get("arn", "").rpartition("/")[2]
    return name or identity.get("invokedBy", "")


def _address(context: Context) -> str:
    """Whence, as far as it is known: behind the gateway the client's address; our services and direct publishers have
    none."""
    address = context.source.get("ip")
    if address:
        return _bounded(address)
    if not context.principal.account and context.identity.door == SERVICE and context.principal.arn:
        return context.principal.arn
    return "bus" if context.identity.door == DIRECT else INTERNAL


def _bounded(text: str) -> str:
    return str(text)[:FIELD_LIMIT_CHARACTERS].encode("utf-8", "replace").decode()


def moment(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def new_id() -> str:
    return str(UUID(bytes=os.urandom(16), version=4))
