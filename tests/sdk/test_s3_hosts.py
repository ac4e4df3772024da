"""Every host by which a bucket is asked, and buckets of other regions: who is led where, and in which words."""

import uuid
from collections.abc import Iterator
from typing import Any, Literal

import boto3
import pytest
import urllib3
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from tests import servers
from tests.sdk.s3 import client

HOME, AWAY = "us-east-1", "eu-west-1"
BELOW = ["s3.amazonaws.com", f"s3.{HOME}.amazonaws.com", f"s3-{HOME}.amazonaws.com", "s3-accelerate.amazonaws.com",
         f"s3.dualstack.{HOME}.amazonaws.com", "s3.localhost.localstack.cloud:4566",
         f"s3.{HOME}.localhost.localstack.cloud:4566", "s3.localhost:4566", "localhost:4566"]


class Door:
    """Asks the server under any host's name; `region` "": unsigned."""

    def __init__(self, server: servers.Server) -> None:
        self._server = server

    def ask(
        self, method: str, host: str, path: str, region: str = HOME, body: bytes = b"", *, presigned: bool = False
    ) -> urllib3.BaseHTTPResponse:
        request = AWSRequest(method, f"http://{host}{path}", data=body)
        signer: Any = S3SigV4QueryAuth if presigned else S3SigV4Auth
        if region:
            signer(Credentials("test", "test"), "s3", region).add_auth(request)
        headers = {**dict(request.headers.items()), "Host": host}
        url = str(request.url).replace(f"http://{host}", self._server.endpoint)
        return urllib3.request(method, url, headers=headers, body=body, redirect=False)


@pytest.fixture(scope="module")
def door(skybus: servers.Server) -> Door:
    return Door(skybus)


@pytest.fixture(scope="module")
def away(skybus: servers.Server) -> Iterator[str]:
    """A bucket of AWAY with an object that everybody may read."""
    s3, name = client(skybus), f"away-{uuid.uuid4().hex}"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": AWAY})
    there = boto3.Session("test", "test", region_name=AWAY).client("s3", endpoint_url=skybus.endpoint)
    there.delete_bucket_ownership_controls(Bucket=name)
    there.delete_public_access_block(Bucket=name)
    there.put_object(Bucket=name, Key="k", Body=b"away", ACL="public-read")
    yield name
    there.close()


# https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html; names with dots and with S3's own word too.
@pytest.mark.parametrize("name", ["plain", "with.dots", "my.s3.backup"])
def test_virtual_hosts(door: Door, name: str) -> None:
    bucket = f"{name}.{uuid.uuid4().hex[:8]}"
    assert door.ask("PUT", "s3.amazonaws.com", f"/{bucket}").status == 200
    for number, host in enumerate(BELOW):
        put = door.ask("PUT", f"{bucket}.{host}", f"/a%20b/{number}", body=b"x" * (20_000 if number % 2 else 5))
        assert put.status == 200, (host, put.data)
        got = door.ask("GET", host, f"/{bucket}/a%20b/{number}", presigned=bool(number % 2))
        assert (got.status, len(got.data)) == (200, 20_000 if number % 2 else 5), host
        listed = door.ask("GET", f"{bucket}.{host}", "/?list-type=2")
        assert listed.data.count(b"<Contents>") == number + 1, host
        nobody = door.ask("GET", f"{bucket}.{host}", f"/a%20b/{number}", region="")
        assert (nobody.status, b"<Code>AccessDenied<" in nobody.data) == (403, True), host


# https://docs.aws.amazon.com/AmazonS3/latest/userguide/Redirects.html; what botocore's S3RegionRedirector reads.
def test_another_region(door: Door, away: str) -> None:
    for path in (f"/{away}/k", f"/{away}?location"):
        assert door.ask("GET", "localhost:4566", path, AWAY).status == 200
    located = door.ask("GET", "localhost:4566", f"/{away}?location")
    assert (located.status, AWAY.encode() in located.data) == (200, True)

    for method, path in [("GET", "/k"), ("GET", "?list-type=2"), ("DELETE", "/k"), ("PUT", "/k")]:
        moved = door.ask(method, "localhost:4566", f"/{away}{path}", body=b"x" * 20_000 if method == "PUT" else b"")
        assert (moved.status, moved.headers["x-amz-bucket-region"]) == (301, AWAY)
        for part in ("<Code>PermanentRedirect</Code>", f"<Endpoint>{away}.s3.{AWAY}.amazonaws.com</Endpoint>",
                     f"<Bucket>{away}</Bucket>"):
            assert part in moved.data.decode()
    for path in (f"/{away}", f"/{away}/k"):
        head = door.ask("HEAD", "localhost:4566", path)
        assert (head.status, head.headers["x-amz-bucket-region"], head.data) == (301, AWAY, b"")
    assert door.ask("HEAD", "localhost:4566", f"/{away}", AWAY).headers["x-amz-bucket-region"] == AWAY


