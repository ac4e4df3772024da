"""What S3 answers to signatures that say nothing, too little or too much.

Expected: AWS's own answers of September 2026 as brekkylab/backlot has them, ceph/s3-tests (test_headers.py), and of
headers that lack something versitygw's tests.
"""

import asyncio
import re
from email.utils import formatdate
from time import gmtime, strftime

import pytest

from tests.gateway.running import ask, client, http, run, running

V4 = "AWS4-HMAC-SHA256 Credential=test/{day}/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"
DATE = "AWS authentication requires a valid Date or x-amz-date header"
SKEWED = "The difference between the request time and the current time is too large."
UNSUPPORTED = "Unsupported Authorization Type"
EXPECTED = "AWS authorization header is invalid.  Expected AwsAccessKeyId:signature"
TWICE = "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter " \
    "or the Authorization header should be specified"
PRESIGNED = "X-Amz-Credential=test%2F20260101%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date={date}&X-Amz-Expires=60" \
    "&X-Amz-SignedHeaders=host&X-Amz-Signature=0&X-Amz-Algorithm="
NOW = formatdate(usegmt=True)


def v2(date: str, *, name: str = "x-amz-date") -> dict[str, str]:
    return {"authorization": "AWS test:signature", name: date}


def v4(date: str, day: str = "20260101") -> dict[str, str]:
    return {"authorization": V4.format(day=day), "x-amz-date": date}


def asked_as(credential: str = "test/20260101/us-east-1/s3/aws4_request", *, rest: str = "") -> dict[str, str]:
    rest = rest or f"Credential={credential}, SignedHeaders=host, Signature=0"
    return {"authorization": f"AWS4-HMAC-SHA256 {rest}", "x-amz-date": "20260101T000000Z"}


SCOPE = "Credential=test/20260101/us-east-1/s3/aws4_request"
THREE = "the authorization header requires three components: Credential, SignedHeaders, and Signature."


@pytest.mark.parametrize(("headers", "why"), [
    (asked_as(rest=f"{SCOPE}, Signature=0"), THREE), (asked_as(rest=f"{SCOPE},SignedHeaders=host"), THREE),
    (asked_as(rest=f"{SCOPE},SignedHeaders-host,Signature=0"), 'the authorization component "SignedHeaders-host" is '
                                                               "malformed."),
    (asked_as(rest="Other=a,SignedHeaders=host,Signature=0"), "missing Credential."),
    (asked_as(rest=f"{SCOPE},Other=a,Signature=0"), "missing SignedHeaders."),
    (asked_as(rest=f"{SCOPE},SignedHeaders=host,Other=a"), "missing Signature."),
    (asked_as("test/20260101/us-east-1/s3/extra/things"),
     'the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".'),
    (asked_as("test/32234/us-east-1/s3/aws4_request"),
     'incorrect date format "32234". This date in the credential must be in the format "yyyyMMdd".'),
    (asked_as("test/20260101//s3/aws4_request"), "a non-empty region must be provided in the credential."),
    (asked_as("test/32234/us-east-1/s3/aws_request"),
     'incorrect terminal "aws_request". This endpoint uses "aws4_request".'),
])
def test_headers_that_say_too_little(headers: dict[str, str], why: str) -> None:
    async def main() -> None:
        async with running() as gateway:
            answer = await ask(gateway, http("GET", "/bucket/key", headers))
            text = answer.body.decode().replace("&quot;", '"').replace("&lt;", "<").replace("&gt;", ">")
            assert answer.status == 400
            assert "<Code>AuthorizationHeaderMalformed</Code>" in text
            assert f"<Message>The authorization header is malformed; {why}</Message>" in text

    run(main)


# The root is S3's own for whoever would prove who he is; the order of the members is S3's.
def test_refusals_at_the_root() -> None:
    async def main() -> None:
        async with running() as gateway:
            answer = await ask(gateway, http("GET", "/", {"authorization": "none"}))
            assert answer.status == 400
            assert b"<Message>Authorization header is invalid -- one and only one &apos; &apos; (space) required</Me" \
                in answer.body.replace(b"'", b"&apos;")
            now = strftime("%Y%m%dT%H%M%SZ", gmtime())
            headers = {**v4(now, now[:8]), "x-amz-content-sha256": "UNSIGNED-PAYLOAD"}
            answer = await ask(gateway, http("GET", "/", headers))
            assert answer.status == 403
            assert re.findall("<([A-Za-z]+)>", answer.body.decode()) == [
                "Error", "Code", "Message", "AWSAccessKeyId", "StringToSign", "SignatureProvided", "StringToSignBytes",
                "CanonicalRequest", "CanonicalRequestBytes", "RequestId", "HostId"]

    run(main)


