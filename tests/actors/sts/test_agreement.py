"""What SimulatePrincipalPolicy says, enforcement does; and a large account is no burden on who asks.

Expected: https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_testing-policies.html.
"""

import random
from pathlib import Path
from typing import Any

from bus.virtual_time import run
from schemas.errors import AwsError
from tests.actors.sts.skies import Sky, Who, document, skies
from tests.world import ACCOUNT

POLICIES = 25
USERS = 10_000
KEY = {"pk": {"S": "a"}}
ASKED: dict[str, dict[str, Any]] = {
    "GetItem": {"Key": KEY}, "PutItem": {"Item": KEY}, "DescribeTable": {}, "Scan": {},
}


def statement(chance: random.Random) -> dict[str, Any]:
    made: dict[str, Any] = {"Effect": chance.choice(["Allow", "Allow", "Deny"])}
    made[chance.choice(["Action", "Action", "NotAction"])] = chance.choice(
        ["dynamodb:*", "dynamodb:*Item", "dynamodb:GetItem", ["dynamodb:Scan", "dynamodb:D*"], "s3:*", "*"])
    tables = [f"arn:aws:dynamodb:*:{ACCOUNT}:table/{name}" for name in ("one", "two", "*", "t?o", "${aws:username}")]
    made[chance.choice(["Resource", "Resource", "NotResource"])] = chance.choice([*tables, "*"])
    if chance.random() < 0.3:
        made["Condition"] = chance.choice([
            {"StringEquals": {"aws:username": "one"}}, {"StringNotEquals": {"aws:username": "one"}},
            {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, {"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}},
            {"StringEquals": {"aws:PrincipalTag/team": "blue"}}, {"Null": {"aws:PrincipalTag/none": "true"}}])
    return made


async def simulated(sky: Sky, who: str, table: str, operation: str) -> bool:
    entries = {"aws:username": who, "aws:SourceIp": "10.1.1.1", "aws:PrincipalTag/team": "blue"}
    answer = await sky.root().call(
        "iam", "SimulatePrincipalPolicy", PolicySourceArn=f"arn:aws:iam::{ACCOUNT}:user/{who}",
        ActionNames=[f"dynamodb:{operation}"], ResourceArns=[f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/{table}"],
        ContextEntries=[{"ContextKeyName": name, "ContextKeyValues": [value], "ContextKeyType": "string"}
                        for name, value in entries.items()])
    return bool(answer["EvaluationResults"][0]["EvalDecision"] == "allowed")


async def let_in(who: Who, table: str, operation: str) -> bool:
    try:
        await who.call("dynamodb", operation, TableName=table, **ASKED[operation])
    except AwsError as error:
        if error.error_code == "AccessDeniedException":
            return False
        raise
    return True


def test_simulation_and_enforcement_agree(tmp_path: Path) -> None:
    async def main() -> dict[bool, int]:
        chance = random.Random(7)
        told = {True: 0, False: 0}
        async with skies(tmp_path) as sky:
            root = sky.root()
            for table in ("one", "two"):
                await sky.table(table)
            who = await sky.user("one")
            who.source = {"ip": "10.1.1.1"}
            await root.call("iam", "TagUser", UserName="one", Tags=[{"Key": "team", "Value": "blue"}])
            boundary = await root.call("iam", "CreatePolicy", PolicyName="b",
                                       PolicyDocument=document(statement(chance)))
            await root.call("iam", "PutUserPermissionsBoundary", UserName="one",
                            PermissionsBoundary=boundary["Policy"]["Arn"])
            for number in range(POLICIES):
                texts = [document(*(statement(chance) for _ in range(chance.randint(1, 3)))) for _ in range(2)]
                if number == POLICIES // 2:
                    await root.call("iam", "DeleteUserPermissionsBoundary", UserName="one")
                for name, text in zip(("a", "b"), texts, strict=True):
                    await root.call("iam", "PutUserPolicy", UserName="one", PolicyName=name, PolicyDocument=text)
                for operation in ASKED:
                    table = chance.choice(["one", "two"])
                    allowed = await let_in(who, table, operation)
                    assert await simulated(sky, "one", table, operation) == allowed, (operation, table, texts)
                    told[allowed] += 1
        return told

    told = run(main())
    assert min(told.values()) >= POLICIES // 4, told               # neither answer is always right


# Ten thousand users with policies: who asks is loaded when it asks, and nothing else is.
def test_many_users(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path) as sky:
            shard = sky.world.shards["iam"]

            def populate(transaction: Any) -> None:
                from actors.iam.state import USER, Book

                book = Book(transaction, ACCOUNT)
                for number in range(USERS):
                    made = book.create(USER, f"u{number}", "/", 0.0, policies=[], boundary="")
                    text = document({"Action": "dynamodb:ListTables", "Resource": "*", "Sid": f"s{number}"})
                    book.put({"document": text}, "inline", made["id"], "own")

            await shard.transact(populate)
            key = (await sky.root().call("iam", "CreateAccessKey", UserName="u9999"))["AccessKey"]
            one = Who(sky, ACCOUNT, key["AccessKeyId"])
            await one.call("dynamodb", "ListTables")
            await one.denied("dynamodb", "DescribeLimits")
            principals: Any = sky.world.host._principals
            assert len(principals._remembered) < 10

    run(main())
