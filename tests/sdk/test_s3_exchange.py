"""DynamoDB's export goes into a bucket and its import comes out of one, over the bus."""

import json
from typing import Any

import boto3

from tests import servers
from tests.waiting import until


def wait(describe: Any, member: str, status: str, unfinished: str) -> dict[str, Any]:
    def finished() -> dict[str, Any]:
        found: dict[str, Any] = describe()[member]
        return found if found[status] != unfinished else {}

    return until(finished)


def test_a_table_through_a_bucket(skybus: servers.Server, s3: Any, bucket: str) -> None:
    dynamodb = boto3.Session("test", "test", region_name="us-east-1").client("dynamodb", endpoint_url=skybus.endpoint)
    keys = {"KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}], "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}]}
    source, target = f"source-{bucket[-8:]}", f"target-{bucket[-8:]}"
    arn = dynamodb.create_table(TableName=source, **keys)["TableDescription"]["TableArn"]
    dynamodb.get_waiter("table_exists").wait(TableName=source)
    for number in range(40):
        dynamodb.put_item(TableName=source, Item={"pk": {"S": str(number)}, "text": {"S": f"{number}" * 400}})
    dynamodb.update_continuous_backups(
        TableName=source, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True})
    export = dynamodb.export_table_to_point_in_time(TableArn=arn, S3Bucket=bucket, S3Prefix="out")["ExportDescription"]
    done = wait(lambda: dynamodb.describe_export(ExportArn=export["ExportArn"]), "ExportDescription", "ExportStatus",
                "IN_PROGRESS")
    assert (done["ExportStatus"], done["ItemCount"]) == ("COMPLETED", 40), done
    summary = json.loads(s3.get_object(Bucket=bucket, Key=done["ExportManifest"])["Body"].read())
    assert summary["itemCount"] == 40
    folder = done["ExportManifest"].rpartition("/")[0]
    imported = dynamodb.import_table(
        S3BucketSource={"S3Bucket": bucket, "S3KeyPrefix": f"{folder}/data/"}, InputFormat="DYNAMODB_JSON",
        InputCompressionType="GZIP", TableCreationParameters={"TableName": target, **keys})["ImportTableDescription"]
    done = wait(lambda: dynamodb.describe_import(ImportArn=imported["ImportArn"]), "ImportTableDescription",
                "ImportStatus", "IN_PROGRESS")
    assert (done["ImportStatus"], done["ImportedItemCount"]) == ("COMPLETED", 40), done
    assert dynamodb.get_item(TableName=target, Key={"pk": {"S": "7"}})["Item"]["text"]["S"] == "7" * 400
