"""Routing rules of websites. Locations and statuses are those of ceph/s3-tests (test_s3_website.py)."""

from typing import Any

import pytest

from gateway.s3.routing import Redirect, find

HOST = "bucket.s3-website.localhost:4566"
DOCS = {"Condition": {"KeyPrefixEquals": "docs/"}, "Redirect": {"ReplaceKeyPrefixWith": "documents/"}}
IMAGES = {"Condition": {"KeyPrefixEquals": "images/"}, "Redirect": {"ReplaceKeyWith": "folderdeleted.html"}}
REPORT = {"HostName": "ec2", "ReplaceKeyPrefixWith": "report-404/"}
MISSING = {"Condition": {"HttpErrorCodeReturnedEquals": "404"}, "Redirect": REPORT}
MISSING_IMAGES = {"Condition": {"HttpErrorCodeReturnedEquals": "404", "KeyPrefixEquals": "images/"}, "Redirect": REPORT}


@pytest.mark.parametrize(("rules", "key", "status", "location"), [
    ([], "x", None, None), ([DOCS], "", None, None), ([DOCS], "x", None, None), ([DOCS], "docs", None, None),
    ([DOCS], "docs/", None, f"http://{HOST}/documents/"), ([DOCS], "docs/x", None, f"http://{HOST}/documents/x"),
    ([DOCS], "docs/x", 404, None),                  # it would have been sent away before
    ([{**DOCS, "Redirect": {"Protocol": "https", "HostName": "xyzzy", "ReplaceKeyPrefixWith": "documents/"}}],
     "docs/x", None, "https://xyzzy/documents/x"),
    ([DOCS, IMAGES], "images/x", None, f"http://{HOST}/folderdeleted.html"),
    ([MISSING], "images/x", None, None), ([MISSING], "images/x", 403, None),
    ([MISSING], "images/x", 404, "http://ec2/report-404/images/x"),
    ([MISSING_IMAGES], "x", 404, None), ([MISSING_IMAGES], "images/x", 404, "http://ec2/report-404/x"),
    ([{"Redirect": {"HostName": "example.com"}}], "", None, "http://example.com/"),
    ([{"Redirect": {"Protocol": "https"}}], "ä b\n", None, f"https://{HOST}/%C3%A4%20b%0A"),
    ([{"Redirect": {"ReplaceKeyWith": "a b\r\nSet-Cookie: c"}}], "x", None, f"http://{HOST}/a%20b%0D%0ASet-Cookie:%20c"),
])
def test_rules(rules: list[Any], key: str, status: int | None, location: str | None) -> None:
    assert find(rules, key, HOST, status) == (None if location is None else Redirect(301, location))


@pytest.mark.parametrize("code", [301, 302, 303, 304, 305, 307, 308])
def test_codes(code: int) -> None:
    rule = {"Redirect": {"ReplaceKeyWith": "x", "HttpRedirectCode": str(code)}}
    assert find([rule], "y", HOST) == Redirect(code, f"http://{HOST}/x")
