"""Three shards answer as one does, whatever slot a request is sent to, and lose nothing but what is lost.

The twin is the same program with one shard: AWS knows nothing of shards, so whatever can be told apart is a deviation.
"""

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.dynamodb.service import DynamoDB
from actors.dynamodbstreams.service import DynamoDBStreams
from actors.runtime.access import Access
from actors.runtime.actor import ServiceActor
from actors.runtime.context import Context
from actors.runtime.parts import merged
from bus.client import Client
from bus.subjects import PART, SERVICE
from bus.transport import BusError
from bus.virtual_time import run
from schemas.envelope import Identity
from schemas.errors import AwsError
from schemas.routing import Share, slot_of
from tests.actors.sts.skies import OTHER, document, skies
from tests.world import ACCOUNT, ROOT, World, sharded

SHARDS = 3
NAMES = [f"table-{number}" for number in range(8)]
KEYS = [{"S": name} for name in "abc"]


def actors(number: int) -> Sequence[ServiceActor]:
    return [DynamoDB(), DynamoDBStreams()]


def shard_of(name: str) -> int:
    return Share(0, SHARDS).holder(slot_of(ACCOUNT, "us-east-1", name)).number


def test_the_names_are_in_several_shards() -> None:
    assert {shard_of(name) for name in NAMES} == set(range(SHARDS))


