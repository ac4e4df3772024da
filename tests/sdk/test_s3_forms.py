"""POST uploads as a browser sends them, with policies that boto3 makes."""

import os
from typing import Any

import pytest
import urllib3

from tests import servers
from tests.sdk.test_s3 import bucket, client, s3  # noqa: F401 - fixtures


def post(url: str, fields: dict[str, Any], body: bytes, name: str = "file.txt") -> urllib3.BaseHTTPResponse:
    return urllib3.request("POST", url, fields={**fields, "file": (name, body, "text/plain")}, redirect=False)


@pytest.mark.parametrize("version", ["s3v4", "s3"])
@pytest.mark.parametrize("size", [0, 100, 1_000_000])
def test_forms(skybus: servers.Server, bucket: str, version: str, size: int) -> None:  # noqa: F811
    s3 = client(skybus, signature_version=version)  # noqa: F811
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


def test_what_a_form_is_answered(s3: Any, bucket: str) -> None:  # noqa: F811
    for field, value, status in [("success_action_status", "201", 201), ("success_action_status", "200", 200),
                                 ("success_action_redirect", "http://example.com/done", 303)]:
        form = s3.generate_presigned_post(bucket, "k", Fields={field: value}, Conditions=[{field: value}])
        answer = post(form["url"], form["fields"], b"1")
        assert answer.status == status
        if status == 201:
            assert b"<Bucket>" + bucket.encode() + b"</Bucket><Key>k</Key>" in answer.data
        if status == 303:
            assert answer.headers["location"].startswith(f"http://example.com/done?bucket={bucket}&key=k&etag=%22")


@pytest.mark.parametrize(("change", "status", "code"), [
    ({"key": None}, 400, b"InvalidArgument"), ({"policy": "e30="}, 403, b"SignatureDoesNotMatch"),
    ({"policy": None}, 403, b"AccessDenied"),
])
def test_refused_forms(
    s3: Any, bucket: str, change: dict[str, str | None], status: int, code: bytes  # noqa: F811
) -> None:
    form = s3.generate_presigned_post(bucket, "k")
    fields = {name: value for name, value in {**form["fields"], **change}.items() if value is not None}
    answer = post(form["url"], fields, b"1")
    assert (answer.status, code in answer.data) == (status, True), answer.data
