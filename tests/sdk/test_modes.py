"""Who may ask what in which mode, end to end: the root user, account keys, unknown keys, nobody, clocks that are off,
presigned requests, session tokens; each told in the words of its protocol's family.

Expected: README.md, Who you are (what open and strict mean); codes as gateway/refusals.py cites them.
"""

import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from unittest.mock import patch

import boto3
import botocore.auth
import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests import servers

SECRET = "a-secret-of-the-operator"
FORM = {"content-type": "application/x-www-form-urlencoded"}


class Request(NamedTuple):
    """One call of a protocol's family; `code` is the answer's when the caller may."""

    service: str
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    served: int                            # 200, 404 for an object that is not there, 501 for a service


FAMILIES = {
    "json": Request("dynamodb", "POST", "/", {
        "x-amz-target": "DynamoDB_20120810.ListTables", "content-type": "application/x-amz-json-1.0"}, b"{}", 200),
    "query": Request("sts", "POST", "/", FORM, b"Action=GetCallerIdentity&Version=2011-06-15", 200),
    "ec2": Request("ec2", "POST", "/", FORM, b"Action=DescribeVpcs&Version=2016-11-15", 501),
    "rest-json": Request("lambda", "GET", "/2015-03-31/functions/", {}, b"", 501),
    "s3": Request("s3", "GET", "/bucket/key", {}, b"", 404),
}
ROOT, WRONG = ("test", SECRET), ("test", "wrong")
ACCOUNT, UNKNOWN = ("000000000042", "any"), ("AKIAIOSFODNN7EXAMPLE", "any")
SERVED = dict.fromkeys(FAMILIES, "")
MISMATCH = {"json": "InvalidSignatureException 400", "query": "SignatureDoesNotMatch 403", "ec2": "AuthFailure 401",
            "rest-json": "InvalidSignatureException 403", "s3": "SignatureDoesNotMatch 403"}
STRANGER = {"json": "UnrecognizedClientException 400", "query": "InvalidClientTokenId 403", "ec2": "AuthFailure 401",
            "rest-json": "UnrecognizedClientException 403", "s3": "InvalidAccessKeyId 403"}
# What nobody has signed names no service, or one that is not here (501); a path alone is an object of S3's, and
# anybody is told that its bucket is not there.
UNSIGNED = {"json": "MissingAuthenticationTokenException 400", "query": "MissingAuthenticationToken 403",
            "rest-json": "NoSuchBucket 404", "s3": "NoSuchBucket 404"}
OLD = MISMATCH | {"ec2": "RequestExpired 400", "s3": "RequestTimeTooSkewed 403"}
AHEAD = MISMATCH | {"s3": "RequestTimeTooSkewed 403"}
# Who: the key and secret, minutes by which the clock is off, and what open and strict answer by family.
CALLERS: dict[str, tuple[tuple[str, str] | None, int, dict[str, str], dict[str, str]]] = {
    "root": (ROOT, 0, SERVED, SERVED), "root, 4 minutes off": (ROOT, -4, SERVED, SERVED),
    "root, wrong secret": (WRONG, 0, MISMATCH, MISMATCH),
    "12 digits": (ACCOUNT, 0, SERVED, STRANGER), "unknown key": (UNKNOWN, 0, SERVED, STRANGER),
    "anonymous": (None, 0, UNSIGNED, UNSIGNED),
    "old": (ROOT, -20, OLD, OLD), "ahead": (ROOT, 20, AHEAD, AHEAD),
}


@pytest.fixture(scope="module", params=["open", "strict"])
def mode(request: pytest.FixtureRequest) -> Iterator[tuple[str, servers.Server]]:
    mode = str(request.param)
    secret = {"SKYBUS_ROOT_SECRET_KEY": SECRET}
    with servers.skybus("--durability", "os", "--auth", mode, environment=secret) as server:
        yield mode, server


def prepared(server: servers.Server, request: Request, keys: tuple[str, str] | None, minutes: int = 0, *,
             presigned_for_s: int = 0, token: str | None = None) -> AWSRequest:
    made = AWSRequest(request.method, server.endpoint + request.path, headers=dict(request.headers), data=request.body)
    if keys is None:
        return made
    s3, credentials = request.service == "s3", Credentials(*keys, token)
    signer: Any
    if presigned_for_s:
        kind = S3SigV4QueryAuth if s3 else SigV4QueryAuth
        signer = kind(credentials, request.service, "us-east-1", presigned_for_s)
    else:
        signer = (S3SigV4Auth if s3 else SigV4Auth)(credentials, request.service, "us-east-1")
    now = datetime.now(UTC).replace(tzinfo=None) + timedelta(minutes=minutes)
    with patch.object(botocore.auth, "get_current_datetime", lambda: now):
        signer.add_auth(made)
    return made


