"""What a page of another site makes a browser send without an Origin: an image, a script, a frame, a link.

Sec-Fetch-Site is what browsers say of it: https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header. DESIGN.md,
Pages and buckets, says who may what.
"""

from urllib.parse import urlsplit

import pytest
from botocore.auth import S3SigV4QueryAuth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from gateway.browsers import is_known
from tests.gateway.running import ask, http, run, running

STRANGER, ROOT = ("nobody", "knows"), ("test", "test")


def url(service: str, target: str, keys: tuple[str, str]) -> str:
    """Path and query, signed: as whoever writes a page can do with keys that everybody knows."""
    signer = S3SigV4QueryAuth if service == "s3" else SigV4QueryAuth
    request = AWSRequest("GET", f"http://localhost{target}")
    signer(Credentials(*keys), service, "us-east-1", expires=86_400).add_auth(request)
    parts = urlsplit(str(request.url))
    return f"{parts.path}?{parts.query}"


CALLER = "/?Action=GetCallerIdentity&Version=2011-06-15"
SEND = "/?Action=SendMessage&Version=2012-11-05&QueueUrl=http://localhost/1/q&MessageBody=x"


@pytest.mark.parametrize("keys", [STRANGER, ROOT])
@pytest.mark.parametrize(("service", "target", "code"), [
    ("sts", CALLER, "AccessDenied"), ("sqs", SEND, "AccessDenied"),
    ("ec2", "/?Action=DescribeRegions&Version=2016-11-15", "UnauthorizedOperation"),
    ("lambda", "/2015-03-31/functions", "AccessDeniedException"),
    ("s3", "/", "AccessDenied"), ("s3", "/bucket", "AccessDenied"), ("s3", "/bucket?policy", "AccessDenied"),
])
def test_what_is_signed_in_its_url(service: str, target: str, code: str, keys: tuple[str, str]) -> None:
    """Refused in the service's words, and nothing has happened; from this site, or typed in, it is answered."""
    async def main() -> None:
        async with running() as gateway:
            signed = url(service, target, keys)
            answer = await ask(gateway, http("GET", signed, {"sec-fetch-site": "cross-site"}))
            assert answer.status == 403
            assert code in answer.headers.get("x-amzn-errortype", "") + answer.body.decode()
            assert "Sec-Fetch-Site" in answer.body.decode()
            assert not gateway.bus.asked
            for site in ("none", "same-site", "same-origin"):
                assert (await ask(gateway, http("GET", signed, {"sec-fetch-site": site}))).status == 200
            assert len(gateway.bus.asked) == 3

    run(main)


@pytest.mark.parametrize(("method", "target", "host"), [
    ("GET", url("s3", "/bucket/key", ROOT), "localhost"), ("HEAD", url("s3", "/bucket/key", STRANGER), "localhost"),
    ("GET", url("s3", "/key", STRANGER), "bucket.s3.localhost:4566"),
    ("GET", "/bucket/key", "localhost"), ("GET", "/bucket", "localhost"), ("GET", "/", "bucket.s3.localhost:4566"),
])
def test_objects(method: str, target: str, host: str) -> None:
    """A picture by its presigned URL, and what needs no key: shown wherever the page is, as on AWS."""
    async def main() -> None:
        async with running() as gateway:
            answer = await ask(gateway, http(method, target, {"host": host, "sec-fetch-site": "cross-site"}), method)
            assert (answer.status, len(gateway.bus.asked)) == (200, 1)

    run(main)


def test_what_is_signed_for_another_service_is_no_object() -> None:
    async def main() -> None:
        async with running() as gateway:
            for target in (url("sts", f"/bucket/key{CALLER[1:]}", STRANGER), CALLER, "/key?X-Amz-Signature=0"):
                answer = await ask(gateway, http("GET", target, {"sec-fetch-site": "cross-site"}))
                assert answer.status in (400, 403), target
            assert not gateway.bus.asked

    run(main)


def test_what_changes_an_object() -> None:
    """A page can make a browser send a GET without an Origin; whatever else comes so is none of its images."""
    async def main() -> None:
        async with running() as gateway:
            answer = await ask(gateway, http("DELETE", url("s3", "/bucket/key", STRANGER),
                                             {"sec-fetch-site": "cross-site"}))
            assert (answer.status, gateway.bus.asked) == (403, [])

    run(main)


