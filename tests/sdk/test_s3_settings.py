"""Settings of buckets: what is put is told, what is not there is an error of its own, what is wrong is refused."""

import json
import uuid
from typing import Any

import pytest

from tests import servers
from tests.sdk.s3 import client
from tests.sdk.test_s3_access import refusal

OWNER, OTHER = "111111111111", "222222222222"


@pytest.fixture
def s3(skybus: servers.Server) -> Any:
    return client(skybus, OWNER)


@pytest.fixture
def name(s3: Any) -> str:
    made = f"settings-{uuid.uuid4().hex}"
    s3.create_bucket(Bucket=made)
    return made


def test_put_told_and_deleted(s3: Any, name: str) -> None:
    rules = [{"AllowedMethods": ["GET"], "AllowedOrigins": ["https://*.example.com"], "MaxAgeSeconds": 60}]
    index = {"Suffix": "index.html"}
    for call, missing in ((s3.get_bucket_cors, "NoSuchCORSConfiguration"),
                          (s3.get_bucket_website, "NoSuchWebsiteConfiguration"),
                          (s3.get_bucket_replication, "ReplicationConfigurationNotFoundError"),
                          (s3.get_bucket_lifecycle_configuration, "NoSuchLifecycleConfiguration")):
        assert refusal(call, Bucket=name) == (missing, 404)
    s3.put_bucket_cors(Bucket=name, CORSConfiguration={"CORSRules": rules})
    s3.put_bucket_website(Bucket=name, WebsiteConfiguration={"IndexDocument": index})
    s3.put_bucket_accelerate_configuration(Bucket=name, AccelerateConfiguration={"Status": "Enabled"})
    assert s3.get_bucket_cors(Bucket=name)["CORSRules"] == rules
    assert s3.get_bucket_website(Bucket=name)["IndexDocument"] == index
    assert s3.get_bucket_accelerate_configuration(Bucket=name)["Status"] == "Enabled"
    s3.delete_bucket_cors(Bucket=name)
    assert refusal(s3.get_bucket_cors, Bucket=name) == ("NoSuchCORSConfiguration", 404)
    lifecycle = [{"ID": "a", "Status": "Enabled", "Filter": {"Prefix": "x"}, "Expiration": {"Days": 2}},
                 {"ID": "b", "Status": "Enabled", "Expiration": {"Days": 2}, "Filter": {"And": {
                     "Prefix": "y", "ObjectSizeGreaterThan": 0, "ObjectSizeLessThan": 5}}}]
    s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": lifecycle})
    assert s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"] == lifecycle


def test_default_encryption(s3: Any, name: str) -> None:
    def algorithm() -> str:
        rules = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
        return str(rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"])

    assert algorithm() == "AES256"
    s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [
        {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]})
    assert algorithm() == s3.put_object(Bucket=name, Key="k")["ServerSideEncryption"] == "aws:kms"
    s3.delete_bucket_encryption(Bucket=name)
    assert algorithm() == "AES256"


def test_named_configurations(s3: Any, name: str) -> None:
    metrics = {"Id": "m", "Filter": {"Prefix": "p"}}
    s3.put_bucket_metrics_configuration(Bucket=name, Id="m", MetricsConfiguration=metrics)
    assert s3.list_bucket_metrics_configurations(Bucket=name)["MetricsConfigurationList"] == [metrics]
    s3.delete_bucket_metrics_configuration(Bucket=name, Id="m")
    assert refusal(s3.get_bucket_metrics_configuration, Bucket=name, Id="m") == ("NoSuchConfiguration", 404)


def test_requester_pays(skybus: servers.Server, s3: Any, name: str) -> None:
    s3.put_object(Bucket=name, Key="k", Body=b"1")
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps({"Statement": [{
        "Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{name}/*"}]}))
    s3.put_bucket_request_payment(Bucket=name, RequestPaymentConfiguration={"Payer": "Requester"})
    other = client(skybus, OTHER)
    assert refusal(other.get_object, Bucket=name, Key="k") == ("AccessDenied", 403)
    assert other.get_object(Bucket=name, Key="k", RequestPayer="requester")["Body"].read() == b"1"
    assert s3.get_object(Bucket=name, Key="k")["Body"].read() == b"1"


@pytest.mark.parametrize(("operation", "request_", "error"), [
    ("put_bucket_cors", {"CORSConfiguration": {"CORSRules": [
        {"AllowedMethods": ["PATCH"], "AllowedOrigins": ["*"]}]}}, "InvalidRequest"),
    ("put_bucket_cors", {"CORSConfiguration": {"CORSRules": [
        {"AllowedMethods": ["GET"], "AllowedOrigins": ["*.*"]}]}}, "InvalidRequest"),
    ("put_bucket_cors", {"CORSConfiguration": {"CORSRules": [
        {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "ExposeHeaders": ["test header"]}]}}, "InvalidRequest"),
    ("put_bucket_cors", {"CORSConfiguration": {"CORSRules": [
        {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}] * 101}}, "InvalidRequest"),
    ("put_bucket_website", {"WebsiteConfiguration": {}}, "InvalidArgument"),
    ("put_bucket_website", {"WebsiteConfiguration": {"IndexDocument": {"Suffix": "a/b"}}}, "InvalidArgument"),
    ("put_bucket_logging", {"BucketLoggingStatus": {
        "LoggingEnabled": {"TargetBucket": "none-such", "TargetPrefix": ""}}}, "InvalidTargetBucketForLogging"),
    ("put_bucket_replication", {"ReplicationConfiguration": {"Role": "r", "Rules": []}}, "MalformedXML"),
    ("put_bucket_replication", {"ReplicationConfiguration": {"Role": "r", "Rules": [
        {"Status": "Enabled", "Destination": {"Bucket": "arn:aws:s3:::none"}}]}}, "InvalidRequest"),
    ("put_bucket_accelerate_configuration", {"AccelerateConfiguration": {"Status": "on"}}, "MalformedXML"),
])
def test_refused(s3: Any, name: str, operation: str, request_: dict[str, Any], error: str) -> None:
    assert refusal(getattr(s3, operation), Bucket=name, **request_) == (error, 400)


def test_inventories(s3: Any, name: str) -> None:
    inventory = {"Id": "i", "IsEnabled": True, "IncludedObjectVersions": "All", "Schedule": {"Frequency": "Weekly"},
                 "OptionalFields": ["Size", "ETag"],
                 "Destination": {"S3BucketDestination": {"Bucket": f"arn:aws:s3:::{name}", "Format": "CSV"}}}
    s3.put_bucket_inventory_configuration(Bucket=name, Id="i", InventoryConfiguration=inventory)
    assert s3.get_bucket_inventory_configuration(Bucket=name, Id="i")["InventoryConfiguration"] == inventory
    assert s3.list_bucket_inventory_configurations(Bucket=name)["InventoryConfigurationList"] == [inventory]
    assert refusal(s3.put_bucket_inventory_configuration, Bucket=name, Id="j", InventoryConfiguration=inventory) == (
        "IdMismatch", 400)
    s3.delete_bucket_inventory_configuration(Bucket=name, Id="i")
    assert refusal(s3.get_bucket_inventory_configuration, Bucket=name, Id="i") == ("NoSuchConfiguration", 404)
