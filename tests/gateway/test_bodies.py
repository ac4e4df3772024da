"""Bodies under their encodings: aws-chunked against botocore's producer and AWS's published example, checksums, gzip.

Expected behaviour: botocore.httpchecksum.AwsChunkedWrapper, and
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html (the example's signatures are AWS's).
"""

import gzip
import hashlib
import hmac
import io
import re
import zlib
from base64 import b64encode
from collections.abc import Callable, Iterator

import pytest
from botocore.httpchecksum import AwsChunkedWrapper, Crc32Checksum, Sha1Checksum, Sha256Checksum
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.bodies import (
    CHUNK_MINIMUM_BYTES,
    GZIP_MEMBERS_LIMIT,
    INFLATE_FREE_BYTES,
    ChunkedDecoder,
    ChunkSignatures,
    RequestEntityTooLarge,
    algorithms,
    decode_chunked,
    inflate,
    verify_sums,
)
from gateway.codings import without_chunked
from gateway.sigv4 import (
    STREAMING_SIGNED,
    STREAMING_SIGNED_TRAILER,
    STREAMING_UNSIGNED_TRAILER,
    Claim,
    Signer,
    signing_key,
)
from schemas.errors import AwsError

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
SIGNER = Signer("AKIAIOSFODNN7EXAMPLE", "20130524", "us-east-1", "s3", "20130524/us-east-1/s3/aws4_request")
SEED = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"

