"""Backups and point-in-time recovery: each is one moment's state, whatever is written meanwhile; their life, errors.

Behaviour: the API reference of CreateBackup, RestoreTableFromBackup, UpdateContinuousBackups and
RestoreTableToPointInTime; the state at a moment is held against a twin dict that remembers every moment.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.dynamodb import recovery
from actors.runtime.context import Context
from tests.actors.dynamodb.caller import Caller, open_caller

DAY_S = 24 * 3600.0
BY_G: dict[str, Any] = {"IndexName": "by-g", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
                        "Projection": {"ProjectionType": "ALL"}}


class Clocked(Caller):
    """A caller whose requests arrive at the store's own time, and who can hold the store's jobs back."""

    def context(self) -> Context:
        context = super().context()
        context.now = self.store.loop.now
        return context

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.store.loop.now, UTC)

    def items(self, table: str) -> dict[str, Any]:
        pages = self.pages("Scan", TableName=table)
        return {item["pk"]["S"]: item["v"]["N"] for page in pages for item in page["Items"]}

    def put(self, table: str, pk: str, v: str) -> None:
        self.call("PutItem", TableName=table, Item={"pk": {"S": pk}, "v": {"N": v}, "g": {"S": "g" + v}})

    def remove(self, table: str, pk: str) -> None:
        self.call("DeleteItem", TableName=table, Key={"pk": {"S": pk}})


@contextmanager
def open_clocked(directory: Path) -> Iterator[Clocked]:
    with open_caller(directory) as caller:
        yield Clocked(caller.store, caller.actor)


@pytest.fixture
def dynamodb(tmp_path: Path) -> Iterator[Clocked]:
    with open_clocked(tmp_path / "store") as caller:
        caller.create("live", attributes={"g": "S"}, GlobalSecondaryIndexes=[BY_G])
        yield caller


KEYS = st.integers(0, 12).map(str)
WRITES = st.lists(st.tuples(KEYS, st.none() | st.integers(0, 99).map(str)), max_size=8)


def write(dynamodb: Clocked, twin: dict[str, str], writes: list[tuple[str, str | None]]) -> None:
    for pk, v in writes:
        if v is None:
            dynamodb.remove("live", pk)
            twin.pop(pk, None)
        else:
            dynamodb.put("live", pk, v)
            twin[pk] = v


# A backup taken, and a restore to the moment begun, while writes go on between any two steps: both equal the twin at
# their moment. Steps are of two rows, so that many writes fall into the middle of each phase.
@settings(max_examples=25, deadline=None, print_blob=True)
@given(before=WRITES, rounds=st.lists(WRITES, min_size=4, max_size=12))
def test_a_copy_is_one_moment(before: list[Any], rounds: list[list[Any]]) -> None:
    with tempfile.TemporaryDirectory() as directory, open_clocked(Path(directory)) as dynamodb, \
            pytest.MonkeyPatch.context() as patch:
        patch.setattr("actors.dynamodb.copies.STEP_ROWS", 2)
        dynamodb.create("live", attributes={"g": "S"}, GlobalSecondaryIndexes=[BY_G])
        twin: dict[str, str] = {}
        write(dynamodb, twin, before)
        recover(dynamodb)
        write(dynamodb, twin, before[::-1])
        dynamodb.store.loop.advance(1)
        past_moment, past_twin = dynamodb.now, dict(twin)
        dynamodb.store.loop.advance(1)
        write(dynamodb, twin, rounds[0])
        moment = dict(twin)
        hold(dynamodb, patch)
        arn = dynamodb.call("CreateBackup", TableName="live", BackupName="one")["BackupDetails"]["BackupArn"]
        dynamodb.call("RestoreTableToPointInTime", SourceTableName="live", TargetTableName="latest",
                      UseLatestRestorableTime=True)
        dynamodb.call("RestoreTableToPointInTime", SourceTableName="live", TargetTableName="past",
                      RestoreDateTime=past_moment)
        for writes in rounds[1:]:
            write(dynamodb, twin, writes)
            dynamodb.store.loop.advance(1)       # one step of each job
        hold(dynamodb, patch, wait_s=0)
        dynamodb.store.loop.advance(120)
        dynamodb.call("RestoreTableFromBackup", BackupArn=arn, TargetTableName="restored")
        dynamodb.store.loop.run()
        for name, state in {"live": twin, "latest": moment, "past": past_twin, "restored": moment}.items():
            assert dynamodb.items(name) == state, name
            index = [page["Items"] for page in dynamodb.pages("Scan", TableName=name, IndexName="by-g")]
            assert {item["pk"]["S"]: item["v"]["N"] for page in index for item in page} == state
            assert dynamodb.call("DescribeTable", TableName=name)["Table"]["ItemCount"] == len(state)


def recover(dynamodb: Clocked, *, on: bool = True, **more: Any) -> dict[str, Any]:
    wanted = {"PointInTimeRecoveryEnabled": on, **more}
    answer = dynamodb.call("UpdateContinuousBackups", TableName="live", PointInTimeRecoverySpecification=wanted)
    return cast("dict[str, Any]", answer["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"])


def hold(dynamodb: Clocked, patch: pytest.MonkeyPatch, wait_s: float = 1) -> None:
    """Has every step of a copy be followed by a wait, so that the test's writes come between."""
    from actors.dynamodb import copies

    step = getattr(copies, "unheld", copies.step)
    patch.setattr(copies, "unheld", step, raising=False)

    def held(tables: Any, transaction: Any, job: Any, finishes: Any) -> Any:
        after = step(tables, transaction, job, finishes)
        return after if after is None else {**after, "wake_at": transaction.now() + wait_s}

    patch.setattr(copies, "step", held)


