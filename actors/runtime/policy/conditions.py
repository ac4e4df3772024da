"""Condition operators, compiled: one key of one operator becomes a function of the request's keys.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html and
…/reference_policies_condition-single-vs-multi-valued-context-keys.html
"""

from collections.abc import Callable
from decimal import Decimal
from operator import eq, ge, gt, le, lt

from actors.runtime.policy.grammar import ConditionSource
from actors.runtime.policy.patterns import Keys, Test, arn_like, equals, glob, resolved
from actors.runtime.policy.values import addresses_of, bytes_of, date_of, number_of

Holds = Callable[[Keys], bool]
Compare = Callable[[Decimal, Decimal], bool]
Read = Callable[[str], Decimal | None]

_COMPARISONS: dict[str, Compare] = {
    "LessThanEquals": le, "GreaterThanEquals": ge, "LessThan": lt, "GreaterThan": gt, "Equals": eq,
}


def holds(source: ConditionSource, variables: bool) -> Holds:
    """Whether the condition holds for a request's keys.

    A missing key: a plain operator does not hold, a negated one does, IfExists does, ForAllValues does,
    ForAnyValue does not. Several policy values are alternatives; under a negated operator none of them may match.
    """
    key = source.key.lower()
    if source.operator == "Null":
        return _null(key, source)
    negated = "Not" in source.operator
    matches = _test(source.operator.replace("Not", ""), source.values, variables)
    if source.quantifier:
        return _quantified(key, source, matches, negated)
    absent = negated or source.if_exists

    def single(keys: Keys) -> bool:
        value = keys.get(key)
        if isinstance(value, str):
            return matches(value, keys) is not negated
        if not value:
            return absent
        return any(matches(one, keys) for one in value) is not negated

    return single


def _quantified(key: str, source: ConditionSource, matches: Test, negated: bool) -> Holds:
    of_all = source.quantifier == "ForAllValues"
    absent = of_all or source.if_exists

    def several(keys: Keys) -> bool:
        value = keys.get(key)
        values = (value,) if isinstance(value, str) else value
        if not values or values == ("",):         # "a null data set, such as an empty string"
            return absent
        found = (matches(one, keys) is not negated for one in values)
        return all(found) if of_all else any(found)

    return several


def _null(key: str, source: ConditionSource) -> Holds:
    wanted = {value.lower() == "true" for value in source.values}
    return lambda keys: (not keys.get(key)) in wanted


def _test(operator: str, values: tuple[str, ...], variables: bool) -> Test:
    """Whether a value matches one of the policy's. `operator` without its "Not"."""
    if operator == "StringEquals":
        return _strings(values, variables)
    if operator == "StringEqualsIgnoreCase":
        return _strings(values, variables, folded=True)
    if operator == "StringLike":
        return _any([glob(value, variables) for value in values])
    if operator in ("ArnEquals", "ArnLike"):
        return _any([arn_like(value, variables) for value in values])
    if operator == "Bool":
        known = {value.lower() for value in values} & {"true", "false"}
        return lambda value, keys: value.lower() in known
    if operator == "BinaryEquals":
        wanted = {bytes_of(value) for value in values} - {None}
        return lambda value, keys: bytes_of(value) in wanted
    if operator == "IpAddress":
        return _addresses(values)
    family, read = ("Numeric", number_of) if operator.startswith("Numeric") else ("Date", date_of)
    return _ordered(_COMPARISONS[operator.removeprefix(family)], read, values)


def _any(tests: list[Test]) -> Test:
    if len(tests) == 1:
        return tests[0]
    return lambda value, keys: any(test(value, keys) for test in tests)


def _strings(values: tuple[str, ...], variables: bool, *, folded: bool = False) -> Test:
    tokens = [equals(value, variables) for value in values]
    plain = frozenset(_folded("".join(each), folded) for each in tokens if _is_plain(each))  # type: ignore[arg-type]
    templates = [each for each in tokens if not _is_plain(each)]
    if not templates and not folded:
        return lambda value, keys: value in plain

    def equal(value: str, keys: Keys) -> bool:
        value = _folded(value, folded)
        if value in plain:
            return True
        for template in templates:
            known = resolved(template, keys)
            if known is not None and _folded("".join(map(str, known)), folded) == value:
                return True
        return False

    return equal


def _is_plain(tokens: tuple[object, ...]) -> bool:
    return all(isinstance(token, str) for token in tokens)


def _folded(text: str, folded: bool) -> str:
    return text.lower() if folded else text


def _ordered(compare: Compare, read: Read, values: tuple[str, ...]) -> Test:
    known = [number for value in values if (number := read(value)) is not None]

    def ordered(value: str, keys: Keys) -> bool:
        asked = read(value)
        return asked is not None and any(compare(asked, each) for each in known)

    return ordered


def _addresses(values: tuple[str, ...]) -> Test:
    known = [addresses for value in values if (addresses := addresses_of(value)) is not None]

    def within(value: str, keys: Keys) -> bool:
        asked = addresses_of(value)
        if asked is None:
            return False
        version, first, last = asked
        for each in known:                    # noqa: SIM110 - the hot path: a generator costs more than the loop
            if version == each[0] and each[1] <= first and last <= each[2]:
                return True
        return False

    return within
