"""ExpressionAttributeNames and ExpressionAttributeValues of one request, and what its expressions use of them.

Also the rules on which parameters go together. In AWS's order a request is checked so: `check_mixing` (and
`check_conditional_operator`), `Placeholders(…)`, every expression parsed and bound, `check_unused`.
Sources: the public dynalite suite (validations/index.js and test/*.js) and extenddb's tests of ConditionalOperator,
both run against AWS.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from actors.dynamodb.engine.expressions.nodes import Value
from actors.dynamodb.engine.wording import Reworded, current_words
from schemas.errors import ValidationException

PLACEHOLDER_BYTES_MAX = 255            # with its # or :
NAME_BYTES_MAX = 65_535
KNOWN_PLACEHOLDERS_MAX = 4096          # entries of the cache of well-formed ones

_NONE: dict[str, Any] = {}
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")


class Placeholders:
    """What the expressions of one request may refer to. Bind them all, then `check_unused`."""

    __slots__ = ("names", "used_names", "used_values", "values")

    def __init__(
        self,
        names: Mapping[str, str] | None = None,
        values: Mapping[str, Value] | None = None,
        check_value: Callable[[Value], object] | None = None,
    ) -> None:
        """`check_value` checks and normalises one value in place, raising ValidationException in AWS's words.

        ValidationException: an empty map, a malformed placeholder, an empty or too long name, a bad value.
        """
        if names is not None:
            _check_keys("ExpressionAttributeNames", "#", names)
            for placeholder, name in names.items():
                _check_name(placeholder, name)
        if values is not None:
            _check_keys("ExpressionAttributeValues", ":", values)
            if check_value is not None:
                _check_values(values, check_value)
        self.names: Mapping[str, str] = names or _NONE
        self.values: Mapping[str, Value] = values or _NONE
        self.used_names: set[str] = set()
        self.used_values: set[str] = set()

    def check_unused(self) -> None:
        """ValidationException naming the placeholders that no bound expression used."""
        _check_all_used("ExpressionAttributeNames", self.names, self.used_names)
        _check_all_used("ExpressionAttributeValues", self.values, self.used_values)


def _check_all_used(parameter: str, given: Mapping[str, object], used: set[str]) -> None:
    if len(used) != len(given):
        unused = ", ".join(placeholder for placeholder in given if placeholder not in used)
        raise ValidationException(f"Value provided in {parameter} unused in expressions: keys: {{{unused}}}")


def _check_keys(parameter: str, sign: str, given: Iterable[str]) -> None:
    if not given:
        raise ValidationException(f"{parameter} must not be empty")
    for placeholder in given:
        problem = _key_problem(placeholder, sign)
        if problem:
            raise ValidationException(f"{parameter} contains invalid key: {problem}")


@lru_cache(KNOWN_PLACEHOLDERS_MAX)
def _key_problem(placeholder: str, sign: str) -> str:
    if len(placeholder) > PLACEHOLDER_BYTES_MAX:
        return f"The expression attribute map contains a key that is too long; size of key: {len(placeholder)}"
    if placeholder[:1] != sign or len(placeholder) == 1 or not _PLAIN.issuperset(placeholder[1:]):
        return f'Syntax error; key: "{placeholder}"'
    return ""


def _check_name(placeholder: str, name: str) -> None:
    if not name:
        raise ValidationException("ExpressionAttributeNames contains invalid value: "
                                  f"Empty attribute name for key {placeholder}")
    if len(name) * 4 > NAME_BYTES_MAX and len(name.encode("utf-8", "surrogatepass")) > NAME_BYTES_MAX:
        raise ValidationException("One or more parameter values were invalid: "
                                  f"Attribute name is too large, must be less than {NAME_BYTES_MAX + 1} bytes")


def _check_values(values: Mapping[str, Value], check: Callable[[Value], object]) -> None:
    for placeholder, value in values.items():
        try:
            check(value)
        except ValidationException as error:
            raise Reworded(f"ExpressionAttributeValues contains invalid value: {error.message} for key {placeholder}",
                           current_words(error)) from error


def check_mixing(request: Mapping[str, Any], expressions: Sequence[str], legacy: Sequence[str]) -> None:
    """ValidationException when a request has both kinds of parameters, or placeholders and no expression.

    expressions, legacy: the operation's parameters, in the order AWS names them (UpdateItem: UpdateExpression,
    ConditionExpression; AttributeUpdates, Expected, ConditionalOperator). KeyConditions may go with the expressions of
    other purposes.
    """
    used = [name for name in expressions if name in request and request[name] is not None]
    if used:
        for name in legacy:
            if name in request:
                _check_styles(request, used, legacy)
                break
    elif request.get("ExpressionAttributeNames") is not None:
        raise ValidationException("ExpressionAttributeNames can only be specified when using expressions")
    if (not used or used == ["ProjectionExpression"]) and request.get("ExpressionAttributeValues") is not None:
        with_values = [name for name in expressions if name != "ProjectionExpression"]
        if with_values:
            verb = "are" if len(with_values) > 1 else "is"
            words = "ExpressionAttributeValues can only be specified when using expressions"
            raise Reworded(f"{words}: {' and '.join(with_values)} {verb} null", words)


def _check_styles(request: Mapping[str, Any], used: list[str], legacy: Sequence[str]) -> None:
    old = [name for name in legacy if request.get(name) is not None
           and (name != "KeyConditions" or request.get("KeyConditionExpression") is not None)]
    if old:
        raise ValidationException(
            "Can not use both expression and non-expression parameters in the same request: "
            f"Non-expression parameters: {{{', '.join(old)}}} Expression parameters: {{{', '.join(used)}}}")


def check_conditional_operator(operator: str | None, conditions: Mapping[str, Any] | None) -> None:
    """ConditionalOperator needs two or more conditions of Expected, QueryFilter or ScanFilter."""
    if operator is None:
        return
    if not conditions:
        raise ValidationException("ConditionalOperator cannot be used without Filter or Expected")
    if len(conditions) < 2:
        raise ValidationException(
            "ConditionalOperator can only be used when Filter or Expected has two or more elements")
