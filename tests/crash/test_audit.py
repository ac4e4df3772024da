"""kill -9 of the actors under management calls: every acknowledged one is in CloudTrail, once, and the chain holds."""

import json
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from tests import servers
from tests.crash.test_kill import victim_of
from tests.sdk.test_cloudtrail import found
from tests.waiting import until

KILLS = 3
CALLS = 40                                # between two kills


def test_no_acknowledged_call_goes_missing(tmp_path: Path) -> None:
    with servers.skybus(data_dir=tmp_path / "data") as server:
        iam: Any = server.client("iam")
        acknowledged: list[str] = []
        for round_ in range(KILLS):
            for number in range(CALLS):
                name = f"u{round_}-{number}"
                iam.create_user(UserName=name)
                acknowledged.append(name)
            victim_of(server, "actors").kill()
            wait_for_answers(iam)
        events = found(server.client("cloudtrail"), len(acknowledged), EventName="CreateUser")
        names = [json.loads(event["CloudTrailEvent"])["requestParameters"]["userName"] for event in events]
        assert sorted(names) == sorted(acknowledged)
        assert "as they came" in servers.command("audit", "--data-dir", str(tmp_path / "data"))


def wait_for_answers(iam: Any) -> None:
    def answers() -> bool:
        try:
            iam.list_users(MaxItems=1)
        except (BotoCoreError, ClientError):
            return False
        return True

    until(answers, "the actors do not come back")
