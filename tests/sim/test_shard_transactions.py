"""Money moves between tables of several shards on a bus that delays, drops and reorders, while shards come and go:
none is made and none is lost, what was acknowledged happened, what was refused did not, and nothing stays locked.

Every transfer leaves a note beside its two accounts, so that the balances can be worked out from what happened.
"""

import asyncio
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.dynamodb import intents
from actors.dynamodb.state import catalogue_prefix, past
from bus.client import Client
from bus.simulated import NONE, Faults
from bus.subjects import PART, SERVICE
from bus.transport import BusError
from bus.virtual_time import run
from schemas.envelope import Identity
from schemas.errors import AwsError
from schemas.routing import Share
from tests.sim.test_shards import NAMES, SHARDS, actors, schema, shard_of
from tests.world import ACCOUNT, ROOT, World, sharded

BALANCE = 100
ACCOUNTS = NAMES[:6]
TIMEOUT_S = 3.0
LEFT = ("lock", "intent", "decision")
REFUSAL_KEPT_S = 20.0                     # far beyond TIMEOUT_S; ten minutes of looking every 50 ms take long


class Bank:
    """What its clients were told."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.happened: set[str] = set()
        self.refused: set[str] = set()

    async def open(self) -> None:
        for name in [*ACCOUNTS, "notes"]:
            await self.client.call("dynamodb", "CreateTable", schema(name))
        for name in ACCOUNTS:
            item = {"pk": {"S": "a"}, "n": {"N": str(BALANCE)}}
            await self.client.call("dynamodb", "PutItem", {"TableName": name, "Item": item})

    async def transfer(self, note: str, source: str, target: str, amount: int) -> None:
        value = {":amount": {"N": str(amount)}}
        actions = [
            {"Update": {"TableName": source, "Key": {"pk": {"S": "a"}}, "UpdateExpression": "SET n = n - :amount",
                        "ConditionExpression": "n >= :amount", "ExpressionAttributeValues": value}},
            {"Update": {"TableName": target, "Key": {"pk": {"S": "a"}}, "UpdateExpression": "SET n = n + :amount",
                        "ExpressionAttributeValues": value}},
            {"Put": {"TableName": "notes", "Item": {
                "pk": {"S": note}, "from": {"S": source}, "to": {"S": target}, "n": {"N": str(amount)}}}},
        ]
        try:
            await self.client.call("dynamodb", "TransactWriteItems", {"TransactItems": actions}, timeout_s=TIMEOUT_S)
            self.happened.add(note)
        except AwsError as error:
            if error.error_code == "TransactionCanceledException":
                self.refused.add(note)
        except BusError:
            pass                          # it may have happened or not

    async def total(self) -> int | None:
        """Of all accounts at one moment, if it can be told now."""
        gets = [{"Get": {"TableName": name, "Key": {"pk": {"S": "a"}}}} for name in ACCOUNTS]
        try:
            found = await self.client.call("dynamodb", "TransactGetItems", {"TransactItems": gets}, timeout_s=TIMEOUT_S)
        except (AwsError, BusError):
            return None
        return sum(int(each["Item"]["n"]["N"]) for each in found["Responses"])

    async def check(self, worlds: list[World]) -> None:
        """Long after the last fault."""
        balances: Counter[str] = Counter(dict.fromkeys(ACCOUNTS, BALANCE))
        notes = (await self.client.call("dynamodb", "Scan", {"TableName": "notes"}))["Items"]
        for note in notes:
            balances[note["from"]["S"]] -= int(note["n"]["N"])
            balances[note["to"]["S"]] += int(note["n"]["N"])
        noted = {note["pk"]["S"] for note in notes}
        assert self.happened <= noted
        assert not self.refused & noted
        for name in ACCOUNTS:
            page = await self.client.call("dynamodb", "Scan", {"TableName": name})
            assert [int(each["n"]["N"]) for each in page["Items"]] == [balances[name]], name
            await self.client.call("dynamodb", "PutItem", {"TableName": name, "Item": {"pk": {"S": "a"}}})
        for each in worlds:
            shard = each.shards["dynamodb"]
            for kind in LEFT:
                prefix = catalogue_prefix(kind)
                rows = shard.read(lambda view, at=prefix: list(view.scan(at, past(at))))  # type: ignore[misc]
                assert rows == [], kind
            assert shard.stats()["jobs"] == 0


TRANSFER = st.tuples(
    st.sampled_from(ACCOUNTS), st.sampled_from(ACCOUNTS), st.integers(1, 60), st.floats(0, 0.5)
).filter(lambda each: each[0] != each[1])
FAULTS = st.builds(
    Faults, delay_max_s=st.floats(0.001, 0.1), drop=st.sampled_from([0.0, 0.02, 0.1]),
    reorder=st.sampled_from([0.0, 0.2]),
)


async def simulate(
    directory: Path, seed: int, faults: Faults, plans: list[list[Any]], deaths: list[tuple[int, float, float]]
) -> None:
    async with sharded(directory, actors, SHARDS, seed) as worlds:
        bank = Bank(worlds[0].client())
        await bank.open()
        worlds[0].network.faults = faults
        totals: list[int | None] = []

        async def follow(number: int, plan: list[Any]) -> None:
            for at, (source, target, amount, pause_s) in enumerate(plan):
                await asyncio.sleep(pause_s)
                await bank.transfer(f"{number}/{at}", source, target, amount)

        async def watch() -> None:
            for _ in range(6):
                await asyncio.sleep(0.3)
                totals.append(await bank.total())

        async def die() -> None:
            for victim, pause_s, gone_s in deaths:
                await asyncio.sleep(pause_s)
                await worlds[victim].host.stop()
                await asyncio.sleep(gone_s)
                await worlds[victim].restart()

        await asyncio.gather(watch(), die(), *(follow(*each) for each in enumerate(plans)))
        worlds[0].network.faults = NONE
        assert {each for each in totals if each is not None} <= {BALANCE * len(ACCOUNTS)}
        await asyncio.sleep(REFUSAL_KEPT_S + 100)
        await bank.check(worlds)


def test_the_accounts_are_in_several_shards() -> None:
    assert {shard_of(name) for name in ACCOUNTS} == set(range(SHARDS))


EXAMPLE = st.fixed_dictionaries({
    "seed": st.integers(0, 2**32), "faults": FAULTS,
    "plans": st.lists(st.lists(TRANSFER, max_size=6), min_size=2, max_size=4),
    "deaths": st.lists(st.tuples(st.integers(0, SHARDS - 1), st.floats(0, 1), st.floats(0, 8)), max_size=3),
})


def perform(example: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as directory, patch.object(intents, "REFUSAL_KEPT_S", REFUSAL_KEPT_S):
        run(simulate(Path(directory), **example))


@settings(max_examples=30, deadline=None, print_blob=True)
@given(example=EXAMPLE)
def test_no_money_is_made_or_lost(example: dict[str, Any]) -> None:
    perform(example)


@pytest.mark.slow
@settings(max_examples=1000, deadline=None, print_blob=True)
@given(example=EXAMPLE)
def test_no_money_is_made_or_lost_for_long(example: dict[str, Any]) -> None:
    perform(example)


# --- what others meet meanwhile, step by step

OWN, FOREIGN = NAMES[0], next(name for name in NAMES if shard_of(name) != shard_of(NAMES[0]))
KEY = {"pk": {"S": "a"}}
GETS = [{"Get": {"TableName": name, "Key": KEY}} for name in (OWN, FOREIGN)]


async def prepared(worlds: list[World]) -> tuple[Client, Client]:
    """A client, and an actor's that has prepared a transaction which makes `n` 2 in both tables, no more."""
    client, actor = worlds[0].client(), worlds[0].client(Identity(SERVICE, ACCOUNT, ROOT.principal))
    for name in (OWN, FOREIGN):
        await client.call("dynamodb", "CreateTable", schema(name))
        await client.call("dynamodb", "PutItem", {"TableName": name, "Item": {**KEY, "n": {"N": "1"}}})
    for name in (OWN, FOREIGN):
        update = {"TableName": name, "Key": KEY, "UpdateExpression": "ADD n :one",
                  "ExpressionAttributeValues": {":one": {"N": "1"}}}
        about = {"Id": "i", "Decider": shard_of(OWN), "Positions": [0]}
        await step(actor, name, "PrepareItems", {"TransactItems": [{"Update": update}], "Transaction": about})
    return client, actor


