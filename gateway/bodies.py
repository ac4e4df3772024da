"""What a request's body is under its encodings: aws-chunked with its signatures and trailers, checksums, gzip.

Everything here works on bytes as they pass and holds at most one line of framing, so that S3 can feed it from the
socket; bodies that are read whole use `decode_chunked` and `inflate`. Errors are AwsError in S3's words, the only
service that speaks aws-chunked.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html, …/sigv4-streaming-trailers.html,
https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html.
"""

import zlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256

from gateway.sigv4 import ALGORITHM, STREAMING_SIGNED, STREAMING_UNSIGNED_TRAILER, Claim, SigningKey, same
from schemas import checksums
from schemas.checksums import Buffer
from schemas.errors import AwsError, SerializationException

BODY_LIMIT_BYTES = 64 * 1024 * 1024       # of a body that is held whole, before and after decoding
LINE_LIMIT_BYTES = 1024                   # of a chunk's header, and of each trailer
TRAILER_LIMIT_COUNT = 16
CHUNK_MINIMUM_BYTES = 8192                # of every chunk with data but the last; S3's own rule
SIGNATURE_CHARACTERS = 64                 # in hexadecimal; what is no signature is no framing
GZIP_MEMBERS_LIMIT = 16
INFLATE_RATIO_LIMIT = 256                 # inflated to compressed bytes, once past INFLATE_FREE_BYTES
INFLATE_FREE_BYTES = 1024 * 1024
CHECKSUM_PREFIX = "x-amz-checksum-"
DEFAULT_ALGORITHM = "CRC64NVME"           # of a body that comes without a checksum

_EMPTY_HASH = sha256(b"").hexdigest()
_HEX_DIGITS = frozenset(b"0123456789abcdefABCDEF")


class RequestEntityTooLarge(AwsError):
    code = "RequestEntityTooLarge"

    def __init__(self, limit_bytes: int = BODY_LIMIT_BYTES) -> None:
        super().__init__(f"Request exceeds the limit of {limit_bytes} bytes.", status=413)


class IncompleteBody(AwsError):
    code = "IncompleteBody"

    """Of a body in aws-chunked, also where its framing is none."""

    def __init__(self, message: str = "The request body terminated unexpectedly", **fields: str) -> None:
        super().__init__(message, status=400, **fields)


class MissingContentLength(AwsError):
    code = "MissingContentLength"

    def __init__(self) -> None:
        super().__init__("You must provide the Content-Length HTTP header.", status=411)


class UnstatedLength(AwsError):
    """S3 takes no body in chunks of HTTP's own that does not say in aws-chunked how long it is."""

    code = "NotImplemented"

    def __init__(self) -> None:
        super().__init__("A header you provided implies functionality that is not implemented", status=501,
                         Header="Transfer-Encoding")


class BadDigest(AwsError):
    code = "BadDigest"


class MalformedTrailer(AwsError):
    code = "MalformedTrailerError"

    def __init__(self) -> None:
        super().__init__("The request contained trailing data that was not well-formed or did not conform to our "
                         "published schema.", status=400)


class SignatureDoesNotMatch(AwsError):
    code = "SignatureDoesNotMatch"

    def __init__(self) -> None:
        super().__init__("The request signature we calculated does not match the signature you provided. Check your "
                         "key and signing method.", status=403)


class ChunkSignatures:
    """The chain of signatures through a signed aws-chunked body, seeded by the request's own."""

    def __init__(self, key: SigningKey, claim: Claim) -> None:
        self._key = key
        self._circumstances = f"{claim.timestamp}\n{claim.signer.scope}"
        self._previous = claim.signature

    def check(self, content_hash: str, signature: str) -> None:
        """Of one chunk, whose SHA-256 in hex is `content_hash`. SignatureDoesNotMatch."""
        self._check("PAYLOAD", f"{_EMPTY_HASH}\n{content_hash}", signature)

    def check_trailers(self, trailers: Mapping[str, str], signature: str) -> None:
        canonical = "".join([f"{name}:{value}\n" for name, value in sorted(trailers.items())])
        self._check("TRAILER", sha256(canonical.encode("utf-8", "surrogateescape")).hexdigest(), signature)

    def _check(self, kind: str, content: str, signature: str) -> None:
        expected = self._key.sign(f"{ALGORITHM}-{kind}\n{self._circumstances}\n{self._previous}\n{content}")
        if not same(expected, signature):
            raise SignatureDoesNotMatch
        self._previous = expected


