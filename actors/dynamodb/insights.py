"""Contributor insights: the settings are kept and described; there is no CloudWatch to show them in.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeContributorInsights.html
"""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from actors.dynamodb import catalogue
from actors.dynamodb.catalogue import Catalogue
from actors.dynamodb.descriptions import moment
from actors.dynamodb.errors import ResourceNotFoundException
from actors.dynamodb.state import Table
from actors.dynamodb.table_records import record_of, save
from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot, Transaction

LIST_LIMIT = 100
ALL_KEYS = "ACCESSED_AND_THROTTLED_KEYS"

Request = Mapping[str, Any]
Answer = dict[str, Any]


def update(tables: Catalogue, context: Context, transaction: Transaction, request: Request) -> Answer:
    table = _table(tables, context, transaction, request)
    index = request.get("IndexName") or ""
    record = record_of(transaction, table)
    is_on = request["ContributorInsightsAction"] == "ENABLE"
    mode = request.get("ContributorInsightsMode") or ALL_KEYS
    record.setdefault("insights", {})[index] = {"on": is_on, "mode": mode, "since": transaction.now()}
    save(transaction, record)
    return {**_named(table, index), "ContributorInsightsStatus": "ENABLING" if is_on else "DISABLING",
            "ContributorInsightsMode": mode}


def described(tables: Catalogue, context: Context, snapshot: Snapshot, request: Request) -> Answer:
    table = _table(tables, context, snapshot, request)
    index = request.get("IndexName") or ""
    setting = record_of(snapshot, table).get("insights", {}).get(index)
    if setting is None:
        return {**_named(table, index), "ContributorInsightsStatus": "DISABLED"}
    answer = {**_summary(table, index, setting), "LastUpdateDateTime": moment(setting["since"])}
    if setting["on"]:
        end = "-".join(filter(None, (table.table_name, index, str(int(setting["since"] * 1000)))))
        kinds = ["PKC"] if not table.sort else ["PKC", "SKC"]
        throttled = [kind.replace("C", "T") for kind in kinds]
        wanted = throttled if setting["mode"] != ALL_KEYS else kinds + throttled
        answer["ContributorInsightsRuleList"] = [f"DynamoDBContributorInsights-{kind}-{end}" for kind in wanted]
    return answer


def listed(tables: Catalogue, context: Context, snapshot: Snapshot, request: Request) -> Answer:
    """Whatever was ever switched, in order of table and index. NextToken: the last one told."""
    limit = request.get("MaxResults") or LIST_LIMIT
    table, _, index = (request.get("NextToken") or "").partition("/")
    every = _all(tables, context, snapshot, request)
    found = list(islice((each for each in every if place_of(each) > (table, index)), limit + 1))
    answer: Answer = {"ContributorInsightsSummaries": found[:limit]}
    if len(found) > limit:
        answer["NextToken"] = token_of(found[limit - 1])
    return answer


def place_of(summary: Answer) -> tuple[str, str]:
    """Where a summary stands in the list: by table, then by index."""
    return summary["TableName"], summary.get("IndexName", "")


def token_of(summary: Answer) -> str:
    return "/".join(place_of(summary))


def _all(tables: Catalogue, context: Context, snapshot: Snapshot, request: Request) -> Iterator[Answer]:
    if request.get("TableName"):
        names: Iterator[str] = iter([_table(tables, context, snapshot, request).table_name])
    else:
        names = catalogue.names(snapshot, context.scope, "")
    for name in names:
        table = tables.described(snapshot, context.scope, name)
        settings = record_of(snapshot, table).get("insights", {})
        for index in sorted(settings):
            yield _summary(table, index, settings[index])


def _table(tables: Catalogue, context: Context, snapshot: Snapshot, request: Request) -> Table:
    table = tables.described(snapshot, context.scope, catalogue.checked_name(request["TableName"]))
    index = request.get("IndexName")
    if index and table.index(index) is None:
        raise ResourceNotFoundException(
            f"Requested resource not found: Table: {table.table_name}, Index: {index} not found")
    return table


def _summary(table: Table, index: str, setting: Request) -> Answer:
    return {**_named(table, index), "ContributorInsightsStatus": "ENABLED" if setting["on"] else "DISABLED",
            "ContributorInsightsMode": setting["mode"]}


def _named(table: Table, index: str) -> Answer:
    return {"TableName": table.table_name, **({"IndexName": index} if index else {})}