def schema(name: str, **more: Any) -> dict[str, Any]:
    return {"TableName": name, "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}], **more}


async def outcome(client: Client, operation: str, params: dict[str, Any], at: str = "") -> Any:
    """What a caller can tell: the answer, less times and identities, or the error."""
    try:
        answer = await client.call("dynamodb", operation, params, at=at)
    except AwsError as error:
        return error.error_code, error.message, error.fields
    if operation in ("CreateTable", "DeleteTable"):
        return answer["TableDescription"]["TableName"]
    if operation == "ListBackups":
        told = [(each["BackupName"], each["TableName"]) for each in answer["BackupSummaries"]]
        return told, "LastEvaluatedBackupArn" in answer
    if operation == "CreateBackup":
        return answer["BackupDetails"]["BackupName"]
    return answer


name = st.sampled_from(NAMES)
key = st.sampled_from(KEYS)
item = key.map(lambda value: {"pk": value, "n": {"N": "1.0"}})
write = st.one_of(item.map(lambda each: {"PutRequest": {"Item": each}}),
                  key.map(lambda each: {"DeleteRequest": {"Key": {"pk": each}}}))
# Names that are none, keys that are none and tables that are not there are among them.
tables = st.one_of(name, name, name, st.just("x"), st.just("absent"))
told = st.sampled_from([{}, {"ReturnConsumedCapacity": "TOTAL"}])
statement = st.one_of(
    st.builds(lambda table, at: {"Statement": f"SELECT * FROM \"{table}\" WHERE pk='{at['S']}'"}, tables, key),
    st.builds(lambda table, at: {"Statement": f"INSERT INTO \"{table}\" VALUE {{'pk': '{at['S']}'}}"}, tables, key),
    st.just({"Statement": "SELECT"}),
)
step = st.one_of(
    st.tuples(st.just("CreateTable"), name.map(schema)),
    st.tuples(st.just("CreateTable"), name.map(schema)),
    st.tuples(st.just("DeleteTable"), name.map(lambda table: {"TableName": table})),
    st.tuples(st.just("PutItem"), st.builds(lambda table, each: {"TableName": table, "Item": each}, tables, item)),
    st.tuples(st.just("Scan"), tables.map(lambda table: {"TableName": table})),
    st.tuples(st.just("ListTables"), st.builds(
        lambda limit, after: {"Limit": limit, **({"ExclusiveStartTableName": after} if after else {})},
        st.integers(1, 9), st.sampled_from(["", *NAMES, "absent"]))),
    st.tuples(st.just("CreateBackup"), name.map(lambda table: {"TableName": table, "BackupName": f"of-{table}"})),
    st.tuples(st.just("ListBackups"), st.builds(lambda limit: {"Limit": limit}, st.integers(1, 9))),
    st.tuples(st.just("BatchWriteItem"), st.builds(
        lambda wanted, more: {"RequestItems": wanted, **more},
        st.dictionaries(tables, st.lists(write, min_size=1, max_size=3), max_size=4), told)),
    st.tuples(st.just("BatchGetItem"), st.builds(
        lambda wanted, more: {"RequestItems": {table: {"Keys": [{"pk": each} for each in keys]}
                                               for table, keys in wanted.items()}, **more},
        st.dictionaries(tables, st.lists(key, min_size=1, max_size=3), max_size=4), told)),
    st.tuples(st.just("ExecuteStatement"), statement),
    st.tuples(st.just("BatchExecuteStatement"), st.builds(
        lambda statements, more: {"Statements": statements, **more},
        st.lists(statement, min_size=1, max_size=4), told)),
    st.tuples(st.just("TransactWriteItems"), st.builds(
        lambda puts, check, more: {"TransactItems": [
            {"Put": {"TableName": table, "Item": each, "ConditionExpression": check}} for table, each in puts], **more},
        st.lists(st.tuples(tables, item), min_size=1, max_size=4),
        st.sampled_from(["attribute_not_exists(pk)", "attribute_not_exists(m)", "attribute_not_exists(pk.a)"]), told)),
    st.tuples(st.just("TransactGetItems"), st.builds(
        lambda keys: {"TransactItems": [{"Get": {"TableName": table, "Key": {"pk": each}}} for table, each in keys]},
        st.lists(st.tuples(tables, key), min_size=1, max_size=4))),
    st.tuples(st.just("ExecuteTransaction"), st.builds(
        lambda statements: {"TransactStatements": statements}, st.lists(statement, min_size=1, max_size=4))),
)
PLAN = st.lists(st.tuples(step, st.sampled_from(["", "", "any", "00", "7f", "ff"])), min_size=3, max_size=25)


async def follow(directory: Path, count: int, plan: list[Any]) -> list[Any]:
    async with sharded(directory, actors, count) as worlds:
        client = worlds[0].client()
        made = [await outcome(client, "CreateTable", schema(table)) for table in NAMES[::2]]
        return made + [await outcome(client, operation, params, at) for (operation, params), at in plan]


@settings(max_examples=25, deadline=None, print_blob=True)
@given(plan=PLAN)
def test_three_shards_answer_as_one(plan: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        one = run(follow(Path(directory) / "one", 1, plan))
        three = run(follow(Path(directory) / "three", SHARDS, plan))
    for asked, expected, found in zip([*NAMES[::2], *plan], one, three, strict=True):
        assert found == expected, asked


PAGED = st.lists(st.lists(st.integers(0, 40), max_size=12, unique=True).map(sorted), min_size=1, max_size=4)


# The pages of a merged list, one after the other, are all of it, once, in order; each full but the last.
@given(found=PAGED, limit=st.integers(1, 5), reverse=st.booleans())
def test_merged_pages(found: list[list[int]], limit: int, reverse: bool) -> None:
    whole = sorted({(value, shard) for shard, values in enumerate(found) for value in values}, reverse=reverse)
    read: list[Any] = []
    while True:
        answers = []
        for shard, values in enumerate(found):
            left = sorted(((value, shard) for value in values), reverse=reverse)
            left = [each for each in left if not read or (each < read[-1] if reverse else each > read[-1])]
            answers.append({"Rows": left[:limit], **({"More": "x"} if len(left) > limit else {})})
        page, has_more = merged(answers, "Rows", "More", limit, lambda each: each, reverse=reverse)
        read += page
        assert has_more == (len(read) < len(whole))
        if not has_more:
            break
        assert len(page) == limit
    assert read == whole


# A direct publisher may write any slot into its subject: a table is made once, where everybody looks for it.
def test_a_wrong_slot_makes_no_second_table(tmp_path: Path) -> None:
    async def main() -> None:
        async with sharded(tmp_path, actors, SHARDS) as worlds:
            client = worlds[0].client()
            for at in ("00", "7f", "ff"):
                told = await outcome(client, "CreateTable", schema(NAMES[0]), at)
                assert told == NAMES[0] or told[0] == "ResourceInUseException"
            assert (await client.call("dynamodb", "ListTables", {}))["TableNames"] == [NAMES[0]]

    run(main())


# What a direct publisher says of itself is no truer for having been relayed through the services' door.
def test_a_relayed_request_has_no_source(tmp_path: Path) -> None:
    heard: list[dict[str, str]] = []

    class Hearing(DynamoDB):
        def accesses(self, context: Context, request: Mapping[str, Any]) -> Sequence[Access]:
            heard.append(context.source)
            return super().accesses(context, request)

    async def main() -> None:
        async with sharded(tmp_path, lambda number: [Hearing()], SHARDS) as worlds:
            for at in ("00", "7f", "ff"):
                with pytest.raises(AwsError):
                    await worlds[0].client().call("dynamodb", "DescribeTable", {"TableName": NAMES[0]}, at=at,
                                                  source={"ip": "10.0.0.1", "arn": "arn:aws:s3:::box"})
            assert heard == [{}] * 3

    run(main())


# What no model has is for actors: a direct publisher that asks for it is told that there is no such operation.
def test_steps_are_for_actors_only(tmp_path: Path) -> None:
    async def main() -> None:
        async with sharded(tmp_path, actors, SHARDS) as worlds:
            wanted: dict[str, Any] = {"Table": NAMES[0], "Transfer": "x", "Rows": [], "IsLast": True}
            with pytest.raises(AwsError) as caught:
                await worlds[0].client().call("dynamodb", f"{PART}TakeRows", wanted, at="00")
            assert caught.value.error_code == "UnknownOperationException"
            own = worlds[0].client(Identity(SERVICE, ACCOUNT, ROOT.principal))
            with pytest.raises(AwsError) as caught:
                await own.call("dynamodb", f"{PART}TakeRows", wanted, at="00")
            assert caught.value.error_code == "ResourceNotFoundException"

    run(main())


def test_streams_are_read_where_their_table_is(tmp_path: Path) -> None:
    async def main() -> None:
        async with sharded(tmp_path, actors, SHARDS) as worlds:
            client = worlds[1].client()
            stream = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
            for table in NAMES:
                await client.call("dynamodb", "CreateTable", schema(table, StreamSpecification=stream))
                await client.call("dynamodb", "PutItem", {"TableName": table, "Item": {"pk": {"S": table}}})
            listed: list[str] = []
            page: dict[str, Any] = {"LastEvaluatedStreamArn": None}
            while "LastEvaluatedStreamArn" in page:
                after = {"ExclusiveStartStreamArn": page["LastEvaluatedStreamArn"]} if listed else {}
                page = await client.call("dynamodbstreams", "ListStreams", {"Limit": 3, **after})
                listed += [each["StreamArn"] for each in page["Streams"]]
            assert [arn.split("/")[1] for arn in listed] == NAMES
            for arn, table in zip(listed, NAMES, strict=True):
                assert await keys_of(client, arn) == [{"pk": {"S": table}}]

    async def keys_of(client: Client, arn: str) -> list[Any]:
        described = await client.call("dynamodbstreams", "DescribeStream", {"StreamArn": arn})
        [shard] = described["StreamDescription"]["Shards"]
        place = await client.call("dynamodbstreams", "GetShardIterator", {
            "StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"})
        read = await client.call("dynamodbstreams", "GetRecords", {"ShardIterator": place["ShardIterator"]})
        return [record["dynamodb"]["Keys"] for record in read["Records"]]

    run(main())


async def made(worlds: list[World]) -> Client:
    client = worlds[0].client()
    for table in NAMES:
        await client.call("dynamodb", "CreateTable", schema(table))
    return client


# A shard that is gone takes its tables with it and no others; a batch does what can be done.
def test_what_a_dead_shard_takes_with_it(tmp_path: Path) -> None:
    async def main() -> None:
        async with sharded(tmp_path, actors, SHARDS) as worlds:
            client = await made(worlds)
            await worlds[2].host.stop()
            gone = [table for table in NAMES if shard_of(table) == 2]
            for table in NAMES:
                put = {"TableName": table, "Item": {"pk": {"S": "a"}}}
                if table in gone:
                    with pytest.raises(BusError):
                        await client.call("dynamodb", "PutItem", put)
                    with pytest.raises(AwsError) as refused:          # relayed, or found by nobody
                        await client.call("dynamodb", "PutItem", put, at="any")
                    assert refused.value.error_code == "ServiceUnavailable"
                else:
                    await client.call("dynamodb", "PutItem", put)
            puts = [{"PutRequest": {"Item": {"pk": {"S": "b"}}}}]
            batch = await client.call("dynamodb", "BatchWriteItem", {"RequestItems": dict.fromkeys(NAMES, puts)})
            assert batch["UnprocessedItems"] == dict.fromkeys(gone, puts)
            wanted = {table: {"Keys": [{"pk": {"S": "b"}}]} for table in NAMES}
            batch = await client.call("dynamodb", "BatchGetItem", {"RequestItems": wanted})
            assert batch["UnprocessedKeys"] == {table: wanted[table] for table in gone}
            assert batch["Responses"] == {table: [{"pk": {"S": "b"}}] for table in NAMES if table not in gone}
            statements = [{"Statement": f"SELECT * FROM \"{table}\" WHERE pk='b'"} for table in NAMES]
            batch = await client.call("dynamodb", "BatchExecuteStatement", {"Statements": statements})
            codes = [each.get("Error", {}).get("Code") for each in batch["Responses"]]
            assert codes == ["InternalServerError" if table in gone else None for table in NAMES]
            with pytest.raises(AwsError) as refused:                  # a list that lacks a third is no list
                await client.call("dynamodb", "ListTables", {})
            assert refused.value.error_code == "ServiceUnavailable"
            await worlds[2].host.start()
            assert (await client.call("dynamodb", "ListTables", {}))["TableNames"] == NAMES

    run(main())


# A batch of which one table is not there writes nothing, wherever the others are.
def test_a_refused_batch_writes_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with sharded(tmp_path, actors, SHARDS) as worlds:
            client = await made(worlds)
            puts = [{"PutRequest": {"Item": {"pk": {"S": "a"}}}}]
            with pytest.raises(AwsError) as refused:
                await client.call("dynamodb", "BatchWriteItem",
                                  {"RequestItems": dict.fromkeys([*NAMES, "absent"], puts)})
            assert refused.value.error_code == "ResourceNotFoundException"
            for table in NAMES:
                assert (await client.call("dynamodb", "Scan", {"TableName": table}))["Count"] == 0

    run(main())


# Each shard keeps to 16 MB; three of them together do too, and what is left out is asked for again.
def test_a_batch_of_all_shards_keeps_to_the_limit(tmp_path: Path) -> None:
    async def main() -> None:
        async with sharded(tmp_path, actors, SHARDS) as worlds:
            client = await made(worlds)
            keys = [{"pk": {"S": f"{number}"}} for number in range(25)]
            tables = [next(table for table in NAMES if shard_of(table) == shard) for shard in range(SHARDS)]
            for table in tables:
                for each in keys:
                    await client.call("dynamodb", "PutItem",
                                      {"TableName": table, "Item": {**each, "text": {"S": "x" * 399_000}}})
            left: dict[str, Any] = {table: {"Keys": keys} for table in tables}
            read: list[str] = []
            while left:
                batch = await client.call("dynamodb", "BatchGetItem", {"RequestItems": left})
                found = [(table, each) for table, items in batch["Responses"].items() for each in items]
                assert sum(len(each["text"]["S"]) for _, each in found) <= 16 << 20
                read += [f"{table}/{each['pk']['S']}" for table, each in found]
                left = batch["UnprocessedKeys"]
            assert sorted(read) == sorted(f"{table}/{number}" for table in tables for number in range(25))

    run(main())


def test_state_survives_in_each_shard(tmp_path: Path) -> None:
    async def main() -> None:
        async with sharded(tmp_path, actors, SHARDS) as worlds:
            await made(worlds)
            await asyncio.gather(*(each.restart() for each in worlds))
            assert (await worlds[0].client().call("dynamodb", "ListTables", {}))["TableNames"] == NAMES

    run(main())


# --- restores into another shard


async def described(client: Client, table: str) -> dict[str, Any]:
    """Once it is there to be used."""
    for _ in range(200):
        found = (await client.call("dynamodb", "DescribeTable", {"TableName": table}))["Table"]
        if found["TableStatus"] == "ACTIVE":
            return dict(found)
        await asyncio.sleep(0.5)
    raise AssertionError(f"{table} is still being made")


async def items_of(client: Client, table: str, **more: Any) -> list[str]:
    page = await client.call("dynamodb", "Scan", {"TableName": table, **more})
    return sorted(each["pk"]["S"] for each in page["Items"])


def target_of(source: str, elsewhere: bool) -> str:
    return next(name for name in (f"made-{number}" for number in range(99))
                if (shard_of(name) != shard_of(source)) == elsewhere)


INDEX = {"IndexName": "by-n", "KeySchema": [{"AttributeName": "n", "KeyType": "HASH"}],
         "Projection": {"ProjectionType": "ALL"}}
INDEXED = {"GlobalSecondaryIndexes": [INDEX], "AttributeDefinitions": [
    {"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "n", "AttributeType": "N"}]}
COUNT = 200                               # several steps of a transfer


async def filled(client: Client, table: str) -> list[str]:
    await client.call("dynamodb", "CreateTable", schema(table) | INDEXED)
    names = [f"{number:03}" for number in range(COUNT)]
    for name in names:
        await client.call("dynamodb", "PutItem", {"TableName": table, "Item": {"pk": {"S": name}, "n": {"N": "1"}}})
    return names


@pytest.mark.parametrize("elsewhere", [False, True])
@pytest.mark.parametrize("restarted", [None, "source", "target"])
def test_a_backup_is_restored_wherever_the_table_is(tmp_path: Path, elsewhere: bool, restarted: str | None) -> None:
    async def main() -> None:
        async with sharded(tmp_path, actors, SHARDS) as worlds:
            client = worlds[0].client()
            source, target = NAMES[0], target_of(NAMES[0], elsewhere)
            names = await filled(client, source)
            backup = (await client.call("dynamodb", "CreateBackup", {"TableName": source, "BackupName": "first"}))[
                "BackupDetails"]["BackupArn"]
            await asyncio.sleep(10)
            await client.call("dynamodb", "DeleteItem", {"TableName": source, "Key": {"pk": {"S": names[0]}}})
            wanted = {"BackupArn": backup, "TargetTableName": target}
            answer = await client.call("dynamodb", "RestoreTableFromBackup", wanted)
            assert answer["TableDescription"]["TableStatus"] == "CREATING"
            if elsewhere:                 # within a shard it is done by now
                with pytest.raises(AwsError) as refused:
                    await client.call("dynamodb", "DeleteBackup", {"BackupArn": backup})
                assert refused.value.error_code == "BackupInUseException"
            with pytest.raises(AwsError) as refused:
                await client.call("dynamodb", "RestoreTableFromBackup", wanted)
            assert refused.value.error_code == ("TableInUseException" if elsewhere else "TableAlreadyExistsException")
            if restarted:
                await worlds[shard_of(source if restarted == "source" else target)].restart()
            client = worlds[0].client()
            made = await described(client, target)
            assert made["ItemCount"] == COUNT
            assert "RestoreSummary" not in made
            assert await items_of(client, target) == names
            assert await items_of(client, target, IndexName="by-n") == names
            await asyncio.sleep(120)      # what was refused gives up by itself
            await client.call("dynamodb", "DeleteBackup", {"BackupArn": backup})
            with pytest.raises(AwsError) as refused:
                await client.call("dynamodb", "RestoreTableFromBackup", wanted | {"TargetTableName": "another"})
            assert refused.value.error_code == "BackupNotFoundException"

    run(main())


def test_a_moment_is_restored_into_another_shard(tmp_path: Path) -> None:
    async def main() -> None:
        async with sharded(tmp_path, actors, SHARDS) as worlds:
            client = worlds[0].client()
            source, target = NAMES[0], target_of(NAMES[0], elsewhere=True)
            names = await filled(client, source)
            await client.call("dynamodb", "UpdateContinuousBackups", {
                "TableName": source, "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}})
            await client.call("dynamodb", "DeleteItem", {"TableName": source, "Key": {"pk": {"S": names[0]}}})
            await client.call("dynamodb", "RestoreTableToPointInTime", {
                "SourceTableName": source, "TargetTableName": target, "UseLatestRestorableTime": True})
            for name in names[1:50]:      # while it is copied and sent
                await client.call("dynamodb", "DeleteItem", {"TableName": source, "Key": {"pk": {"S": name}}})
            await described(client, target)
            assert await items_of(client, target) == names[1:]
            assert await items_of(client, source) == names[50:]

    run(main())


# --- who may

OWN, FOREIGN = NAMES[0], next(name for name in NAMES if shard_of(name) != shard_of(NAMES[0]))


# Each part is authorised where it is done: a batch over two shards needs both tables, and says nothing of what is there
# to whom it may not be told.
def test_parts_are_authorised(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path, shards=SHARDS) as sky:
            arn = await sky.table(OWN)
            await sky.table(FOREIGN)
            alice = await sky.user("alice", {"Action": "dynamodb:*", "Resource": arn})
            put = [{"PutRequest": {"Item": {"pk": {"S": "a"}}}}]
            await alice.call("dynamodb", "BatchWriteItem", RequestItems={OWN: put})
            for other in (FOREIGN, "absent"):
                await alice.denied("dynamodb", "BatchWriteItem", RequestItems={OWN: put, other: put})
                await alice.denied("dynamodb", "BatchGetItem",
                                   RequestItems={name: {"Keys": [{"pk": {"S": "a"}}]} for name in (OWN, other)})
            await alice.denied("dynamodb", "ListTables")
            bob = await sky.user("bob", {"Action": "dynamodb:ListTables", "Resource": "*"})
            assert (await bob.call("dynamodb", "ListTables"))["TableNames"] == sorted([OWN, FOREIGN])

    run(main())


# A resource policy is where its table is, and so is a table of another account.
def test_another_accounts_table(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path, shards=SHARDS) as sky:
            for name in NAMES:
                arn = await sky.table(name)
                policy = document({"Principal": {"AWS": OTHER}, "Resource": arn,
                                   "Action": ["dynamodb:BatchWriteItem", "dynamodb:PutItem", "dynamodb:GetItem"]})
                await sky.root().call("dynamodb", "PutResourcePolicy", ResourceArn=arn, Policy=policy)
            guest = await sky.user("guest", {"Action": "dynamodb:*", "Resource": "*"}, account=OTHER)
            arns = [f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/{name}" for name in NAMES]
            for arn in arns:
                await guest.call("dynamodb", "PutItem", TableName=arn, Item={"pk": {"S": "a"}})
                assert "Item" in await guest.call("dynamodb", "GetItem", TableName=arn, Key={"pk": {"S": "a"}})
            put = [{"PutRequest": {"Item": {"pk": {"S": "b"}}}}]
            answer = await guest.call("dynamodb", "BatchWriteItem", RequestItems=dict.fromkeys(arns, put))
            assert answer["UnprocessedItems"] == {}
            for name in NAMES:
                assert (await sky.root().call("dynamodb", "Scan", TableName=name))["Count"] == 2

    run(main())
