"""Replication: what is put comes to be in the other bucket as it was, by rule and as far as the role may, and once.

Expected: https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication.html and the pages below it.
"""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from actors.s3.service import S3
from bus.virtual_time import run
from schemas.errors import AwsError
from tests.actors.s3.destinations import Queues, listener
from tests.actors.s3.test_encryption import customer
from tests.actors.sts.skies import Sky, Who, skies
from tests.world import ACCOUNT

SETTLED_S = 5.0
SOURCE, TARGET = "source", "target"
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/setting-repl-config-perm-overview.html
MAY_READ = {"Action": ["s3:GetReplicationConfiguration", "s3:ListBucket", "s3:GetObjectVersionForReplication",
                       "s3:GetObjectVersionAcl", "s3:GetObjectVersionTagging"],
            "Resource": [f"arn:aws:s3:::{SOURCE}", f"arn:aws:s3:::{SOURCE}/*"]}
MAY_WRITE = {"Action": ["s3:ReplicateObject", "s3:ReplicateDelete", "s3:ReplicateTags"],
             "Resource": f"arn:aws:s3:::{TARGET}/*"}
TRUST = {"Service": "s3.amazonaws.com"}


def rule(**more: Any) -> dict[str, Any]:
    return {"Status": "Enabled", "Priority": 1, "Filter": {}, "DeleteMarkerReplication": {"Status": "Enabled"},
            "Destination": {"Bucket": f"arn:aws:s3:::{TARGET}"}, **more}


async def replicate(root: Who, role: str, *rules: dict[str, Any], bucket: str = SOURCE) -> None:
    await root.call("s3", "PutBucketReplication", Bucket=bucket,
                    ReplicationConfiguration={"Role": role, "Rules": list(rules)})


