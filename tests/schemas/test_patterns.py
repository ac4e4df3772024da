"""The models' regular expressions: which are enforced, that they mean what Java means, and that they end."""

import marshal
import re
import unicodedata
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.backtracking import EXPONENTIAL, degree
from schemas.cache import read_compact
from schemas.models import names
from schemas.patterns import Unconvertible, convert, matcher

# How many of the models' distinct patterns may be left unenforced: those Python cannot say (typing errors of the models
# such as `]*${1,256}`, Java's class intersections) and those that could backtrack exponentially.
UNCONVERTIBLE_LIMIT = 12
EXPONENTIAL_LIMIT = 100


def all_patterns() -> set[str]:
    """Straight from the cached models: making every shape of every service takes ten times as long."""
    found: set[str] = set()
    for name in names():
        for stored in read_compact(name).shapes.values():
            traits = marshal.loads(stored)[1]
            if traits and "pattern" in traits:
                found.add(traits["pattern"])
    return found


# The list of what is not enforced is printed; it must not grow unnoticed with a new botocore.
def test_nearly_all_are_enforced(capsys: pytest.CaptureFixture[str]) -> None:
    verdicts: Counter[str] = Counter()
    left_out = []
    for source in sorted(all_patterns()):
        if matcher(source) is not None:
            verdicts["enforced"] += 1
            continue
        try:
            re.compile(convert(source, 0x7F), re.ASCII)
            verdicts["exponential"] += 1
        except (Unconvertible, re.error):
            verdicts["unconvertible"] += 1
        left_out.append(source)
    with capsys.disabled():
        print(f"\npatterns: {dict(verdicts)}; not enforced:", *left_out[:10], "…", sep="\n  ")
    assert verdicts["unconvertible"] <= UNCONVERTIBLE_LIMIT
    assert verdicts["exponential"] <= EXPONENTIAL_LIMIT


# Known cases: https://owasp.org/www-community/attacks/Regular_expression_Denial_of_Service_-_ReDoS lists the evil ones.
@pytest.mark.parametrize(
    ("pattern", "power"),
    [
        ("[a-zA-Z0-9_.-]+", 1), ("abc", 0), ("(a+)+", EXPONENTIAL), ("([a-zA-Z]+)*", EXPONENTIAL),
        ("(a|aa)+", EXPONENTIAL), ("(a|a?)+", EXPONENTIAL), ("(.*a){10,20}", EXPONENTIAL), ("a*a*", 2), ("a*b*", 1),
        ("a*ba*", 1), ("[ab]*b[ab]*", 2), ("(-[a-z]+)*", 1), ("[a-z]+(-[a-z]+)*", 1), (r"(.*)\1", EXPONENTIAL),
        (".*x.*x.*", 3), ("([a-f0-9]{4}-)*", 1),
    ],
)
def test_cost_of_backtracking(pattern: str, power: float) -> None:
    assert degree(pattern) == power


# Java's syntax, https://docs.oracle.com/en/java/javase/21/docs/api/java.base/java/util/regex/Pattern.html
@pytest.mark.parametrize(
    ("source", "good", "bad"),
    [
        (r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*", ["", "Kostenstelle 7", "日本語", "é=1"], ["a#b", "☃", "a\n"]),
        (r"\P{C}+", ["a b", "é"], ["", "a\x00", "\u200b"]),
        (r"[^\p{C}]*", ["a b"], ["\x07"]),
        (r"[\w-.]+", ["a-b.c"], ["a b", "é"]),
        (r"\p{ASCII}+", ["a\n"], ["é"]),
        (r"[\p{Print}]*", ["a ~"], ["\t", "é"]),
        (r"^(?i)(true|false)$", ["TRUE", "false"], ["yes"]),
        (r"^https://", ["https://a"], ["http://a", " https://"]),
        (r"[0-9]+", ["12"], ["12\n", "x12", "١"]),
        ("[\\u0020-\\uD7FF\\uE000-\\uFFFD\\uD800\\uDC00-\\uDBFF\\uDFFF\\t]*", ["a😀", "\t"], ["\x00", "\n"]),
        (r"[\P{M}\p{M}]*", ["anything at all \x00"], []),
        (r"\A[a-z]+\z", ["abc"], ["abc\n"]),
    ],
)
def test_java_patterns(source: str, good: list[str], bad: list[str]) -> None:
    matches = matcher(source)
    assert matches is not None
    assert [text for text in good if not matches(text)] == []
    assert [text for text in bad if matches(text)] == []


# \p{L} is what Unicode says, for any character: the ranges spelt out against the database itself.
@settings(deadline=None)
@given(st.characters(), st.sampled_from(["L", "N", "P", "Z", "S", "M", "Lu", "Nd", "C"]))
def test_categories_are_exact(letter: str, name: str) -> None:
    inside, outside = matcher(rf"\p{{{name}}}"), matcher(rf"[^\p{{{name}}}]")
    assert inside is not None
    assert outside is not None
    expected = unicodedata.category(letter).startswith(name)
    assert inside(letter) is expected
    assert outside(letter) is not expected