_payloads = st.integers(0, 3 * CHUNK_MINIMUM_BYTES).flatmap(
    lambda size: st.binary(min_size=1, max_size=64).map(lambda unit: (unit * (size // len(unit) + 1))[:size]))
_cuts = st.lists(st.integers(1, 5000), min_size=1, max_size=20)


def claim(form: str, signature: str = SEED) -> Claim:
    return Claim(SIGNER, ("host",), signature, "20130524T000000Z", content_hash=form)


def pieces(data: bytes, cuts: list[int]) -> Iterator[bytes]:
    """The same bytes, in the sizes that `cuts` repeats."""
    at = turn = 0
    while at < len(data):
        size = cuts[turn % len(cuts)]
        yield data[at:at + size]
        at, turn = at + size, turn + 1


def decode(decoder: ChunkedDecoder, data: bytes, cuts: list[int]) -> bytes:
    decoded = b"".join([part for piece in pieces(data, cuts) for part in decoder.feed(piece)])
    decoder.finish()
    return decoded


def signed(payload: bytes, chunk_bytes: int, trailers: dict[str, str] | None = None) -> bytes:
    """A signed aws-chunked body, written from AWS's description alone."""
    key = b"AWS4" + SECRET.encode()
    for part in SIGNER.scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    empty = hashlib.sha256(b"").hexdigest()
    previous, body = SEED, b""

    def sign(kind: str, *content: str) -> str:
        lines = "\n".join([f"AWS4-HMAC-SHA256-{kind}", "20130524T000000Z", SIGNER.scope, previous, *content])
        return hmac.new(key, lines.encode(), hashlib.sha256).hexdigest()

    for at in range(0, len(payload) + chunk_bytes, chunk_bytes):
        chunk = payload[at:at + chunk_bytes]
        previous = sign("PAYLOAD", empty, hashlib.sha256(chunk).hexdigest())
        body += b"%x;chunk-signature=%b\r\n%b" % (len(chunk), previous.encode(), chunk + b"\r\n" if chunk else b"")
        if not chunk:
            break
    else:
        previous = sign("PAYLOAD", empty, empty)
        body += b"0;chunk-signature=%b\r\n" % previous.encode()
    if trailers is not None:
        text = "".join(f"{name}:{value}\n" for name, value in sorted(trailers.items()))
        previous = sign("TRAILER", hashlib.sha256(text.encode()).hexdigest())
        body += b"".join(f"{name}:{value}\r\n".encode() for name, value in trailers.items())
        body += f"x-amz-trailer-signature:{previous}\r\n".encode()
    return body + b"\r\n"


# The example of AWS's documentation, signatures and all: 65 KiB in chunks of 64 KiB.
def test_the_published_example() -> None:
    chunks = [
        (65536, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"),
        (1024, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"),
        (0, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"),
    ]
    body = b"".join(b"%x;chunk-signature=%b\r\n%b\r\n" % (size, text.encode(), b"a" * size) for size, text in chunks)
    key = signing_key(SECRET, *SIGNER[1:4])
    headers = {"x-amz-decoded-content-length": "66560"}
    assert decode_chunked(body, STREAMING_SIGNED, claim(STREAMING_SIGNED), key, headers) == (b"a" * 66560, headers)


# What botocore sends unsigned with a trailing checksum decodes to what it was given, however it is cut on the way.
@settings(max_examples=60, deadline=None)
@given(payload=_payloads, cuts=_cuts, chunk=st.integers(CHUNK_MINIMUM_BYTES, 20_000),
       checksum=st.sampled_from([("crc32", Crc32Checksum), ("sha1", Sha1Checksum), ("sha256", Sha256Checksum)]))
def test_botocores_chunks(payload: bytes, cuts: list[int], chunk: int, checksum: tuple[str, type]) -> None:
    name = f"x-amz-checksum-{checksum[0]}"
    body = AwsChunkedWrapper(io.BytesIO(payload), checksum_cls=checksum[1], checksum_name=name, chunk_size=chunk).read()
    decoder = ChunkedDecoder(STREAMING_UNSIGNED_TRAILER, None)
    assert decode(decoder, body, cuts) == payload
    assert decoder.trailers == {name: checksum[1]().handle(io.BytesIO(payload))}
    headers = {"x-amz-trailer": name, "x-amz-decoded-content-length": str(len(payload))}
    assert decode_chunked(body, STREAMING_UNSIGNED_TRAILER, None, None, headers) == (
        payload, {**headers, **decoder.trailers})
    for stated, code in [("7x", "MissingContentLength"), ("", "MissingContentLength"), ("9999999", "IncompleteBody")]:
        lying = {**headers, "x-amz-decoded-content-length": stated}
        with pytest.raises(AwsError) as caught:
            decode_chunked(body, STREAMING_UNSIGNED_TRAILER, None, None, lying)
        assert caught.value.error_code == code


# Signed chunks and signed trailers: what was signed is given, in whatever pieces it comes; any change is refused.
@settings(max_examples=60, deadline=None)
@given(payload=_payloads, cuts=_cuts, chunk=st.integers(CHUNK_MINIMUM_BYTES, 20_000), trailing=st.booleans(),
       place=st.floats(0, 0.999), flip=st.integers(1, 255))
def test_signed_chunks(payload: bytes, cuts: list[int], chunk: int, trailing: bool, place: float, flip: int) -> None:
    form = STREAMING_SIGNED_TRAILER if trailing else STREAMING_SIGNED
    sums = {"x-amz-checksum-crc32": b64encode(zlib.crc32(payload).to_bytes(4, "big")).decode()} if trailing else None
    body = signed(payload, chunk, sums)
    key = signing_key(SECRET, *SIGNER[1:4])
    decoder = ChunkedDecoder(form, ChunkSignatures(key, claim(form)))
    assert decode(decoder, body, cuts) == payload
    at = int(place * len(body))
    changed = body[:at] + bytes([body[at] ^ flip]) + body[at + 1:]
    decoder = ChunkedDecoder(form, ChunkSignatures(key, claim(form)))
    if changed[at:at + 1].lower() == body[at:at + 1].lower() or changed[at:at + 1].isspace():
        return                                                       # the same number, written otherwise
    with pytest.raises(AwsError) as caught:
        decode(decoder, changed, cuts)
    assert caught.value.error_code in {"SignatureDoesNotMatch", "InvalidRequest", "IncompleteBody",
                                       "RequestEntityTooLarge", "InvalidChunkSizeError", "MalformedTrailerError"}


# What is too short or long for a signature is no framing, and trailers that nobody signed are none (versitygw's tests).
@pytest.mark.parametrize(("old", "new", "code"), [
    (b";chunk-signature=", b";chunk-signature=0", "IncompleteBody"), (b"trailer-signature:", b"trailer-signature:0",
                                                                      "IncompleteBody"),
    (b"x-amz-trailer-signature", b"x-amz-other", "IncompleteBody"),
    (b"x-amz-checksum-crc32:AAAAAA==\r\n", b"", "SignatureDoesNotMatch"),
])
def test_what_is_no_signature(old: bytes, new: bytes, code: str) -> None:
    body = signed(b"abc", CHUNK_MINIMUM_BYTES, {"x-amz-checksum-crc32": "AAAAAA=="})
    assert old in body
    decoder = ChunkedDecoder(STREAMING_SIGNED_TRAILER, ChunkSignatures(signing_key(SECRET, *SIGNER[1:4]),
                                                                       claim(STREAMING_SIGNED_TRAILER)))
    with pytest.raises(AwsError) as caught:
        decode(decoder, body.replace(old, new), [7])
    assert caught.value.error_code == code


# A body that ends early is never whole; bytes that are no framing are an AwsError, in any cut.
@settings(max_examples=60, deadline=None)
@given(payload=_payloads, keep=st.floats(0, 0.999), cuts=_cuts)
def test_truncation_is_noticed(payload: bytes, keep: float, cuts: list[int]) -> None:
    body = signed(payload, CHUNK_MINIMUM_BYTES)
    decoder = ChunkedDecoder(STREAMING_SIGNED, ChunkSignatures(signing_key(SECRET, *SIGNER[1:4]),
                                                               claim(STREAMING_SIGNED)))
    with pytest.raises(AwsError) as caught:
        decode(decoder, body[:int(keep * (len(body) - 2))], cuts)            # the last line may lack its end
    assert caught.value.error_code == "IncompleteBody"


@settings(max_examples=200, deadline=None)
@given(body=st.binary(max_size=300) | st.from_regex(rb"[0-9a-fA-F]{1,18}(;[a-z-]{0,20}=.{0,10})?\r\n.{0,40}"),
       cuts=_cuts)
def test_random_framing_is_refused(body: bytes, cuts: list[int]) -> None:
    try:
        decoded = decode(ChunkedDecoder(STREAMING_UNSIGNED_TRAILER, None), body + b"!", cuts)
    except AwsError:
        return
    assert decoded == b""                          # what follows a chunk of nothing is not looked at
    assert int(re.split(rb"[;\r]", body + b"!")[0], 16) == 0


# Bounds: the stated size of a chunk, tiny chunks (S3's own rule), a line without end, trailers without end.
@pytest.mark.parametrize(("body", "code"), [
    (b"ffffffff\r\n", "RequestEntityTooLarge"), (b"fffffffffffffffff\r\n", "IncompleteBody"),
    (b"1\r\na\r\n1\r\na\r\n0\r\n\r\n", "InvalidChunkSizeError"), (b"1" * 5000, "IncompleteBody"),
    (b"0\r\n" + b"".join(b"a%d:b\r\n" % number for number in range(40)), "MalformedTrailerError"),
    (b"0\r\nnothing\r\n\r\n", "MalformedTrailerError"), (b"-1\r\n", "IncompleteBody"), (b" 1\r\n", "IncompleteBody"),
    (b"1_0\r\n", "IncompleteBody"), (b"0x1\r\n", "IncompleteBody"), (b"\r\n", "IncompleteBody"),
    (b"1\r\na1\r\nb0\r\n\r\n", "IncompleteBody"), (b"1\r\na\r\n", "IncompleteBody"),
    (b"0\r", "IncompleteBody"), (b"0\r\na: b", "IncompleteBody"), (b"0\r\na: b\r", "IncompleteBody"),
])
def test_framing_bounds(body: bytes, code: str) -> None:
    with pytest.raises(AwsError) as caught:
        decode(ChunkedDecoder(STREAMING_UNSIGNED_TRAILER, None), body, [7])
    assert caught.value.error_code == code


# Ends that S3 takes, by the tests of OpenStack Swift that run against AWS.
@pytest.mark.parametrize(("end", "trailers"), [
    (b"0", {}), (b"0\r\n", {}), (b"0\r\n\r\n", {}), (b"0\r\na: b\r\n", {"a": "b"}),
    (b"0\r\na: b\r\n\r\n\r\n", {"a": "b"}), (b"0\r\na: b\r\n\r\nc: d\r\n", {"a": "b"}),
    (b"0\r\na: b\r\na: c\r\n", {"a": "c"}),
])
def test_ends(end: bytes, trailers: dict[str, str]) -> None:
    decoder = ChunkedDecoder(STREAMING_UNSIGNED_TRAILER, None)
    assert decode(decoder, b"3\r\nabc\r\n" + end, [5]) == b"abc"
    assert decoder.trailers == trailers


# What headers state of a body that is yet to come: who sends it need not send all of it to hear that it is wrong.
@pytest.mark.parametrize(("headers", "message"), [
    ({"x-amz-checksum-crc32": "", "x-amz-checksum-sha1": ""},
     "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."),
    ({"x-amz-checksum-crc32": "", "x-amz-trailer": "x-amz-checksum-crc32, x-amz-checksum-crc32"},
     "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."),
    ({"x-amz-checksum-crc32": "", "x-amz-trailer": "x-amz-checksum-sha1"},
     "Expecting a single x-amz-checksum- header"),
    ({"x-amz-checksum-crc32": "", "x-amz-trailer": "x-amz-checksum-crc32"},
     "Expecting a single x-amz-checksum- header"),
    ({"x-amz-checksum-crc32": "", "x-amz-sdk-checksum-algorithm": "sha1"},
     "Value for x-amz-sdk-checksum-algorithm header is invalid."),
    ({"x-amz-trailer": "x-amz-checksum-crc32", "x-amz-sdk-checksum-algorithm": "sha1"},
     "Value for x-amz-sdk-checksum-algorithm header is invalid."),
    ({"x-amz-checksum-algorithm": "CRC32", "x-amz-sdk-checksum-algorithm": "CRC32"},
     "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were "
     "found."),
    ({"x-amz-checksum-bad": ""}, "The algorithm type you specified in x-amz-checksum- header is invalid."),
    ({"x-amz-trailer": "x-amz-checksum-bad"}, "The value specified in the x-amz-trailer header is not supported"),
    ({"x-amz-trailer": "content-md5"}, "The value specified in the x-amz-trailer header is not supported"),
    ({"x-amz-trailer": ",x-amz-checksum-crc32"}, "The value specified in the x-amz-trailer header is not supported"),
    ({"x-amz-trailer": "x-amz-checksum-crc32, ,"}, "The value specified in the x-amz-trailer header is not supported"),
])
def test_stated_wrongly(headers: dict[str, str], message: str) -> None:
    with pytest.raises(AwsError) as caught:
        algorithms(headers)
    assert (caught.value.error_code, caught.value.message) == ("InvalidRequest", message)


def test_stated_rightly() -> None:
    for trailer in ("x-amz-checksum-crc32", "x-amz-checksum-crc32,", "X-Amz-Checksum-CRC32,,"):
        assert algorithms({"x-amz-trailer": trailer}) == ("CRC32",)
    assert algorithms({"x-amz-checksum-algorithm": "CRC32"}) == ("CRC64NVME",)


# Checksums in headers: right ones pass, wrong ones are BadDigest, what is no digest is told so.
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
@settings(max_examples=50, deadline=None)
@given(body=st.binary(max_size=200), other=st.binary(max_size=200))
def test_stated_checksums(body: bytes, other: bytes) -> None:
    sums: dict[str, Callable[[bytes], bytes]] = {
        "content-md5": lambda data: hashlib.md5(data).digest(),
        "x-amz-checksum-crc32": lambda data: zlib.crc32(data).to_bytes(4, "big"),
        "x-amz-checksum-sha1": lambda data: hashlib.sha1(data).digest(),
        "x-amz-checksum-sha256": lambda data: hashlib.sha256(data).digest(),
    }
    right = {name: b64encode(digest(body)).decode() for name, digest in sums.items()}
    verify_sums(body, {**right, "x-amz-checksum-algorithm": "CRC32", "x-amz-checksum-mode": "ENABLED"})
    for name, digest in sums.items():
        if body != other:
            with pytest.raises(AwsError) as caught:
                verify_sums(body, {name: b64encode(digest(other)).decode()})
            assert caught.value.error_code == "BadDigest"


@pytest.mark.parametrize(("headers", "code"), [
    ({"content-md5": "not base64"}, "InvalidDigest"), ({"content-md5": "AAAA"}, "InvalidDigest"),
    ({"content-md5": "é"}, "InvalidDigest"), ({"x-amz-checksum-crc32c": "AAAAAA=="}, "BadDigest"),
    ({"x-amz-checksum-crc64nvme": "AAAAAAAAAAA="}, "BadDigest"), ({"x-amz-checksum-crc99": "AA=="}, "InvalidRequest"),
    ({"x-amz-checksum-crc32": "é"}, "InvalidRequest"), ({"x-amz-checksum-sha1": "AAAAAA=="}, "InvalidRequest"),
])
def test_bad_checksums(headers: dict[str, str], code: str) -> None:
    with pytest.raises(AwsError) as caught:
        verify_sums(b"x", headers)
    assert caught.value.error_code == code


# gzip: whole and in members; broken, cut short and bombs are refused, the last without being inflated.
@settings(max_examples=50, deadline=None)
@given(parts=st.lists(st.binary(max_size=500), min_size=1, max_size=3))
def test_gzip(parts: list[bytes]) -> None:
    body = b"".join([gzip.compress(part) for part in parts])
    assert inflate(body) == b"".join(parts)
    with pytest.raises(AwsError):
        inflate(body[:-1])


@settings(max_examples=100, deadline=None)
@given(body=st.binary(min_size=1, max_size=200))
def test_random_gzip_is_refused(body: bytes) -> None:
    with pytest.raises(AwsError) as caught:
        inflate(b"\x1f\x8b" + body)
    assert caught.value.error_code == "SerializationException"


def test_gzip_bombs_are_refused() -> None:
    bomb = gzip.compress(bytes(8 * INFLATE_FREE_BYTES), 9)
    with pytest.raises(RequestEntityTooLarge):
        inflate(bomb)
    with pytest.raises(RequestEntityTooLarge):
        inflate(gzip.compress(bytes(2000)), limit_bytes=1000)
    with pytest.raises(AwsError):
        inflate(gzip.compress(b"") * (GZIP_MEMBERS_LIMIT + 1))


# How a body travels is not what an object is encoded in. ceph/s3-tests, test_object_content_encoding_aws_chunked.
@pytest.mark.parametrize(("given", "left"), [
    ("gzip", "gzip"), ("deflate, gzip", "deflate, gzip"), ("gzip, aws-chunked", "gzip"), ("aws-chunked,gzip", "gzip"),
    ("aws-chunked", None), ("AWS-chunked, aws-chunked", None),
])
def test_aws_chunked_is_no_encoding(given: str, left: str | None) -> None:
    assert without_chunked({"a": "b", "content-encoding": given}).get("content-encoding") == left
