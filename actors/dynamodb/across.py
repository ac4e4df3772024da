"""What concerns tables of several shards: each shard is asked for its part, and the parts are put together as one shard
would have answered. Met only where DynamoDB has several shards (actors/runtime/DESIGN.md).

Lists are merged in their order, page by page. Batches are split by table; what a shard could not do for now comes back
as unprocessed, as on AWS, unless no shard could do anything.
"""

from collections.abc import Callable, Mapping
from typing import Any

from actors.dynamodb import backups, batches, exports, imports, insights, ledger, tables
from actors.dynamodb.engine.values import measure
from actors.dynamodb.statement_values import named
from actors.dynamodb.statements import check_mixing
from actors.runtime.parts import Answer, Parts, merged
from bus.transport import BusError
from schemas.errors import AwsError

Request = Mapping[str, Any]
Outcome = Answer | BaseException

# What says "not now": the same request may succeed later.
_PASSING = frozenset({
    "InternalServerError", "ProvisionedThroughputExceededException", "RequestLimitExceeded", "ServiceUnavailable",
    "ThrottlingException",
})


# --- lists


async def list_tables(parts: Parts, request: Request) -> Answer:
    limit = request.get("Limit") or tables.LIST_LIMIT_TABLES
    answers = await parts.ask_all(request)
    names, has_more = merged(answers, "TableNames", "LastEvaluatedTableName", limit, str)
    return {"TableNames": names, **({"LastEvaluatedTableName": names[-1]} if has_more else {})}


async def list_backups(parts: Parts, request: Request) -> Answer:
    limit = request.get("Limit") or backups.LIST_LIMIT_BACKUPS
    answers = await parts.ask_all(request)
    found, has_more = merged(answers, "BackupSummaries", "LastEvaluatedBackupArn", limit, _made("BackupArn"))
    return {"BackupSummaries": found, **({"LastEvaluatedBackupArn": found[-1]["BackupArn"]} if has_more else {})}


async def list_exports(parts: Parts, request: Request) -> Answer:
    limit = request.get("MaxResults") or exports.LIST_LIMIT
    answers = await parts.ask_all(request)
    found, has_more = merged(answers, "ExportSummaries", "NextToken", limit, _made("ExportArn"), reverse=True)
    return {"ExportSummaries": found, **({"NextToken": found[-1]["ExportArn"]} if has_more else {})}


async def list_imports(parts: Parts, request: Request) -> Answer:
    limit = request.get("PageSize") or imports.LIST_LIMIT
    answers = await parts.ask_all(request)
    found, has_more = merged(answers, "ImportSummaryList", "NextToken", limit, _made("ImportArn"), reverse=True)
    return {"ImportSummaryList": found,
            **({"NextToken": imports.token_of(found[-1]["ImportArn"])} if has_more else {})}


async def list_insights(parts: Parts, request: Request) -> Answer:
    limit = request.get("MaxResults") or insights.LIST_LIMIT
    answers = await parts.ask_all(request)
    found, has_more = merged(answers, "ContributorInsightsSummaries", "NextToken", limit, insights.place_of)
    return {"ContributorInsightsSummaries": found,
            **({"NextToken": insights.token_of(found[-1])} if has_more else {})}


def _made(member: str) -> Callable[[Answer], str]:
    """The order of their making, which an ARN's id begins with."""
    return lambda summary: ledger.id_of(summary[member])


# --- batches


async def batch_get(parts: Parts, request: Request) -> Answer:
    batches.admit_gets(request["RequestItems"])
    split = _split(parts, request)
    outcomes = await parts.ask_each(split.items())
    _refuse_if_refused(outcomes)
    responses: dict[str, Any] = {}
    unprocessed: dict[str, Any] = {}
    for part, outcome in zip(split.values(), outcomes, strict=True):
        if isinstance(outcome, BaseException):
            unprocessed |= part["RequestItems"]
        else:
            responses |= outcome["Responses"]
            unprocessed |= outcome["UnprocessedKeys"]
    room = batches.ANSWER_LIMIT_BYTES
    for name in request["RequestItems"]:
        room -= sum(measure(item) for item in responses.get(name, ()))
        if room < 0 and name in responses:                 # each shard kept to the limit: all of them may not
            del responses[name]
            unprocessed[name] = request["RequestItems"][name]
    answer: Answer = {"Responses": _ordered(request, responses), "UnprocessedKeys": _ordered(request, unprocessed)}
    return answer | _told(outcomes)


