"""bus/codec.py: envelopes survive the bytes, and no bytes harm the reader."""

import datetime
from dataclasses import replace
from typing import Any

import msgpack
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bus.codec import (
    NESTING_LIMIT,
    Claim,
    MalformedEnvelope,
    Unencodable,
    decode_reply,
    decode_request,
    encode_claim,
    encode_reply,
    encode_request,
    pack,
    unpack,
)
from schemas.envelope import Fault, Reply, Request

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
MOMENTS = st.datetimes(timezones=st.just(datetime.UTC))
SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | TEXT
    | st.binary(max_size=40) | MOMENTS
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4))
PARAMS = st.dictionaries(TEXT, VALUES, max_size=5)
NAMES = st.text("abcdef0123456789-", max_size=40)
REQUESTS = st.builds(
    Request,
    params=PARAMS,
    id=NAMES,
    region=st.sampled_from(["us-east-1", "eu-central-1", "us-gov-west-1"]),
    deadline_ms=st.integers(0, 2**62),
    trace=NAMES,
    source=st.none() | st.dictionaries(NAMES, TEXT, min_size=1, max_size=3),
)
FAULTS = st.builds(Fault, code=NAMES, message=TEXT, fields=PARAMS, status=st.integers(0, 599))
REPLIES = (
    st.builds(Reply, id=NAMES, ok=PARAMS)
    | st.builds(Reply, id=NAMES, error=FAULTS)
    | st.builds(Reply, id=NAMES, event=PARAMS)
    | st.builds(Reply, id=NAMES, end=st.just(True))
)
CLAIMS = st.builds(
    Claim, body=st.text("abc123", min_size=1, max_size=20), size=st.integers(0, 2**40), crc32=st.integers(0, 2**32 - 1),
    inbox=NAMES, id=NAMES, deadline_ms=st.integers(0, 2**62), kind=st.just("pull"),
)


# What one side encodes, the other reads equal: blobs as bytes, times as aware datetimes (bus/README.md, Envelopes).
@given(REQUESTS)
def test_requests_round_trip(request: Request) -> None:
    assert decode_request(encode_request(request)) == request


@given(REPLIES)
def test_replies_round_trip(reply: Reply) -> None:
    assert decode_reply(encode_reply(reply)) == reply


@given(CLAIMS)
def test_claims_round_trip_both_ways(claim: Claim) -> None:
    assert decode_request(encode_claim(claim)) == claim
    assert decode_reply(encode_claim(claim)) == claim._replace(deadline_ms=0)


@given(st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.integers(0, 9) | TEXT, inner)))
def test_records_round_trip(value: Any) -> None:
    assert unpack(pack(value)) == value


# "Only `params` is required, everything else has a default"; unknown members are ignored (bus/README.md, Envelopes).
def test_defaults_are_left_out_and_unknown_members_ignored() -> None:
    assert msgpack.unpackb(encode_request(Request({"A": 1}))) == {"params": {"A": 1}}
    assert decode_request(msgpack.packb({"params": {}, "later": [1], "v": 1})) == Request({})


# Random bytes on any subject: an envelope or MalformedEnvelope, never another exception.
@given(st.binary(max_size=200) | VALUES.map(pack) | st.tuples(VALUES.map(pack), st.binary(max_size=9)).map(b"".join))
@example(b"\x91" * 100_000)
@example(b"\xdf\xff\xff\xff\xff")
@example(b"\xc7\x0c\xff\x00\x00\x00\x00\x7f" + b"\xff" * 7)      # a timestamp past the year 9999
@example(b"\xc7\x0c\xff\xff\xff\xff\xff" + b"\x00" * 8)          # too many nanoseconds
@example(b"\x81\xa6params\x81\xa1a\xa1\xff")                     # not UTF-8
@example(b"\x81\xa6params\xd4\x05a")                             # an extension nobody defined
@example(b"\x81\xa6params\x81\x01\x01")                          # a map with a number for a key
def test_random_bytes_are_refused_plainly(data: bytes) -> None:
    for decode in (decode_request, decode_reply, unpack):
        try:
            decode(data)
        except MalformedEnvelope as error:
            assert str(error)  # noqa: PT017 - no exception is an outcome too


# Members of the wrong type: every member, any value.
@given(
    st.sampled_from(["v", "id", "region", "params", "deadline_ms", "trace", "source", "body", "ok", "error", "event"]),
    VALUES,
)
def test_members_of_any_type_are_refused_plainly(member: str, value: Any) -> None:
    data = pack({"params": {}, "ok": {}, member: value})
    for decode in (decode_request, decode_reply):
        try:
            decoded = decode(data)
        except MalformedEnvelope:
            continue
        if isinstance(decoded, Request):
            assert isinstance(decoded.params, dict)
            assert isinstance(decoded.region, str)
            assert isinstance(decoded.source, dict | None)


# A recursive reader must not be driven into its recursion limit by a direct publisher.
@pytest.mark.parametrize("opening", [b"\x91", b"\x81\xa1a", b"\xdc\x00\x01", b"\xdf\x00\x00\x00\x01\xa1a"])
def test_nesting_is_bounded(opening: bytes) -> None:
    def nested(levels: int) -> bytes:
        return b"\x81\xa6params\x81\xa1x" + opening * levels + b"\xc0"

    assert isinstance(decode_request(nested(NESTING_LIMIT - 2)), Request)
    with pytest.raises(MalformedEnvelope, match="nested deeper"):
        decode_request(nested(NESTING_LIMIT - 1))
    wide = Request({"x": [[] for _ in range(5_000)]})
    assert decode_request(encode_request(wide)) == wide


@pytest.mark.parametrize("value", ["\ud800", 2**64, -(2**63) - 1, {1}, object(), datetime.datetime(2026, 1, 1)])
def test_what_cannot_cross_says_so_and_spoils_nothing(value: Any) -> None:
    with pytest.raises(Unencodable):
        encode_request(Request({"A": [1, {"B": value}]}))
    request = Request({"A": 1})
    assert decode_request(encode_request(request)) == replace(request)


def test_a_deep_value_is_unencodable_not_a_crash() -> None:
    value: list[Any] = []
    for _ in range(5_000):
        value = [value]
    with pytest.raises(Unencodable):
        pack(value)
