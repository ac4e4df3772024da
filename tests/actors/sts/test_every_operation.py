"""Of every operation of every service there is: who has no permission is denied, through both doors, and who has
exactly what the denial named, an action of AWS's reference on that resource, is not.

The actions: actors/runtime/actions.txt says where from.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from actors.runtime.access import Access
from actors.runtime.actions import action_of, known_actions
from actors.runtime.actor import Kind, ServiceActor
from actors.runtime.chain import authorise
from actors.runtime.chain.denials import denied
from actors.runtime.context import Context
from actors.runtime.policy import Decision
from bus.subjects import DIRECT, GATEWAY
from bus.transport import BusError
from bus.virtual_time import run
from deploy.process_actors import actor_of
from deploy.topology import services
from schemas.envelope import Identity
from schemas.errors import AwsError
from schemas.models import load
from tests.actors.sts.skies import Sky, Who, document
from tests.schemas.inputs import Inputs
from tests.world import ACCOUNT, world

DENIALS = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError")
ACCESSES_LIMIT = 16                       # that one request may need
_SELECT = "SELECT * FROM \"music\" WHERE pk = 'a'"
_KEY = {"pk": {"S": "a"}}
_EMPTY: dict[str, dict[str, Any]] = {"ListTagsOfResource": {}, "TagResource": {"Tags": []},
                                     "UntagResource": {"TagKeys": []}}
# What a generated request cannot be: its texts are statements, its parts unions of what it needs.
WRITTEN: dict[tuple[str, str], dict[str, Any]] = {
    ("dynamodb", "ExecuteStatement"): {"Statement": _SELECT},
    ("dynamodb", "BatchExecuteStatement"): {"Statements": [{"Statement": _SELECT}]},
    ("dynamodb", "ExecuteTransaction"): {"TransactStatements": [{"Statement": _SELECT}]},
    ("dynamodb", "TransactGetItems"): {"TransactItems": [{"Get": {"TableName": "music", "Key": _KEY}}]},
    ("dynamodb", "TransactWriteItems"): {"TransactItems": [
        {"Put": {"TableName": "music", "Item": _KEY}}, {"Delete": {"TableName": "other", "Key": _KEY}},
        {"Update": {"TableName": "third", "Key": _KEY, "UpdateExpression": "SET a = b"}},
        {"ConditionCheck": {"TableName": "music", "Key": _KEY, "ConditionExpression": "attribute_exists(pk)"}}]},
    ("sts", "GetSessionToken"): {"DurationSeconds": 900},
    ("sts", "AssumeRoot"): {"TargetPrincipal": "111111111111", "TaskPolicyArn": {
        "arn": "arn:aws:iam::aws:policy/root-task/S3UnlockBucketPolicy"}},
    # Over HTTP an empty version is no path, an empty list is not there.
    ("bedrock-runtime", "ApplyGuardrail"): {"guardrailIdentifier": "aaaaaaaaaaaa", "guardrailVersion": "1",
                                            "source": "INPUT", "content": [{"text": {"text": "a"}}]},
    ("s3", "GetObjectAttributes"): {"Bucket": "bucket", "Key": "a", "ObjectAttributes": ["ETag"]},
    # A list that is written member by member is not there when it is empty.
    ("s3", "PutBucketCors"): {"Bucket": "", "CORSConfiguration": {"CORSRules": [
        {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]}},
    **{("s3", f"PutBucketNotification{form}"): {"Bucket": "bucket", "NotificationConfiguration": {}}
       for form in ("", "Configuration")},
    # What is no ARN is denied to everybody.
    **{("dynamodb", name): {"ResourceArn": "arn:aws:dynamodb:us-east-1:000000000000:table/music", **more}
       for name, more in _EMPTY.items()},
}
# Needs no permission, says AWS of each.
FREE = {("sts", "GetCallerIdentity"), ("sts", "GetSessionToken"), ("sts", "AssumeRoleWithWebIdentity"),
        ("sts", "AssumeRoleWithSAML")}
# Is let in and refused object by object, in its answer.
FREE |= {("s3", "DeleteObjects")}
# Denied to everybody: a role's trust policy decides, and no role of that name is there; nor are the access key and the
# organization.
TRUST = {("sts", "AssumeRole"), ("sts", "AssumeRoot"), ("iam", "GetAccessKeyLastUsed")}


def operations(actors: list[ServiceActor]) -> Iterator[tuple[str, str]]:
    for actor in actors:
        for name, definition in actor.operations.items():
            if definition.kind is not Kind.STREAM:         # the same chain; their denial comes as a stream's error
                yield actor.service, name


def request_of(service: str, name: str, seed: int) -> dict[str, Any]:
    """One that the model allows; the ARNs in it are of things of ours."""
    written = WRITTEN.get((service, name))
    made: dict[str, Any] = ours(Inputs(load(service).operations[name], seed).request()) if written is None else written
    if service == "iam" and "Path" in made:                # whose form its own check knows, not the model
        made = {**made, "Path": "/a/"}
    if service == "s3control":            # of another account everybody is denied
        made = {**made, "AccountId": ACCOUNT}
        if "ResourceArn" in made:         # the model allows an empty one, which leaves no path
            made["ResourceArn"] = "arn:aws:s3:::a-bucket"
    if service == "s3":                   # of a bucket that is not there everybody is told so
        bucket = f"a-bucket-for-{name.lower()}"
        here = {"Bucket": bucket, "Key": "key", "CopySource": f"{bucket}/source"}
        made = {member: here.get(member, value) for member, value in made.items() if not member.startswith("Expected")}
    return made


def ours(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: ours(part) for key, part in value.items()}
    if isinstance(value, list):
        return [ours(part) for part in value]
    if isinstance(value, str) and value.startswith("arn:") and value.count(":") >= 5:
        parts = value.split(":", 5)
        return ":".join([parts[0], "aws", parts[2], parts[3], ACCOUNT if parts[4].isdigit() else parts[4], parts[5]])
    return value


async def ask(who: Who, door: str, service: str, operation: str, request: dict[str, Any]) -> AwsError | None:
    client = who.sky.world.client(Identity(door, who.account, who.access_key))
    try:
        await client.call(service, operation, request)
    except AwsError as error:
        return error
    except BusError:
        return None                       # let in: nobody is there whom the operation asked in turn
    return None


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_every_operation(
    tmp_path: Path, seed: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    refusals: list[Access] = []           # what each denial was about, which not every service's words say

    def recording(context: Context, access: Access, decision: Decision, encoded: str) -> AwsError:
        refusals.append(access)
        return denied(context, access, decision, encoded)

    monkeypatch.setattr(authorise, "denied", recording)

    async def main() -> int:
        actors = [actor_of(service) for service in services(())]
        async with world(tmp_path, actors, open_mode=False) as made:
            sky = Sky(made)
            powerless, exact = await sky.user("powerless"), await sky.user("exact")
            count = 0
            for service, name in operations(actors):
                request = request_of(service, name, seed)
                if service == "s3" and "Bucket" in request:
                    await sky.root(ACCOUNT).call("s3", "CreateBucket", Bucket=request["Bucket"])
                    for key in ("key", "source"):          # whether it is there is told to who may list alone
                        await sky.root(ACCOUNT).call("s3", "PutObject", Bucket=request["Bucket"], Key=key, Body=b"")
                for door in (GATEWAY, DIRECT):
                    refused = await ask(powerless, door, service, name, request)
                    assert (refused is None or refused.error_code not in DENIALS) == ((service, name) in FREE), \
                        f"{service}:{name} by {door}: {refused}"
                    count += 1
                if (service, name) not in FREE | TRUST:
                    await passes(sky, exact, service, name, request, refusals)
            return count

    count = run(main())
    with capsys.disabled():
        print(f"\n{count} calls without permission: each denied, but {2 * len(FREE)} that need none")


async def passes(
    sky: Sky, exact: Who, service: str, name: str, request: dict[str, Any], refusals: list[Access]
) -> None:
    """Granted what each denial is about, no more, it is let in."""
    statements: list[dict[str, Any]] = []
    for _ in range(ACCESSES_LIMIT):
        refused = await ask(exact, GATEWAY, service, name, request)
        if refused is None or refused.error_code not in DENIALS:
            break
        access = refusals[-1]
        assert f"is not authorized to perform: {access.action}" in refused.message, f"{service}:{name}"
        assert access.action in known_actions(), f"{service}:{name} is decided by {access.action}, no action of IAM's"
        resource = access.resource if access.resource.startswith("arn:aws:") else "*"      # made up, and no ARN
        statement = {"Action": access.action, "Resource": resource}
        assert statement not in statements, f"{service}:{name}: {refused.message}"
        statements.append(statement)
        await sky.root(ACCOUNT).call("iam", "PutUserPolicy", UserName="exact", PolicyName="exact",
                                     PolicyDocument=document(*statements))
    else:
        raise AssertionError(f"{service}:{name} asks for more and more: {statements}")
    if statements:
        await sky.root(ACCOUNT).call("iam", "DeleteUserPolicy", UserName="exact", PolicyName="exact")


# An action is mapped when AWS has it: the default of each operation, but for those whose actor says otherwise.
def test_actions_are_awss() -> None:
    known = known_actions()
    for service in services(()):
        actor = actor_of(service)
        if type(actor).accesses is ServiceActor.accesses:
            missing = [name for name in actor.operations if action_of(load(service).operations[name]) not in known]
            assert not missing, f"{service}: {missing}"
