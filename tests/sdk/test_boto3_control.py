"""boto3 against the control plane: tags, backups, recovery, exports; as a program written for AWS would use them."""

import uuid
from typing import Any

import boto3
import pytest

from tests import servers
from tests.waiting import until


@pytest.fixture
def dynamodb(skybus: servers.Server) -> Any:
    return boto3.Session("test", "test", region_name="us-east-1").client("dynamodb", endpoint_url=skybus.endpoint)


def test_backups_recovery_and_exports(dynamodb: Any) -> None:
    name = f"control-{uuid.uuid4().hex[:8]}"
    arn = dynamodb.create_table(
        TableName=name, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}], Tags=[{"Key": "a", "Value": "1"}],
        SSESpecification={"Enabled": True},
    )["TableDescription"]["TableArn"]
    dynamodb.tag_resource(ResourceArn=arn, Tags=[{"Key": "b", "Value": "2"}])
    assert len(dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"]) == 2
    enabled = {"PointInTimeRecoveryEnabled": True}
    dynamodb.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=enabled)
    dynamodb.put_item(TableName=name, Item={"pk": {"S": "a"}})
    backup = dynamodb.create_backup(TableName=name, BackupName="one")["BackupDetails"]["BackupArn"]
    dynamodb.delete_item(TableName=name, Key={"pk": {"S": "a"}})
    until(lambda: dynamodb.describe_backup(BackupArn=backup)["BackupDescription"]["BackupDetails"]["BackupStatus"]
         == "AVAILABLE")
    dynamodb.restore_table_from_backup(BackupArn=backup, TargetTableName=f"{name}-a")
    dynamodb.restore_table_to_point_in_time(SourceTableName=name, TargetTableName=f"{name}-b",
                                            UseLatestRestorableTime=True)
    for suffix, count in (("-a", 1), ("-b", 0)):
        dynamodb.get_waiter("table_exists").wait(TableName=name + suffix, WaiterConfig={"Delay": 1})
        assert dynamodb.scan(TableName=name + suffix)["Count"] == count
    export = dynamodb.export_table_to_point_in_time(TableArn=arn, S3Bucket="none")["ExportDescription"]["ExportArn"]
    until(lambda: dynamodb.describe_export(ExportArn=export)["ExportDescription"]["ExportStatus"] != "IN_PROGRESS")
    assert dynamodb.describe_limits()["AccountMaxReadCapacityUnits"] == 80_000
    dynamodb.delete_backup(BackupArn=backup)
    with pytest.raises(dynamodb.exceptions.BackupNotFoundException):
        dynamodb.describe_backup(BackupArn=backup)
