"""How many shards a data directory has: what may be asked for, what is kept, what is refused; and that what an older
program left is one shard of everything.

Expected: deploy/README.md, "Several shards".
"""

import json
import tarfile
from pathlib import Path

import pytest

from deploy import layout
from deploy.config import Config, resolve
from deploy.failures import CommandError, UsageError
from schemas.routing import SLOT_COUNT, Share
from tests import servers
from tests.deploy import old_data

SERVICES = ("dynamodb", "dynamodbstreams", "iam", "sts")


def config(tmp_path: Path, *shards: str) -> Config:
    made = resolve({"data_dir": str(tmp_path), "shards": ",".join(shards)}, {}, {})
    made.storage.state_dir.mkdir(parents=True, exist_ok=True)
    return made


def test_a_number_is_said_once_and_kept(tmp_path: Path) -> None:
    assert layout.settle(config(tmp_path), SERVICES) == {}
    assert not (tmp_path / "state" / layout.FILE).exists()
    assert layout.settle(config(tmp_path, "dynamodb=3"), SERVICES) == {"dynamodb": 3}
    assert json.loads((tmp_path / "state" / layout.FILE).read_text()) == {"dynamodb": 3}
    for again in ((), ("dynamodb=3",)):
        assert layout.settle(config(tmp_path, *again), SERVICES) == {"dynamodb": 3}
    with pytest.raises(UsageError, match="has 3 shards of dynamodb, and --shards dynamodb=4 asks for another number"):
        layout.settle(config(tmp_path, "dynamodb=4"), SERVICES)


def test_data_without_a_layout_is_one_shard(tmp_path: Path) -> None:
    made = config(tmp_path, "dynamodb=2")
    (made.storage.state_dir / "dynamodb" / "000").mkdir(parents=True)
    with pytest.raises(UsageError, match="has 1 shard of dynamodb"):
        layout.settle(made, SERVICES)
    assert layout.settle(config(tmp_path), SERVICES) == {}
    assert layout.settle(config(tmp_path, "dynamodb=1"), SERVICES) == {"dynamodb": 1}


@pytest.mark.parametrize("text", ["dynamodb", "dynamodb=", "dynamodb=0", "dynamodb=65", "dynamodb=-1", "iam=2", "x=2",
                                  "dynamodbstreams=2", "dynamodb=99999999999999999999"])
def test_what_cannot_be_asked_for(text: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="shards: "):
        layout.settle(config(tmp_path, text), SERVICES)


def test_a_service_that_is_not_run(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not among the services"):
        layout.settle(config(tmp_path, "dynamodb=2"), ("sts",))


@pytest.mark.parametrize("content", ["", "[]", '{"dynamodb": "x"}', '{"dynamodb": 0}', '{"s3": 2}'])
def test_a_damaged_layout_is_not_guessed(content: str, tmp_path: Path) -> None:
    made = config(tmp_path)
    (made.storage.state_dir / layout.FILE).write_text(content)
    with pytest.raises(CommandError):
        layout.settle(made, SERVICES)


def test_who_has_what() -> None:
    shards = {"dynamodb": 3}
    assert layout.processes(shards) == 3
    assert layout.processes({}) == 1
    first, second = (layout.shares(shards, SERVICES, number) for number in range(2))
    assert first == {"dynamodb": Share(0, 3), "dynamodbstreams": Share(0, 3), "iam": Share(), "sts": Share()}
    assert second == {"dynamodb": Share(1, 3), "dynamodbstreams": Share(1, 3)}


@pytest.mark.parametrize("of", [1, 2, 3, 7, 64, 256])
def test_shares_are_all_slots_once(of: int) -> None:
    shares = [Share(number, of) for number in range(of)]
    assert [slot for share in shares for slot in share.slots] == list(range(SLOT_COUNT))
    for share in shares:
        assert {share.holder(f"{slot:02x}") for slot in share.slots} == {share}
        assert share.address in share.tokens
    assert len({share.name for share in shares}) == of


# What a program without shards wrote is served as it is; then it has one shard, and cannot be given more.
def test_old_data_opens(tmp_path: Path) -> None:
    with tarfile.open(old_data.FIXTURE) as archive:
        archive.extractall(tmp_path, filter="data")
    with servers.skybus("--durability", "os", data_dir=tmp_path) as server:
        old_data.check(server.endpoint)
    assert (tmp_path / "state" / "dynamodb" / "000" / "data.mdb").exists()
    many = config(tmp_path, "dynamodb=2")
    with pytest.raises(UsageError, match="has 1 shard of dynamodb"):
        layout.settle(many, SERVICES)
