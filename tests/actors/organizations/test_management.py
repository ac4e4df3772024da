"""Management policies: what they may say, how they merge, and what an account is told of them.

Expected: the examples of https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_inheritance_mgmt.html
and …/orgs_manage_policies_ai-opt-out_syntax.html
"""

import json
from pathlib import Path
from typing import Any

import pytest

from actors.organizations.errors import MalformedPolicyDocument, TagsNotEnforced
from actors.organizations.management import FOR_CHILDREN, KINDS, check, effective
from actors.organizations.service import Organizations
from bus.virtual_time import run
from tests.actors.organizations.test_control import founded
from tests.actors.sts.skies import skies

OPT_OUT, TAGS = "AISERVICES_OPT_OUT_POLICY", "TAG_POLICY"


def tag(name: str = "costcenter", **settings: Any) -> dict[str, Any]:
    return {"tags": {name: settings}}


def values(operator: str, *items: str, children: list[str] | None = None) -> dict[str, Any]:
    made = {"tag_value": {f"@@{operator}": list(items)}}
    if children:
        made["tag_value"][FOR_CHILDREN] = children
    return made


def opted(service: str, value: str, *, service_lock: bool = False, value_lock: bool = False) -> dict[str, Any]:
    none = {FOR_CHILDREN: ["@@none"]}
    return {service: {**(none if service_lock else {}),
                      "opt_out_policy": {**(none if value_lock else {}), "@@assign": value}}}


KEY: dict[str, Any] = {"tag_key": {"@@assign": "CostCenter"}}
A = tag(**KEY, **values("assign", "Development", "Support"))
LOCKED = {"services": {FOR_CHILDREN: ["@@none"], **opted("default", "optOut", service_lock=True, value_lock=True)}}


@pytest.mark.parametrize(("levels", "merged"), [
    ([], None), ([[], []], None),
    ([[A], []], {"costcenter": {"tag_key": "CostCenter", "tag_value": ["Development", "Support"]}}),
    ([[A], [tag(**values("assign", "Sandbox"))]], {"costcenter": {"tag_key": "CostCenter", "tag_value": ["Sandbox"]}}),
    ([[A], [tag(**values("append", "Marketing", "Support"))]],
     {"costcenter": {"tag_key": "CostCenter", "tag_value": ["Development", "Support", "Marketing"]}}),
    ([[A], [tag(**values("append", "Marketing"))], [tag(**values("remove", "Development", "Marketing"))]],
     {"costcenter": {"tag_key": "CostCenter", "tag_value": ["Support"]}}),
    ([[A], [tag(**values("remove", "Development", "Support"))]], {"costcenter": {"tag_key": "CostCenter"}}),
    # Only the operators that every policy above allows; nothing below allows them again.
    ([[tag("p", tag_key={FOR_CHILDREN: ["@@none"], "@@assign": "Project"})],
      [tag("p", tag_key={"@@assign": "PROJECT"})]],
     {"p": {"tag_key": "Project"}}),
    ([[tag("p", **values("assign", "Maintenance", children=["@@append"])),
       tag("p", tag_value={FOR_CHILDREN: ["@@append", "@@remove"]})],
      [tag("p", **values("append", "More", children=["@@all"]))], [tag("p", **values("remove", "Maintenance"))]],
     {"p": {"tag_value": ["Maintenance", "More"]}}),
    # Of one level: the policy that was attached first.
    ([[tag("p", tag_key={"@@assign": "PROJECT"}, **values("append", "a")), tag("p", tag_key={"@@assign": "project"})]],
     {"p": {"tag_key": "PROJECT", "tag_value": ["a"]}}),
])
def test_tags(levels: list[list[dict[str, Any]]], merged: dict[str, Any] | None) -> None:
    assert effective(levels) == (None if merged is None else {"tags": merged})


# A lock on the whole keeps out new services, one on a service its setting.
@pytest.mark.parametrize(("above", "merged"), [
    (LOCKED, {"default": {"opt_out_policy": "optOut"}}),
    ({"services": opted("default", "optOut", service_lock=True, value_lock=True)},
     {"default": {"opt_out_policy": "optOut"}, "lex": {"opt_out_policy": "optIn"}}),
    ({"services": opted("default", "optOut")},
     {"default": {"opt_out_policy": "optIn"}, "lex": {"opt_out_policy": "optIn"}}),
])
def test_opting_out(above: dict[str, Any], merged: dict[str, Any]) -> None:
    below = {"services": {**opted("default", "optIn"), **opted("lex", "optIn")}}
    assert effective([[above], [], [below]]) == {"services": merged}


