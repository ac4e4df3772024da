"""What a request states of its body's digests, and what an object's are.

The sums themselves: schemas/checksums.py. Source:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html; the messages are those of
AWS in LocalStack's snapshots, ceph/s3-tests, and the S3 tests of OpenStack Swift and versitygw.
"""

from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Mapping
from typing import Any

from actors.s3.errors import BadDigest, InvalidArgument, InvalidDigest, InvalidRequest
from actors.s3.state import Record
from schemas import checksums
from schemas.checksums import ALGORITHMS, DIGEST_BYTES, MD5

DEFAULT = "CRC64NVME"                     # of a body that comes without one
FULL_OBJECT, COMPOSITE = "FULL_OBJECT", "COMPOSITE"
_MEMBERS = {f"Checksum{algorithm}": algorithm for algorithm in ALGORITHMS}

Request = Mapping[str, Any]


def stated(request: Request) -> tuple[str, bytes] | None:
    """The checksum member of a request: its algorithm and digest. InvalidRequest."""
    member = _only(request)
    if not member:
        if request.get("ChecksumAlgorithm"):
            raise InvalidRequest("x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or "
                                 "x-amz-trailer headers were found.")
        return None
    algorithm = _MEMBERS[member]
    named = request.get("ChecksumAlgorithm")
    if named and named.upper() != algorithm:
        raise InvalidRequest("Value for x-amz-sdk-checksum-algorithm header is invalid.")
    return algorithm, digest_of(algorithm, request[member])


def asked(request: Request) -> str:
    """The algorithm that is asked for of what is to come, "" where none is. InvalidRequest."""
    algorithm: str = (request.get("ChecksumAlgorithm") or "").upper()
    if algorithm and algorithm not in ALGORITHMS:
        raise InvalidRequest("Checksum algorithm provided is unsupported. Please try again with any of the valid "
                             f"types: [{', '.join(sorted(ALGORITHMS))}]")
    return algorithm


def stated_of_whole(request: Request) -> tuple[str, str]:
    """The checksum member of a request that completes an upload: its algorithm and text, which may end in the number of
    parts; ("", ""): none. InvalidRequest."""
    member = _only(request)
    if not member:
        return "", ""
    text, dash, count = request[member].partition("-")
    digest_of(_MEMBERS[member], text if not dash or count.isdigit() else "")
    return _MEMBERS[member], request[member]


def stated_of_part(listed: Request) -> tuple[str, str]:
    """That of a part in the list of a completed upload. InvalidArgument."""
    given = {_MEMBERS[name]: listed[name] for name in listed if name in _MEMBERS}
    if not given:
        return "", ""
    try:
        [(algorithm, text)] = given.items()
        digest_of(algorithm, text)
    except (ValueError, InvalidRequest) as error:
        told = "".join(f"{algorithm}:{text};" for algorithm, text in given.items())
        raise InvalidArgument("Invalid Base64 or multiple checksums present in request", "Checksum", told) from error
    return algorithm, text


def _only(request: Request) -> str:
    """The name of the one checksum member; "": there is none. InvalidRequest."""
    given = [name for name in _MEMBERS if request.get(name) is not None] if has_stated(request) else []
    if len(given) > 1:
        raise InvalidRequest("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
    return given[0] if given else ""


def has_stated(request: Request) -> bool:
    """Does it bring a checksum member, right or wrong?"""
    return not _MEMBERS.keys().isdisjoint(request)


def digest_of(algorithm: str, text: str) -> bytes:
    """InvalidRequest when it is no digest of that algorithm in base64."""
    try:
        digest = b64decode(text, validate=True)
    except (NotBase64, ValueError):
        digest = b""
    if len(digest) != DIGEST_BYTES[algorithm] or b64encode(digest).decode() != text:
        raise InvalidRequest(f"Value for x-amz-checksum-{algorithm.lower()} header is invalid.")
    return digest


def needed(request: Request) -> tuple[str, ...]:
    """The algorithms to compute of a body, beside its MD5. InvalidRequest."""
    found = stated(request)
    return (DEFAULT if found is None else found[0],)


def check(request: Request, sums: Mapping[str, bytes]) -> tuple[str, bytes]:
    """The algorithm and digest to keep. InvalidDigest, BadDigest, InvalidRequest."""
    _check_md5(request, sums[MD5])
    found = stated(request)
    if found is None:
        return DEFAULT, sums[DEFAULT]
    algorithm, digest = found
    if sums[algorithm] != digest:
        raise BadDigest(f"The {algorithm} you specified did not match the calculated checksum.")
    return found


def _check_md5(request: Request, computed: bytes) -> None:
    given = request.get("ContentMD5")
    if given is None:
        return
    try:
        digest = b64decode(given, validate=True)
    except (NotBase64, ValueError):
        digest = b""
    if len(digest) != DIGEST_BYTES[MD5]:
        raise InvalidDigest(given)
    if digest != computed:
        expected = given if "UploadId" in request else digest.hex()                                   # as S3 has it
        raise BadDigest(ExpectedDigest=expected, CalculatedDigest=b64encode(computed).decode())


def members(record: Record) -> dict[str, str]:
    """An object's checksum as members of an answer: {"ChecksumCRC32": …, "ChecksumType": …}."""
    found: dict[str, bytes] = record.get("sums", {})
    answer = {f"Checksum{algorithm}": text(record, algorithm) for algorithm in found}
    if answer:
        answer["ChecksumType"] = record.get("sum_type", FULL_OBJECT)
    return answer


def of_part(record: Record) -> dict[str, str]:
    """A part has a checksum and no type."""
    return {name: value for name, value in members(record).items() if name != "ChecksumType"}


def text(record: Record, algorithm: str) -> str:
    digest = b64encode(record["sums"][algorithm]).decode()
    return f"{digest}-{record['parts']}" if record.get("sum_type") == COMPOSITE else digest


def composite(algorithm: str, digests: list[bytes]) -> bytes:
    """The digest of the parts' digests."""
    return checksums.of(algorithm, b"".join(digests))
