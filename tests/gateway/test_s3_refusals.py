"""What S3 answers to signatures that say nothing, too little or too much.

Expected: AWS's own answers of September 2026 as brekkylab/backlot has them, and ceph/s3-tests (test_headers.py).
"""

import asyncio
from email.utils import formatdate

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