def test_strict_mode() -> None:
    """There a URL is signed by who has the key, and may be shown anywhere, as on AWS."""
    async def main() -> None:
        async with running(open_mode=False) as gateway:
            answer = await ask(gateway, http("GET", url("sts", CALLER, ROOT), {"sec-fetch-site": "cross-site"}))
            assert (answer.status, len(gateway.bus.asked)) == (200, 1)

    run(main)


@pytest.mark.parametrize(("origin", "status"), [("http://localhost:3000", 200), ("https://evil.example", 403)])
def test_an_origin_decides_where_there_is_one(origin: str, status: int) -> None:
    async def main() -> None:
        async with running() as gateway:
            answer = await ask(gateway, http("GET", url("sts", CALLER, STRANGER),
                                             {"sec-fetch-site": "cross-site", "origin": origin}))
            assert (answer.status, len(gateway.bus.asked)) == (status, status == 200)

    run(main)


def test_websites() -> None:
    """A link from another site leads to one; here the bucket has none, which is what the answer says."""
    async def main() -> None:
        async with running() as gateway:
            answer = await ask(gateway, http("GET", "/?X-Amz-Signature=0", {
                "host": "bucket.s3-website.localhost:4566", "sec-fetch-site": "cross-site"}))
            assert (answer.status, b"Sec-Fetch-Site" in answer.body) == (404, False)

    run(main)


# DNS rebinding: a site's name that leads to this machine makes its pages our own to a browser, which then sends neither
# an Origin with a GET nor, to http://, Sec-Fetch-Site. Names without a dot and those of private networks are how
# containers and CI come: https://www.rfc-editor.org/rfc/rfc6761, rfc6762, rfc8375.
@pytest.mark.parametrize(("host", "known"), [
    *((host, True) for host in (
        "", "localhost", "LOCALHOST:4566", "localhost.:4566", "127.0.0.1:4566", "[::1]:4566", "0.0.0.0",
        "172.17.0.1:80", "skybus:4566", "localstack", "aws", "my_service:80", "host.docker.internal:4566",
        "skybus.default.svc.cluster.local", "nas.home.arpa", "cloud.test", "localhost.localstack.cloud:4566",
        "bucket.s3.localhost.localstack.cloud:4566",
        "bucket.localhost", "s3.eu-west-1.amazonaws.com", "a.b.s3.amazonaws.com", "sqs.cn-north-1.amazonaws.com.cn",
        "lambda.us-east-1.api.aws", "aws.corp.example", "x.aws.corp.example:80")),
    *((host, False) for host in (
        "evil.example", "evil.example:4566", "EVIL.example.", "localhost.evil.example", "127.0.0.1.nip.io",
        "xamazonaws.com", "amazonaws.com.evil.example", "evil-localhost.example", "notaws.corp.example.com", "[::1",
        "a." * 200 + "localhost")),
])
def test_known_hosts(host: str, known: bool) -> None:
    assert is_known(host, ("aws.corp.example",)) is known


@pytest.mark.parametrize(("service", "target"), [
    ("sts", CALLER), ("s3", "/bucket/key"), ("lambda", "/2015-03-31/functions"),
])
def test_a_page_whose_name_leads_here(service: str, target: str) -> None:
    async def main() -> None:
        async with running() as gateway:
            for request in (url(service, target, ROOT), target):
                answer = await ask(gateway, http("GET", request, {"host": "evil.example:4566"}))
                assert answer.status == 403
                assert b"evil.example:4566" in answer.body
                assert b"SKYBUS_HOSTS" in answer.body
            for page in ("/_skybus/metrics", "/_localstack/health"):
                answer = await ask(gateway, http("GET", page, {"host": "evil.example"}))
                assert (answer.status, b"SKYBUS_HOSTS" in answer.body) == (403, True)
            assert not gateway.bus.asked
        async with running(open_mode=False) as gateway:        # where its pages would need a secret
            answer = await ask(gateway, http("GET", target, {"host": "evil.example"}))
            assert b"SKYBUS_HOSTS" not in answer.body

    run(main)