# A host that names the bucket and no region is the bucket's own region's on AWS: there only the signature is wrong. So
# it is at any host of another region than the one signed for.
def test_signatures_for_another_region(door: Door, away: str) -> None:
    for host, path, signed, expected in [
        (f"{away}.s3.amazonaws.com", "/k", HOME, AWAY), (f"{away}.localhost:4566", "/k", HOME, AWAY),
        (f"s3.{AWAY}.amazonaws.com", f"/{away}/k", HOME, AWAY), (f"s3.{HOME}.amazonaws.com", f"/{away}/k", AWAY, HOME),
    ]:
        wrong = f"the region '{signed}' is wrong; expecting '{expected}'"
        for presigned, code, about in [
            (False, "AuthorizationHeaderMalformed", "The authorization header is malformed"),
            (True, "AuthorizationQueryParametersError", "Error parsing the X-Amz-Credential parameter"),
        ]:
            answer = door.ask("GET", host, path, signed, presigned=presigned)
            text = answer.data.decode().replace("&apos;", "'")
            assert (answer.status, "x-amz-bucket-region" in answer.headers) == (400, False), (host, text)
            parts = (f"<Code>{code}</Code>", f"<Message>{about}; {wrong}</Message>", f"<Region>{expected}</Region>")
            assert [part for part in parts if part not in text] == []
        for headed, told in ((path, None), (path.removesuffix("k"), expected)):
            head = door.ask("HEAD", host, headed, signed)
            assert (head.status, head.headers.get("x-amz-bucket-region"), head.data) == (400, told, b"")


# Nobody in particular names no region, unless by the host.
def test_unsigned_requests_to_another_region(door: Door, away: str) -> None:
    for host, path in [(f"{away}.s3.amazonaws.com", "/k"), (f"{away}.s3.{AWAY}.amazonaws.com", "/k"),
                       ("localhost:4566", f"/{away}/k"), (f"{away}.localhost:4566", "/k")]:
        got = door.ask("GET", host, path, region="")
        assert (got.status, got.data) == (200, b"away"), host
    moved = door.ask("GET", f"s3.{HOME}.amazonaws.com", f"/{away}/k", region="")
    assert (moved.status, moved.headers["x-amz-bucket-region"]) == (301, AWAY)


# That is told to those who may not even ask: …/API/API_GetBucketLocation.html. Lists of objects tell it to all.
def test_where_a_bucket_is(door: Door) -> None:
    bucket = f"there-{uuid.uuid4().hex[:8]}"
    assert door.ask("PUT", "s3.amazonaws.com", f"/{bucket}").status == 200
    for region, status in ((HOME, 200), ("", 403)):
        for method, query in (("HEAD", ""), ("GET", ""), ("GET", "?list-type=2")):
            answer = door.ask(method, "localhost:4566", f"/{bucket}{query}", region=region)
            assert (answer.status, answer.headers.get("x-amz-bucket-region")) == (status, HOME)
    assert "x-amz-bucket-region" not in door.ask("GET", "localhost:4566", f"/{bucket}/k", region="").headers


# An SDK that asks in the wrong region finds the bucket by what it is answered. It takes us for a proxy, and so uses the
# names of AWS's own hosts.
@pytest.mark.parametrize("style", ["path", "virtual"])
def test_sdk_follows(skybus: servers.Server, away: str, style: Literal["path", "virtual"]) -> None:
    config = Config(s3={"addressing_style": style}, proxies={"http": skybus.endpoint})
    s3 = boto3.Session("test", "test", region_name=HOME).client("s3", use_ssl=False, config=config)
    assert s3.get_object(Bucket=away, Key="k")["Body"].read() == b"away"
    assert s3.head_object(Bucket=away, Key="k")["ContentLength"] == 4
