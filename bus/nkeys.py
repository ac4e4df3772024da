"""NATS's keys and tokens: Ed25519 keys in their base32 form, and JWTs signed with them.

The public key of a seed is worked out here (RFC 8032, section 5.1.5) because whoever writes the broker's configuration
needs nothing else of cryptography, which would cost its process 25 ms and ten megabytes; tests/bus/test_doorkeeper.py
holds it against that library, which does the signing. Nothing here is timing-safe: it is for keys of our own making,
on our own machine. Source of the forms: https://github.com/nats-io/nkeys and https://github.com/nats-io/jwt (v2).
"""

import json
from base64 import b32encode, urlsafe_b64encode
from hashlib import sha512
from typing import Any

SEED_BYTES = 32
ACCOUNT = 0                               # the prefix byte of an account's public key, which then begins with A

_P = 2**255 - 19
_D = -121665 * pow(121666, _P - 2, _P) % _P
_BASE_Y = 4 * pow(5, _P - 2, _P) % _P
_BASE_X = 15112221349535400772501151409588531511454012693041857206046113283949847762202

_Point = tuple[int, int, int, int]        # extended homogeneous coordinates


def public_key(seed: bytes) -> str:
    """Of an account whose private key is `seed`: "A…"."""
    assert len(seed) == SEED_BYTES
    scalar = int.from_bytes(sha512(seed).digest()[:32], "little") & ((1 << 254) - 8) | (1 << 254)
    return _encoded(ACCOUNT, _compressed(_times(scalar, (_BASE_X, _BASE_Y, 1, _BASE_X * _BASE_Y % _P))))


def _times(scalar: int, point: _Point) -> _Point:
    total: _Point = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            total = _sum(total, point)
        point = _sum(point, point)
        scalar >>= 1
    return total


def _sum(one: _Point, two: _Point) -> _Point:
    a, b = (one[1] - one[0]) * (two[1] - two[0]) % _P, (one[1] + one[0]) * (two[1] + two[0]) % _P
    c, d = 2 * one[3] * two[3] * _D % _P, 2 * one[2] * two[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _compressed(point: _Point) -> bytes:
    inverse = pow(point[2], _P - 2, _P)
    x, y = point[0] * inverse % _P, point[1] * inverse % _P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def _encoded(prefix: int, key: bytes) -> str:
    data = bytes([prefix]) + key
    return b32encode(data + _crc16(data).to_bytes(2, "little")).decode().rstrip("=")


def _crc16(data: bytes) -> int:
    """CRC-16/XMODEM."""
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc


class Issuer:
    """Signs tokens as the account whose private key is `seed`."""

    def __init__(self, seed: bytes) -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.name = _encoded(ACCOUNT, self._key.public_key().public_bytes_raw())

    def token(self, claims: dict[str, Any]) -> str:
        """`claims` with its issuer, as a JWT."""
        head = _part({"typ": "JWT", "alg": "ed25519-nkey"}) + b"." + _part({**claims, "iss": self.name})
        return (head + b"." + _encode(self._key.sign(head))).decode()


def _part(content: dict[str, Any]) -> bytes:
    return _encode(json.dumps(content, separators=(",", ":")).encode())


def _encode(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")