async def step(actor: Client, table: str, name: str, params: dict[str, Any]) -> dict[str, Any]:
    return await actor.call("dynamodb", f"{PART}{name}", params, at=Share(shard_of(table), SHARDS).address)


async def decide(actor: Client) -> None:
    shards = [shard_of(OWN), shard_of(FOREIGN)]
    await step(actor, OWN, "Decide", {"Id": "i", "Shards": shards, "Token": None, "Content": None})


async def refusal(client: Client, operation: str, params: dict[str, Any]) -> AwsError:
    with pytest.raises(AwsError) as caught:
        await client.call("dynamodb", operation, params)
    return caught.value


async def numbers(client: Client) -> list[str]:
    got = [await client.call("dynamodb", "GetItem", {"TableName": name, "Key": KEY}) for name in (OWN, FOREIGN)]
    return [each["Item"]["n"]["N"] for each in got]


# Messages: AWS's TransactionConflictException and the reason of a cancelled transaction,
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
def test_what_others_meet_while_items_are_locked(tmp_path: Path) -> None:
    async def main() -> None:
        async with sharded(tmp_path, actors, SHARDS) as worlds:
            client, actor = await prepared(worlds)
            put = {"TableName": OWN, "Item": KEY}
            change = {"TableName": OWN, "Key": KEY, "UpdateExpression": "ADD n :n",
                      "ExpressionAttributeValues": {":n": {"N": "1"}}}
            for operation, params in (("PutItem", put), ("DeleteItem", {"TableName": OWN, "Key": KEY}),
                                      ("UpdateItem", change)):
                error = await refusal(client, operation, params)
                assert (error.error_code, error.message) == (
                    "TransactionConflictException", "Transaction is ongoing for the item")
            other = {"Put": {"TableName": OWN, "Item": {"pk": {"S": "b"}}}}
            for operation, items in (("TransactWriteItems", [other, {"Put": put}]), ("TransactGetItems", GETS),
                                     ("TransactWriteItems", [other, {"Put": {**put, "TableName": FOREIGN}}])):
                error = await refusal(client, operation, {"TransactItems": items})
                assert error.error_code == "TransactionCanceledException"
                assert error.fields["CancellationReasons"][1]["Code"] == "TransactionConflict"
            puts = [{"PutRequest": {"Item": KEY}}, {"PutRequest": {"Item": {"pk": {"S": "b"}}}}]
            batch = await client.call("dynamodb", "BatchWriteItem", {"RequestItems": {OWN: puts}})
            assert batch["UnprocessedItems"] == {OWN: puts[:1]}
            error = await refusal(client, "DeleteTable", {"TableName": OWN})
            assert error.error_code == "ResourceInUseException"
            assert await numbers(client) == ["1", "1"]
            await decide(actor)
            assert await numbers(client) == ["2", "1"]        # the other has not heard of it yet
            error = await refusal(client, "TransactGetItems", {"TransactItems": GETS})
            assert [each["Code"] for each in error.fields["CancellationReasons"]] == ["None", "TransactionConflict"]
            await step(actor, FOREIGN, "Settle", {"Id": "i", "Commit": True})
            assert await numbers(client) == ["2", "2"]
            read = await client.call("dynamodb", "TransactGetItems", {"TransactItems": GETS})
            assert [each["Item"]["n"]["N"] for each in read["Responses"]] == ["2", "2"]
            await client.call("dynamodb", "DeleteTable", {"TableName": OWN})

    run(main())


