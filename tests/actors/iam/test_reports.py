"""Last use of keys and roles, and the credential report.

Expected: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html,
https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccessKeyLastUsed.html.
"""

import csv
from pathlib import Path

from actors.iam.reports import COLUMNS, GOOD_S
from bus.transport import BusError
from bus.virtual_time import run
from tests.actors.sts.skies import skies
from tests.world import ACCOUNT, clock


# Use is noted whether or not it was allowed, told to IAM once in a while, and forgotten with whose it is.
def test_last_use(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path) as sky:
            root, alice = sky.root(), await sky.user("alice", {"Action": "sts:AssumeRole", "Resource": "*"})
            role = await sky.role("worker", {"AWS": f"arn:aws:iam::{ACCOUNT}:user/alice"})

            async def of_key() -> dict[str, object]:
                answer = await root.call("iam", "GetAccessKeyLastUsed", AccessKeyId=alice.access_key)
                assert answer["UserName"] == "alice"
                return dict(answer["AccessKeyLastUsed"])

            assert await of_key() == {"ServiceName": "N/A", "Region": "N/A"}
            assert (await root.call("iam", "GetRole", RoleName="worker"))["Role"]["RoleLastUsed"] == {}
            await alice.denied("dynamodb", "ListTables")
            session = await alice.assume(role)
            await session.denied("dynamodb", "ListTables")
            await sky.world.uses.tell(sky.world.transport)
            used = await of_key()
            assert (used["ServiceName"], used["Region"]) == ("sts", "us-east-1")
            last = (await root.call("iam", "GetRole", RoleName="worker"))["Role"]["RoleLastUsed"]
            assert last["Region"] == "us-east-1"
            assert abs(last["LastUsedDate"].timestamp() - clock()) < 60
            await root.call("iam", "DeleteRole", RoleName="worker")
            await sky.role("worker", {"AWS": f"arn:aws:iam::{ACCOUNT}:user/alice"})
            assert (await root.call("iam", "GetRole", RoleName="worker"))["Role"]["RoleLastUsed"] == {}

    run(main())


# What IAM could not be told is told the next time.
def test_uses_are_kept_until_they_are_told(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path) as sky:
            alice = await sky.user("alice")
            await alice.call("sts", "GetCallerIdentity")

            class Deaf:
                async def request(self, *_: object) -> None:
                    raise BusError("nobody")

            before = dict(sky.world.uses.latest)
            await sky.world.uses.tell(Deaf())  # type: ignore[arg-type]  # it is asked for nothing else
            assert sky.world.uses.latest == before

    run(main())


# The elder key is the first one; eight users, so that the order of the keys' random ids would not pass.
def test_keys_stand_in_the_order_they_came(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path) as sky:
            root = sky.root()
            for number in range(8):
                user = f"user-{number}"
                await root.call("iam", "CreateUser", UserName=user)
                first = (await root.call("iam", "CreateAccessKey", UserName=user))["AccessKey"]["AccessKeyId"]
                await root.call("iam", "UpdateAccessKey", UserName=user, AccessKeyId=first, Status="Inactive")
                await root.call("iam", "CreateAccessKey", UserName=user)
            await root.call("iam", "GenerateCredentialReport")
            content = (await root.call("iam", "GetCredentialReport"))["Content"].decode()
            _, *lines = csv.DictReader(content.splitlines())
            assert [(line["access_key_1_active"], line["access_key_2_active"]) for line in lines] == [
                ("false", "true")] * 8

    run(main())


def test_credential_report(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path) as sky:
            root, alice = sky.root(), await sky.user("alice")
            missing = await root.error("iam", "GetCredentialReport")
            assert (missing.error_code, missing.message) == ("ReportNotPresent", "")
            await alice.call("sts", "GetCallerIdentity")
            await sky.world.uses.tell(sky.world.transport)
            await root.call("iam", "CreateLoginProfile", UserName="alice", Password="Correct-1")
            await sky.user("bob")
            assert (await root.call("iam", "GenerateCredentialReport"))["State"] == "STARTED"
            assert (await root.call("iam", "GenerateCredentialReport"))["State"] == "COMPLETE"
            answer = await root.call("iam", "GetCredentialReport")
            assert answer["ReportFormat"] == "text/csv"
            lines = list(csv.DictReader(answer["Content"].decode().splitlines()))
            assert tuple(lines[0]) == COLUMNS
            assert [line["user"] for line in lines] == ["<root_account>", "alice", "bob"]
            assert lines[0]["password_enabled"] == "not_supported"
            assert (lines[1]["password_enabled"], lines[1]["mfa_active"]) == ("true", "false")
            assert (lines[1]["access_key_1_active"], lines[1]["access_key_1_last_used_service"]) == ("true", "sts")
            assert (lines[2]["access_key_1_last_used_date"], lines[2]["access_key_2_active"]) == ("N/A", "false")
            assert GOOD_S == 4 * 3600

    run(main())
