"""Service control policies: kept, attached, and from then on what member accounts may at most.

Source: https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html
"""

from collections.abc import Mapping
from typing import Any

from actors.iam.organization import FULL_ACCESS_ID, SCP
from actors.iam.state import Record
from actors.organizations.errors import (
    ConstraintViolation,
    InvalidInput,
    MalformedPolicyDocument,
    PolicyInUse,
    PolicyNotAttached,
    PolicyTypeNotAvailable,
    PolicyTypeNotEnabled,
    duplicate,
)
from actors.organizations.state import ACCOUNT, ROOT, UNIT, Tree, new_id, page
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
    tree = Tree(transaction, context)
    if request["Type"] != SCP:
        raise PolicyTypeNotAvailable(request["Type"])
    if len(tree.policies()) > POLICIES_LIMIT:
        raise ConstraintViolation("You have exceeded the number of policies.", "POLICY_NUMBER_LIMIT_EXCEEDED")
    _refuse_taken(tree, request["Name"])
    policy: Record = {
        "id": f"p-{new_id(8)}", "name": request["Name"], "description": request.get("Description") or "",
        "content": _checked(request["Content"]), "tags": given(request.get("Tags") or ()),
        "order": int(transaction.now() * 1e9),
    }
    tree.book.put(policy, "scp", policy["id"])
    return {"Policy": _shown(tree, policy)}


def update(transaction: Transaction, context: Context, request: Request) -> Answer:
    tree = Tree(transaction, context)
    policy = _own(tree, request["PolicyId"])
    name = request.get("Name")
    if name and name != policy["name"]:
        _refuse_taken(tree, name)
        policy["name"] = name
    if request.get("Description") is not None:
        policy["description"] = request["Description"]
    if request.get("Content") is not None:
        policy["content"] = _checked(request["Content"])
    tree.book.put(policy, "scp", policy["id"])
    return {"Policy": _shown(tree, policy)}


def delete(transaction: Transaction, context: Context, request: Request) -> Answer:
    tree = Tree(transaction, context)
    policy = _own(tree, request["PolicyId"])
    if _targets(tree, policy["id"]):
        raise PolicyInUse
    tree.book.drop("scp", policy["id"])
    return {}


def describe(view: Snapshot, context: Context, request: Request) -> Answer:
    tree = Tree(view, context)
    return {"Policy": _shown(tree, tree.policy(request["PolicyId"]))}


def listed(view: Snapshot, context: Context, request: Request) -> Answer:
    tree = Tree(view, context)
    rows = tree.policies() if request["Filter"] == SCP else []
    return page("Policies", rows, request, lambda policy: _summary(tree, policy))


def of_target(view: Snapshot, context: Context, request: Request) -> Answer:
    tree = Tree(view, context)
    node = tree.node(request["TargetId"], "Target")
    rows = [tree.policy(each) for each in node["policies"]] if request["Filter"] == SCP else []
    return page("Policies", rows, request, lambda policy: _summary(tree, policy))


def targets(view: Snapshot, context: Context, request: Request) -> Answer:
    tree = Tree(view, context)
    policy = tree.policy(request["PolicyId"])
    return page("Targets", _targets(tree, policy["id"]), request, lambda node: {
        "TargetId": node["id"], "Arn": tree.arn(node), "Name": node["name"], "Type": node["type"]})


def attach(transaction: Transaction, context: Context, request: Request) -> Answer:
    tree = Tree(transaction, context)
    policy, node = tree.policy(request["PolicyId"]), tree.node(request["TargetId"], "Target")
    if SCP not in tree.root()["enabled"]:
        raise PolicyTypeNotEnabled
    if policy["id"] in node["policies"]:
        raise duplicate("PolicyAttachment", "A policy with the specified name and type already exists.")
    if len(node["policies"]) >= ATTACHED_LIMIT:
        raise ConstraintViolation("You have attached the maximum number of policies to the target.",
                                  "MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED")
    node["policies"].append(policy["id"])
    tree.save(node)
    return {}


def detach(transaction: Transaction, context: Context, request: Request) -> Answer:
    tree = Tree(transaction, context)
    policy, node = tree.policy(request["PolicyId"]), tree.node(request["TargetId"], "Target")
    if SCP not in tree.root()["enabled"]:
        raise PolicyTypeNotEnabled
    if policy["id"] not in node["policies"]:
        raise PolicyNotAttached
    if len(node["policies"]) == 1:
        raise ConstraintViolation("You cannot remove the last policy attached to the specified target. You should have "
                                  "at least one attached.", "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED")
    node["policies"].remove(policy["id"])
    tree.save(node)
    return {}


def _checked(content: str) -> str:
    if len(content) > CONTENT_LIMIT_CHARACTERS:
        raise ConstraintViolation("You have exceeded the maximum policy size.", "POLICY_CONTENT_LIMIT_EXCEEDED")
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


def _targets(tree: Tree, identity: str) -> list[Record]:
    return [node for node in tree.nodes(ROOT, UNIT, ACCOUNT) if identity in node["policies"]]


def _refuse_taken(tree: Tree, name: str) -> None:
    if any(policy["name"] == name for policy in tree.policies()):
        raise duplicate("Policy", "A policy with the same name already exists.")


def _summary(tree: Tree, policy: Record) -> Answer:
    return {"Id": policy["id"], "Arn": tree.policy_arn(policy), "Name": policy["name"],
            "Description": policy["description"], "Type": SCP, "AwsManaged": bool(policy.get("aws"))}


def _shown(tree: Tree, policy: Record) -> Answer:
    return {"PolicySummary": _summary(tree, policy), "Content": policy["content"]}