async def begun(sky: Sky, *statements: dict[str, Any]) -> tuple[Who, str]:
    """Two versioned buckets and a role of these statements."""
    root = sky.root()
    for name in (SOURCE, TARGET):
        await root.call("s3", "CreateBucket", Bucket=name, ObjectOwnership="ObjectWriter")
        await root.call("s3", "PutBucketVersioning", Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return root, await sky.role("replicator", TRUST, *(statements or (MAY_READ, MAY_WRITE)))


async def status(root: Who, key: str, bucket: str = SOURCE) -> str:
    return str((await root.call("s3", "HeadObject", Bucket=bucket, Key=key)).get("ReplicationStatus", ""))


async def body(sky: Sky, bucket: str, key: str, **more: Any) -> bytes:
    """As a direct publisher reads it: through the gateway's door it would be names of files."""
    told = await sky.world.client().call("s3", "GetObject", {"Bucket": bucket, "Key": key, **more})
    return bytes(told["Body"])


async def versions(root: Who, bucket: str) -> list[tuple[str, str, bool]]:
    """(key, version id, is it a delete marker), as they stand."""
    told = await root.call("s3", "ListObjectVersions", Bucket=bucket)
    found = [(each["LastModified"], each["Key"], each["VersionId"], kind == "DeleteMarkers")
             for kind in ("Versions", "DeleteMarkers") for each in told.get(kind, ())]
    return [each[1:] for each in sorted(found)]


def test_a_replica_is_its_source(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path, S3()) as sky:
            root, role = await begun(sky)
            await root.call("s3", "PutObject", Bucket=SOURCE, Key="before", Body=b"1")
            await replicate(root, role, rule())
            large = os.urandom(200_000)
            at: dict[str, Any] = {"Bucket": SOURCE, "Key": "large"}
            await root.call("s3", "PutObject", **at, Body=large, Metadata={"a": "b"}, ContentType="text/x",
                            Tagging="t=1", ACL="public-read")
            assert await status(root, "large") == "PENDING"
            upload = (await root.call("s3", "CreateMultipartUpload", Bucket=SOURCE, Key="parts"))["UploadId"]
            parts = []
            for number, data in enumerate((os.urandom(5 << 20), b"end"), 1):
                part = await root.call("s3", "UploadPart", Bucket=SOURCE, Key="parts", UploadId=upload,
                                       PartNumber=number, Body=data)
                parts.append({"PartNumber": number, "ETag": part["ETag"]})
            await root.call("s3", "CompleteMultipartUpload", Bucket=SOURCE, Key="parts", UploadId=upload,
                            MultipartUpload={"Parts": parts})
            await root.call("s3", "PutObject", Bucket=SOURCE, Key="small", Body=b"1")
            await asyncio.sleep(SETTLED_S)
            for key in ("large", "parts", "small"):
                source, replica = [await root.call("s3", "HeadObject", Bucket=bucket, Key=key, ChecksumMode="ENABLED")
                                   for bucket in (SOURCE, TARGET)]
                assert (source.pop("ReplicationStatus"), replica.pop("ReplicationStatus")) == ("COMPLETED", "REPLICA")
                assert source == replica
            asked = {"Bucket": TARGET, "Key": "large"}
            assert await body(sky, TARGET, "large") == large
            assert (await root.call("s3", "GetObjectTagging", **asked))["TagSet"] == [{"Key": "t", "Value": "1"}]
            assert await root.call("s3", "GetObjectAcl", **asked) == await root.call("s3", "GetObjectAcl", **at)
            assert await body(sky, TARGET, "parts", PartNumber=2) == b"end"
            assert await status(root, "before") == ""
            assert not [key for key, _, _ in await versions(root, TARGET) if key == "before"]

    run(main())


def test_changes_and_markers_follow_removals_do_not(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path, S3()) as sky:
            root, role = await begun(sky)
            await replicate(root, role, rule())
            at: dict[str, Any] = {"Bucket": SOURCE, "Key": "k"}
            first = await root.call("s3", "PutObject", **at, Body=b"1" * 20_000)
            await root.call("s3", "PutObject", **at, Body=b"2")
            await root.call("s3", "PutObjectTagging", **at, VersionId=first["VersionId"],
                            Tagging={"TagSet": [{"Key": "t", "Value": "1"}]})
            await root.call("s3", "DeleteObject", **at)
            await asyncio.sleep(SETTLED_S)
            assert await versions(root, TARGET) == await versions(root, SOURCE)
            assert len(await versions(root, TARGET)) == 3
            await root.call("s3", "PutObjectTagging", **at, VersionId=first["VersionId"],
                            Tagging={"TagSet": [{"Key": "t", "Value": "2"}]})
            await asyncio.sleep(SETTLED_S)
            told = await root.call("s3", "GetObjectTagging", Bucket=TARGET, Key="k", VersionId=first["VersionId"])
            assert told["TagSet"] == [{"Key": "t", "Value": "2"}]
            await root.call("s3", "DeleteObject", **at, VersionId=first["VersionId"])
            await asyncio.sleep(SETTLED_S)
            assert len(await versions(root, TARGET)) == 3
            assert await body(sky, TARGET, "k", VersionId=first["VersionId"]) == b"1" * 20_000

    run(main())


def test_there_are_no_loops(tmp_path: Path) -> None:
    """Each replicates to the other; a replica is no source, and each version is put once."""

    async def main() -> None:
        async with skies(tmp_path, S3()) as sky:
            both = [f"arn:aws:s3:::{name}{end}" for name in (SOURCE, TARGET) for end in ("", "/*")]
            root, role = await begun(sky, {"Action": "s3:*", "Resource": both})
            await replicate(root, role, rule())
            await replicate(root, role, rule(Destination={"Bucket": f"arn:aws:s3:::{SOURCE}"}), bucket=TARGET)
            await root.call("s3", "PutObject", Bucket=SOURCE, Key="k", Body=b"1")
            await root.call("s3", "PutObject", Bucket=TARGET, Key="k", Body=b"2")
            await root.call("s3", "PutObject", Bucket=SOURCE, Key="k", Body=b"3")
            await asyncio.sleep(60)
            assert await versions(root, TARGET) == await versions(root, SOURCE)
            assert len(await versions(root, TARGET)) == 3
            bodies = [(await root.call("s3", "GetObject", Bucket=name, Key="k"))["Body"] for name in (SOURCE, TARGET)]
            assert bodies == [b"3", b"3"]

    run(main())


@pytest.mark.parametrize("synced", [True, False])
def test_changes_of_replicas_go_back_where_a_rule_says(tmp_path: Path, synced: bool) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-for-metadata-changes.html"""

    async def main() -> None:
        async with skies(tmp_path, S3()) as sky:
            both = [f"arn:aws:s3:::{name}{end}" for name in (SOURCE, TARGET) for end in ("", "/*")]
            root, role = await begun(sky, {"Action": "s3:*", "Resource": both})
            criteria = {"SourceSelectionCriteria": {
                "ReplicaModifications": {"Status": "Enabled" if synced else "Disabled"}}}
            await replicate(root, role, rule(**criteria, Destination={
                "Bucket": f"arn:aws:s3:::{TARGET}", "StorageClass": "STANDARD_IA"}))
            await replicate(root, role, rule(**criteria, Destination={"Bucket": f"arn:aws:s3:::{SOURCE}"}),
                            bucket=TARGET)
            await root.call("s3", "PutObject", Bucket=SOURCE, Key="k", Body=b"1" * 20_000, Tagging="a=1")
            await asyncio.sleep(SETTLED_S)
            tags = [{"Key": "b", "Value": "2"}]
            await root.call("s3", "PutObjectTagging", Bucket=TARGET, Key="k", Tagging={"TagSet": tags})
            await asyncio.sleep(60)
            told = (await root.call("s3", "GetObjectTagging", Bucket=SOURCE, Key="k"))["TagSet"]
            assert told == (tags if synced else [{"Key": "a", "Value": "1"}])
            assert (await status(root, "k"), await status(root, "k", TARGET)) == ("COMPLETED", "REPLICA")
            classes = [(await root.call("s3", "HeadObject", Bucket=name, Key="k")).get("StorageClass")
                       for name in (SOURCE, TARGET)]
            assert classes == [None, "STANDARD_IA"]
            await root.call("s3", "DeleteObjectTagging", Bucket=SOURCE, Key="k")
            await asyncio.sleep(SETTLED_S)
            assert (await root.call("s3", "GetObjectTagging", Bucket=TARGET, Key="k"))["TagSet"] == []
            assert await body(sky, TARGET, "k") == b"1" * 20_000

    run(main())


def test_under_a_customers_key(tmp_path: Path) -> None:
    """Replicas open under the customer's key too, though nobody has it who makes them. What is archived is left out.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-config-for-kms-objects.html"""

    async def main() -> None:
        async with skies(tmp_path, S3()) as sky:
            root, role = await begun(sky)
            await replicate(root, role, rule())
            bodies, key, other = {"inline": b"1", "file": os.urandom(200_000)}, customer(), customer(b"o" * 32)
            for name, content in bodies.items():
                await root.call("s3", "PutObject", Bucket=SOURCE, Key=name, Body=content, **key)
            await root.call("s3", "PutObject", Bucket=SOURCE, Key="archived", Body=b"1", StorageClass="GLACIER")
            await asyncio.sleep(SETTLED_S)
            assert {each[0] for each in await versions(root, TARGET)} == bodies.keys()
            assert await status(root, "archived") == ""
            for name, _, _ in await versions(root, SOURCE):
                await root.call("s3", "DeleteObject", Bucket=SOURCE, Key=name)
            for name, version, marker in await versions(root, SOURCE):
                if not marker:
                    await root.call("s3", "DeleteObject", Bucket=SOURCE, Key=name, VersionId=version)
            await asyncio.sleep(120)
            for name, version, marker in await versions(root, TARGET):
                if marker:
                    continue
                at = {"Bucket": TARGET, "Key": name, "VersionId": version}
                head = await root.call("s3", "HeadObject", **at, **key)
                assert (head["ReplicationStatus"], head["SSECustomerAlgorithm"]) == ("REPLICA", "AES256")
                assert await body(sky, TARGET, name, VersionId=version, **key) == bodies[name]
                with pytest.raises(AwsError, match="secret key"):
                    await root.call("s3", "GetObject", **at, **other)

    run(main())


def test_a_bucket_that_blocks_customers_keys(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path, S3()) as sky:
            root, role = await begun(sky)
            await replicate(root, role, rule())
            await root.call("s3", "PutBucketEncryption", Bucket=TARGET, ServerSideEncryptionConfiguration={"Rules": [{
                "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"},
                "BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]}}]})
            await root.call("s3", "PutObject", Bucket=SOURCE, Key="k", Body=b"1", **customer())
            await asyncio.sleep(SETTLED_S)
            head = await root.call("s3", "HeadObject", Bucket=SOURCE, Key="k", **customer())
            assert head["ReplicationStatus"] == "FAILED"
            assert await versions(root, TARGET) == []

    run(main())


def test_rules_choose(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path, S3()) as sky:
            root, role = await begun(sky)
            cold = {"Bucket": f"arn:aws:s3:::{TARGET}", "StorageClass": "STANDARD_IA"}
            await replicate(
                root, role, rule(Filter={"Prefix": "a/"}),
                rule(Priority=5, Filter={"And": {"Prefix": "a/", "Tags": [{"Key": "cold", "Value": "1"}]}},
                     DeleteMarkerReplication={"Status": "Disabled"}, Destination=cold),
                rule(Priority=9, Filter={"Prefix": "off/"}, Status="Disabled"))
            for key, tags in (("a/1", "x=1"), ("a/2", "cold=1"), ("b/1", "cold=1"), ("off/1", "x=1")):
                await root.call("s3", "PutObject", Bucket=SOURCE, Key=key, Body=b"1", Tagging=tags)
            await asyncio.sleep(SETTLED_S)
            assert [key for key, _, _ in await versions(root, TARGET)] == ["a/1", "a/2"]
            told = await root.call("s3", "HeadObject", Bucket=TARGET, Key="a/2")
            assert told["StorageClass"] == "STANDARD_IA"

    run(main())


@pytest.mark.parametrize(("statements", "body"), [
    ([MAY_READ], b"1"), ([MAY_WRITE], b"1"),
    ([{**MAY_READ, "Action": MAY_READ["Action"][:2]}, MAY_WRITE], b"1" * 20_000)])
def test_a_role_that_may_not(tmp_path: Path, statements: list[dict[str, Any]], body: bytes) -> None:
    """FAILED, and nothing is there; told to who asks for such events."""

    async def main() -> None:
        queues = Queues()
        async with skies(tmp_path, S3(), queues) as sky:
            root, role = await begun(sky, *statements)
            heard = listener(sky.world)
            await root.call("s3", "PutBucketNotificationConfiguration", Bucket=SOURCE, NotificationConfiguration={
                "QueueConfigurations": [{"QueueArn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:q",
                                         "Events": ["s3:Replication:OperationFailedReplication"]}]})
            await replicate(root, role, rule())
            await root.call("s3", "PutObject", Bucket=SOURCE, Key="k", Body=body)
            await asyncio.sleep(SETTLED_S)
            assert await status(root, "k") == "FAILED"
            assert await versions(root, TARGET) == []
            [record] = queues.records
            assert (record["eventName"], record["eventVersion"]) == ("Replication:OperationFailedReplication", "2.2")
            assert record["replicationEventData"]["failureReason"] == "DstPutObjectNotPermitted"
            assert len(heard) == 1

    run(main())


def test_the_role_must_be_passed(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path, S3()) as sky:
            _, role = await begun(sky)
            alice = await sky.user("alice", {"Action": "s3:*", "Resource": "*"})
            with pytest.raises(AwsError, match="iam:PassRole"):
                await replicate(alice, role, rule())

    run(main())


# Expected: scality/cloudserver's tests. Whether a role may be passed can be asked of a role only.
@pytest.mark.parametrize("role", [
    ",", "role", "arn:aws:iam:us-east-1:000000000000:role/r", "arn:aws:iam::000000000000:user/r",
    "arn:aws:iam::000000000000:role/a,arn:aws:iam::000000000000:role/b",
])
def test_what_is_no_role(tmp_path: Path, role: str) -> None:
    async def main() -> None:
        async with skies(tmp_path, S3()) as sky:
            root, _ = await begun(sky)
            error = await root.error("s3", "PutBucketReplication", Bucket=SOURCE, ReplicationConfiguration={
                "Role": role, "Rules": [OLDER]})
            assert error.error_code == "InvalidArgument"

    run(main())


def test_a_role_that_is_made_anew(tmp_path: Path) -> None:
    """The sessions of the one before it are of no use, and that is no version's fault."""

    async def main() -> None:
        async with skies(tmp_path, S3()) as sky:
            root, role = await begun(sky)
            await replicate(root, role, rule())
            for key in ("first", "second"):
                await root.call("s3", "PutObject", Bucket=SOURCE, Key=key, Body=b"1")
                await asyncio.sleep(SETTLED_S)
                assert await status(root, key) == "COMPLETED"
                await root.call("iam", "DeleteRolePolicy", RoleName="replicator", PolicyName="own")
                await root.call("iam", "DeleteRole", RoleName="replicator")
                assert await sky.role("replicator", TRUST, MAY_READ, MAY_WRITE) == role

    run(main())


def test_into_another_account(tmp_path: Path) -> None:
    """Its bucket policy decides, and the replica is its own by AccessControlTranslation."""

    async def main() -> None:
        other = "222222222222"
        async with skies(tmp_path, S3()) as sky:
            root, role = await begun(sky, MAY_READ, {"Action": "s3:*", "Resource": "arn:aws:s3:::theirs/*"})
            them = sky.root(other)
            await them.call("s3", "CreateBucket", Bucket="theirs", ObjectOwnership="ObjectWriter")
            await them.call("s3", "PutBucketVersioning", Bucket="theirs", VersioningConfiguration={"Status": "Enabled"})
            translated = {"Bucket": "arn:aws:s3:::theirs", "Account": other,
                          "AccessControlTranslation": {"Owner": "Destination"}}
            await replicate(root, role, rule(Destination=translated))
            await root.call("s3", "PutObject", Bucket=SOURCE, Key="k", Body=b"1")
            await asyncio.sleep(SETTLED_S)
            assert await status(root, "k") == "FAILED"
            await them.call("s3", "PutBucketPolicy", Bucket="theirs", Policy=(
                '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "' + role + '"}, '
                '"Action": ["s3:ReplicateObject", "s3:ObjectOwnerOverrideToBucketOwner"], '
                '"Resource": "arn:aws:s3:::theirs/*"}]}'))
            await root.call("s3", "PutObject", Bucket=SOURCE, Key="k", Body=b"2")
            await asyncio.sleep(SETTLED_S)
            assert await status(root, "k") == "COMPLETED"
            acl = await them.call("s3", "GetObjectAcl", Bucket="theirs", Key="k")
            assert acl["Owner"]["DisplayName"] == other
            assert (await them.call("s3", "GetObject", Bucket="theirs", Key="k"))["Body"] == b"2"

    run(main())


def test_a_restart_loses_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path, S3()) as sky:
            root, role = await begun(sky)
            await replicate(root, role, rule())
            for number in range(40):
                await root.call("s3", "PutObject", Bucket=SOURCE, Key=f"{number:02}", Body=b"1" * 20_000)
                if number % 10 == 9:
                    await sky.world.restart()
            await asyncio.sleep(SETTLED_S)
            assert await versions(root, TARGET) == await versions(root, SOURCE)
            assert {await status(root, f"{number:02}") for number in range(40)} == {"COMPLETED"}

    run(main())


OLDER = {"Status": "Enabled", "Prefix": "", "Destination": {"Bucket": f"arn:aws:s3:::{TARGET}"}}


# Messages as users of terraform, the SDKs and moto report AWS's (terraform-provider-aws 23803, simpleinfra 468, …).
@pytest.mark.parametrize(("rules", "code", "words"), [
    ([], "MalformedXML", ""),
    ([rule(ExistingObjectReplication={"Status": "Enabled"})], "MalformedXML", ""),
    ([{**OLDER, "DeleteMarkerReplication": {"Status": "Disabled"}}], "InvalidRequest",
     "DeleteMarkerReplication cannot be used for this version"),
    ([{name: value for name, value in rule().items() if name != "DeleteMarkerReplication"}], "InvalidRequest",
     "DeleteMarkerReplication must be specified for this version"),
    ([rule(), rule(ID="b")], "InvalidRequest", "Found duplicate priorities across different rules."),
    ([rule(ID="a"), rule(ID="a", Priority=2)], "InvalidArgument", "Rule Id must be unique"),
    ([rule(Filter={"Tag": {"Key": "a", "Value": "b"}})], "InvalidRequest",
     "Delete marker replication is not supported"),
    ([rule(Destination={"Bucket": "arn:aws:s3:::none-such"})], "InvalidRequest", "Destination bucket must exist."),
    ([rule(Destination={"Bucket": "arn:aws:s3:us-east-1::plain"})], "InvalidArgument", "Invalid bucket ARN."),
    ([rule(Destination={"Bucket": "arn:aws:s3:::"})], "InvalidArgument", "Invalid bucket ARN."),
    ([rule(Destination={"Bucket": f"arn:aws:s3:::{TARGET}", "StorageClass": "INVALID"})], "MalformedXML", ""),
    ([{**OLDER, "Prefix": "p" * 1025}], "InvalidArgument", "Rule prefix cannot be longer than"),
    ([rule(Destination={"Bucket": "arn:aws:s3:::plain"})], "InvalidRequest",
     "Destination bucket must have versioning enabled."),
    ([rule(Destination={"Bucket": f"arn:aws:s3:::{SOURCE}"})], "InvalidRequest",
     "Destination bucket cannot be the same as the source bucket."),
    ([OLDER, {**OLDER, "Prefix": "a"}], "InvalidRequest", "Found overlapping prefixes"),
])
def test_refused(tmp_path: Path, rules: list[dict[str, Any]], code: str, words: str) -> None:
    async def main() -> None:
        async with skies(tmp_path, S3()) as sky:
            root, role = await begun(sky)
            await root.call("s3", "CreateBucket", Bucket="plain")
            error = await root.error("s3", "PutBucketReplication", Bucket=SOURCE, ReplicationConfiguration={
                "Role": role, "Rules": rules})
            assert error.error_code == code
            assert error.message.startswith(words)
            await replicate(root, role, OLDER)
            error = await root.error("s3", "PutBucketVersioning", Bucket=SOURCE,
                                     VersioningConfiguration={"Status": "Suspended"})
            assert error.error_code == "InvalidBucketState"

    run(main())
