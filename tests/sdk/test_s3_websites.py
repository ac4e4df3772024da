"""Buckets as websites, as browsers ask them: hosts of AWS's and LocalStack's forms, everybody's rights only."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
import urllib3

from tests import servers
from tests.sdk.s3 import client

Rules = list[dict[str, Any]]


class Site:
    """A bucket whose objects everybody may read, but for those below private/, and whose keys nobody may list."""

    def __init__(self, server: servers.Server) -> None:
        self.server = server
        self.s3 = client(server)
        self.bucket = f"site.{uuid4().hex[:8]}"
        self.host = f"{self.bucket}.s3-website.localhost.localstack.cloud:4566"
        self.s3.create_bucket(Bucket=self.bucket)
        arn = f"arn:aws:s3:::{self.bucket}"
        self.allow([("Allow", "s3:GetObject", f"{arn}/*"), ("Deny", "s3:GetObject", f"{arn}/private/*")])
        for key, body in [("index.html", b"index"), ("error.html", b"error"), ("docs/index.html", b"docs"),
                          ("large", bytes(100_000)), ("private/x", b"secret")]:
            self.s3.put_object(Bucket=self.bucket, Key=key, Body=body, ContentType="text/html")

    def allow(self, statements: list[tuple[str, str, str]]) -> None:
        self.s3.put_bucket_policy(Bucket=self.bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": effect, "Principal": "*", "Action": action, "Resource": resource}
            for effect, action, resource in statements]}))

    def configure(self, rules: Rules | None = None, *, error: str | None = None, **document: Any) -> None:
        document = document or {"IndexDocument": {"Suffix": "index.html"}}
        if rules:
            document["RoutingRules"] = rules
        if error:
            document["ErrorDocument"] = {"Key": error}
        self.s3.put_bucket_website(Bucket=self.bucket, WebsiteConfiguration=document)

    def ask(self, path: str, method: str = "GET", host: str = "", **headers: str) -> urllib3.BaseHTTPResponse:
        url = f"{self.server.endpoint}{path}"
        return urllib3.request(method, url, headers={"Host": host or self.host, **headers}, redirect=False)


@pytest.fixture(scope="module")
def site(skybus: servers.Server) -> Iterator[Site]:
    made = Site(skybus)
    made.configure()
    yield made
    made.s3.close()


@pytest.fixture
def plain(site: Site) -> Iterator[Site]:
    yield site
    site.configure()


def test_documents(site: Site) -> None:
    for host in ("s3-website-us-east-1.amazonaws.com", "s3-website.us-east-1.amazonaws.com",
                 "s3-website.localhost.localstack.cloud", "s3-website.us-east-1.localhost.localstack.cloud:4566",
                 "s3-website.localhost:4566"):
        answer = site.ask("/", host=f"{site.bucket}.{host}")
        assert (answer.status, answer.data, answer.headers["content-type"]) == (200, b"index", "text/html"), host
    assert site.ask("/docs/?versionId=x&acl").data == b"docs"            # a query means nothing
    moved = site.ask("/docs")
    assert (moved.status, moved.headers["location"], moved.data) == (302, "/docs/", b"")
    large = site.ask("/large", Range="bytes=99990-")
    assert (large.status, len(large.data)) == (206, 10)
    assert len(site.ask("/large").data) == 100_000
    head = site.ask("/large", "HEAD")
    assert (head.status, head.headers["content-length"], head.data) == (200, "100000", b"")
    other = site.ask("/", **{"If-None-Match": head.headers["etag"], "Authorization": "AWS4-HMAC-SHA256 nobody's"})
    assert other.status == 200                                           # nor does a signature
    same = site.ask("/", **{"If-None-Match": other.headers["etag"]})
    assert (same.status, same.data, same.headers["etag"]) == (304, b"", other.headers["etag"])


# Whoever may not list the bucket is not told that a key is missing (userguide, CustomErrorDocSupport; ceph/s3-tests,
# test_website_*_list_*). The page's form is AWS's.
def test_errors(plain: Site) -> None:
    for path, method, host, status, facts in [
        ("/none", "GET", "", 403, ["Code: AccessDenied", "Message: Access Denied"]),
        ("/private/x", "GET", "", 403, ["Code: AccessDenied"]),
        ("/", "PUT", "", 405, ["Code: MethodNotAllowed", "Method: PUT", "ResourceType: OBJECT"]),
        ("/", "POST", "", 405, ["Code: MethodNotAllowed"]),
        ("/", "GET", "nobodys-bucket.s3-website.localhost", 404, ["Code: NoSuchBucket", "BucketName: nobodys-bucket"]),
        ("/", "GET", f"{plain.bucket}.s3-website-eu-west-1.amazonaws.com", 400, [
            "Code: IncorrectEndpoint", f"Endpoint: {plain.bucket}.s3-website-us-east-1.amazonaws.com"]),
    ]:
        answer = plain.ask(path, method, host)
        page = answer.data.decode()
        assert (answer.status, [fact for fact in facts if f"<li>{fact}</li>" not in page]) == (status, []), page
        assert answer.headers["content-type"].startswith("text/html")
        assert facts[0] == f"Code: {answer.headers['x-amz-error-code']}"
        assert f"<li>RequestId: {answer.headers['x-amz-request-id']}</li>" in page
    assert plain.ask("/", host="s3-website-us-east-1.amazonaws.com").headers["location"] == "https://aws.amazon.com/s3/"
    head = plain.ask("/none", "HEAD")
    assert (head.status, head.data) == (403, b"")

    plain.configure(error="error.html")
    answer = plain.ask("/none")
    assert (answer.status, answer.data, answer.headers["content-type"]) == (403, b"error", "text/html")
    head = plain.ask("/none", "HEAD")
    assert (head.status, head.headers["x-amz-error-code"], head.data) == (403, "AccessDenied", b"")
    plain.configure(error="<gone>.html")
    page = plain.ask("/none").data.decode()
    assert "<h3>An Error Occurred While Attempting to Retrieve a Custom Error Document</h3>" in page

    arn = f"arn:aws:s3:::{plain.bucket}"
    plain.allow([("Allow", "s3:GetObject", f"{arn}/*"), ("Allow", "s3:ListBucket", arn)])
    try:
        page = plain.ask("/%3Cnone%3E").data.decode()
        assert "<li>Code: NoSuchKey</li>\n<li>Message: The specified key does not exist.</li>\n" \
               "<li>Key: &lt;none&gt;</li>" in page
        assert "<li>Key: &lt;gone&gt;.html</li>" in page
    finally:
        plain.allow([("Allow", "s3:GetObject", f"{arn}/*"), ("Deny", "s3:GetObject", f"{arn}/private/*")])

    plain.s3.delete_bucket_website(Bucket=plain.bucket)
    page = plain.ask("/").data.decode()
    assert "<li>Code: NoSuchWebsiteConfiguration</li>" in page


def test_redirects(plain: Site) -> None:
    for location in ("/docs/", "https://example.com/a?b=c"):
        plain.s3.put_object(Bucket=plain.bucket, Key="moved", Body=b"x", WebsiteRedirectLocation=location)
        answer = plain.ask("/moved")
        assert (answer.status, answer.headers["location"], answer.data) == (301, location, b"")
    plain.configure(RedirectAllRequestsTo={"HostName": "example.com"})
    assert plain.ask("/a%20b?c=d").headers["location"] == "http://example.com/a%20b?c=d"
    plain.configure(RedirectAllRequestsTo={"HostName": "example.com", "Protocol": "https"})
    answer = plain.ask("/")
    assert (answer.status, answer.headers["location"]) == (301, "https://example.com/")
    plain.configure([
        {"Condition": {"KeyPrefixEquals": "old/"}, "Redirect": {"ReplaceKeyPrefixWith": "docs/"}},
        {"Condition": {"HttpErrorCodeReturnedEquals": "403", "KeyPrefixEquals": "thumbs/"},
         "Redirect": {"HostName": "api.example", "Protocol": "https", "ReplaceKeyPrefixWith": "resize?key=",
                      "HttpRedirectCode": "307"}},
    ], error="error.html")
    assert plain.ask("/old/x y").headers["location"] == f"http://{plain.host}/docs/x%20y"
    answer = plain.ask("/thumbs/a.png")
    assert (answer.status, answer.headers["location"]) == (307, "https://api.example/resize?key=a.png")
    assert plain.ask("/none").status == 403
    assert plain.ask("/").data == b"index"


def test_refused_configurations(site: Site) -> None:
    elsewhere = {"HostName": "example.com"}
    refusals: list[tuple[dict[str, Any], str, str]] = [
        ({"Redirect": {**elsewhere, "HttpRedirectCode": "300"}}, "InvalidRequest", "HTTP redirect code (300)"),
        ({"Redirect": {**elsewhere, "HttpRedirectCode": "x"}}, "MalformedXML", ""),
        ({"Condition": {"HttpErrorCodeReturnedEquals": "304"}, "Redirect": elsewhere}, "InvalidRequest",
         "The provided HTTP error code (304) is not valid. Valid codes are 4XX or 5XX."),
        ({"Redirect": {**elsewhere, "Protocol": "ftp"}}, "InvalidRequest", "Invalid protocol"),
        ({"Redirect": {"ReplaceKeyWith": "a", "ReplaceKeyPrefixWith": "b"}}, "InvalidRequest", "but not both"),
        ({"Redirect": {}}, "MalformedXML", ""),
    ]
    for rule, code, message in refusals:
        with pytest.raises(site.s3.exceptions.ClientError) as refused:
            site.configure([rule])
        error = refused.value.response["Error"]
        assert (error["Code"], message in error["Message"]) == (code, True), error
    with pytest.raises(site.s3.exceptions.ClientError) as refused:
        site.s3.put_object(Bucket=site.bucket, Key="x", WebsiteRedirectLocation="x")
    assert refused.value.response["Error"]["Code"] == "InvalidRedirectLocation"
