"""Policies: kept and attached. Service control policies are from then on what member accounts may at most; management
policies (management.py) make an effective policy of their type for each account.

Source: https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies.html
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from actors.iam.organization import FULL_ACCESS_ID, SCP
from actors.iam.state import Record
from actors.organizations.errors import (
    AccessDenied,
    ConstraintViolation,
    EffectivePolicyNotFound,
    InvalidInput,
    MalformedPolicyDocument,
    PolicyInUse,
    PolicyNotAttached,
    PolicyTypeNotAvailable,
    PolicyTypeNotEnabled,
    duplicate,
)
from actors.organizations.management import KINDS, check, effective
from actors.organizations.state import ACCOUNT, ROOT, UNIT, Tree, new_id, page, type_of
from actors.organizations.tagging import given
from actors.runtime.context import Context
from actors.runtime.policy import MalformedPolicy, compile_document
from actors.runtime.store.transaction import Snapshot, Transaction

CONTENT_LIMIT_CHARACTERS = 5120
POLICIES_LIMIT = 1000
ATTACHED_LIMIT = 5                            # to one root, unit or account

Request = Mapping[str, Any]
Answer = dict[str, Any]


def create(transaction: Transaction, context: Context, request: Request) -> Answer:
    tree, kind = Tree(transaction, context), request["Type"]
    if kind not in (SCP, *KINDS):
        raise PolicyTypeNotAvailable(kind)
    if len(tree.policies(kind)) > POLICIES_LIMIT:
        raise ConstraintViolation("You have exceeded the number of policies.", "POLICY_NUMBER_LIMIT_EXCEEDED")
    _refuse_taken(tree, kind, request["Name"])
    policy: Record = {
        "type": kind, "id": f"p-{new_id(8)}", "name": request["Name"], "description": request.get("Description") or "",
        "content": _checked(kind, request["Content"]), "tags": given(request.get("Tags") or ()),
        "order": int(transaction.now() * 1e9), "updated": context.now,
    }
    tree.book.put(policy, "scp", policy["id"])
    return {"Policy": _shown(tree, policy)}


def update(transaction: Transaction, context: Context, request: Request) -> Answer:
    tree = Tree(transaction, context)
    policy = _own(tree, request["PolicyId"])
    name = request.get("Name")
    if name and name != policy["name"]:
        _refuse_taken(tree, type_of(policy), name)
        policy["name"] = name
    if request.get("Description") is not None:
        policy["description"] = request["Description"]
    if request.get("Content") is not None:
        policy["content"] = _checked(type_of(policy), request["Content"])
    policy["updated"] = context.now
    tree.book.put(policy, "scp", policy["id"])
    return {"Policy": _shown(tree, policy)}


def delete(transaction: Transaction, context: Context, request: Request) -> Answer:
    tree = Tree(transaction, context)
    policy = _own(tree, request["PolicyId"])
    if _targets(tree, policy):
        raise PolicyInUse
    tree.book.drop("scp", policy["id"])
    return {}


def describe(view: Snapshot, context: Context, request: Request) -> Answer:
    tree = Tree(view, context)
    return {"Policy": _shown(tree, tree.policy(request["PolicyId"]))}


def listed(view: Snapshot, context: Context, request: Request) -> Answer:
    tree = Tree(view, context)
    return page("Policies", tree.policies(request["Filter"]), request, lambda policy: _summary(tree, policy))


def of_target(view: Snapshot, context: Context, request: Request) -> Answer:
    tree = Tree(view, context)
    node = tree.node(request["TargetId"], "Target")
    rows = [tree.policy(each) for each in tree.attached(node, request["Filter"])]
    return page("Policies", rows, request, lambda policy: _summary(tree, policy))


def targets(view: Snapshot, context: Context, request: Request) -> Answer:
    tree = Tree(view, context)
    policy = tree.policy(request["PolicyId"])
    return page("Targets", _targets(tree, policy), request, lambda node: {
        "TargetId": node["id"], "Arn": tree.arn(node), "Name": node["name"], "Type": node["type"]})


def attach(transaction: Transaction, context: Context, request: Request) -> Answer:
    tree = Tree(transaction, context)
    policy, node, attached = _change(tree, context, request)
    if policy["id"] in attached:
        raise duplicate("PolicyAttachment", "A policy with the specified name and type already exists.")
    kind = KINDS.get(type_of(policy))
    if len(attached) >= (kind.attached_limit if kind else ATTACHED_LIMIT):
        raise ConstraintViolation("You have attached the maximum number of policies to the target.",
                                  "MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED")
    attached.append(policy["id"])
    tree.save(node)
    return {}


def detach(transaction: Transaction, context: Context, request: Request) -> Answer:
    tree = Tree(transaction, context)
    policy, node, attached = _change(tree, context, request)
    if policy["id"] not in attached:
        raise PolicyNotAttached
    if len(attached) == 1 and type_of(policy) == SCP:
        raise ConstraintViolation("You cannot remove the last policy attached to the specified target. You should have "
                                  "at least one attached.", "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED")
    attached.remove(policy["id"])
    tree.save(node)
    return {}


def _change(tree: Tree, context: Context, request: Request) -> tuple[Record, Record, list[str]]:
    """The policy, the target, and the target's list of policies of that type, which must be enabled."""
    policy, node = tree.policy(request["PolicyId"]), tree.node(request["TargetId"], "Target")
    if type_of(policy) not in tree.root()["enabled"]:
        raise PolicyTypeNotEnabled
    node["changed"] = context.now
    return policy, node, tree.attached(node, type_of(policy))


