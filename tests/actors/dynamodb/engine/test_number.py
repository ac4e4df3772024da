"""Numbers: normal form, order of the encoding, sizes, arithmetic; Python's decimal is the oracle."""

from decimal import Context, Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from actors.dynamodb.engine import number
from schemas.errors import ValidationException

EXACT = Context(prec=400)
INTEGERS = st.integers(-10**38 + 1, 10**38 - 1).map(str)


@st.composite
def numbers(draw: st.DrawFn) -> str:
    """A number a client may send, in any spelling, in range."""
    digits = draw(st.integers(1, 10**38 - 1))
    length = len(str(digits))
    exponent = draw(st.integers(number.EXPONENT_MIN, number.EXPONENT_MAX)) - (length - 1)
    sign = draw(st.sampled_from(["", "-", "+"]))
    zeros = "0" * draw(st.integers(0, 3))
    mantissa = str(digits)
    point = draw(st.integers(0, length))
    spelled = zeros + (mantissa[:point] + "." + mantissa[point:] if point < length else mantissa)
    e = draw(st.sampled_from(["e", "E"]))
    return f"{sign}{spelled}{e}{exponent + (length - point)}" if exponent + (length - point) else f"{sign}{spelled}"


# The normal form is the same number, in plain digits without superfluous zeros, and its own normal form.
@given(numbers())
def test_normal_form_is_exact_and_plain(text: str) -> None:
    plain = number.normalise(text)
    assert Decimal(plain) == Decimal(text)
    assert number.normalise(plain) == plain
    assert set(plain) <= set("-.0123456789")
    whole, point, fraction = plain.lstrip("-").partition(".")
    assert whole == "0" or not whole.startswith("0")
    assert not point or not fraction.endswith("0")


# Encoded numbers compare as numbers, equal ones are the same bytes.
@given(numbers(), numbers())
def test_encoding_keeps_order(left: str, right: str) -> None:
    a, b = number.encode(number.normalise(left)), number.encode(number.normalise(right))
    x, y = Decimal(left), Decimal(right)
    assert (a < b, a == b) == (x < y, x == y)


@example([Decimal("-100"), Decimal("-100.001"), Decimal("-100.00001")])
@given(st.lists(st.integers(-10**6, 10**6).map(lambda n: Decimal(n) / 1000) | st.integers(-300, 300).map(Decimal)))
def test_small_neighbours_sort(values: list[Decimal]) -> None:
    texts = [number.normalise(str(value)) for value in values]
    assert sorted(texts, key=number.encode) == sorted(texts, key=Decimal)


# AWS's words; dynalite's validations and AWS itself (dynamodb-conformance, numberPrecision).
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The parameter cannot be converted to a numeric value"),
        *[(bad, f"The parameter cannot be converted to a numeric value: {bad}")
          for bad in ("NaN", "Infinity", "-", "+", ".", "1e", "e1", " 1", "1 ", "1_0", "--1", "1.2.3", "0x1", "١",
                      "1e1.5")],
        ("123456789012345678901234567890123456789", number.TOO_PRECISE),
        ("-1.23456789012345678901234567890123456789", number.TOO_PRECISE),
        ("1e126", number.OVERFLOW),
        ("-1e126", number.OVERFLOW),
        ("1" + "0" * 126, number.OVERFLOW),
        ("0e126", number.OVERFLOW),
        ("0e-131", number.UNDERFLOW),
        *[(bad, f"The parameter cannot be converted to a numeric value: {bad}")
          for bad in ("1e2147483648", "1e-2147483648", "1e99999999999999999999999", "1e-9223372036854775808")],
        ("1e-131", number.UNDERFLOW),
        ("-1e-131", number.UNDERFLOW),
    ],
)
def test_refused_in_aws_words(text: str, message: str) -> None:
    with pytest.raises(ValidationException) as caught:
        number.normalise(text)
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("text", "plain"),
    [("-0", "0"), ("0e125", "0"), ("-0.0e-130", "0"), ("00042", "42"), ("1.0", "1"),
     ("1.5E2", "150"),
     (".123", "0.123"), ("+3", "3"), ("1e+5", "100000"), ("0042.1200", "42.12"), ("1E125", "1" + "0" * 125),
     ("5.", "5"), ("0.00", "0")],
)
def test_printed_as_aws_prints(text: str, plain: str) -> None:
    assert number.normalise(text) == plain


# Byte costs measured against AWS at the 400 KB boundary (dynamodb-conformance, numberByteSize).
@pytest.mark.parametrize(
    ("text", "size"),
    [("0", 1), ("1", 2), ("12", 2), ("123", 3), ("1234", 3), ("12345678901234567890123456789012345678", 20),
     ("0042", 2), ("100", 2), ("1010", 3), ("0.0000001", 2), ("1E125", 2), ("1E-100", 2), ("1.5", 3), ("15", 2),
     ("1.200", 3),
     ("1.234", 4), ("3.14159", 5), ("123456", 4), ("100.5", 4), ("0.15", 2), ("-42", 3), ("-0", 1)],
)
def test_size_as_measured(text: str, size: int) -> None:
    assert number.size_bytes(number.normalise(text)) == size


# Arithmetic is exact or refused: never rounded.
@given(numbers() | INTEGERS, numbers() | INTEGERS)
def test_arithmetic_is_exact_or_refused(left: str, right: str) -> None:
    left, right = number.normalise(left), number.normalise(right)
    for ours, theirs in ((number.add, EXACT.add), (number.subtract, EXACT.subtract)):
        exact = theirs(Decimal(left), Decimal(right)).normalize(EXACT)
        if len(exact.as_tuple().digits) <= number.DIGITS_LIMIT and (not exact or -130 <= exact.adjusted() <= 125):
            assert Decimal(ours(left, right)) == exact
        else:
            with pytest.raises(ValidationException):
                ours(left, right)
