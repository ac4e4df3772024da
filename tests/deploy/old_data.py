"""A data directory as programs before there were several shards wrote it, and what must be found in it for ever.

tests/data/one_shard.tar.gz was written by the program of commit 2332010, `python -m tests.deploy.old_data FILE` with
this module. Never write it anew with a newer program: an upgrade is proved with what the old one left.
"""

import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import boto3

from tests import servers

FIXTURE = Path(__file__).resolve().parents[1] / "data" / "one_shard.tar.gz"
USER = "Ada"
ITEMS = [{"pk": {"S": f"item-{number}"}, "group": {"S": "even" if number % 2 == 0 else "odd"},
          "number": {"N": str(number)}, "bytes": {"B": bytes([number])}} for number in range(6)]
INDEX = {"IndexName": "by-group", "KeySchema": [{"AttributeName": "group", "KeyType": "HASH"}],
         "Projection": {"ProjectionType": "ALL"}}


def write(endpoint: str) -> None:
    session = boto3.Session("test", "test", region_name="us-east-1")
    dynamodb: Any = session.client("dynamodb", endpoint_url=endpoint)
    dynamodb.create_table(
        TableName="Kept", BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "group")],
        GlobalSecondaryIndexes=[INDEX], Tags=[{"Key": "a", "Value": "1"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    dynamodb.update_time_to_live(TableName="Kept", TimeToLiveSpecification={"Enabled": True, "AttributeName": "ttl"})
    for item in ITEMS:
        dynamodb.put_item(TableName="Kept", Item=item)
    dynamodb.transact_write_items(TransactItems=[{"Delete": {"TableName": "Kept", "Key": {"pk": {"S": "absent"}}}}])
    backup = dynamodb.create_backup(TableName="Kept", BackupName="first")["BackupDetails"]["BackupArn"]
    described: Any = {"BackupStatus": "CREATING"}
    while described["BackupStatus"] == "CREATING":
        described = dynamodb.describe_backup(BackupArn=backup)["BackupDescription"]["BackupDetails"]
    session.client("iam", endpoint_url=endpoint).create_user(UserName=USER)


def check(endpoint: str) -> None:
    """Asserts that all of it is there."""
    session = boto3.Session("test", "test", region_name="us-east-1")
    dynamodb: Any = session.client("dynamodb", endpoint_url=endpoint)
    assert dynamodb.list_tables()["TableNames"] == ["Kept"]
    for item in ITEMS:
        assert dynamodb.get_item(TableName="Kept", Key={"pk": item["pk"]})["Item"] == item
    even = dynamodb.query(TableName="Kept", IndexName="by-group", KeyConditionExpression="#g = :g",
                          ExpressionAttributeNames={"#g": "group"}, ExpressionAttributeValues={":g": {"S": "even"}})
    assert even["Count"] == 3
    table = dynamodb.describe_table(TableName="Kept")["Table"]
    assert table["ItemCount"] == len(ITEMS)
    assert dynamodb.list_tags_of_resource(ResourceArn=table["TableArn"])["Tags"] == [{"Key": "a", "Value": "1"}]
    assert dynamodb.describe_time_to_live(TableName="Kept")["TimeToLiveDescription"]["AttributeName"] == "ttl"
    [backup] = dynamodb.list_backups()["BackupSummaries"]
    dynamodb.restore_table_from_backup(BackupArn=backup["BackupArn"], TargetTableName="Restored")
    dynamodb.get_waiter("table_exists").wait(TableName="Restored", WaiterConfig={"Delay": 1})
    assert dynamodb.scan(TableName="Restored")["Count"] == len(ITEMS)
    iam: Any = session.client("iam", endpoint_url=endpoint)
    assert [user["UserName"] for user in iam.list_users()["Users"]] == [USER]


def main(file: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        data = Path(scratch) / "data"
        with servers.skybus(data_dir=data) as server:
            write(server.endpoint)
        with tarfile.open(file, "w:gz") as archive:
            for path in sorted(data.rglob("*")):
                if path.relative_to(data).parts[0] in ("state", "format.json"):
                    archive.add(path, path.relative_to(data), recursive=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