# For what region it is signed comes before whose signature it is (ministack's tests, measured in Osaka and Tokyo).
@pytest.mark.parametrize("key", ["test", "AKIAUNKNOWNKEY000001"])
def test_regions_before_credentials(key: str) -> None:
    async def main() -> None:
        async with running(open_mode=False) as gateway:
            now = strftime("%Y%m%dT%H%M%SZ", gmtime())
            headers = {**v4(now, now[:8]), "x-amz-content-sha256": "UNSIGNED-PAYLOAD"}
            headers["authorization"] = headers["authorization"].replace("test", key)
            for region, code in (("eu-west-1", b"AuthorizationHeaderMalformed"),
                                 ("us-east-1", b"SignatureDoesNotMatch" if key == "test" else b"InvalidAccessKeyId")):
                answer = await ask(gateway, http("GET", "/bucket/key", {
                    **headers, "host": f"s3.{region}.amazonaws.com"}))
                assert b"<Code>" + code + b"</Code>" in answer.body

    run(main)


@pytest.mark.parametrize(("headers", "query", "status", "code", "message"), [
    ({"authorization": "AWS HAHAHA", "date": NOW}, "", 400, "InvalidArgument", EXPECTED),
    ({"authorization": "AWS a:b:c", "date": NOW}, "", 400, "InvalidArgument", EXPECTED),
    ({"authorization": "AWS4 HAHAHA"}, "", 400, "InvalidArgument", UNSUPPORTED),
    ({"authorization": "AWS4-HMAC-SHA256, SignedHeaders=host, Signature=0"}, "", 400, "InvalidArgument", UNSUPPORTED),
    ({"authorization": "Bearer abc"}, "", 400, "InvalidArgument", UNSUPPORTED),
    (v2("Bad Date"), "", 403, "AccessDenied", DATE),
    (v2(""), "", 403, "AccessDenied", DATE),
    ({**v2(""), "date": NOW}, "", 403, "AccessDenied", DATE),
    (v2("Tue, 07 Jul 1950 21:53:04 GMT", name="date"), "", 403, "AccessDenied", DATE),
    (v2("Tue, 07 Jul 2010 21:53:04 GMT"), "", 403, "RequestTimeTooSkewed", SKEWED),
    (v2("Tue, 07 Jul 9999 21:53:04 GMT", name="date"), "", 403, "RequestTimeTooSkewed", SKEWED),
    ({"authorization": V4}, "", 403, "AccessDenied", DATE),
    (v4("Bad Date"), "", 403, "AccessDenied", DATE),
    ({**v4(""), "date": NOW}, "", 403, "AccessDenied", DATE),
    (v4("19500707T215304Z"), "", 403, "AccessDenied", DATE),
    (v4("20100707T215304Z"), "", 403, "RequestTimeTooSkewed", SKEWED),
    (v4("99990707T215304Z"), "", 403, "RequestTimeTooSkewed", SKEWED),
    ({"authorization": "Basic dGVzdA=="}, PRESIGNED + "AWS4-HMAC-SHA256", 400, "InvalidArgument", TWICE),
    (v2(NOW), "AWSAccessKeyId=a&Expires=1&Signature=b", 400, "InvalidArgument", TWICE),
    ({}, PRESIGNED + "AWS4", 400, "AuthorizationQueryParametersError",
     'X-Amz-Algorithm only supports "AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256"'),
    ({}, PRESIGNED + "AWS4-ECDSA-P256-SHA256", 400, "AuthorizationQueryParametersError",
     'X-Amz-Algorithm only supports "AWS4-HMAC-SHA256"'),
    ({}, "AWSAccessKeyId=a&Signature=b", 403, "AccessDenied",
     "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters"),
    ({}, "AWSAccessKeyId=a&Signature=b&Expires=soon", 403, "AccessDenied",
     "Invalid date (should be seconds since epoch): soon"),
])
def test_refusals(headers: dict[str, str], query: str, status: int, code: str, message: str) -> None:
    async def main() -> None:
        async with running() as gateway:
            answer = await ask(gateway, http("GET", f"/bucket/key?{query.format(date='20260101T000000Z')}", headers))
            text = answer.body.decode().replace("&apos;", "'").replace("&quot;", '"')
            assert (answer.status, gateway.bus.asked) == (status, []), text
            assert f"<Code>{code}</Code>" in text
            assert f"<Message>{message}</Message>" in text

    run(main)


# botocore signs a bucket alone with a slash behind it that it does not send.
def test_version_2_as_botocore_signs_it() -> None:
    calls: list[tuple[str, dict[str, str]]] = [
        ("list_buckets", {}), ("create_bucket", {"Bucket": "bucket"}), ("get_bucket_acl", {"Bucket": "bucket"}),
        ("get_object", {"Bucket": "bucket", "Key": "k/"}), ("list_objects_v2", {"Bucket": "bucket", "Prefix": "a b"}),
    ]

    async def main() -> None:
        async with running(open_mode=False) as gateway:
            with client(gateway, "s3", signature_version="s3") as s3:
                for operation, params in calls:
                    await asyncio.to_thread(getattr(s3, operation), **params)
            assert len(gateway.bus.asked) == len(calls)

    run(main)
