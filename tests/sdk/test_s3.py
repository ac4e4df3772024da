"""An unmodified boto3 program against S3: expectations are AWS's documented behaviour."""

import hashlib
import json
import os
import socket
import urllib.error
import urllib.request
import uuid
from typing import Any

import boto3
import pytest
import urllib3
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from tests import servers
from tests.sdk.s3 import client, refused

SIZES = [0, 1, 16 * 1024, 16 * 1024 + 1, 300_000, 3_000_000]


# Below and above what travels in an envelope, in every form a body comes in: signed whole, chunked with a trailer, and
# unsigned. What comes back is what went in, its ETag its MD5.
@pytest.mark.parametrize("signed", [True, False], ids=["signed", "unsigned"])
@pytest.mark.parametrize("algorithm", ["CRC32", "CRC64NVME", "SHA256"])
@pytest.mark.parametrize("size", SIZES)
def test_bodies(skybus: servers.Server, s3: Any, bucket: str, size: int, algorithm: str, signed: bool) -> None:
    body = os.urandom(size)
    key = f"dir/ü +%&?/{size}"
    writer = client(skybus, s3={"payload_signing_enabled": signed})
    put = writer.put_object(Bucket=bucket, Key=key, Body=body, ChecksumAlgorithm=algorithm, Metadata={"a": "b"})
    assert put["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    got = s3.get_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
    assert got["Body"].read() == body
    assert (got["ContentLength"], got["Metadata"]) == (size, {"a": "b"})
    assert got[f"Checksum{algorithm}"] == put[f"Checksum{algorithm}"]
    if size > 1:
        part = s3.get_object(Bucket=bucket, Key=key, Range=f"bytes={size // 2}-")
        assert part["Body"].read() == body[size // 2:]
        assert part["ResponseMetadata"]["HTTPStatusCode"] == 206
        assert part["ContentRange"] == f"bytes {size // 2}-{size - 1}/{size}"
    assert s3.head_object(Bucket=bucket, Key=key)["ContentLength"] == size


# A digest that is not the body's leaves nothing, in the shard as in a file.
@pytest.mark.parametrize("size", [10, 40_000])
@pytest.mark.parametrize("stated", [
    {"ContentMD5": "1B2M2Y8AsgTpgAmY7PhCfg=="}, {"ChecksumCRC32": "AAAAAA=="}, {"ChecksumCRC32C": "AAAAAA=="},
    {"ChecksumCRC64NVME": "AAAAAAAAAAA="}, {"ChecksumSHA1": "2jmj7l5rSw0yVb/vlWAYkK/YBwk="},
], ids=lambda stated: next(iter(stated)))
def test_a_wrong_digest(s3: Any, bucket: str, size: int, stated: dict[str, str]) -> None:
    with pytest.raises(ClientError) as caught:
        s3.put_object(Bucket=bucket, Key="k", Body=b"x" * size, **stated)
    assert refused(caught) == ("BadDigest", 400)
    with pytest.raises(s3.exceptions.NoSuchKey):
        s3.get_object(Bucket=bucket, Key="k")


def test_conditions(s3: Any, bucket: str) -> None:
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"1", IfNoneMatch="*")["ETag"]
    for request, expected in [
        ({"IfNoneMatch": "*"}, ("PreconditionFailed", 412)), ({"IfMatch": '"other"'}, ("PreconditionFailed", 412)),
        ({"IfMatch": etag, "Key": "none"}, ("NoSuchKey", 404)), ({"IfNoneMatch": etag}, ("NotImplemented", 501)),
    ]:
        with pytest.raises(ClientError) as caught:
            s3.put_object(**{"Bucket": bucket, "Key": "k", "Body": b"2", **request})
        assert refused(caught) == expected
    with pytest.raises(ClientError) as caught:
        s3.get_object(Bucket=bucket, Key="k", IfNoneMatch=etag)
    assert refused(caught)[1] == 304
    with pytest.raises(ClientError) as caught:
        s3.get_object(Bucket=bucket, Key="k", IfMatch='"other"')
    assert refused(caught) == ("PreconditionFailed", 412)
    s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfMatch=etag)
    assert s3.get_object(Bucket=bucket, Key="k", IfNoneMatch=etag)["Body"].read() == b"2"


def test_delete_markers(s3: Any, bucket: str) -> None:
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket=bucket, Key="k", Body=b"1" * 20_000)["VersionId"]
    marker = s3.delete_object(Bucket=bucket, Key="k")
    with pytest.raises(s3.exceptions.NoSuchKey) as caught:
        s3.get_object(Bucket=bucket, Key="k")
    assert caught.value.response["ResponseMetadata"]["HTTPHeaders"]["x-amz-delete-marker"] == "true"
    with pytest.raises(ClientError) as caught:
        s3.get_object(Bucket=bucket, Key="k", VersionId=marker["VersionId"])
    assert refused(caught) == ("MethodNotAllowed", 405)
    assert s3.get_object(Bucket=bucket, Key="k", VersionId=first)["Body"].read() == b"1" * 20_000
    s3.delete_object(Bucket=bucket, Key="k", VersionId=marker["VersionId"])
    got = s3.get_object(Bucket=bucket, Key="k")
    assert (got["VersionId"], got["Body"].read()) == (first, b"1" * 20_000)


