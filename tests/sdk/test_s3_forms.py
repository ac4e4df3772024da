"""POST uploads as a browser sends them, with policies that boto3 makes."""

import base64
import hashlib
import os
from typing import Any

import pytest
import urllib3

from tests import servers
from tests.sdk.s3 import client


def post(url: str, fields: dict[str, Any], body: bytes, name: str = "file.txt") -> urllib3.BaseHTTPResponse:
    return urllib3.request("POST", url, fields={**fields, "file": (name, body, "text/plain")}, redirect=False)


@pytest.mark.parametrize("version", ["s3v4", "s3"])
@pytest.mark.parametrize("size", [0, 100, 1_000_000])
def test_forms(skybus: servers.Server, bucket: str, version: str, size: int) -> None:
    s3 = client(skybus, signature_version=version)
    body = os.urandom(size)
    form = s3.generate_presigned_post(
        bucket, "in/${filename}", Fields={"acl": "private", "x-amz-meta-a": "b", "Content-Type": "text/x"},
        Conditions=[{"acl": "private"}, {"x-amz-meta-a": "b"}, ["starts-with", "$Content-Type", "text/"],
                    ["content-length-range", 0, size]])
    answer = post(form["url"], form["fields"], body)
    assert answer.status == 204, answer.data
    got = s3.get_object(Bucket=bucket, Key="in/file.txt")
    assert got["Body"].read() == body
    assert (got["Metadata"], got["ContentType"], got["ETag"]) == ({"a": "b"}, "text/x", answer.headers["etag"])
    assert post(form["url"], {**form["fields"], "x-amz-meta-c": "d"}, body).status == 403
    assert post(form["url"], {**form["fields"], "x-amz-meta-a": "c"}, body).status == 403
    too_large = post(form["url"], form["fields"], body + b"x")
    assert (too_large.status, b"EntityTooLarge" in too_large.data) == (400, True)
    changed = {name: ("0" + value if "ignature" in name else value) for name, value in form["fields"].items()}
    assert post(form["url"], changed, body).status == 403


def test_what_a_form_is_answered(skybus: servers.Server, s3: Any, bucket: str) -> None:
    key = "a b/ü"
    for field, value, status in [("success_action_status", "201", 201), ("success_action_status", "200", 200),
                                 ("success_action_status", "404", 204), ("success_action_redirect", "/relative", 204),
                                 ("success_action_redirect", "http://example.com/done?x=y", 303)]:
        form = s3.generate_presigned_post(bucket, key, Fields={field: value}, Conditions=[{field: value}])
        answer = post(form["url"], form["fields"], b"1")
        location = f"{skybus.endpoint}/{bucket}/a%20b%2F%C3%BC"
        assert (answer.status, answer.headers["x-amz-checksum-type"]) == (status, "FULL_OBJECT")
        if status == 303:
            location = f"http://example.com/done?x=y&bucket={bucket}&key=a+b%2F%C3%BC&etag=%22"
        assert answer.headers["location"].startswith(location)
        etag = answer.headers["etag"]
        body = "" if status != 201 else (
            '<?xml version="1.0" encoding="UTF-8"?>\n<PostResponse>'
            f"<Location>{location}</Location><Bucket>{bucket}</Bucket><Key>{key}</Key><ETag>{etag}</ETag></PostResponse>")
        assert answer.data.decode().replace("&quot;", '"') == body


@pytest.mark.parametrize(("change", "status", "code"), [
    ({"key": None}, 400, b"InvalidArgument"), ({"policy": "e30="}, 403, b"StringToSignBytes>65 33 30 3d<"),
    ({"policy": None}, 403, b"AccessDenied"), ({"x-amz-signature": None}, 400, b"named &apos;X-Amz-Signature&apos;"),
    ({"x-amz-credential": "test/20200101/us-east-1/s3/aws4_request"}, 403, b"SignatureDoesNotMatch"),
])
def test_refused_forms(
    skybus: servers.Server, bucket: str, change: dict[str, str | None], status: int, code: bytes
) -> None:
    s3 = client(skybus, signature_version="s3v4")
    form = s3.generate_presigned_post(bucket, "k")
    fields = {name: value for name, value in {**form["fields"], **change}.items() if value is not None}
    answer = post(form["url"], fields, b"1")
    assert (answer.status, code in answer.data.replace(b"'", b"&apos;")) == (status, True), answer.data
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


