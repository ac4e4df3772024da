"""Replication through boto3: the status goes from PENDING to COMPLETED, and the replica is told as one."""

import json
import uuid
from typing import Any

import pytest

from tests import servers
from tests.sdk.s3 import client
from tests.sdk.test_s3_access import refusal
from tests.waiting import until

TRUST = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
WAIT_LIMIT_S = 30.0


@pytest.fixture
def role(skybus: servers.Server) -> str:
    iam: Any = skybus.client("iam")
    name = f"replicator-{uuid.uuid4().hex[:8]}"
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=json.dumps({
        "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}))
    return str(arn)


def test_replication(skybus: servers.Server, role: str) -> None:
    s3 = client(skybus)
    source, target = (f"{kind}-{uuid.uuid4().hex}" for kind in ("source", "target"))
    for name in (source, target):
        s3.create_bucket(Bucket=name)
    configuration = {"Role": role, "Rules": [{
        "ID": "all", "Status": "Enabled", "Priority": 1, "Filter": {"Prefix": "in/"},
        "DeleteMarkerReplication": {"Status": "Disabled"}, "Destination": {"Bucket": f"arn:aws:s3:::{target}"}}]}
    asked = {"Bucket": source, "ReplicationConfiguration": configuration}
    assert refusal(s3.put_bucket_replication, **asked) == ("InvalidRequest", 400)
    for name in (source, target):
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_replication(**asked)
    assert s3.get_bucket_replication(Bucket=source)["ReplicationConfiguration"] == configuration
    put = s3.put_object(Bucket=source, Key="in/k", Body=b"x" * 100_000, Metadata={"a": "b"})
    s3.put_object(Bucket=source, Key="out/k", Body=b"1")
    until(lambda: s3.head_object(Bucket=source, Key="in/k")["ReplicationStatus"] != "PENDING")
    assert s3.head_object(Bucket=source, Key="in/k")["ReplicationStatus"] == "COMPLETED"
    got = s3.get_object(Bucket=target, Key="in/k", VersionId=put["VersionId"])
    assert (got["ReplicationStatus"], got["Metadata"], got["Body"].read()) == ("REPLICA", {"a": "b"}, b"x" * 100_000)
    assert "ReplicationStatus" not in s3.head_object(Bucket=source, Key="out/k")
    assert s3.list_objects_v2(Bucket=target)["KeyCount"] == 1
    s3.delete_bucket_replication(Bucket=source)
    assert refusal(s3.get_bucket_replication, Bucket=source) == ("ReplicationConfigurationNotFoundError", 404)