async def batch_write(parts: Parts, request: Request) -> Answer:
    """Refused whole before anything is written, as a batch of one shard is; then each shard's part is one commit."""
    batches.admit_writes(request)
    split = _split(parts, request)
    checked = await parts.ask_each(split.items(), "CheckWrites")
    _refuse_if_refused(checked)
    outcomes = await parts.ask_each(split.items())
    _refuse_if_refused(outcomes)
    unprocessed: dict[str, Any] = {}
    metrics: dict[str, Any] = {}
    for part, outcome in zip(split.values(), outcomes, strict=True):
        if isinstance(outcome, BaseException):
            unprocessed |= part["RequestItems"]
        else:
            unprocessed |= outcome["UnprocessedItems"]
            metrics |= outcome.get("ItemCollectionMetrics", {})
    answer: Answer = {"UnprocessedItems": _ordered(request, unprocessed)}
    if metrics:
        answer["ItemCollectionMetrics"] = metrics
    return answer | _told(outcomes)


def _split(parts: Parts, request: Request) -> dict[int, dict[str, Any]]:
    """Each shard's part of a batch, in the order in which the request comes to them."""
    split: dict[int, dict[str, Any]] = {}
    for name, wanted in request["RequestItems"].items():
        part = split.setdefault(parts.of(name), {**request, "RequestItems": {}})
        part["RequestItems"][name] = wanted
    return split


def _refuse_if_refused(outcomes: list[Outcome]) -> None:
    """Raises what refuses the batch: a part's error that is not passing, or that no shard could do anything."""
    errors = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    lasting = [error for error in errors if not _is_passing(error)]
    if lasting or len(errors) == len(outcomes):
        raise (lasting or errors)[0]


def _is_passing(error: BaseException) -> bool:
    if isinstance(error, AwsError):
        return error.error_code in _PASSING
    return isinstance(error, BusError | TimeoutError)


def _ordered(request: Request, by_table: Mapping[str, Any]) -> dict[str, Any]:
    return {name: by_table[name] for name in request["RequestItems"] if name in by_table}


def _told(outcomes: list[Outcome]) -> Answer:
    consumed = [each for outcome in outcomes if isinstance(outcome, dict)
                for each in outcome.get("ConsumedCapacity", ())]
    return {"ConsumedCapacity": consumed} if consumed else {}


async def batch_statements(parts: Parts, request: Request) -> Answer:
    """Members are independent: each has its answer or its error where it stood. One that names no table is answered by
    any shard."""
    members = request["Statements"]
    check_mixing(members)
    places: dict[int, list[int]] = {}
    for at, member in enumerate(members):
        table = next(iter(named(member)), None)
        places.setdefault(0 if table is None else parts.of(table), []).append(at)
    outcomes = await parts.ask_each(
        (shard, {**request, "Statements": [members[at] for at in found]}) for shard, found in places.items())
    _refuse_if_refused(outcomes)
    responses: list[Any] = [None] * len(members)
    for found, outcome in zip(places.values(), outcomes, strict=True):
        told = outcome["Responses"] if isinstance(outcome, dict) else [_failed(outcome)] * len(found)
        for at, response in zip(found, told, strict=True):
            responses[at] = response
    return {"Responses": responses, **_told(outcomes)}


def _failed(error: BaseException) -> Answer:
    """A member's, whose shard does not answer for now."""
    message = error.message if isinstance(error, AwsError) else "Internal server error"
    return {"Error": {"Code": "InternalServerError", "Message": message}}