class ChunkedDecoder:
    """aws-chunked, incrementally: `feed` gives the payload's pieces as they come, `finish` says it was all there.

    The pieces of a chunk are given before its signature is known to be right, so nothing may be made of them before
    `finish` has returned. `trailers` then holds the trailing headers, lower-case, verified if the form signs them.
    """

    def __init__(self, form: str, signatures: ChunkSignatures | None, limit_bytes: int = BODY_LIMIT_BYTES) -> None:
        assert signatures is None or form != STREAMING_UNSIGNED_TRAILER
        self.trailers: dict[str, str] = {}
        self.decoded_bytes = 0
        self._form = form
        self._signatures = signatures
        self._limit_bytes = limit_bytes
        self._state: Callable[[], bytes | None] = self._header
        self._pending = bytearray()                 # what has come and is not consumed
        self._left_bytes = 0                        # of the chunk under way
        self._chunks = 0                            # whose sizes are known
        self._short_bytes = 0                       # of a chunk below the minimum, behind which only the end may follow
        self._signature = ""
        self._hash = sha256()
        self._ended = False

    def feed(self, data: Buffer) -> Iterator[bytes]:
        """Pieces of the payload. AwsError when the framing, a signature or the size is wrong."""
        self._pending += data
        while not self._ended:
            piece = self._state()
            if piece is None:
                return
            if piece:
                yield piece
        self._pending.clear()                       # what follows the end is not looked at, as S3 does

    def finish(self) -> None:
        """IncompleteBody when the last chunk or its trailers have not come. The blank line behind them may be missing,
        and where nothing is signed the end of the last chunk's own line."""
        if self._state == self._header and self._signatures is None and self._pending == b"0":
            self._pending += b"\r\n"
            self._header()
        if not self._ended and self._state == self._trailer and not self._pending:
            self._end()
        if not self._ended:
            raise IncompleteBody

    # Each state consumes from _pending and returns a piece, b"" for progress without one, None to wait for more.

    def _header(self) -> bytes | None:
        line = self._line()
        if line is None:
            return None
        size, _, extension = line.partition(b";")
        if not 0 < len(size) <= 16 or not _HEX_DIGITS.issuperset(size):
            raise IncompleteBody
        self._left_bytes = int(size, 16)
        self._chunks += 1
        if self._short_bytes and self._left_bytes:
            raise AwsError("Only the last chunk is allowed to have a size less than 8192 bytes",
                           code="InvalidChunkSizeError", status=403, Chunk=str(self._chunks),
                           BadChunkSize=str(self._short_bytes))
        self._short_bytes = self._left_bytes if self._left_bytes < CHUNK_MINIMUM_BYTES else 0
        self.decoded_bytes += self._left_bytes
        if self.decoded_bytes > self._limit_bytes:
            raise RequestEntityTooLarge(self._limit_bytes)
        name, _, signature = extension.partition(b"=")
        self._signature = signature.strip().decode("latin-1")
        if self._signatures is not None and not (
                name.strip() == b"chunk-signature" and len(self._signature) == SIGNATURE_CHARACTERS):
            raise IncompleteBody
        if self._left_bytes:
            self._hash = sha256()
            self._state = self._data
        else:
            if self._signatures is not None:
                self._signatures.check(_EMPTY_HASH, self._signature)
            self._state = self._trailer
        return b""

    def _data(self) -> bytes | None:
        if not self._pending:
            return None
        if len(self._pending) <= self._left_bytes:
            piece = bytes(self._pending)
            self._pending.clear()
        else:
            piece = bytes(memoryview(self._pending)[:self._left_bytes])
            del self._pending[:self._left_bytes]
        self._left_bytes -= len(piece)
        if self._signatures is not None:
            self._hash.update(piece)
        if not self._left_bytes:
            self._state = self._data_end
        return piece

    def _data_end(self) -> bytes | None:
        if len(self._pending) < 2:
            return None
        if self._pending[:2] != b"\r\n":
            raise IncompleteBody
        del self._pending[:2]
        if self._signatures is not None:
            self._signatures.check(self._hash.hexdigest(), self._signature)
        self._state = self._header
        return b""

    def _trailer(self) -> bytes | None:
        line = self._line()
        if line is None:
            return None
        if not line:
            return self._end()
        key, colon, value = line.partition(b":")
        name = key.strip().decode("latin-1").lower()
        if not colon or len(self.trailers) >= TRAILER_LIMIT_COUNT:
            raise MalformedTrailer
        self.trailers[name] = value.strip().decode("latin-1")
        return b""

    def _end(self) -> bytes:
        signature = self.trailers.pop("x-amz-trailer-signature", "")
        if self._signatures is not None and self._form != STREAMING_SIGNED:
            if len(signature) != SIGNATURE_CHARACTERS:
                raise IncompleteBody if self.trailers else MalformedTrailer
            self._signatures.check_trailers(self.trailers, signature)
        self._ended = True
        return b""

    def _line(self) -> bytes | None:
        """Up to the next CRLF, without it; None when it has not come."""
        end = self._pending.find(b"\r\n", 0, LINE_LIMIT_BYTES)
        if end < 0:
            if len(self._pending) >= LINE_LIMIT_BYTES:
                raise IncompleteBody
            return None
        line = bytes(self._pending[:end])
        del self._pending[:end + 2]
        return line


