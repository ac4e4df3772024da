"""Encoded authorization messages: who is denied gets one that says nothing to them, who may decode it learns why.

Expected: https://docs.aws.amazon.com/STS/latest/APIReference/API_DecodeAuthorizationMessage.html (members, permission,
InvalidAuthorizationMessageException) and https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html.
No service of ours encodes yet: EC2 does on AWS, and here it is an actor of the test's own.
"""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.runtime.actor import ServiceActor, operation
from actors.runtime.authorization_messages import GOOD_FOR_S, MESSAGE_LIMIT_CHARACTERS, AuthorizationMessages
from actors.runtime.context import Context
from bus.virtual_time import run
from deploy.topology import services
from schemas.dialects import dialect_of
from schemas.models import load
from tests.actors.sts.skies import OTHER, Who, skies
from tests.world import ACCOUNT

INSTANCE = f"arn:aws:ec2:us-east-1:{ACCOUNT}:instance/i-1"
MARK = ". Encoded authorization failure message: "


class EC2(ServiceActor):
    service: ClassVar[str] = "ec2"

    @operation("StopInstances")
    async def stop_instances(self, context: Context, request: Mapping[str, Any]) -> dict[str, Any]:
        return {}

    def resource(self, operation: str, request: Mapping[str, Any], account: str, region: str) -> str:
        return f"arn:aws:ec2:{region}:{account}:instance/{request['InstanceIds'][0]}"

    def condition_keys(self, context: Context, access: Any, request: Any) -> Mapping[str, str | tuple[str, ...]]:
        return {"ec2:tenancy": "default", "ec2:productcode": ("a", "b")}


async def refusal(who: Who) -> tuple[str, str]:
    """(what everybody may read, the message)."""
    error = await who.error("ec2", "StopInstances", InstanceIds=["i-1"])
    assert (error.error_code, error.status) == ("UnauthorizedOperation", 403)
    sentence, mark, message = error.message.partition(MARK)
    assert mark, error.message
    return sentence, message


async def decoded(who: Who, message: str) -> dict[str, Any]:
    answer = await who.call("sts", "DecodeAuthorizationMessage", EncodedMessage=message)
    found: dict[str, Any] = json.loads(answer["DecodedMessage"])
    return found


def values(items: dict[str, Any]) -> list[str]:
    return [each["value"] for each in items["items"]]


def test_nothing_allows(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path, EC2()) as sky:
            alice = await sky.user("alice")
            arn = f"arn:aws:iam::{ACCOUNT}:user/alice"
            sentence, message = await refusal(alice)
            assert sentence == (
                f"You are not authorized to perform this operation. User: {arn} is not authorized to perform: "
                f"ec2:StopInstances on resource: {INSTANCE} because no identity-based policy allows the "
                "ec2:StopInstances action"
            )
            found = await decoded(sky.root(), message)
            conditions = {each["key"]: values(each["values"]) for each in found["context"].pop("conditions")["items"]}
            user = (await sky.root().call("iam", "GetUser", UserName="alice"))["User"]
            assert found == {
                "allowed": False, "explicitDeny": False, "matchedStatements": {"items": []}, "failures": {"items": []},
                "context": {"principal": {"id": user["UserId"], "name": "alice", "arn": arn},
                            "action": "ec2:StopInstances", "resource": INSTANCE},
            }
            assert conditions == {
                "ec2:tenancy": ["default"], "ec2:productcode": ["a", "b"], "aws:ARN": [INSTANCE], "aws:ID": ["i-1"],
                "aws:Resource": ["instance/i-1"], "aws:Type": ["instance"], "aws:Service": ["ec2"],
                "aws:Region": ["us-east-1"], "aws:Account": [ACCOUNT],
            }

    run(main())