# Whoever coordinated is gone. What was decided happens, also when a participant was dead all the while.
@pytest.mark.parametrize("dies", [None, OWN, FOREIGN])
def test_a_decision_is_carried_out(tmp_path: Path, dies: str | None) -> None:
    async def main() -> None:
        async with sharded(tmp_path, actors, SHARDS) as worlds:
            client, actor = await prepared(worlds)
            await decide(actor)
            if dies:
                victim = worlds[shard_of(dies)]
                await victim.host.stop()
                await asyncio.sleep(100)
                await victim.restart()
            await asyncio.sleep(70)       # a job that found nobody tries again within a minute
            assert await numbers(client) == ["2", "2"]

    run(main())


# What was not decided is given up for good: a decision that comes too late is refused.
@pytest.mark.parametrize("dies", [None, OWN, FOREIGN])
def test_what_was_not_decided_is_given_up(tmp_path: Path, dies: str | None) -> None:
    async def main() -> None:
        async with sharded(tmp_path, actors, SHARDS) as worlds:
            client, actor = await prepared(worlds)
            if dies:
                await worlds[shard_of(dies)].restart()
            await asyncio.sleep(intents.RESOLVE_AFTER_S + 60)
            with pytest.raises(AwsError) as refused:
                await decide(actor)
            assert refused.value.error_code == "TransactionConflictException"
            assert await numbers(client) == ["1", "1"]
            for name in (OWN, FOREIGN):
                await client.call("dynamodb", "PutItem", {"TableName": name, "Item": KEY})

    run(main())


# A retry under the same token does nothing; the same token for something else is a mismatch.
def test_a_token_over_several_shards(tmp_path: Path) -> None:
    async def main() -> None:
        async with sharded(tmp_path, actors, SHARDS) as worlds:
            client = worlds[0].client()
            for name in (OWN, FOREIGN):
                await client.call("dynamodb", "CreateTable", schema(name))
            adds: list[Any] = [{"Update": {
                "TableName": name, "Key": KEY, "UpdateExpression": "ADD n :n",
                "ExpressionAttributeValues": {":n": {"N": "1"}}}} for name in (OWN, FOREIGN)]
            for _ in range(3):
                await client.call("dynamodb", "TransactWriteItems",
                                  {"TransactItems": adds, "ClientRequestToken": "token"})
            assert await numbers(client) == ["1", "1"]
            error = await refusal(client, "TransactWriteItems", {
                "TransactItems": adds[::-1], "ClientRequestToken": "token"})
            assert error.error_code == "IdempotentParameterMismatchException"

    run(main())
