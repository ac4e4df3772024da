"""DynamoDB's number: an exact decimal of at most 38 significant digits, magnitude 1E-130 to 9.99…E+125, or zero.

A number is kept as AWS prints it: plain digits, no exponent, no superfluous zeros, "0" for every zero. `normalise`
makes that form from what a client sends, `encode` makes bytes that sort as the numbers do, `size_bytes` is what AWS
charges.
Sources: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html (range,
38 digits); messages and plain form as measured by the public dynalite and dynamodb-conformance suites.
"""

from decimal import Context, Decimal

from actors.dynamodb.engine.wording import Reworded
from schemas.errors import ValidationException

DIGITS_LIMIT = 38
EXPONENT_MIN = -130                   # of the first significant digit
EXPONENT_MAX = 125

OVERFLOW = "Number overflow. Attempting to store a number with magnitude larger than supported range"
UNDERFLOW = "Number underflow. Attempting to store a number with magnitude smaller than supported range"
TOO_PRECISE = "Attempting to store more than 38 significant digits in a Number"
NOT_NUMERIC = "The parameter cannot be converted to a numeric value"

INT_MAX = 2**31 - 1                   # what AWS's older layer reads as an exponent; its largest wraps to a negative one
LONG_MAX = 2**63 - 1                  # what the current one does
_EXPONENT_DIGITS_LIMIT = 19
_EXACT = Context(prec=EXPONENT_MAX - EXPONENT_MIN + 2 * DIGITS_LIMIT)   # holds any sum of two numbers exactly

_ZERO, _POSITIVE, _NEGATIVE = b"\x80", 0x81, 0x7F
_COMPLEMENT = bytes(max(0xFE - each, 0) for each in range(256))     # of two digits at most 0xFE: below what closes


def normalise(text: str) -> str:
    """The number as AWS prints it. ValidationException in AWS's words when it is none, or out of range."""
    if len(text) <= DIGITS_LIMIT and text.isdecimal() and text.isascii() and (text[0] != "0" or text == "0"):
        return text
    negative, digits, point, exponent = _parse(text)
    if not -INT_MAX <= exponent <= INT_MAX:
        raise Reworded(f"{NOT_NUMERIC}: {text}", OVERFLOW if exponent > 0 else UNDERFLOW)
    significant = digits.strip("0")
    if not significant:
        _check_range(exponent)        # of zero, what is written counts
        return "0"
    point -= len(digits) - len(digits.lstrip("0"))
    _check_range(point - 1)
    if len(significant) > DIGITS_LIMIT:
        raise ValidationException(TOO_PRECISE)
    return ("-" if negative else "") + _plain(significant, point)


def _check_range(exponent: int) -> None:
    """`exponent`: of the first significant digit."""
    if exponent > EXPONENT_MAX:
        raise Reworded(UNDERFLOW if exponent >= INT_MAX else OVERFLOW, OVERFLOW)
    if exponent < EXPONENT_MIN:
        raise ValidationException(UNDERFLOW)


def _parse(text: str) -> tuple[bool, str, int, int]:
    """(negative, digits, where the decimal point stands in them, exponent) of `[+-]digits[.digits][e[+-]digits]`."""
    if not text:
        raise Reworded(NOT_NUMERIC, f"{NOT_NUMERIC}: ")
    mantissa, e, power = text.replace("E", "e", 1).partition("e")
    whole, _, fraction = (mantissa[1:] if mantissa[:1] in ("+", "-") else mantissa).partition(".")
    digits = whole + fraction
    size = power[1:] if power[:1] in ("+", "-") else power
    exponent = 0
    if not _is_digits(digits) or (e and not _is_digits(size)):
        raise ValidationException(f"{NOT_NUMERIC}: {text}")
    if e:
        size = size.lstrip("0")
        exponent = int(size or "0") if len(size) <= _EXPONENT_DIGITS_LIMIT else LONG_MAX + 1
        if exponent > LONG_MAX:
            raise ValidationException(f"{NOT_NUMERIC}: {text}")
        if power[0] == "-":
            exponent = -exponent
    return mantissa[0] == "-", digits, len(whole) + exponent, exponent


def _is_digits(text: str) -> bool:
    return text.isdecimal() and text.isascii()


def _plain(digits: str, point: int) -> str:
    """Significant digits with the decimal point after the first `point` of them."""
    if point <= 0:
        return "0." + "0" * -point + digits
    if point >= len(digits):
        return digits + "0" * (point - len(digits))
    return digits[:point] + "." + digits[point:]


def encode(number: str) -> bytes:
    """Bytes that compare as numbers do, of a normalised number; 1 to 22 bytes.

    Zero is one byte; else sign, exponent, digits two to a byte. A negative one is the complement, closed with 0xFF so
    that of two with a common beginning the longer, being smaller, comes first.
    """
    negative = number[0] == "-"
    whole, _, fraction = (number[1:] if negative else number).partition(".")
    if whole == "0":
        digits = fraction.lstrip("0")
        if not digits:
            return _ZERO
        point = len(digits) - len(fraction)
    else:
        digits, point = (whole + fraction) if fraction else whole.rstrip("0"), len(whole)
    packed = bytes.fromhex(digits if len(digits) % 2 == 0 else digits + "0")
    exponent = point - 1 - EXPONENT_MIN
    if negative:
        return bytes((_NEGATIVE, 255 - exponent)) + packed.translate(_COMPLEMENT) + b"\xff"
    return bytes((_POSITIVE, exponent)) + packed


def size_bytes(number: str) -> int:
    """What a normalised number counts in an item's size.

    One byte, one per two significant digits before the point and one per two after it, one for a minus sign: measured
    byte by byte against AWS by the public dynamodb-conformance suite (the documentation's rule is approximate).
    """
    if number.isdecimal():                # counters and their like, at a third of the price
        return 1 + (len(number.rstrip("0")) + 1) // 2
    negative = number[0] == "-"
    whole, _, fraction = (number[1:] if negative else number).partition(".")
    if whole == "0":
        if not fraction:
            return 1
        return 1 + negative + (len(fraction.lstrip("0")) + 1) // 2
    if not fraction:
        whole = whole.rstrip("0")
    return 1 + negative + (len(whole) + 1) // 2 + (len(fraction) + 1) // 2


def add(left: str, right: str) -> str:
    """The sum of two normalised numbers. A sum that needs more than 38 digits is an overflow too, as on AWS."""
    if _are_small_integers(left, right):
        return str(int(left) + int(right))
    return _result(_EXACT.add(Decimal(left), Decimal(right)))


def subtract(left: str, right: str) -> str:
    """The difference of two normalised numbers; errors as `add`."""
    if _are_small_integers(left, right):
        return str(int(left) - int(right))
    return _result(_EXACT.subtract(Decimal(left), Decimal(right)))


def _are_small_integers(left: str, right: str) -> bool:
    """Counters: an integer's sum is exact and far from any limit, at a quarter of a decimal's price."""
    return len(left) < DIGITS_LIMIT > len(right) and "." not in left and "." not in right


def _result(value: Decimal) -> str:
    if not value:
        return "0"
    try:
        return normalise(str(value))
    except ValidationException as error:
        raise ValidationException(OVERFLOW if error.message == TOO_PRECISE else error.message) from error
