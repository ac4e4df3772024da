"""Notifications through boto3, heard on the bus by the program that actors/s3/README.md shows; settings of logs."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from actors import s3 as room
from tests import servers
from tests.sdk.test_s3_forms import post

PROGRAM = re.findall(r"^```python\n(.*?)^```", (Path(room.__file__).parent / "README.md").read_text(),
                     re.DOTALL | re.MULTILINE)[0]
QUEUE = "arn:aws:sqs:us-east-1:000000000000:none-such"


def test_events_on_the_bus(s3: Any, bucket: str, data_dir: Path, tmp_path: Path) -> None:
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}})
    assert "EventBridgeConfiguration" in s3.get_bucket_notification_configuration(Bucket=bucket)
    (tmp_path / "listen.py").write_text(PROGRAM)
    listening = subprocess.Popen([sys.executable, str(tmp_path / "listen.py"), str(data_dir), "4"], text=True,
                                 stdout=subprocess.PIPE)
    with listening:
        assert listening.stdout is not None
        assert listening.stdout.readline() == "listening\n"
        s3.put_object(Bucket=bucket, Key="a b", Body=b"1")
        s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/a b")
        form = s3.generate_presigned_post(bucket, "posted")
        assert post(form["url"], form["fields"], b"1").status == 204
        s3.delete_object(Bucket=bucket, Key="copy")
        assert listening.stdout.read().splitlines() == [
            "ObjectCreated:Put a+b", "ObjectCreated:Copy copy", "ObjectCreated:Post posted",
            "ObjectRemoved:Delete copy"]


# The error: LocalStack's snapshot of AWS (test_invalid_sqs_arn).
def test_destinations(skybus: servers.Server, s3: Any, bucket: str) -> None:
    document = {"QueueConfigurations": [{"Id": "q", "QueueArn": QUEUE, "Events": ["s3:ObjectCreated:*"]}]}
    with pytest.raises(ClientError) as caught:
        s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=document)
    error: dict[str, Any] = dict(caught.value.response["Error"])
    assert (error["Code"], error["ArgumentName1"], error["ArgumentValue1"]) == (
        "InvalidArgument", QUEUE, "The destination queue does not exist")
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=document,
                                             SkipDestinationValidation=True)
    kept = s3.get_bucket_notification_configuration(Bucket=bucket)
    assert kept["QueueConfigurations"] == document["QueueConfigurations"]
    s3.put_object(Bucket=bucket, Key="k", Body=b"1")                       # nobody is there: no matter
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    assert "QueueConfigurations" not in s3.get_bucket_notification_configuration(Bucket=bucket)


LOGS = {"Version": "2012-10-17", "Statement": [{
    "Effect": "Allow", "Principal": {"Service": "logging.s3.amazonaws.com"}, "Action": "s3:PutObject",
    "Resource": "*"}]}


# What becomes of lines takes a minute: tests/actors/s3/test_logging.py has the time.
def test_logging_is_configured(s3: Any, bucket: str) -> None:
    target = f"{bucket[:50]}-logs"
    s3.create_bucket(Bucket=target)
    wanted = {"TargetBucket": target, "TargetPrefix": "p/", "TargetObjectKeyFormat": {
        "PartitionedPrefix": {"PartitionDateSource": "EventTime"}}}
    asked = {"Bucket": bucket, "BucketLoggingStatus": {"LoggingEnabled": wanted}}
    with pytest.raises(ClientError, match="give the log-delivery group WRITE and READ_ACP"):
        s3.put_bucket_logging(**asked)
    s3.put_bucket_policy(Bucket=target, Policy=json.dumps(LOGS).replace('"*"', f'"arn:aws:s3:::{target}/*"'))
    s3.put_bucket_logging(**asked)
    assert s3.get_bucket_logging(Bucket=bucket)["LoggingEnabled"] == wanted
    s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={})
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=bucket)


# https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html: for tracing a request
def test_an_event_names_its_request(s3: Any, bucket: str, data_dir: Path, tmp_path: Path) -> None:
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}})
    (tmp_path / "listen.py").write_text(PROGRAM.replace('record["eventName"], record["s3"]["object"]["key"]',
                                                        'json.dumps(record)'))
    with subprocess.Popen([sys.executable, str(tmp_path / "listen.py"), str(data_dir), "1"], text=True,
                          stdout=subprocess.PIPE) as listening:
        assert listening.stdout is not None
        assert listening.stdout.readline() == "listening\n"
        headers = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["ResponseMetadata"]["HTTPHeaders"]
        record = json.loads(listening.stdout.read())
        assert record["responseElements"] == {name: headers[name] for name in ("x-amz-request-id", "x-amz-id-2")}
        assert record["requestParameters"] == {"sourceIPAddress": "127.0.0.1"}