class Checksums:
    """The digests that headers state of a body: Content-MD5, x-amz-checksum-*. InvalidDigest, InvalidRequest."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._stated: dict[str, str] = {}
        self._sums: dict[str, checksums.Digest] = {}
        for name, value in headers.items():
            if name == "content-md5":
                self._stated[name] = _md5_digest(value)
                self._sums[name] = checksums.new(checksums.MD5)
            elif name.startswith(CHECKSUM_PREFIX) and name not in _NOT_SUMS:
                algorithm = _algorithm(name)
                if not _is_digest(value, checksums.DIGEST_BYTES[algorithm]):
                    raise _invalid(f"Value for {name} header is invalid.")
                self._stated[name] = value
                self._sums[name] = checksums.new(algorithm)

    def update(self, piece: bytes) -> None:
        for one in self._sums.values():
            one.update(piece)

    def finish(self) -> None:
        """BadDigest when one of them is not the body's."""
        for name, computed in self._sums.items():
            if self._stated[name] != b64encode(computed.digest()).decode():
                if name == "content-md5":
                    raise BadDigest("The Content-MD5 you specified did not match what we received.", status=400,
                                    ExpectedDigest=self._stated[name],
                                    CalculatedDigest=b64encode(computed.digest()).decode())
                what = name.removeprefix(CHECKSUM_PREFIX).upper()
                raise BadDigest(f"The {what} you specified did not match the calculated checksum.", status=400)


_NOTHING_NAMED = ("x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer "
                  "headers were found.")
# Headers that share the prefix and are no digest of this body.
_NOT_SUMS = frozenset({CHECKSUM_PREFIX + "algorithm", CHECKSUM_PREFIX + "type", CHECKSUM_PREFIX + "mode"})


def states_sum(headers: Mapping[str, str]) -> bool:
    return any(name.startswith(CHECKSUM_PREFIX) and name not in _NOT_SUMS for name in headers)