def describe_effective(view: Snapshot, context: Context, request: Request) -> Answer:
    """Of the asking account, or of the one that the management account names."""
    tree, kind = Tree(view, context, members_too=True), request["PolicyType"]
    target = request.get("TargetId") or context.account
    if target != context.account and not tree.may_read(context):
        raise AccessDenied
    steps = tree.above(tree.node(target, "Target", ACCOUNT))
    levels = [[tree.policy(each) for each in tree.attached(step, kind)] for step in steps]
    merged = effective([json.loads(policy["content"]) for policy in level] for level in levels)
    if merged is None:
        raise EffectivePolicyNotFound
    updates = [policy["updated"] for level in levels for policy in level]
    changed = max(*(step.get("changed", 0) for step in steps), *updates)
    return {"EffectivePolicy": {
        "PolicyContent": json.dumps(merged, separators=(",", ":")), "PolicyType": kind, "TargetId": target,
        "LastUpdatedTimestamp": datetime.fromtimestamp(changed, UTC)}}


def _checked(kind: str, content: str) -> str:
    management = KINDS.get(kind)
    if len(content) > (management.content_limit if management else CONTENT_LIMIT_CHARACTERS):
        raise ConstraintViolation("You have exceeded the maximum policy size.", "POLICY_CONTENT_LIMIT_EXCEEDED")
    if management:
        check(management, content)
        return content
    try:
        compile_document(content)
    except MalformedPolicy as error:
        raise MalformedPolicyDocument from error
    return content


def _own(tree: Tree, identity: str) -> Record:
    policy = tree.policy(identity)
    if identity == FULL_ACCESS_ID:
        raise InvalidInput("You can't modify or delete an AWS managed policy.", Reason="IMMUTABLE_POLICY")
    return policy


def _targets(tree: Tree, policy: Record) -> list[Record]:
    return [node for node in tree.nodes(ROOT, UNIT, ACCOUNT) if policy["id"] in tree.attached(node, type_of(policy))]


def _refuse_taken(tree: Tree, kind: str, name: str) -> None:
    if any(policy["name"] == name for policy in tree.policies(kind)):
        raise duplicate("Policy", "A policy with the same name already exists.")


def _summary(tree: Tree, policy: Record) -> Answer:
    return {"Id": policy["id"], "Arn": tree.policy_arn(policy), "Name": policy["name"],
            "Description": policy["description"], "Type": type_of(policy), "AwsManaged": bool(policy.get("aws"))}


def _shown(tree: Tree, policy: Record) -> Answer:
    return {"PolicySummary": _summary(tree, policy), "Content": policy["content"]}