# What ceph/s3-tests' test_post_object_* ask of fields beside the policy; what stands behind the file is ignored.
def test_fields(skybus: servers.Server, s3: Any, bucket: str) -> None:
    tags = "<Tagging><TagSet><Tag><Key>a</Key><Value>b c</Value></Tag></TagSet></Tagging>"
    sum_of_1 = base64.b64encode(hashlib.sha256(b"1").digest()).decode()
    form = s3.generate_presigned_post(bucket, "in/${filename}", Conditions=[
        ["starts-with", "$tagging", ""], ["starts-with", "$x-amz-meta-name", ""], ["starts-with", "$acl", "private"],
        {"x-amz-storage-class": "STANDARD_IA"}, ["starts-with", "$Content-Type", ""]])
    more = {"tagging": tags, "x-amz-meta-name": "${filename}", "aCl": "private", "x-amz-storage-class": "STANDARD_IA",
            "x-ignore-a": "b", "x-amz-checksum-sha256": sum_of_1, "Content-Type": "a/b"}
    signed = form["fields"]
    fields = list({**{name.upper(): value for name, value in signed.items()}, **more}.items())

    def send(given: list[Any]) -> urllib3.BaseHTTPResponse:
        return urllib3.request("POST", form["url"], fields=given, redirect=False)

    answer = send([*fields, ("file", ("C:\\x\\f.txt", b"1", "text/plain")), ("submit", "Upload")])
    assert answer.status == 204, answer.data
    got = s3.head_object(Bucket=bucket, Key="in/f.txt", ChecksumMode="ENABLED")
    assert (got["Metadata"], got["StorageClass"], got["ChecksumSHA256"]) == ({"name": "f.txt"}, "STANDARD_IA", sum_of_1)
    assert got["ContentType"] == "a/b"
    assert s3.get_object_tagging(Bucket=bucket, Key="in/f.txt")["TagSet"] == [{"Key": "a", "Value": "b c"}]
    for name, value, code in [
        ("x-amz-checksum-sha256", "sailorjerry", b"InvalidRequest"), ("tagging", "x", b"MalformedXML"),
        ("x-amz-checksum-sha256", base64.b64encode(bytes(32)).decode(), b"BadDigest"),
        ("x-amz-storage-class", "FakeClass", b"Policy Condition failed"),
    ]:
        changed = [(each, value if each == name else old) for each, old in fields]
        answer = send([*changed, ("file", ("g.txt", b"1"))])
        assert (answer.status in (400, 403), code in answer.data) == (True, True), answer.data
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 1

    plain = s3.generate_presigned_post(bucket, "plain-${filename}")
    assert urllib3.request("POST", plain["url"], fields=[*plain["fields"].items(), ("file", "1")]).status == 204
    assert s3.head_object(Bucket=bucket, Key="plain-${filename}")["ContentType"] == "binary/octet-stream"


# Nobody in particular uploads by form where everybody may write, at every form of host.
def test_forms_of_nobody(skybus: servers.Server, s3: Any, bucket: str) -> None:
    s3.delete_bucket_ownership_controls(Bucket=bucket)
    s3.delete_public_access_block(Bucket=bucket)
    hosts = [("localhost:4566", f"/{bucket}"), (f"{bucket}.s3.localhost.localstack.cloud:4566", "/")]
    for status, acl in [(403, "private"), (204, "public-read-write")]:
        s3.put_bucket_acl(Bucket=bucket, ACL=acl)
        for number, (host, path) in enumerate(hosts):
            answer = urllib3.request("POST", f"{skybus.endpoint}{path}", headers={"Host": host}, fields={
                "key": f"a/{number}", "acl": "public-read", "Content-Type": "text/plain", "file": ("f", b"bar")})
            assert answer.status == status, answer.data
            if status == 204:
                assert answer.headers["location"] == f"http://{host}{path.rstrip('/')}/a%2F{number}"
                assert s3.get_object(Bucket=bucket, Key=f"a/{number}")["Body"].read() == b"bar"
    no_form = urllib3.request("POST", f"{skybus.endpoint}/{bucket}", headers={"Content-Type": "text/html"}, body=b"x")
    assert (no_form.status, b"enclosure-type multipart/form-data" in no_form.data) == (412, True)
