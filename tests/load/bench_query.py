"""A Query of 10 items out of a partition of 1,000,000 beside one of 100: an index, not a scan.

    python -m tests.load.bench_query [--large 1000000] [--json]

Both partitions stand in one table of one running Skybus; the two queries are timed in turn, medians compared.
"""

import argparse
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests import servers

TABLE = "partitions"
SMALL = 100


def fill(client: Any, partition: str, count: int) -> None:
    def write(start: int) -> None:
        items = [{"pk": {"S": partition}, "sk": {"N": str(key)}, "v": {"S": "x" * 20}}
                 for key in range(start, min(start + 25, count))]
        client.batch_write_item(RequestItems={TABLE: [{"PutRequest": {"Item": item}} for item in items]})

    with ThreadPoolExecutor(8) as pool:
        for _ in pool.map(write, range(0, count, 25)):
            pass


def query(client: Any, partition: str, start: int) -> float:
    began = time.perf_counter()
    answer = client.query(
        TableName=TABLE, Limit=10, KeyConditionExpression="pk = :p AND sk >= :s",
        ExpressionAttributeValues={":p": {"S": partition}, ":s": {"N": str(start)}},
    )
    assert [int(item["sk"]["N"]) for item in answer["Items"]] == list(range(start, start + 10))
    return time.perf_counter() - began


def main() -> None:
    wants = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    wants.add_argument("--large", type=int, default=1_000_000)
    wants.add_argument("--rounds", type=int, default=300)
    wants.add_argument("--json", action="store_true")
    options = wants.parse_args()
    with servers.skybus("--durability", "os") as server:
        client: Any = server.client()
        client.create_table(
            TableName=TABLE, BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": "N"},
            ],
        )
        fill(client, "small", SMALL)
        fill(client, "large", options.large)
        small, large = [], []
        for index in range(options.rounds):
            small.append(query(client, "small", index * 37 % (SMALL - 10)))
            large.append(query(client, "large", index * 7919 % (options.large - 10)))
        rows: list[dict[str, object]] = [
            {"partition": SMALL, "median ms": statistics.median(small) * 1e3},
            {"partition": options.large, "median ms": statistics.median(large) * 1e3},
        ]
        servers.show(rows, options.json)
        print(f"ratio: {statistics.median(large) / statistics.median(small):.2f}")


if __name__ == "__main__":
    main()
