"""Times as Ion writes them, and what S3 Select does with them. All are datetimes with an offset.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-select-sql-reference-date.html
"""

import re
from calendar import monthrange
from datetime import UTC, datetime, timedelta, timezone

from actors.s3.engine.select.errors import SelectError

_FORM = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?T?(?:(?<=T)(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?(Z|[+-]\d\d:\d\d)?")
_SECONDS = {"day": 86400, "hour": 3600, "minute": 60, "second": 1}
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
           "November", "December")


def timestamp(text: str) -> datetime:
    """SelectError when it is none."""
    match = _FORM.fullmatch(text.strip())
    if match is None:
        raise SelectError("ValueParseFailure")
    year, month, day, hour, minute, second, fraction, offset = match.groups()
    try:
        return datetime(int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0), int(second or 0),
                        int((fraction or "").ljust(6, "0")[:6]), _zone(offset))
    except ValueError as error:
        raise SelectError("ValueParseFailure") from error


def _zone(offset: str | None) -> timezone:
    if offset in (None, "Z"):
        return UTC
    assert offset is not None
    minutes = int(offset[1:3]) * 60 + int(offset[4:6])
    return timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes))


def written(time: datetime) -> str:
    """A fraction of a second with three digits, or six where it needs them."""
    fraction = "microseconds" if time.microsecond % 1000 else "milliseconds" if time.microsecond else "seconds"
    text = time.isoformat(timespec=fraction)
    return text.replace("+00:00", "Z")


def added(part: str, quantity: int, time: datetime) -> datetime:
    """SelectError where no time is that early or late."""
    try:
        if part in _SECONDS:
            return time + timedelta(seconds=quantity * _SECONDS[part])
        months = time.year * 12 + time.month - 1 + quantity * (12 if part == "year" else 1)
        year, month = divmod(months, 12)
        return time.replace(year=year, month=month + 1, day=min(time.day, monthrange(year, month + 1)[1]))
    except (ValueError, OverflowError) as error:
        raise SelectError("IntegerOverflow") from error


def difference(part: str, first: datetime, second: datetime) -> int:
    """Whole parts from the first to the second; negative when the second is earlier."""
    if part in _SECONDS:
        return int((second - first).total_seconds() / _SECONDS[part])
    if second < first:
        return -difference(part, second, first)
    second = second.astimezone(first.tzinfo)
    months = (second.year - first.year) * 12 + second.month - first.month
    if (second.day, second.time()) < (first.day, first.time()):
        months -= 1
    return months // 12 if part == "year" else months


def extracted(part: str, time: datetime) -> int:
    if part.startswith("timezone_"):
        minutes = int((time.utcoffset() or timedelta()).total_seconds()) // 60
        hours = int(minutes / 60)
        return hours if part == "timezone_hour" else minutes - hours * 60
    found: int = getattr(time, part)
    return found


def formatted(time: datetime, pattern: str) -> str:
    """By a pattern of letters: yyyy-MM-dd'T'HH:mm:ss and the like. SelectError."""
    out = []
    for token in re.finditer(r"'([^']*)'|([A-Za-z])\2*|[^A-Za-z']+|'", pattern):
        text = token.group()
        if text == "'":
            raise SelectError("EvaluatorInvalidTimestampFormatPattern")
        out.append(token.group(1) if token.group(1) is not None else _field(time, text) if text[0].isalpha() else text)
    return "".join(out)


def _field(time: datetime, letters: str) -> str:
    letter, width = letters[0], len(letters)
    if letter == "y":
        return f"{time.year % 100:02}" if width == 2 else str(time.year).zfill(width)
    if letter == "M" and width in (3, 4, 5):
        return {3: _MONTHS[time.month - 1][:3], 4: _MONTHS[time.month - 1], 5: _MONTHS[time.month - 1][0]}[width]
    if letter == "a":
        return "AM" if time.hour < 12 else "PM"
    if letter == "S":
        return f"{time.microsecond:06}".ljust(9, "0")[:width]
    if letter == "n":
        return str(time.microsecond * 1000)
    if letter in "Xx":
        return _offset(time, letter, width)
    numbers = {"M": time.month, "d": time.day, "h": (time.hour + 11) % 12 + 1, "H": time.hour, "m": time.minute,
               "s": time.second}
    if letter not in numbers or width > 2:
        raise SelectError("EvaluatorInvalidTimestampFormatPattern")
    return str(numbers[letter]).zfill(width)


def _offset(time: datetime, letter: str, width: int) -> str:
    minutes = int((time.utcoffset() or timedelta()).total_seconds()) // 60
    if letter == "X" and minutes == 0:
        return "Z"
    sign, (hours, rest) = "-" if minutes < 0 else "+", divmod(abs(minutes), 60)
    if width == 1:
        return f"{sign}{hours:02}"
    return f"{sign}{hours:02}:{rest:02}" if width in (3, 5) else f"{sign}{hours:02}{rest:02}"