# The statement that denied is told, whosever policy it stands in.
def test_an_explicit_deny(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path, EC2()) as sky:
            deny = {"Sid": "Never", "Effect": "Deny", "Action": "ec2:Stop*", "Resource": ["*"],
                    "Condition": {"StringEquals": {"ec2:Tenancy": "default"}}}
            role = await sky.role("r", {"AWS": ACCOUNT}, {"Action": "*", "Resource": "*"}, deny)
            session = await sky.root().assume(role, "me")
            found = await decoded(sky.root(), (await refusal(session))[1])
            assert found["explicitDeny"]
            assert "name" not in found["context"]["principal"]
            [statement] = found["matchedStatements"]["items"]
            assert (statement["statementId"], statement["effect"]) == ("Never", "DENY")
            assert values(statement["principals"]) == [found["context"]["principal"]["id"]]
            assert (values(statement["actions"]), values(statement["resources"])) == (["ec2:Stop*"], ["*"])
            assert statement["conditions"]["items"] == [
                {"key": "ec2:Tenancy", "values": {"items": [{"value": "default"}]}}]

    run(main())


async def is_invalid(who: Who, message: str) -> bool:
    error = await who.error("sts", "DecodeAuthorizationMessage", EncodedMessage=message)
    return (error.error_code, error.message) == ("InvalidAuthorizationMessageException", "Message is not valid")


def changed(message: str, at: int) -> str:
    return f"{message[:at]}{'A' if message[at] != 'A' else 'B'}{message[at + 1:]}"


# Decoding needs a permission of its own, and only the account of who was denied has anything to decode.
def test_who_may_not_decode(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path, EC2()) as sky:
            alice = await sky.user("alice")
            _, message = await refusal(alice)
            refused = await alice.denied("sts", "DecodeAuthorizationMessage", EncodedMessage=message)
            action = "sts:DecodeAuthorizationMessage"
            assert refused.endswith(f"perform: {action} because no identity-based policy allows the {action} action")
            decoder = await sky.user("decoder", {"Action": "sts:DecodeAuthorizationMessage", "Resource": "*"})
            assert (await decoded(decoder, message))["context"]["action"] == "ec2:StopInstances"
            assert await is_invalid(sky.root(OTHER), message)
            for at in (0, 12, len(message) // 2, len(message) - 2):
                assert await is_invalid(decoder, changed(message, at)), at
            for wrong in ("a", message[:-4], f"{message}AAAA", f"{message[:9]}\n{message[9:]}", "ü", "=" * 8,
                          "A" * MESSAGE_LIMIT_CHARACTERS):
                assert await is_invalid(decoder, wrong), wrong
            await sky.world.restart()
            assert await decoded(decoder, message)
            await asyncio.sleep(GOOD_FOR_S + 1)
            assert await is_invalid(decoder, message)

    run(main())


# However much there is to tell, what comes can be decoded.
@settings(deadline=None, max_examples=20)
@given(st.integers(0, 400), st.integers(0, 400), st.randoms(use_true_random=False))
def test_a_message_is_bounded(
    tmp_path_factory: pytest.TempPathFactory, conditions: int, actions: int, random: Any
) -> None:
    messages = AuthorizationMessages(tmp_path_factory.getbasetemp() / "messages")

    def noise(count: int) -> dict[str, Any]:
        return {"items": [{"value": f"{random.getrandbits(400):x}"} for _ in range(count)]}

    failure: dict[str, Any] = {"allowed": False, "matchedStatements": noise(actions), "context": {
        "resource": f"{random.getrandbits(8_000):x}", "conditions": noise(conditions)}}
    sealed = messages.seal(ACCOUNT, failure, 0.0)
    assert len(sealed) <= MESSAGE_LIMIT_CHARACTERS
    told = json.loads(messages.open(ACCOUNT, sealed, 0.0))
    assert told["context"]["resource"] == failure["context"]["resource"]
    if conditions + actions < 20:
        assert told == failure


# Of the services that are here none encodes on AWS: their documentation shows plain denials.
def test_who_encodes() -> None:
    assert dialect_of(load("ec2")).encodes
    assert not [service for service in services(()) if dialect_of(load(service)).encodes]
