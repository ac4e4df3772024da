"""IAM against a twin made of dicts: users, groups, policies, and what ties them; names, deletions and pages in between.

The twin knows the rules of the API reference: names unique in any case, nothing deleted while something hangs on it,
attachments counted, renames keeping everything. After each step every list and count must agree.
"""

import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.actors.iam.caller import ACCOUNT, ALLOW, open_caller

NAMES = st.sampled_from(["a", "A", "b", "c.d", "e"])
POLICIES = st.sampled_from(["p", "q"])


def arn_of(policy: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:policy/{policy}"


class Directory(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.directory = Path(tempfile.mkdtemp())
        self.users: dict[str, dict[str, Any]] = {}          # name -> {groups, attached, inline, keys}
        self.groups: set[str] = set()
        self.policies: set[str] = set()

    @initialize()
    def open(self) -> None:
        self.iam = self.stack.enter_context(open_caller(self.directory))

    def teardown(self) -> None:
        self.stack.close()
        shutil.rmtree(self.directory)

    def check(self, expected: str, operation: str, **request: Any) -> dict[str, Any] | None:
        """The call ends as the twin says: "" well, or in this error."""
        if not expected:
            return self.iam.call(operation, **request)
        assert self.iam.error(operation, **request)[0] == expected
        return None

    def missing(self, *there: bool) -> str:
        return "" if all(there) else "NoSuchEntity"

    @rule(name=NAMES)
    def create_user(self, name: str) -> None:
        taken = name.lower() in {user.lower() for user in self.users}
        if self.check("EntityAlreadyExists" if taken else "", "CreateUser", UserName=name):
            self.users[name] = {"groups": set(), "attached": set(), "inline": set(), "keys": set()}

    @rule(name=NAMES)
    def delete_user(self, name: str) -> None:
        user = self.users.get(name)
        expected = "NoSuchEntity" if user is None else "DeleteConflict" if any(user.values()) else ""
        if self.check(expected, "DeleteUser", UserName=name) is not None:
            del self.users[name]

    @rule(name=NAMES, new=NAMES)
    def rename_user(self, name: str, new: str) -> None:
        taken = name.lower() != new.lower() and new.lower() in {user.lower() for user in self.users}
        expected = "NoSuchEntity" if name not in self.users else "EntityAlreadyExists" if taken else ""
        if self.check(expected, "UpdateUser", UserName=name, NewUserName=new) is not None:
            self.users[new] = self.users.pop(name)

    @rule(name=st.sampled_from(["g", "h"]), create=st.booleans())
    def group(self, name: str, create: bool) -> None:
        if create:
            if self.check("EntityAlreadyExists" if name in self.groups else "", "CreateGroup", GroupName=name):
                self.groups.add(name)
            return
        held = any(name in user["groups"] for user in self.users.values())
        expected = "NoSuchEntity" if name not in self.groups else "DeleteConflict" if held else ""
        if self.check(expected, "DeleteGroup", GroupName=name) is not None:
            self.groups.remove(name)

    @rule(name=NAMES, group=st.sampled_from(["g", "h"]), add=st.booleans())
    def membership(self, name: str, group: str, add: bool) -> None:
        there = name in self.users and group in self.groups
        operation = "AddUserToGroup" if add else "RemoveUserFromGroup"
        if self.check(self.missing(there), operation, UserName=name, GroupName=group) is not None:
            (set.add if add else set.discard)(self.users[name]["groups"], group)

    @rule(name=POLICIES, create=st.booleans())
    def policy(self, name: str, create: bool) -> None:
        if create:
            taken = name in self.policies
            expected = "EntityAlreadyExists" if taken else ""
            if self.check(expected, "CreatePolicy", PolicyName=name, PolicyDocument=ALLOW):
                self.policies.add(name)
            return
        held = any(name in user["attached"] for user in self.users.values())
        expected = "NoSuchEntity" if name not in self.policies else "DeleteConflict" if held else ""
        if self.check(expected, "DeletePolicy", PolicyArn=arn_of(name)) is not None:
            self.policies.remove(name)

    @rule(name=NAMES, policy=POLICIES, attach=st.booleans())
    def attachment(self, name: str, policy: str, attach: bool) -> None:
        there = name in self.users and (policy in self.policies if attach else policy in self.users[name]["attached"])
        operation = "AttachUserPolicy" if attach else "DetachUserPolicy"
        if self.check(self.missing(there), operation, UserName=name, PolicyArn=arn_of(policy)) is not None:
            (set.add if attach else set.discard)(self.users[name]["attached"], policy)

    @rule(name=NAMES, policy=POLICIES, put=st.booleans())
    def inline(self, name: str, policy: str, put: bool) -> None:
        there = name in self.users and (put or policy in self.users[name]["inline"])
        operation, document = ("PutUserPolicy", {"PolicyDocument": ALLOW}) if put else ("DeleteUserPolicy", {})
        answer = self.check(self.missing(there), operation, UserName=name, PolicyName=policy, **document)
        if answer is not None:
            (set.add if put else set.discard)(self.users[name]["inline"], policy)

    @rule(name=NAMES)
    def create_key(self, name: str) -> None:
        expected = "NoSuchEntity" if name not in self.users else \
            "LimitExceeded" if len(self.users[name]["keys"]) == 2 else ""
        answer = self.check(expected, "CreateAccessKey", UserName=name)
        if answer is not None:
            self.users[name]["keys"].add(answer["AccessKey"]["AccessKeyId"])

    @rule(name=NAMES)
    def delete_key(self, name: str) -> None:
        keys: set[str] = self.users.get(name, {}).get("keys", set())
        key = min(keys) if keys else "AKIA" + "A" * 16
        if self.check(self.missing(bool(keys)), "DeleteAccessKey", UserName=name, AccessKeyId=key) is not None:
            keys.remove(key)

    @invariant()
    def lists_agree(self) -> None:
        if not hasattr(self, "iam"):
            return
        shown = self.iam.call("GetAccountAuthorizationDetails")
        assert {
            user["UserName"]: (set(user["GroupList"]), {each["PolicyName"] for each in user["AttachedManagedPolicies"]},
                               {each["PolicyName"] for each in user.get("UserPolicyList", ())})
            for user in shown["UserDetailList"]
        } == {name: (user["groups"], user["attached"], user["inline"]) for name, user in self.users.items()}
        assert {group["GroupName"] for group in shown["GroupDetailList"]} == self.groups
        counts = {policy["PolicyName"]: policy["AttachmentCount"] for policy in shown["Policies"]}
        assert counts == {name: sum(name in user["attached"] for user in self.users.values()) for name in self.policies}
        for name, user in self.users.items():
            listed = self.iam.call("ListAccessKeys", UserName=name)["AccessKeyMetadata"]
            assert {key["AccessKeyId"] for key in listed} == user["keys"]
        for name in self.groups:
            members = {each["UserName"] for each in self.iam.call("GetGroup", GroupName=name)["Users"]}
            assert members == {user for user, record in self.users.items() if name in record["groups"]}


TestDirectory = Directory.TestCase
TestDirectory.settings = settings(max_examples=25, stateful_step_count=30, deadline=None, print_blob=True)
