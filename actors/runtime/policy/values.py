"""What condition operators compare: numbers, dates, addresses, bytes, read from text. None: not one of these."""

import base64
import binascii
import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import NamedTuple

NUMBER_LIMIT_CHARACTERS = 64
_CACHE_ENTRIES = 1024
_EPOCH_LIMIT = 2**63
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DATE = re.compile(
    r"(\d{4}|\d{1,9}(?=[Tt-]))(?:-(\d\d?)(?:-(\d\d?))?)?"
    r"(?:[Tt](?:(\d\d?)(?::(\d\d?)(?::(\d\d?)(?:\.(\d{1,9}))?)?)?)?([Zz]|[+-]\d\d(?::\d\d)?)?)?\Z"
)
_INTEGER = re.compile(r"-?\d+\Z")


class Addresses(NamedTuple):
    """A range of addresses as numbers, both ends included."""

    version: int
    first: int
    last: int


@lru_cache(_CACHE_ENTRIES)
def number_of(text: str) -> Decimal | None:
    """An integer or a decimal: no NaN, no infinity, no more than NUMBER_LIMIT_CHARACTERS."""
    if len(text) > NUMBER_LIMIT_CHARACTERS:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


@lru_cache(_CACHE_ENTRIES)
def date_of(text: str) -> Decimal | None:
    """Seconds since the epoch, of the W3C profile of ISO 8601 or of epoch seconds; four digits are a year.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html (Date)
    """
    match = _DATE.match(text)
    if match is None:
        if len(text) <= NUMBER_LIMIT_CHARACTERS and _INTEGER.match(text) and abs(int(text)) < _EPOCH_LIMIT:
            return Decimal(text)
        return None
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    try:
        moment = datetime(int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0),
                          int(second or 0), tzinfo=_zone(zone))
        passed = moment - _EPOCH
    except (ValueError, OverflowError):
        return None
    return Decimal(passed // timedelta(seconds=1)) + Decimal(f"0.{fraction or 0}")


def _zone(text: str | None) -> timezone:
    if text is None or text in "Zz":
        return UTC
    sign = -1 if text[0] == "-" else 1
    return timezone(sign * timedelta(hours=int(text[1:3]), minutes=int(text[4:6] or 0)))


@lru_cache(_CACHE_ENTRIES)
def addresses_of(text: str) -> Addresses | None:
    """An address or a range in CIDR form, IPv4 or IPv6; an address alone is a range of one."""
    from ipaddress import ip_network  # late: few policies name addresses

    try:
        network = ip_network(text, strict=False)
    except ValueError:
        return None
    return Addresses(network.version, int(network.network_address), int(network.broadcast_address))


def bytes_of(text: str) -> bytes | None:
    """Of base64."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
