"""Skybus with IAM, STS and DynamoDB on the simulated bus, and everyone who asks there.

    async with skies(tmp_path) as sky:
        alice = await sky.user("alice", {"Action": "dynamodb:*", "Resource": "*"})
        await alice.call("dynamodb", "ListTables")
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actors.dynamodb.service import DynamoDB
from actors.dynamodbstreams.service import DynamoDBStreams
from actors.iam.service import IAM
from actors.runtime.actor import ServiceActor
from actors.sts.service import STS
from bus.subjects import GATEWAY
from schemas.envelope import Identity
from schemas.errors import AwsError
from tests.world import ACCOUNT, World, sharded

OTHER = "222222222222"
TABLE = {
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}], "BillingMode": "PAY_PER_REQUEST",
}


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **each} for each in statements]})


@dataclass
class Who:
    """A principal that asks through the gateway's door, as the gateway would pass it on."""

    sky: "Sky"
    account: str
    access_key: str
    secret: str = ""
    token: str = ""
    source: dict[str, str] | None = None

    async def call(self, service: str, operation: str, **params: Any) -> dict[str, Any]:
        client = self.sky.world.client(Identity(GATEWAY, self.account, self.access_key))
        return await client.call(service, operation, params, source=self.source)

    async def error(self, service: str, operation: str, **params: Any) -> AwsError:
        try:
            answer = await self.call(service, operation, **params)
        except AwsError as error:
            return error
        raise AssertionError(f"{operation} answered {answer}")

    async def denied(self, service: str, operation: str, **params: Any) -> str:
        """The reason behind the sentence that every denial begins with."""
        error = await self.error(service, operation, **params)
        assert error.error_code in ("AccessDenied", "AccessDeniedException"), error
        return error.message

    async def assume(self, role_arn: str, session: str = "session", **params: Any) -> "Who":
        answer = await self.call("sts", "AssumeRole", RoleArn=role_arn, RoleSessionName=session, **params)
        return self.sky.session(answer["Credentials"], role_arn.split(":")[4])


@dataclass
class Sky:
    world: World

    def root(self, account: str = ACCOUNT) -> Who:
        return Who(self, account, "test" if account == ACCOUNT else account)

    def session(self, credentials: dict[str, str], account: str = ACCOUNT) -> Who:
        return Who(self, account, credentials["AccessKeyId"], credentials["SecretAccessKey"],
                   credentials["SessionToken"])

    async def user(self, name: str, *statements: dict[str, Any], account: str = ACCOUNT) -> Who:
        root = self.root(account)
        await root.call("iam", "CreateUser", UserName=name)
        if statements:
            await root.call("iam", "PutUserPolicy", UserName=name, PolicyName="own",
                            PolicyDocument=document(*statements))
        key = (await root.call("iam", "CreateAccessKey", UserName=name))["AccessKey"]
        return Who(self, account, key["AccessKeyId"], key["SecretAccessKey"])

    async def role(self, name: str, trusted: Any, *statements: dict[str, Any], account: str = ACCOUNT,
                   **members: Any) -> str:
        """Its ARN. `trusted` is the Principal, or the whole statement of the trust policy but its effect."""
        root = self.root(account)
        statement = trusted if isinstance(trusted, dict) and "Action" in trusted else \
            {"Principal": trusted, "Action": "sts:AssumeRole"}
        role = (await root.call("iam", "CreateRole", RoleName=name, AssumeRolePolicyDocument=document(statement),
                                **members))["Role"]
        if statements:
            await root.call("iam", "PutRolePolicy", RoleName=name, PolicyName="own",
                            PolicyDocument=document(*statements))
        return str(role["Arn"])

    async def table(self, name: str, account: str = ACCOUNT, **members: Any) -> str:
        await self.root(account).call("dynamodb", "CreateTable", TableName=name, **TABLE, **members)
        return f"arn:aws:dynamodb:us-east-1:{account}:table/{name}"


@asynccontextmanager
async def skies(
    directory: Path, *more: ServiceActor, open_mode: bool = False, shards: int = 1
) -> AsyncIterator[Sky]:
    """`shards`: of DynamoDB; IAM, STS and `more` are in the first's process."""

    def actors(number: int) -> list[ServiceActor]:
        return [DynamoDB(), DynamoDBStreams(), *([] if number else [IAM(), STS(), *more])]

    async with sharded(directory, actors, shards, open_mode=open_mode) as made:
        yield Sky(made[0])
