"""Shard iterators: a place in a stream as a text that holds all there is to know.

    <stream ARN>|1|<base64 of version, sequence, milliseconds since the epoch, crc32 of all of it and the ARN>

So an iterator survives every restart, and nothing has to be remembered or forgotten for it.
"""

import binascii
from base64 import b64decode, b64encode
from struct import Struct
from typing import NamedTuple
from zlib import crc32

from actors.dynamodbstreams.errors import ExpiredIteratorException
from schemas.errors import ValidationException

VALID_S = 900.0                           # docs.aws.amazon.com: API_streams_GetShardIterator
VERSION = 1

_PLACE, _CHECK = Struct(">BQQ"), Struct(">I")


class Place(NamedTuple):
    """`sequence`: of the next change to be read."""

    arn: str
    sequence: int


def issued(place: Place, now: float) -> str:
    """The iterator, valid for VALID_S from `now`."""
    packed = _PLACE.pack(VERSION, place.sequence, int(now * 1000))
    return f"{place.arn}|1|{b64encode(packed + _check(place.arn, packed)).decode()}"


def parsed(iterator: str, now: float) -> Place:
    """ValidationException for what we never issued, ExpiredIteratorException for what is too old."""
    arn, _, text = iterator.rpartition("|1|")
    try:
        packed = b64decode(text.encode(), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        packed = b""
    if len(packed) != _PLACE.size + _CHECK.size or packed[_PLACE.size:] != _check(arn, packed[:_PLACE.size]):
        raise ValidationException("Invalid ShardIterator")
    version, sequence, issued_ms = _PLACE.unpack_from(packed)
    if version != VERSION or now > issued_ms / 1000 + VALID_S:
        raise ExpiredIteratorException
    return Place(arn, sequence)


def _check(arn: str, packed: bytes) -> bytes:
    return _CHECK.pack(crc32(packed, crc32(arn.encode("utf-8", "surrogatepass"))))
