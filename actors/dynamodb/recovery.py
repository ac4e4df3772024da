"""Point-in-time recovery: switched on and off, its window, and restoring a table to a moment in it.

On means that old images are kept (history.py); a job prunes them to the window.
Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Point-in-time-recovery.html and the API's
UpdateContinuousBackups, RestoreTableToPointInTime.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from actors.dynamodb import history, restores
from actors.dynamodb.catalogue import Catalogue
from actors.dynamodb.descriptions import moment as to_datetime
from actors.dynamodb.errors import InvalidRestoreTimeException, PointInTimeRecoveryUnavailableException
from actors.dynamodb.state import Table
from actors.dynamodb.table_records import record_of, release_history, save
from actors.runtime.actor import JOB_STEP_ROWS
from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot, Transaction
from schemas.errors import ValidationException

PRUNE_JOB = "prune_history"
PRUNE_INTERVAL_S = 600.0
WINDOW_DAYS = 35                          # AWS's default and maximum
DAY_S = 24 * 3600.0

Request = Mapping[str, Any]
Answer = dict[str, Any]


def update(tables: Catalogue, context: Context, transaction: Transaction, request: Request) -> Answer:
    table = tables.backed_up(transaction, context.scope, request["TableName"])
    wanted = request["PointInTimeRecoverySpecification"]
    record = record_of(transaction, table)
    if wanted["PointInTimeRecoveryEnabled"]:
        _enable(transaction, table, record, wanted.get("RecoveryPeriodInDays"))
    elif wanted.get("RecoveryPeriodInDays") is not None:
        raise restores.invalid("Cannot specify RecoveryPeriodInDays when disabling point-in-time recovery.")
    elif "since" in record.get("history", ()):
        del record["history"]["since"], record["history"]["days"]
        save(transaction, record)
        release_history(tables, transaction, context.scope, table.table_name, record["history"]["space"])
        record = record_of(transaction, table)
    return {"ContinuousBackupsDescription": _description(record, transaction.now())}


def _enable(transaction: Transaction, table: Table, record: dict[str, Any], days: int | None) -> None:
    space = history.begin(transaction, record)
    kept = record["history"]
    if "since" not in kept:
        kept["since"] = history.take_moment(transaction, space)
        transaction.start_job(PRUNE_JOB, {"table": [table.account, table.region, table.table_name], "space": space,
                                          "since": kept["since"], "wake_at": transaction.now() + PRUNE_INTERVAL_S})
    kept["days"] = days or kept.get("days", WINDOW_DAYS)
    save(transaction, record)


def described(tables: Catalogue, context: Context, snapshot: Snapshot, request: Request) -> Answer:
    table = tables.backed_up(snapshot, context.scope, request["TableName"])
    return {"ContinuousBackupsDescription": _description(record_of(snapshot, table), context.now)}


def _description(record: dict[str, Any], now: float) -> Answer:
    """ContinuousBackupsStatus is ENABLED for every table; what can be switched is the recovery."""
    kept = record.get("history", {})
    recovery: Answer = {"PointInTimeRecoveryStatus": "DISABLED"}
    if "since" in kept:
        recovery = {
            "PointInTimeRecoveryStatus": "ENABLED", "RecoveryPeriodInDays": kept["days"],
            "EarliestRestorableDateTime": to_datetime(_earliest(kept, now) / history.MICROSECONDS),
            "LatestRestorableDateTime": to_datetime(now),
        }
    return {"ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": recovery}


def _earliest(kept: Request, now: float) -> int:
    return max(int(kept["since"]), int((now - kept["days"] * DAY_S) * history.MICROSECONDS))


def to_restore(tables: Catalogue, context: Context, transaction: Transaction, request: Request) -> restores.Source:
    """The table at the moment asked for. TableNotFoundException, InvalidRestoreTimeException and their like."""
    name, arn = request.get("SourceTableName"), request.get("SourceTableArn")
    _check_source(name, arn)
    when, latest = request.get("RestoreDateTime"), request.get("UseLatestRestorableTime")
    if latest and when is not None:
        raise restores.invalid(
            "Both RestoreDateTime and UseLatestRestorableTime cannot be set for point-in-time restore request. "
            "Please specify either RestoreDateTime time or UseLatestRestorableTime")
    if not latest and when is None:
        raise restores.invalid(
            "Either one of RestoreDateTime or UseLatestRestorableTime must be specified, but not both")
    table = tables.backed_up(transaction, context.scope, name or str(arn))
    moment, space = at_moment(transaction, table, when, _outside(transaction, table, when))
    summary = {"SourceTableArn": table.arn, "RestoreDateTime": moment / history.MICROSECONDS, "RestoreInProgress": True}
    return restores.Source(table.space_number, table.description, summary, space, moment, table)


def _check_source(name: str | None, arn: str | None) -> None:
    if name is not None and arn is not None:
        raise restores.invalid("Must provide exactly one of: sourceTableArn, sourceTableName")
    if name is None and arn is None:
        raise ValidationException("The parameter 'TableName' is required but was not present in the request")
    if arn is not None and not arn.startswith("arn:"):
        raise ValidationException("One or more parameter values were invalid: sourceTableArn is not a valid ARN")


def _outside(transaction: Transaction, table: Table, when: datetime | None) -> InvalidRestoreTimeException:
    """What to say of a time outside the window, if there is one."""
    kept, now = record_of(transaction, table).get("history", {}), transaction.now()
    if when is None or "since" not in kept:
        return InvalidRestoreTimeException("RestoreDateTime must be within the recovery window")
    earliest = to_datetime(_earliest(kept, now) / history.MICROSECONDS)
    first, last, asked = (each.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
                          for each in (earliest, to_datetime(now), when))
    return InvalidRestoreTimeException(
        f"RestoreDateTime '{asked}' must be within EarliestRestorableDateTime '{first}' and "
        f"LatestRestorableDateTime '{last}'")


def at_moment(transaction: Transaction, table: Table, when: Any, invalid: Exception) -> tuple[int, int]:
    """The moment a datetime names (None: now) and the table's history space. PointInTimeRecoveryUnavailableException
    when it keeps none; `invalid` when the moment is outside the window."""
    kept = record_of(transaction, table).get("history", {})
    if "since" not in kept:
        raise PointInTimeRecoveryUnavailableException(
            f"Point in time recovery is not enabled for table '{table.table_name}'")
    now = history.take_moment(transaction, kept["space"])
    moment = now if when is None else int(when.timestamp() * history.MICROSECONDS)
    # A second is named without its fraction: the one in which recovery began is meant to be in the window.
    earliest = _earliest(kept, transaction.now())
    if not earliest // history.MICROSECONDS * history.MICROSECONDS <= moment <= now:
        raise invalid
    return max(moment, earliest), kept["space"]


def prune_step(tables: Catalogue, transaction: Transaction, job: Answer) -> Answer | None:
    """Removes what lies before the window and no copy under way needs; ends when recovery is off."""
    account, region, name = job["table"]
    table = tables.find(transaction, (account, region), name)
    kept = {} if table is None else record_of(transaction, table).get("history", {})
    if (kept.get("space"), kept.get("since")) != (job["space"], job["since"]):
        return None
    before = _earliest(kept, transaction.now())
    needed = history.copied_from(transaction, job["space"])
    keys = list(islice(history.oldest(transaction, job["space"], before if needed is None else min(before, needed)),
                       JOB_STEP_ROWS))
    for key in keys:
        transaction.delete(key)
    return {**job, "wake_at": 0.0 if len(keys) == JOB_STEP_ROWS else transaction.now() + PRUNE_INTERVAL_S}


def is_on(snapshot: Snapshot, table: Table) -> bool:
    return "since" in record_of(snapshot, table).get("history", ())