def algorithms(headers: Mapping[str, str]) -> tuple[str, ...]:
    """What to compute of a body besides its MD5: what headers or announced trailers state, else S3's own choice.
    InvalidRequest."""
    stated = [name for name in headers if name.startswith(CHECKSUM_PREFIX) and name not in _NOT_SUMS]
    late = announced(headers)
    named = headers.get("x-amz-sdk-checksum-algorithm")
    if not (stated or late or named):
        return (DEFAULT_ALGORITHM,)
    if len(stated) > 1 or len(late) > 1:
        raise _invalid("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
    if stated and late:
        raise _invalid("Expecting a single x-amz-checksum- header")
    found = tuple(_algorithm(name) for name in (*stated, *late))
    if named and named.upper() not in found:
        raise _invalid("Value for x-amz-sdk-checksum-algorithm header is invalid." if found else _NOTHING_NAMED)
    return found


def announced(headers: Mapping[str, str]) -> list[str]:
    """The names in x-amz-trailer, which may end in commas. InvalidRequest for one that states no checksum."""
    text = headers.get("x-amz-trailer", "").rstrip(",").strip().lower()
    if not text:
        return []
    names = [name.strip() for name in text.split(",")]
    if not all(name.removeprefix(CHECKSUM_PREFIX).upper() in checksums.ALGORITHMS for name in names):
        raise _invalid("The value specified in the x-amz-trailer header is not supported")
    return names


def refuse_trailers(headers: Mapping[str, str]) -> None:
    """Of a body that has none. InvalidRequest, MalformedTrailerError."""
    algorithms(headers)
    raise MalformedTrailer


def _invalid(why: str) -> AwsError:
    return AwsError(why, code="InvalidRequest", status=400)


def with_trailers(headers: Mapping[str, str], trailers: Mapping[str, str]) -> dict[str, str]:
    """Trailers are headers that came late. MalformedTrailerError when they are not those that were announced,
    InvalidRequest when one is no checksum."""
    if trailers.keys() != set(announced(headers)):
        raise MalformedTrailer
    for name, value in trailers.items():
        if not _is_digest(value, checksums.DIGEST_BYTES[_algorithm(name)]):
            raise _invalid(f"Value for {name} trailing header is invalid.")
    return {**headers, **trailers}


def _algorithm(name: str) -> str:
    """Of an x-amz-checksum-* header. InvalidRequest."""
    algorithm = name.removeprefix(CHECKSUM_PREFIX).upper()
    if algorithm not in checksums.ALGORITHMS:
        raise _invalid("The algorithm type you specified in x-amz-checksum- header is invalid.")
    return algorithm


def _md5_digest(value: str) -> str:
    if not _is_digest(value, checksums.DIGEST_BYTES[checksums.MD5]):
        raise AwsError("The Content-MD5 you specified was invalid.", code="InvalidDigest", status=400,
                       **{"Content-MD5": value})
    return value


def check_md5(headers: Mapping[str, str]) -> None:
    """InvalidDigest for a Content-MD5 that is of no body."""
    if "content-md5" in headers:
        _md5_digest(headers["content-md5"])


def _is_digest(text: str, size: int) -> bool:
    """Is it that many bytes in base64, as they are written?"""
    try:
        digest = b64decode(text, validate=True)
    except ValueError:                              # binascii.Error is one
        return False
    return len(digest) == size and b64encode(digest).decode() == text


def decoder(
    form: str, claim: Claim | None, key: SigningKey | None, limit_bytes: int = BODY_LIMIT_BYTES
) -> ChunkedDecoder:
    """`key` None: signatures are not verified (open mode, or nobody has signed)."""
    if form == STREAMING_UNSIGNED_TRAILER or claim is None or key is None:
        return ChunkedDecoder(form, None, limit_bytes)
    return ChunkedDecoder(form, ChunkSignatures(key, claim), limit_bytes)


def decoded_length(headers: Mapping[str, str]) -> int:
    """Of an aws-chunked body's payload, as it is stated. MissingContentLength."""
    text = headers.get("x-amz-decoded-content-length", "")
    if not (text.isascii() and text.isdigit()):
        raise MissingContentLength
    return int(text)


def check_length(headers: Mapping[str, str], decoded_bytes: int) -> None:
    """IncompleteBody when something else was stated. MissingContentLength."""
    if decoded_length(headers) != decoded_bytes:
        raise IncompleteBody("You did not provide the number of bytes specified by the Content-Length HTTP header",
                             NumberBytesExpected=str(decoded_length(headers)), NumberBytesProvided=str(decoded_bytes))


def decode_chunked(
    body: bytes, form: str, claim: Claim | None, key: SigningKey | None, headers: Mapping[str, str]
) -> tuple[bytes, dict[str, str]]:
    """The payload of an aws-chunked body that was read whole, and the headers with its trailers."""
    decoded_length(headers)
    algorithms(headers)
    decode = decoder(form, claim, key)
    payload = b"".join(decode.feed(body))
    decode.finish()
    check_length(headers, decode.decoded_bytes)
    return payload, with_trailers(headers, decode.trailers)


def verify_sums(body: bytes, headers: Mapping[str, str]) -> None:
    """Content-MD5 and x-amz-checksum-* of a body that was read whole. BadDigest, InvalidDigest, InvalidRequest."""
    sums = Checksums(headers)
    sums.update(body)
    sums.finish()


def inflate(body: bytes, limit_bytes: int = BODY_LIMIT_BYTES) -> bytes:
    """A gzip body (RFC 1952) in full; a bomb is refused before it is inflated."""
    bound = min(limit_bytes, max(INFLATE_FREE_BYTES, INFLATE_RATIO_LIMIT * len(body)))
    pieces: list[bytes] = []
    size = 0
    for _ in range(GZIP_MEMBERS_LIMIT):
        if not body:
            return b"".join(pieces)
        stream = zlib.decompressobj(wbits=31)       # 31: a gzip member
        try:
            piece = stream.decompress(body, bound - size + 1)
        except zlib.error as error:
            raise SerializationException("The request body is not valid gzip.", status=400) from error
        size += len(piece)
        if size > bound:
            raise RequestEntityTooLarge(bound)
        if not stream.eof:
            raise SerializationException("The gzip request body ends early.", status=400)
        pieces.append(piece)
        body = stream.unused_data
    raise SerializationException(f"The gzip request body has more than {GZIP_MEMBERS_LIMIT} members.", status=400)