def test_buckets(skybus: servers.Server, s3: Any, bucket: str) -> None:
    assert bucket in [each["Name"] for each in s3.list_buckets()["Buckets"]]
    assert s3.head_bucket(Bucket=bucket)["BucketRegion"] == "us-east-1"
    assert s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] is None
    s3.create_bucket(Bucket=bucket)
    other = client(skybus, "222222222222")
    with pytest.raises(other.exceptions.BucketAlreadyExists):
        other.create_bucket(Bucket=bucket)
    for call in (other.list_objects_v2, other.head_bucket, other.delete_bucket):
        with pytest.raises(ClientError) as caught:
            call(Bucket=bucket)
        assert refused(caught)[1] == 403
    assert bucket not in [each["Name"] for each in other.list_buckets()["Buckets"]]
    with pytest.raises(urllib.error.HTTPError) as anonymous:
        urllib.request.urlopen(f"{skybus.endpoint}/{bucket}")
    assert anonymous.value.code == 403
    with pytest.raises(ClientError) as caught:
        s3.create_bucket(Bucket="Not_A_Name")
    assert refused(caught) == ("InvalidBucketName", 400)
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    with pytest.raises(ClientError) as caught:
        s3.delete_bucket(Bucket=bucket)
    assert refused(caught) == ("BucketNotEmpty", 409)
    assert s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k"}, {"Key": "none"}]})["Deleted"] == [
        {"Key": "k"}, {"Key": "none"}]
    s3.delete_bucket(Bucket=bucket)
    with pytest.raises(ClientError) as caught:
        s3.head_bucket(Bucket=bucket)
    assert refused(caught) == ("404", 404)


def test_tags_and_attributes(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"12345", Tagging="a=1&b=%20")
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [
        {"Key": "a", "Value": "1"}, {"Key": "b", "Value": " "}]
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": [{"Key": "c", "Value": ""}]})
    assert s3.head_object(Bucket=bucket, Key="k")["TagCount"] == 1
    s3.delete_object_tagging(Bucket=bucket, Key="k")
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []
    with pytest.raises(ClientError) as caught:
        s3.get_bucket_tagging(Bucket=bucket)
    assert refused(caught) == ("NoSuchTagSet", 404)
    tags = [{"Key": "Team", "Value": "blue"}]
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == tags
    for wrong in ([{"Key": "aws:x", "Value": ""}], [{"Key": "k", "Value": ""}] * 2, [{"Key": "k" * 129, "Value": ""}]):
        with pytest.raises(ClientError) as caught:
            s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": wrong})
        assert refused(caught) == ("InvalidTag", 400)
    told = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["ETag", "Checksum", "ObjectSize"])
    assert (told["ETag"], told["ObjectSize"]) == (hashlib.md5(b"12345").hexdigest(), 5)
    assert told["Checksum"]["ChecksumType"] == "FULL_OBJECT"


# Bodies that break off, lie about their length or their framing leave nothing behind.
@pytest.mark.parametrize("head", [
    "content-length: 100000", "content-length: 100000\r\nexpect: 100-continue", "transfer-encoding: chunked",
])
def test_broken_bodies(skybus: servers.Server, s3: Any, bucket: str, head: str) -> None:
    url = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "k"})
    target = url.removeprefix(skybus.endpoint)
    with socket.create_connection(("127.0.0.1", skybus.port), timeout=30) as connection:
        connection.sendall(f"PUT {target} HTTP/1.1\r\nhost: 127.0.0.1:{skybus.port}\r\n{head}\r\n\r\n".encode())
        connection.sendall(b"x" * 50_000)
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert b" 200 " not in answer.partition(b"\r\n")[0]
    with pytest.raises(s3.exceptions.NoSuchKey):
        s3.get_object(Bucket=bucket, Key="k")


# In version 4, and in version 2, which botocore makes where it is told nothing else and the region is us-east-1.
@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_presigned(skybus: servers.Server, bucket: str, version: str) -> None:
    s3 = client(skybus, signature_version=version)
    body = b"y" * 100_000
    put = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "k ü"})
    assert urllib3.request("PUT", put, body=body).status == 200
    get = s3.generate_presigned_url("get_object", Params={
        "Bucket": bucket, "Key": "k ü", "ResponseContentType": "text/z"})
    answer = urllib3.request("GET", get)
    assert (answer.data, answer.headers["content-type"]) == (body, "text/z")
    assert urllib3.request("GET", get.replace("Signature=", "Signature=0")).status == 403
    assert urllib3.request("GET", get.replace("text%2Fz", "text%2Fy")).status == 403
    assert urllib3.request("HEAD", get).status == 403


