"""S3's version 2 signatures: the examples of AWS's documentation, and what must not pass."""

import pytest

from gateway import sigv2
from gateway.sigv4 import Claim, Reason, Refusal

# https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html, "Request Authentication Examples"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
NOW = 1_175_024_202.0                     # Tue, 27 Mar 2007 19:36:42 +0000
EXAMPLES = [
    ("GET", "/photos/puppy.jpg", "", {"date": "Tue, 27 Mar 2007 19:36:42 +0000"}, "qgk2+6Sv9/oM7G3qLEjTH1a1l1g="),
    ("PUT", "/photos/puppy.jpg", "", {"date": "Tue, 27 Mar 2007 21:15:45 +0000", "content-type": "image/jpeg"},
     "iqRzw+ileNPu1fhspnRs8nOjjIA="),
    ("GET", "/", "prefix=photos&max-keys=50&marker=puppy", {"date": "Tue, 27 Mar 2007 19:42:41 +0000"},
     "m0WP8eCtspQl5Ahe6L1SozdX9YA="),
    ("GET", "/", "acl", {"date": "Tue, 27 Mar 2007 19:44:46 +0000"}, "82ZHiFIjc+WbcwFKGUVEQspPn+0="),
]


def header(signature: str) -> str:
    return f"AWS AKIAIOSFODNN7EXAMPLE:{signature}"


def check(claim: Claim, method: str, path: str, query: str, headers: dict[str, str], now: float) -> None:
    sigv2.verify(claim, SECRET, method, path, query, headers, now)


@pytest.mark.parametrize(("method", "path", "query", "more", "signature"), EXAMPLES)
def test_the_published_examples(
    method: str, path: str, query: str, more: dict[str, str], signature: str
) -> None:
    headers = {"host": "awsexamplebucket1.s3.us-west-1.amazonaws.com", **more}
    claim = sigv2.header_claim(header(signature), headers)
    now = NOW + (6000 if method == "PUT" else 0)
    check(claim, method, path, query, headers, now)
    for changed in (("DELETE", path, query), (method, path + "x", query), (method, path, "versionId=1")):
        with pytest.raises(Refusal) as caught:
            check(claim, *changed, headers, now)
        assert caught.value.reason is Reason.MISMATCH
    with pytest.raises(Refusal) as caught:
        check(claim, method, path, query, headers, now + 3600)
    assert caught.value.reason is Reason.EXPIRED


def test_expired() -> None:
    claim = sigv2.query_claim("AWSAccessKeyId=a&Signature=b&Expires=100")
    for secret in (SECRET, None):
        with pytest.raises(Refusal) as caught:
            sigv2.verify(claim, secret, "GET", "/b/k", "", {}, 101.0)
        assert caught.value.reason is Reason.PRESIGN_EXPIRED


@pytest.mark.parametrize("authorization", ["AWS a", "AWS :x", "AWS a:", "AWS "])
def test_malformed_headers(authorization: str) -> None:
    with pytest.raises(Refusal):
        sigv2.header_claim(authorization, {"date": "Tue, 27 Mar 2007 19:36:42 +0000"})


@pytest.mark.parametrize("query", ["AWSAccessKeyId=a&Signature=b", "AWSAccessKeyId=a&Signature=b&Expires=x"])
def test_malformed_queries(query: str) -> None:
    with pytest.raises(Refusal):
        sigv2.query_claim(query)
