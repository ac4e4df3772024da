"""What requests are said to consume: ConsumedCapacity and ItemCollectionMetrics.

A write unit is 1 KB, a read unit 4 KB, an eventually consistent read costs half. The sums are told, never enforced.
Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html; which members
are there under TOTAL and INDEXES: measured on AWS by the public dynamodb-conformance suite.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from actors.dynamodb.engine.values import Item
from actors.dynamodb.item_collections import GB
from actors.dynamodb.rows import Written, write_units
from actors.dynamodb.state import Table

READ_UNIT_BYTES = 4096

Request = Mapping[str, Any]


def read_units(size: int, consistent: bool) -> float:
    """Of `size` bytes read together; nothing found still costs one unit."""
    units = -(-size // READ_UNIT_BYTES) or 1
    return float(units) if consistent else units / 2


def is_told(request: Request) -> bool:
    return request.get("ReturnConsumedCapacity") not in (None, "NONE")


def consumed(request: Request, table: Table, units: float, index_units: Mapping[str, float]) -> dict[str, Any]:
    """AWS's ConsumedCapacity, in the detail the request asks for. `units`: the table's own."""
    answer: dict[str, Any] = {"TableName": table.table_name, "CapacityUnits": float(units + sum(index_units.values()))}
    if request["ReturnConsumedCapacity"] == "INDEXES":
        answer["Table"] = {"CapacityUnits": float(units)}
        for index in table.indexes:
            if index.name in index_units:
                member = "GlobalSecondaryIndexes" if index.is_global else "LocalSecondaryIndexes"
                answer.setdefault(member, {})[index.name] = {"CapacityUnits": float(index_units[index.name])}
    return answer


class Spent:
    """What a transaction is said to consume, by table in the order of its actions. `kind`: ReadCapacityUnits or
    WriteCapacityUnits, which transactions tell beside the sum; `cost`: how often each unit is paid."""

    def __init__(self, kind: str, cost: int) -> None:
        self._kind = kind
        self._cost = cost
        self._tables: dict[int, tuple[Table, float, dict[str, float]]] = {}    # by the number of their space

    def add(self, table: Table, units: float, index_units: Mapping[str, float]) -> None:
        _, before, by_index = self._tables.get(table.space_number, (table, 0.0, {}))
        for name, more in index_units.items():
            by_index[name] = by_index.get(name, 0.0) + more * self._cost
        self._tables[table.space_number] = table, before + units * self._cost, by_index

    def told(self, request: Request) -> list[dict[str, Any]]:
        answers = []
        for table, units, by_index in self._tables.values():
            answer = consumed(request, table, units, by_index)
            for part in (answer, *_details(answer)):
                part[self._kind] = part["CapacityUnits"]
            answers.append(answer)
        return answers


def _details(answer: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The parts that INDEXES asks for: of the table, of each index."""
    if "Table" in answer:
        yield answer["Table"]
    for member in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
        yield from answer.get(member, {}).values()


def tell_write(answer: dict[str, Any], request: Request, table: Table, written: Written, item: Item) -> None:
    """Adds what the request asks to be told about one write. `item`: anything with its key attributes."""
    if is_told(request):
        answer["ConsumedCapacity"] = consumed(request, table, write_units(written.size), written.index_units)
    if tells_collections(request, table):
        answer["ItemCollectionMetrics"] = collection_metrics(table, item, written)


def tells_collections(request: Request, table: Table) -> bool:
    """Only a table with a local index has item collections."""
    return table.has_collections and request.get("ReturnItemCollectionMetrics") == "SIZE"


def collection_metrics(table: Table, item: Item, written: Written) -> dict[str, Any]:
    """An estimate in whole gigabytes, as AWS's is. `item`: anything with the partition key."""
    name = table.hash[0][0]
    lower = float(written.collection_size // GB)
    return {"ItemCollectionKey": {name: item[name]}, "SizeEstimateRangeGB": [lower, lower + 1]}
