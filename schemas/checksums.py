"""Digests of a body that passes in pieces: MD5, the SHA family, and S3's checksums. Pure functions, one place.

A digest is the bytes that AWS writes in base64 into x-amz-checksum-* (CRCs and XXHashes big-endian). CRC32C, CRC64NVME
and the XXHashes come from awscrt (7 MB, 0.1 s), which is imported when the first of them is asked for.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html.
"""

import hashlib
import zlib
from base64 import b64encode
from collections.abc import Callable
from functools import cache, partial
from typing import Any, Protocol

MD5 = "MD5"
CRC_BYTES = {"CRC32": 4, "CRC32C": 4, "CRC64NVME": 8}
# By AWS's names, as in x-amz-checksum-algorithm.
ALGORITHMS = (
    "CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256", "SHA512", MD5, "XXHASH64", "XXHASH3", "XXHASH128",
)
DIGEST_BYTES = {
    **CRC_BYTES, "SHA1": 20, "SHA256": 32, "SHA512": 64, MD5: 16, "XXHASH64": 8, "XXHASH3": 8, "XXHASH128": 16,
}


Buffer = bytes | bytearray | memoryview


class Digest(Protocol):
    """One digest under way."""

    def update(self, piece: Buffer, /) -> None: ...

    def digest(self) -> bytes: ...


def new(algorithm: str, begun: Buffer = b"") -> Digest:
    """Of one of ALGORITHMS, with its first bytes; KeyError for any other."""
    return _NEW[algorithm](begun)


def of(algorithm: str, body: Buffer) -> bytes:
    """The digest of a whole body."""
    return _NEW[algorithm](body).digest()


def md5_text(body: Buffer) -> str:
    """The digest as Content-MD5 has it."""
    return b64encode(of(MD5, body)).decode()


def combined(algorithm: str, parts: list[tuple[bytes, int]]) -> bytes:
    """The CRC of what parts of these CRCs and sizes make together, without their bytes."""
    combine = getattr(_crt(), f"combine_{algorithm.lower()}")
    size = CRC_BYTES[algorithm]
    total = 0
    for digest, length in parts:
        total = combine(total, int.from_bytes(digest, "big"), length)
    return int(total).to_bytes(size, "big")


class _Crc:
    """A CRC that is a function of the bytes and the CRC so far."""

    __slots__ = ("_size", "_step", "_value")

    def __init__(self, step: Callable[[Buffer, int], int], size: int, begun: Buffer) -> None:
        self._step = step
        self._size = size
        self._value = step(begun, 0)

    def update(self, piece: Buffer, /) -> None:
        self._value = self._step(piece, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._size, "big")


class _XXHash:
    __slots__ = ("_state",)

    def __init__(self, kind: str, begun: Buffer) -> None:
        self._state = getattr(_crt().XXHash, f"new_{kind}")()
        self.update(begun)

    def update(self, piece: Buffer, /) -> None:
        self._state.update(bytes(piece))

    def digest(self) -> bytes:
        return bytes(self._state.finalize())


@cache
def _crt() -> Any:
    from awscrt import checksums

    return checksums


_NEW: dict[str, Callable[[Buffer], Digest]] = {
    MD5: partial(hashlib.md5, usedforsecurity=False),
    "SHA1": partial(hashlib.sha1, usedforsecurity=False), "SHA256": hashlib.sha256, "SHA512": hashlib.sha512,
    "CRC32": lambda begun: _Crc(zlib.crc32, 4, begun),
    "CRC32C": lambda begun: _Crc(_crt().crc32c, 4, begun), "CRC64NVME": lambda begun: _Crc(_crt().crc64nvme, 8, begun),
    "XXHASH64": lambda begun: _XXHash("xxhash64", begun), "XXHASH3": lambda begun: _XXHash("xxhash3_64", begun),
    "XXHASH128": lambda begun: _XXHash("xxhash3_128", begun),
}
assert _NEW.keys() == DIGEST_BYTES.keys() == set(ALGORITHMS)