# CREATING, then AVAILABLE, then gone; a restored table is CREATING and cannot be used, changed or deleted until filled.
def test_the_life_of_a_backup(dynamodb: Clocked, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(300):
        dynamodb.put("live", str(n), str(n))
    hold(dynamodb, monkeypatch)
    details = dynamodb.call("CreateBackup", TableName="live", BackupName="one")["BackupDetails"]
    assert (details["BackupStatus"], details["BackupType"], details["BackupName"]) == ("CREATING", "USER", "one")
    arn = details["BackupArn"]
    for operation, more in (("DeleteBackup", {}), ("RestoreTableFromBackup", {"TargetTableName": "other"})):
        assert dynamodb.error(operation, BackupArn=arn, **more).error_code == "BackupInUseException"
    dynamodb.store.loop.advance(60)
    described = dynamodb.call("DescribeBackup", BackupArn=arn)["BackupDescription"]
    assert described["BackupDetails"]["BackupStatus"] == "AVAILABLE"
    assert described["SourceTableDetails"]["ItemCount"] == 300
    assert described["SourceTableFeatureDetails"]["GlobalSecondaryIndexes"][0]["IndexName"] == "by-g"
    made = dynamodb.call("RestoreTableFromBackup", BackupArn=arn, TargetTableName="other",
                         GlobalSecondaryIndexOverride=[])["TableDescription"]
    assert (made["TableStatus"], made["RestoreSummary"]["RestoreInProgress"]) == ("CREATING", True)
    assert made["RestoreSummary"]["SourceBackupArn"] == arn
    assert dynamodb.error("Scan", TableName="other").error_code == "ResourceNotFoundException"
    error = dynamodb.error("RestoreTableFromBackup", BackupArn=arn, TargetTableName="other")
    assert (error.error_code, error.message) == (
        "TableInUseException", f"Table: other is already being restored from backup: {arn}")
    assert dynamodb.error("CreateBackup", TableName="other", BackupName="one").message == "Table not found: other"
    for operation, change in (("DeleteTable", {}), ("UpdateTable", {"DeletionProtectionEnabled": True})):
        assert dynamodb.error(operation, TableName="other", **change).error_code == "ResourceInUseException"
    assert dynamodb.error("DeleteBackup", BackupArn=arn).error_code == "BackupInUseException"
    dynamodb.store.loop.advance(60)
    other = dynamodb.call("DescribeTable", TableName="other")["Table"]
    assert (other["TableStatus"], other["ItemCount"], "GlobalSecondaryIndexes" in other) == ("ACTIVE", 300, False)
    assert "RestoreSummary" not in other
    gone = dynamodb.call("DeleteBackup", BackupArn=arn)["BackupDescription"]["BackupDetails"]
    assert gone["BackupStatus"] == "DELETED"
    assert dynamodb.error("DescribeBackup", BackupArn=arn).message == f"Backup not found: {arn}"


# What a backup, a recovery and a deleted table leave behind: nothing, once jobs have cleared it.
def test_nothing_is_left_behind(dynamodb: Clocked) -> None:
    def settle() -> int:
        dynamodb.store.loop.advance(10)
        return dynamodb.rows()

    dynamodb.put("live", "a", "1")
    rows = settle()
    arn = dynamodb.call("CreateBackup", TableName="live", BackupName="one")["BackupDetails"]["BackupArn"]
    recover(dynamodb)
    dynamodb.put("live", "a", "2")
    assert settle() > rows
    recover(dynamodb, on=False)
    dynamodb.call("DeleteBackup", BackupArn=arn)
    assert settle() == rows


# A table deleted while it is being copied: the backup is whole all the same.
def test_a_table_deleted_under_a_backup(dynamodb: Clocked, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(300):
        dynamodb.put("live", str(n), "1")
    hold(dynamodb, monkeypatch)
    arn = dynamodb.call("CreateBackup", TableName="live", BackupName="one")["BackupDetails"]["BackupArn"]
    dynamodb.remove("live", "7")
    dynamodb.call("DeleteTable", TableName="live")
    dynamodb.store.loop.advance(60)
    dynamodb.call("RestoreTableFromBackup", BackupArn=arn, TargetTableName="live")
    dynamodb.store.loop.advance(60)
    assert dynamodb.items("live") == {str(n): "1" for n in range(300)}


# Deleting a table that has recovery on leaves a SYSTEM backup for 35 days.
def test_a_deleted_table_can_be_brought_back(dynamodb: Clocked) -> None:
    recover(dynamodb)
    dynamodb.put("live", "a", "1")
    dynamodb.call("DeleteTable", TableName="live")
    [summary] = dynamodb.call("ListBackups", BackupType="SYSTEM", TableName="live")["BackupSummaries"]
    assert summary["BackupName"] == "live$DeletedTableBackup"
    assert (summary["BackupExpiryDateTime"] - summary["BackupCreationDateTime"]).days == 35
    assert dynamodb.call("ListBackups")["BackupSummaries"] == []
    refused = dynamodb.error("DeleteBackup", BackupArn=summary["BackupArn"])
    assert refused.message == (f"Invalid Request: User is not allowed to delete the system backup with arn "
                               f"{summary['BackupArn']}. It will automatically expire on 2023-12-19T22:13:20.000Z")
    dynamodb.call("RestoreTableFromBackup", BackupArn=summary["BackupArn"], TargetTableName="again")
    dynamodb.store.loop.run()
    assert dynamodb.items("again") == {"a": "1"}
    dynamodb.store.loop.advance(36 * DAY_S)
    assert dynamodb.call("ListBackups", BackupType="ALL")["BackupSummaries"] == []


# The window's edges, as described; history older than it goes, the newer stays.
def test_the_window(dynamodb: Clocked) -> None:
    start = dynamodb.now
    described = recover(dynamodb, RecoveryPeriodInDays=1)
    assert described["PointInTimeRecoveryStatus"] == "ENABLED"
    assert described["EarliestRestorableDateTime"] == described["LatestRestorableDateTime"] == start
    for n in range(600):
        dynamodb.put("live", "a", str(n))
    rows = dynamodb.rows()
    dynamodb.store.loop.advance(DAY_S + 3600)
    assert dynamodb.rows() <= rows - 600
    description = dynamodb.call("DescribeContinuousBackups", TableName="live")["ContinuousBackupsDescription"]
    window = description["PointInTimeRecoveryDescription"]
    assert (window["LatestRestorableDateTime"] - window["EarliestRestorableDateTime"]).total_seconds() == DAY_S
    request = {"SourceTableName": "live", "TargetTableName": "other"}
    error = dynamodb.error("RestoreTableToPointInTime", **request, RestoreDateTime=start)
    assert (error.error_code, error.message) == (
        "InvalidRestoreTimeException", "RestoreDateTime '2023-11-14T22:13:20Z' must be within "
        "EarliestRestorableDateTime '2023-11-14T23:13:20Z' and LatestRestorableDateTime '2023-11-15T23:13:20Z'")
    recover(dynamodb, on=False)
    error = dynamodb.error("RestoreTableToPointInTime", **request, UseLatestRestorableTime=True)
    assert error.error_code == "PointInTimeRecoveryUnavailableException"


# What may be asked of a restore beside its source; indexes may have other names, and no other keys.
# Wording: ack-api-quirks DDB-TABLE-273, 279, 280.
def test_overrides(dynamodb: Clocked) -> None:
    dynamodb.call("UpdateTable", TableName="live", OnDemandThroughput={"MaxReadRequestUnits": 9})
    arn = dynamodb.call("CreateBackup", TableName="live", BackupName="one")["BackupDetails"]["BackupArn"]
    dynamodb.store.loop.advance(60)
    units = {"ReadCapacityUnits": 2, "WriteCapacityUnits": 2}
    other_key = [{"AttributeName": "pk", "KeyType": "HASH"}]
    for overrides, message in (
        ({"ProvisionedThroughputOverride": units}, "Cannot override ProvisionedThroughput unless BillingMode is "
         "PROVISIONED"),
        ({"BillingModeOverride": "PAY_PER_REQUEST", "ProvisionedThroughputOverride": units},
         "Cannot override ProvisionedThroughput if BillingMode is overridden to PAY_PER_REQUEST"),
        ({"BillingModeOverride": "PROVISIONED"},
         "Must override ProvisionedThroughput if BillingMode is overridden to PROVISIONED"),
        ({"BillingModeOverride": "PROVISIONED", "ProvisionedThroughputOverride": units},
         "Must specify provisioned throughput for index by-g"),
        ({"OnDemandThroughputOverride": {"MaxReadRequestUnits": 0}},
         "Requested MaxReadRequestUnits for OnDemandThroughput is outside of valid range"),
        ({"GlobalSecondaryIndexOverride": [{**BY_G, "KeySchema": other_key}]}, "Index by-g does not match a secondary "
         "index that existed in the source table and cannot be created during the restore operation"),
        ({"GlobalSecondaryIndexOverride": [{**BY_G, "ProvisionedThroughput": units}]}, "Cannot override "
         "ProvisionedThroughput if BillingMode is overridden to PAY_PER_REQUEST for index by-g"),
    ):
        error = dynamodb.error("RestoreTableFromBackup", BackupArn=arn, TargetTableName="other", **overrides)
        assert (error.error_code, error.message) == ("ValidationException", f"Invalid Request: {message}")
    dynamodb.call("RestoreTableFromBackup", BackupArn=arn, TargetTableName="same")
    dynamodb.store.loop.advance(60)
    assert dynamodb.call("DescribeTable", TableName="same")["Table"]["OnDemandThroughput"] == {"MaxReadRequestUnits": 9}
    dynamodb.call("RestoreTableFromBackup", BackupArn=arn, TargetTableName="other", BillingModeOverride="PROVISIONED",
                  ProvisionedThroughputOverride=units, GlobalSecondaryIndexOverride=[
                      {**BY_G, "IndexName": "renamed", "ProvisionedThroughput": units}])
    dynamodb.store.loop.advance(60)
    other = dynamodb.call("DescribeTable", TableName="other")["Table"]
    assert [each["IndexName"] for each in other["GlobalSecondaryIndexes"]] == ["renamed"]


RESTORE = {"TargetTableName": "other", "UseLatestRestorableTime": True}


@pytest.mark.parametrize(("operation", "code", "message", "request_"), [
    ("RestoreTableToPointInTime", "ValidationException",
     "Invalid Request: Must provide exactly one of: sourceTableArn, sourceTableName",
     {**RESTORE, "SourceTableName": "live", "SourceTableArn": "arn:x"}),
    ("RestoreTableToPointInTime", "ValidationException",
     "The parameter 'TableName' is required but was not present in the request", RESTORE),
    ("RestoreTableToPointInTime", "ValidationException",
     "One or more parameter values were invalid: sourceTableArn is not a valid ARN",
     {**RESTORE, "SourceTableArn": "x"}),
    ("RestoreTableToPointInTime", "ValidationException", "Invalid Request: Either one of RestoreDateTime or "
     "UseLatestRestorableTime must be specified, but not both",
     {"TargetTableName": "other", "SourceTableName": "live"}),
    ("UpdateContinuousBackups", "ValidationException",
     "Invalid Request: Cannot specify RecoveryPeriodInDays when disabling point-in-time recovery.",
     {"TableName": "live", "PointInTimeRecoverySpecification": {
         "PointInTimeRecoveryEnabled": False, "RecoveryPeriodInDays": 3}}),
    ("DescribeBackup", "ValidationException", "Invalid Backup ARN",
     {"BackupArn": "arn:aws:dynamodb:us-east-1:000000000000:table/live"}),
    ("ListBackups", "ValidationException",
     "One or more parameter values were invalid: Time range lower bound must be less than or equal to upper bound",
     {"TimeRangeLowerBound": datetime(2023, 1, 2, tzinfo=UTC),
      "TimeRangeUpperBound": datetime(2023, 1, 1, tzinfo=UTC)}),
    ("CreateBackup", "TableNotFoundException", "Table not found: none", {"TableName": "none", "BackupName": "one"}),
    ("DescribeContinuousBackups", "TableNotFoundException", "Table not found: none", {"TableName": "none"}),
    ("UpdateContinuousBackups", "TableNotFoundException", "Table not found: none",
     {"TableName": "none", "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}}),
    ("RestoreTableFromBackup", "BackupNotFoundException",
     "Backup not found: arn:aws:dynamodb:us-east-1:000000000000:table/live/backup/0-0",
     {"BackupArn": "arn:aws:dynamodb:us-east-1:000000000000:table/live/backup/0-0", "TargetTableName": "other"}),
])
def test_errors(dynamodb: Clocked, operation: str, code: str, message: str, request_: dict[str, Any]) -> None:
    error = dynamodb.error(operation, **request_)
    assert (error.error_code, error.message) == (code, message)


# Pages of ListBackups, its filters, and the order of their making.
def test_listing(dynamodb: Clocked) -> None:
    dynamodb.create("second")
    for n in range(5):
        dynamodb.store.loop.advance(1)
        dynamodb.call("CreateBackup", TableName="live" if n % 2 else "second", BackupName=f"backup-{n}")
    names: list[str] = []
    request: dict[str, Any] = {"Limit": 2}
    while True:
        page = dynamodb.call("ListBackups", **request)
        names += [each["BackupName"] for each in page["BackupSummaries"]]
        if "LastEvaluatedBackupArn" not in page:
            break
        request["ExclusiveStartBackupArn"] = page["LastEvaluatedBackupArn"]
    assert names == [f"backup-{n}" for n in range(5)]
    found = dynamodb.call("ListBackups", TableName="live")["BackupSummaries"]
    assert [each["BackupName"] for each in found] == ["backup-1", "backup-3"]
    since = dynamodb.call("ListBackups", TimeRangeLowerBound=found[1]["BackupCreationDateTime"])["BackupSummaries"]
    assert [each["BackupName"] for each in since] == ["backup-3", "backup-4"]


# A copy, a restore and the window's pruning go on after the process died in their middle.
def test_restarts(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        with open_clocked(tmp_path / "store") as dynamodb:
            dynamodb.create("live")
            recover(dynamodb)
            for n in range(300):
                dynamodb.put("live", str(n), "1")
            hold(dynamodb, patch, wait_s=recovery.PRUNE_INTERVAL_S)
            arn = dynamodb.call("CreateBackup", TableName="live", BackupName="one")["BackupDetails"]["BackupArn"]
            dynamodb.call("RestoreTableToPointInTime", SourceTableName="live", TargetTableName="other",
                          UseLatestRestorableTime=True)
            dynamodb.remove("live", "299")
        hold(dynamodb, patch, wait_s=0)
        with open_clocked(tmp_path / "store") as dynamodb:
            dynamodb.remove("live", "7")
            dynamodb.store.loop.advance(2 * recovery.PRUNE_INTERVAL_S)
            dynamodb.call("RestoreTableFromBackup", BackupArn=arn, TargetTableName="third")
            dynamodb.store.loop.advance(60)
            assert dynamodb.items("other") == dynamodb.items("third") == {str(n): "1" for n in range(300)}
            assert len(dynamodb.items("live")) == 298
