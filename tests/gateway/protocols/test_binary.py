"""CBOR against cbor2, an independent codec; event-stream frames against botocore's decoder and our own."""

import contextlib
from datetime import UTC, datetime
from typing import Any

import cbor2
import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.protocols import cbor, eventstream, named
from schemas import models
from schemas.errors import AwsError, SerializationException

MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))
SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(max_size=300)
    | st.binary(max_size=300)
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=30) | st.dictionaries(st.text(max_size=5), inner, max_size=30),
    max_leaves=40,
)


# What we write cbor2 reads, what cbor2 writes we read (half floats and big lengths included).
@given(value=VALUES)
@settings(max_examples=150, deadline=None)
def test_cbor_agrees_with_cbor2(value: Any) -> None:
    assert cbor2.loads(cbor.encode(value)) == value
    assert cbor.decode(cbor2.dumps(value)) == value
    assert cbor.decode(cbor2.dumps(value, canonical=True)) == value


@given(moment=MOMENTS)
@settings(max_examples=50, deadline=None)
def test_cbor_times(moment: datetime) -> None:
    assert cbor.decode(cbor.encode(moment)) == moment


# Indefinite lengths, which the Java and Rust SDKs write: https://www.rfc-editor.org/rfc/rfc8949#section-3.2
@pytest.mark.parametrize(("data", "value"), [
    ("9f018202039f0405ffff", [1, [2, 3], [4, 5]]), ("bf61610161629f0203ffff", {"a": 1, "b": [2, 3]}),
    ("7f657374726561646d696e67ff", "streaming"), ("5f42010243030405ff", b"\x01\x02\x03\x04\x05"), ("f7", None),
    ("d9d9f7182a", 42), ("c11a514b67b0", datetime(2013, 3, 21, 20, 4, tzinfo=UTC)),
])
def test_cbor_by_the_rfc(data: str, value: Any) -> None:
    assert cbor.decode(bytes.fromhex(data)) == value


@given(data=st.binary(max_size=60))
@settings(max_examples=200, deadline=None)
def test_cbor_of_random_bytes(data: bytes) -> None:
    with contextlib.suppress(SerializationException):
        cbor.decode(data)


SECONDS = st.integers(0, 2**32).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
HEADERS = st.dictionaries(
    st.text("abc:-", min_size=1, max_size=8),
    st.text(max_size=20) | st.binary(max_size=20) | st.booleans() | st.integers(-(2**63), 2**63 - 1) | SECONDS,
    max_size=5,
)


# Frames read back by both decoders; any prefix is incomplete; any flipped bit is noticed.
@given(headers=HEADERS, payload=st.binary(max_size=100), at=st.integers(0, 10_000), bit=st.integers(0, 7))
@settings(max_examples=150, deadline=None)
def test_frames(headers: dict[str, Any], payload: bytes, at: int, bit: int) -> None:
    data = eventstream.frame(headers, payload)
    frame, length = eventstream.decode(data + b"next")
    assert (frame, length) == (eventstream.Frame(headers, payload), len(data))
    assert eventstream.decode(data[:at % len(data)]) == (None, 0)
    buffer = EventStreamBuffer()
    buffer.add_data(data)
    assert next(iter(buffer)).payload == payload
    damaged = bytearray(data)
    damaged[at % len(data)] ^= 1 << bit
    try:
        found, _ = eventstream.decode(bytes(damaged))
    except SerializationException:
        return
    assert found is None


# A modelled error is an exception event, any other ends the stream with an error message.
def test_stream_errors() -> None:
    converse = models.load("bedrock-runtime").operations["ConverseStream"]
    rest = named("rest-json")
    frame, _ = eventstream.decode(rest.frame_error(converse, AwsError("slow down", code="ThrottlingException")))
    assert frame is not None
    assert frame.headers[":message-type"] == "exception"
    assert frame.headers[":exception-type"] == "throttlingException"
    assert frame.payload == b'{"message":"slow down"}'
    frame, _ = eventstream.decode(rest.frame_error(converse, AwsError("oops", code="Strange")))
    assert frame is not None
    assert frame.headers == {":message-type": "error", ":error-code": "Strange", ":error-message": "oops"}