@pytest.mark.parametrize(("kind", "document"), [
    (OPT_OUT, {}), (OPT_OUT, []), (OPT_OUT, {"tags": {}}), (OPT_OUT, {"services": {}, "more": {}}),
    (OPT_OUT, {"services": []}), (OPT_OUT, {"services": {"lex": {"opt_out": {"@@assign": "optOut"}}}}),
    (OPT_OUT, {"services": opted("lex", "OPTOUT")}),
    (OPT_OUT, {"services": {"lex": {"opt_out_policy": {"@@append": ["optOut"]}}}}),
    (OPT_OUT, {"services": {"lex": {"opt_out_policy": "optOut"}}}), (OPT_OUT, {"services": {FOR_CHILDREN: ["@@some"]}}),
    (TAGS, tag(tag_key={"@@assign": ["a"]})), (TAGS, tag(tag_value={"@@assign": "a"})),
    (TAGS, tag(tag_key={"@@append": "a"})),
])
def test_malformed(kind: str, document: Any) -> None:
    for good in (A, LOCKED):
        check(KINDS[TAGS if "tags" in good else OPT_OUT], json.dumps(good))
    with pytest.raises(MalformedPolicyDocument):
        check(KINDS[kind], json.dumps(document))


def test_no_json() -> None:
    for text in ("", "{", "[" * 100_000):
        with pytest.raises(MalformedPolicyDocument):
            check(KINDS[TAGS], text)
    with pytest.raises(TagsNotEnforced):
        check(KINDS[TAGS], json.dumps(tag(enforced_for={"@@assign": ["s3:bucket"]})))


# Types are enabled, attached and listed each for itself; an account sees what holds for it alone.
def test_policies_of_several_types(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path, Organizations()) as sky:
            master, root, account = await founded(sky)
            member, target = sky.root(account), {"PolicyType": TAGS, "TargetId": account}

            async def made(kind: str, document: Any) -> str:
                policy = (await master.call("organizations", "CreatePolicy", Name="same", Description="", Type=kind,
                                            Content=json.dumps(document)))["Policy"]["PolicySummary"]
                assert (policy["Type"], f"/{kind.lower()}/" in policy["Arn"]) == (kind, True)
                return str(policy["Id"])

            tags, out = await made(TAGS, A), await made(OPT_OUT, LOCKED)
            refused = await master.error("organizations", "AttachPolicy", PolicyId=tags, TargetId=root)
            assert refused.error_code == "PolicyTypeNotEnabledException"
            for kind in (TAGS, OPT_OUT):
                await master.call("organizations", "EnablePolicyType", RootId=root, PolicyType=kind)
            backup = await master.error("organizations", "EnablePolicyType", RootId=root, PolicyType="BACKUP_POLICY")
            assert backup.error_code == "PolicyTypeNotAvailableForOrganizationException"
            assert (await member.error("organizations", "DescribeEffectivePolicy", PolicyType=TAGS)).error_code == (
                "EffectivePolicyNotFoundException")
            await master.call("organizations", "AttachPolicy", PolicyId=tags, TargetId=root)
            await master.call("organizations", "AttachPolicy", PolicyId=out, TargetId=account)
            for kind, found in ((TAGS, []), (OPT_OUT, [out]), ("SERVICE_CONTROL_POLICY", ["p-FullAWSAccess"])):
                listed = await master.call("organizations", "ListPoliciesForTarget", TargetId=account, Filter=kind)
                assert [policy["Id"] for policy in listed["Policies"]] == found
            mine = (await member.call("organizations", "DescribeEffectivePolicy", PolicyType=TAGS))["EffectivePolicy"]
            assert mine == (await master.call("organizations", "DescribeEffectivePolicy", **target))["EffectivePolicy"]
            assert json.loads(mine["PolicyContent"]) == effective([[A]])
            assert (mine["TargetId"], mine["PolicyType"]) == (account, TAGS)
            other = {**target, "TargetId": sky.root().account}
            assert (await member.error("organizations", "DescribeEffectivePolicy", **other)).error_code == (
                "AccessDeniedException")
            assert (await master.error("organizations", "DeletePolicy", PolicyId=tags)).error_code == (
                "PolicyInUseException")
            await master.call("organizations", "DetachPolicy", PolicyId=out, TargetId=account)
            await master.call("organizations", "DisablePolicyType", RootId=root, PolicyType=TAGS)
            for policy in (tags, out):
                assert (await master.call("organizations", "ListTargetsForPolicy", PolicyId=policy))["Targets"] == []
                await master.call("organizations", "DeletePolicy", PolicyId=policy)

    run(main())
