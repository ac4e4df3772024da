"""Whatever bytes arrive, a protocol gives params or an AwsError, and nothing else: no traceback, no endless work."""

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.protocols import HttpRequest, named
from schemas import models
from schemas.errors import AwsError, SerializationException
from tests.wire.codec import REQUEST_ID

# One service of each protocol, with a request that names an operation with a rich input.
DOORS: dict[str, tuple[str, str, dict[str, str]]] = {
    "json": ("dynamodb", "/", {"x-amz-target": "DynamoDB_20120810.BatchWriteItem"}),
    "query": ("iam", "/", {}),
    "ec2": ("ec2", "/", {}),
    "rest-json": ("lambda", "/2015-03-31/functions", {}),
    "rest-xml": ("s3", "/bucket?lifecycle", {}),
    "smithy-rpc-v2-cbor": ("cloudwatch", "/service/GraniteServiceVersion20100801/operation/PutMetricData", {}),
}
METHODS = {"rest-xml": "PUT"}
ACTIONS = {"query": "Action=CreateRole&", "ec2": "Action=RunInstances&"}


def ask(protocol: str, body: bytes, path: str = "", query: str = "", headers: dict[str, str] | None = None) -> Any:
    """Params; or the AwsError, once it has been serialised too."""
    service_name, door, known = DOORS[protocol]
    service, speaker = models.load(service_name), named(protocol)
    where, _, constant = (path or door).partition("?")
    request = HttpRequest(
        METHODS.get(protocol, "POST"), where, f"{constant}&{query}", {**known, **(headers or {})},
        ACTIONS.get(protocol, "").encode() + body,
    )
    try:
        return speaker.parse(speaker.operation(service, request), request)
    except AwsError as error:
        response = speaker.serialise_error(service, None, error, REQUEST_ID)
        assert response.status >= 400
        return error


protocols = pytest.mark.parametrize("protocol", sorted(DOORS))


# Random bytes as a body.
@protocols
@given(body=st.binary(max_size=200))
@settings(max_examples=60, deadline=None)
def test_random_bodies(protocol: str, body: bytes) -> None:
    assert isinstance(ask(protocol, body), dict | AwsError)


# Random text everywhere a request has text.
@protocols
@given(path=st.text(max_size=40), query=st.text(max_size=40), value=st.text(max_size=40))
@settings(max_examples=60, deadline=None)
def test_random_requests(protocol: str, path: str, query: str, value: str) -> None:
    headers = {"x-amz-target": value, "content-type": value, "content-length": value, "x-amz-expires": value}
    body = value.encode("utf-8", "surrogatepass")
    assert isinstance(ask(protocol, body, f"/{path}", query, headers), dict | AwsError)
    for escaped in (f"/{quote(path, errors='replace')}", "/%ff/%fe", "/%00", "//", "/a/../b"):
        assert isinstance(ask(protocol, b"", escaped, query, headers), dict | AwsError)


NAMES = ["RequestItems", "PutRequest", "Item", "S", "N", "B", "M", "L", "Environment", "Variables", "Code", "ZipFile",
         "Timeout", "MetricData", "Timestamp", "Value", "Tags"]
TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)


# Any JSON where a shape is expected: right names, wrong types.
@pytest.mark.parametrize("protocol", ["json", "rest-json"])
@given(tree=TREES)
@settings(max_examples=150, deadline=None)
def test_any_json(protocol: str, tree: Any) -> None:
    assert isinstance(ask(protocol, json.dumps(tree).encode()), dict | AwsError)


TAGS = st.sampled_from(["Rule", "Filter", "And", "Tag", "ID", "Days"])
XML = st.recursive(
    st.text("a1<>&; ", max_size=5),
    lambda inner: st.builds(lambda tag, parts: f"<{tag}>{''.join(parts)}</{tag}>", TAGS, st.lists(inner, max_size=3)),
    max_leaves=12,
)


# Elements in places they do not belong.
@given(body=XML)
@settings(max_examples=150, deadline=None)
def test_any_xml(body: str) -> None:
    document = f"<LifecycleConfiguration>{body}</LifecycleConfiguration>"
    assert isinstance(ask("rest-xml", document.encode()), dict | AwsError)


# 10,000 levels, in each form that can nest.
@pytest.mark.parametrize(("protocol", "body"), [
    ("json", b'{"RequestItems":' * 10_000 + b"1" + b"}" * 10_000),
    ("json", b'{"RequestItems":{"T":[{"PutRequest":{"Item":{"a":' + b'{"L":[' * 200 + b"]}" * 200 + b"}}}]}}"),
    ("json", b"[" * 10_000),
    ("rest-json", b'{"Environment":' * 10_000 + b"1" + b"}" * 10_000),
    ("rest-xml", b"<a>" * 10_000 + b"</a>" * 10_000),
    ("query", b"A" + b".member.1" * 10_000 + b"=x"),
    ("ec2", b"A" + b".1" * 10_000 + b"=x"),
    ("smithy-rpc-v2-cbor", b"\x81" * 10_000 + b"\x00"),
    ("smithy-rpc-v2-cbor", b"\x9f" * 10_000),
    ("smithy-rpc-v2-cbor", b"\xc1" * 10_000 + b"\x00"),
])
def test_deep_nesting(protocol: str, body: bytes) -> None:
    assert isinstance(ask(protocol, body), SerializationException)


# As deep as DynamoDB allows an item to be is not too deep.
def test_32_levels_of_dynamodb() -> None:
    item = b'{"M":{"a":' * 32 + b'{"S":"x"}' + b"}}" * 32
    body = b'{"RequestItems":{"T":[{"PutRequest":{"Item":{"a":' + item + b"}}}]}}"
    assert isinstance(ask("json", body), dict)


# Entities and document types are refused before anything expands (billion laughs, external files).
@pytest.mark.parametrize("body", [
    b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
    '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'.encode("utf-16"),
    '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'.encode("utf-16-be"), '<!DOCTYPE a><a/>'.encode("utf-32"),
])
def test_document_types(body: bytes) -> None:
    error = ask("rest-xml", body)
    assert isinstance(error, AwsError)
    assert error.error_code == "MalformedXML"


# Lengths that lie about what follows.
@pytest.mark.parametrize("body", [
    b"\x9b" + b"\xff" * 8, b"\xbb" + b"\xff" * 8, b"\x5b" + b"\xff" * 8, b"\xa1\x00", b"\xff", b"\x7f\x41a\xff",
    b"\xfc", b"\x00\x00", b"\xa1\x61a",
])
def test_lying_cbor(body: bytes) -> None:
    assert isinstance(ask("smithy-rpc-v2-cbor", body), SerializationException)