# Two accounts and nobody: each sees what the owner's policy says, and nothing else.
def test_bucket_policies(skybus: servers.Server, s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="public/k", Body=b"1")
    s3.put_object(Bucket=bucket, Key="private", Body=b"2")
    with pytest.raises(ClientError) as caught:
        s3.get_bucket_policy(Bucket=bucket)
    assert refused(caught) == ("NoSuchBucketPolicy", 404)
    policy = json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/public/*"},
        {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::222222222222:root"}, "Action": "s3:ListBucket",
         "Resource": f"arn:aws:s3:::{bucket}", "Condition": {"StringEquals": {"s3:prefix": "public/"}}},
        {"Effect": "Deny", "Principal": "*", "Action": "s3:DeleteObject",
         "Resource": f"arn:aws:s3:::{bucket}/public/*"},
    ]})
    s3.put_bucket_policy(Bucket=bucket, Policy=policy)
    assert s3.get_bucket_policy(Bucket=bucket)["Policy"] == policy
    assert urllib3.request("GET", f"{skybus.endpoint}/{bucket}/public/k").data == b"1"
    assert urllib3.request("GET", f"{skybus.endpoint}/{bucket}/private").status == 403
    assert urllib3.request("PUT", f"{skybus.endpoint}/{bucket}/public/k", body=b"2").status == 403
    other = client(skybus, "222222222222")
    assert other.list_objects_v2(Bucket=bucket, Prefix="public/")["KeyCount"] == 1
    for call, key in ((other.list_objects_v2, {}), (other.get_object, {"Key": "private"}),
                      (other.put_object, {"Key": "public/k"}), (s3.delete_object, {"Key": "public/k"})):
        with pytest.raises(ClientError) as caught:
            call(Bucket=bucket, **key)
        assert refused(caught) == ("AccessDenied", 403)
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "public/k"}, {"Key": "private"}]})
    assert [each["Key"] for each in answer["Deleted"]] == ["private"]
    assert [(each["Key"], each["Code"]) for each in answer["Errors"]] == [("public/k", "AccessDenied")]
    with pytest.raises(ClientError) as caught:
        s3.put_bucket_policy(Bucket=bucket, Policy="not a policy")
    assert refused(caught) == ("MalformedPolicy", 400)
    s3.delete_bucket_policy(Bucket=bucket)
    assert urllib3.request("GET", f"{skybus.endpoint}/{bucket}/public/k").status == 403


# A presigned URL's x-amz-* parameters are headers (the JavaScript SDK hoists them all, botocore's version 2 does), but
# for a sum, which is that of the body that whoever signed did not have: S3 does not look at it (LocalStack's #12169).
def test_headers_in_a_presigned_url(skybus: servers.Server, s3: Any, bucket: str) -> None:
    asked = f"{skybus.endpoint}/{bucket}/k?x-amz-meta-a=b%20%2B&x-amz-storage-class=STANDARD_IA" \
        "&x-amz-checksum-crc32=AAAAAA%3D%3D&x-amz-sdk-checksum-algorithm=CRC32"
    for body in (b"small", b"x" * 100_000):
        request = AWSRequest("PUT", asked)
        S3SigV4QueryAuth(Credentials("test", "test"), "s3", "us-east-1", expires=60).add_auth(request)
        assert urllib3.request("PUT", str(request.url), body=body).status == 200
        head = s3.head_object(Bucket=bucket, Key="k")
        assert (head["Metadata"], head["StorageClass"], head["ContentLength"]) == (
            {"a": "b +"}, "STANDARD_IA", len(body))
    old = client(skybus, signature_version="s3").generate_presigned_url(
        "put_object", {"Bucket": bucket, "Key": "k", "Metadata": {"a": "c"}})
    assert urllib3.request("PUT", old, body=b"").status == 200
    assert s3.head_object(Bucket=bucket, Key="k")["Metadata"] == {"a": "c"}


# Statuses and headers that the model does not give (LocalStack's snapshots, moto's tests that run against AWS).
def test_unmodelled_answers(s3: Any, bucket: str) -> None:
    policy = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}]}
    for answer in (s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy)),
                   s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "a", "Value": "b"}]}),
                   s3.put_bucket_metrics_configuration(Bucket=bucket, Id="a", MetricsConfiguration={"Id": "a"})):
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    head = s3.head_bucket(Bucket=bucket)["ResponseMetadata"]["HTTPHeaders"]
    assert head["content-type"] == "application/xml"
    with pytest.raises(ClientError) as caught:
        s3.delete_objects(Bucket=bucket, Delete={"Objects": []})
    assert refused(caught) == ("MalformedXML", 400)


# s3cmd signs its first request for the region US; it goes where the refusal says, as boto3 does.
def test_a_signature_for_no_region(skybus: servers.Server) -> None:
    lost = boto3.Session("test", "test", region_name="US").client("s3", endpoint_url=skybus.endpoint)
    name = f"bucket-{uuid.uuid4().hex}"
    lost.create_bucket(Bucket=name)
    assert lost.head_bucket(Bucket=name)["BucketRegion"] == "us-east-1"
