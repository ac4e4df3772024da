"""Times, blobs and numbers as text, both directions. Formats: https://smithy.io/2.0/spec/protocol-traits.html

Readers raise SerializationException; they accept what AWS accepts, writers write what AWS writes.
"""

import math
from binascii import Error as BinasciiError
from binascii import a2b_base64, b2a_base64
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.protocols.wire import malformed

EPOCH, ISO, RFC = "unixtimestamp", "iso8601", "rfc822"
INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
INT32_MIN, INT32_MAX = -(2**31), 2**31 - 1

_ZERO = datetime(1970, 1, 1, tzinfo=UTC)
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_BAD_LAST_CHARACTER = "Invalid last non-pad Base64 character dectected"
_NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def base64_text(value: bytes) -> str:
    return b2a_base64(value, newline=False).decode("ascii")


def base64_bytes(text: str) -> bytes:
    """The wordings are DynamoDB's, measured by dynalite's tests."""
    try:
        content = a2b_base64(text, strict_mode=True)
        if not text.endswith("=") or text.endswith(b2a_base64(content[len(content) // 3 * 3:], newline=False).decode()):
            return content
        raise malformed(_BAD_LAST_CHARACTER)
    except BinasciiError:
        if len(text) % 4:
            raise malformed(
                f"Base64 encoded length is expected a multiple of 4 bytes but found: {len(text)}"
            ) from None
        raise malformed(_BAD_LAST_CHARACTER) from None
    except ValueError:
        raise malformed("only base-64-encoded strings are convertible to bytes") from None


def epoch_number(moment: datetime) -> int | float:
    """Seconds: an integer where the moment is whole, else a float rounded once."""
    passed = moment - _ZERO
    seconds = passed.days * 86400 + passed.seconds
    return (seconds * 1_000_000 + passed.microseconds) / 1_000_000 if passed.microseconds else seconds


def from_epoch(seconds: float) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        raise malformed(f"{str(seconds)[:64]} is not a time between the years 1 and 9999") from None


def write_time(moment: datetime, form: str) -> str:
    """Milliseconds where the moment has them (microseconds where it has those), as Smithy's servers write."""
    moment = moment.astimezone(UTC)
    if form == RFC:
        return (
            f"{_DAYS[moment.weekday()]}, {moment.day:02d} {_MONTHS[moment.month - 1]} {moment.year:04d} "
            f"{moment.hour:02d}:{moment.minute:02d}:{moment.second:02d} GMT"
        )
    if form == EPOCH:
        return str(epoch_number(moment))
    micro = moment.microsecond
    spec = "seconds" if not micro else "microseconds" if micro % 1000 else "milliseconds"
    return moment.replace(tzinfo=None).isoformat(timespec=spec) + "Z"


def read_time(text: str) -> datetime:
    """Any of the three forms: a model's format does not keep AWS from reading the others."""
    text = text.strip()
    try:
        if "T" in text and text[:4].isdigit():
            moment = datetime.fromisoformat(text)
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        if "," in text[:10]:
            return _read_rfc(text)
        if len(text) == 10 and text[4] == text[7] == "-":
            return datetime.fromisoformat(text).replace(tzinfo=UTC)
        return from_epoch(float(text))
    except (ValueError, OverflowError, IndexError):
        raise malformed(f"{text[:64]!r} is not a timestamp") from None


def _read_rfc(text: str) -> datetime:
    """`Tue, 29 Apr 2014 18:30:38 GMT`, fractions of a second and numeric zones allowed."""
    day, month, year, clock, zone = text.partition(",")[2].split()
    hour, minute, second = clock.split(":")
    whole, _, fraction = second.partition(".")
    moment = datetime(
        int(year), _MONTHS.index(month) + 1, int(day), int(hour), int(minute), int(whole),
        int(fraction[:6].ljust(6, "0")) if fraction else 0, UTC,
    )
    if zone in ("GMT", "UTC", "Z"):
        return moment
    offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:5]))
    return moment + offset if zone[0] == "-" else moment - offset


def read_integer(text: str) -> int:
    try:
        number = int(text) if len(text) <= 32 else int(text[:0])
    except ValueError:
        raise malformed(f"{text[:64]!r} can not be converted to an Integer") from None
    return int64(number)


def read_int32(text: str) -> int:
    number = read_integer(text)
    if INT32_MIN <= number <= INT32_MAX:
        return number
    raise malformed("A number is out of the range of 32-bit integers")


def int64(number: int) -> int:
    if INT64_MIN <= number <= INT64_MAX:
        return number
    raise malformed("A number is out of the range of 64-bit integers")


def read_float(text: str) -> float:
    found = _NOT_FINITE.get(text)
    if found is not None:
        return found
    try:
        number = float(text)
    except ValueError:
        raise malformed(f"{text[:64]!r} can not be converted to a Float") from None
    if not math.isfinite(number):
        raise malformed(f"{text[:64]!r} can not be converted to a Float")
    return number


def write_float(number: float) -> str:
    """Shortest text that reads back equal; what is not finite by Smithy's names."""
    if math.isfinite(number):
        return repr(number)
    return "NaN" if number != number else "Infinity" if number > 0 else "-Infinity"


def read_boolean(text: str) -> bool:
    """`True` and `TRUE` too: the query services read them."""
    lowered = text.lower()
    if lowered == "true":
        return True
    if lowered == "false":
        return False
    raise malformed(f"{text[:64]!r} can not be converted to a Boolean")


def json_default(value: Any) -> Any:
    """For orjson: what JSON has no word for, in the default forms of the JSON protocols."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return b2a_base64(value, newline=False).decode("ascii")
    if isinstance(value, datetime):
        return epoch_number(value)
    raise TypeError(f"{type(value).__name__} has no place in a response")