def answer(made: AWSRequest) -> tuple[int, bytes, str]:
    """Status, body, and the error's code in any of the families; as a plain HTTP client gets them."""
    sent = made.prepare()
    plain = urllib.request.Request(sent.url, made.data or None, dict(made.headers.items()), method=made.method)
    try:
        with urllib.request.urlopen(plain) as response:
            return response.status, response.read(), ""
    except urllib.error.HTTPError as refused:
        with refused:
            body = refused.read()
            code = refused.headers.get("x-amzn-errortype", "").partition(":")[0]
            found = re.search(rb"<Code>(.*?)</Code>|\"__type\": ?\"(?:[^\"]*#)?(.*?)\"", body)
            if found:
                code = (found[1] or found[2]).decode()
            return refused.code, body, code


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("caller", CALLERS)
def test_who_may(mode: tuple[str, servers.Server], caller: str, family: str) -> None:
    name, server = mode
    keys, minutes, in_open, in_strict = CALLERS[caller]
    expected = (in_open if name == "open" else in_strict).get(family, "")
    made = prepared(server, FAMILIES[family], keys, minutes)
    status, body, code = answer(made)
    if expected:
        assert f"{code} {status}" == expected, body
    else:
        assert status == FAMILIES[family].served, body


# The account that a key stands for; strict knows only the root user's.
def test_accounts(mode: tuple[str, servers.Server]) -> None:
    name, server = mode
    accounts = {ROOT: "000000000000"} | ({ACCOUNT: "000000000042", UNKNOWN: "000000000000"} if name == "open" else {})
    for keys, account in accounts.items():
        for token in (None, "a-session-token"):          # of a static key: carried, and no reason to refuse
            status, body, _ = answer(prepared(server, FAMILIES["query"], keys, token=token))
            assert status == 200, body
            assert f"<Account>{account}</Account>".encode() in body


# Presigned: good within its time, and in its time alone; the secret counts as it does in a header.
@pytest.mark.parametrize(("keys", "minutes", "sts", "s3"), [
    (ROOT, 0, "", ""), (ROOT, -4, "", ""), (ROOT, -6, "SignatureDoesNotMatch 403", "AccessDenied 403"),
    (WRONG, 0, "SignatureDoesNotMatch 403", "SignatureDoesNotMatch 403"),
])
def test_presigned(mode: tuple[str, servers.Server], keys: tuple[str, str], minutes: int, sts: str, s3: str) -> None:
    _, server = mode
    identity = FAMILIES["query"]._replace(
        method="GET", path="/?Action=GetCallerIdentity&Version=2011-06-15", headers={}, body=b"")
    for request, expected in ((identity, sts), (FAMILIES["s3"], s3)):
        status, body, code = answer(prepared(server, request, keys, minutes, presigned_for_s=300))
        assert f"{code} {status}" == expected if expected else status == request.served, body


# Reset forgets everything, in open mode and for callers that speak to this machine by its own name.
def test_reset(mode: tuple[str, servers.Server]) -> None:
    name, server = mode
    client: Any = boto3.client("dynamodb", endpoint_url=server.endpoint, region_name="us-east-1",
                               aws_access_key_id=ROOT[0], aws_secret_access_key=ROOT[1])
    client.create_table(TableName="kept", BillingMode="PAY_PER_REQUEST",
                        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
                        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}])
    url = f"{server.endpoint}/_skybus/reset"
    assert answer(AWSRequest("POST", url, headers={"host": "evil.example"}, data=b"{}"))[0] == 403
    assert answer(AWSRequest("POST", url, headers={"origin": "https://evil.example"}, data=b"{}"))[0] == 403
    assert client.list_tables()["TableNames"] == ["kept"]
    status, body, _ = answer(AWSRequest("POST", url, data=b"{}"))
    assert (status, json.loads(body).get("status")) == ((200, "ok") if name == "open" else (403, None))
    assert client.list_tables()["TableNames"] == ([] if name == "open" else ["kept"])
