"""Policy documents as text: JSON to statements, or MalformedPolicy with IAM's words.

Grammar: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html. Wordings and their order, for
identity policies: the cases that moto's and versitygw's public test suites recorded from IAM. A resource's policy may
be of version 2008-10-17, or of none; each service then words its own refusal around what is said here.
"""

import json
import re
from collections.abc import Iterator
from enum import Enum
from typing import Any, NamedTuple

from actors.runtime.policy.values import date_of

DOCUMENT_LIMIT_CHARACTERS = 262_144           # each kind has a smaller limit of its own; AWS's longest has 152,297
VERSION, OLD_VERSION = "2012-10-17", "2008-10-17"
PARTITIONS = frozenset({"aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-eusc"})

SYNTAX = "Syntax errors in policy."
LEGACY = "The policy failed legacy parsing"

_TOP = frozenset({"Version", "Id", "Statement"})
_ELEMENTS = frozenset({
    "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition",
})
_PRINCIPAL_TYPES = frozenset({"AWS", "Service", "Federated", "CanonicalUser"})
_PAIRS = (("Action", "NotAction"), ("Resource", "NotResource"), ("Principal", "NotPrincipal"))
_IAM_PATHS = ("user/", "federated-user/", "role/", "group/", "instance-profile/", "mfa/", "server-certificate/",
              "policy/", "sms-mfa/", "saml-provider/", "oidc-provider/", "report/", "access-report/")
_SID = re.compile(r"[0-9A-Za-z]*\Z")
_VENDOR = re.compile(r"[A-Za-z0-9\-.*?]+\Z")
_OPERATOR = re.compile(r"(?:(ForAllValues|ForAnyValue):)?([A-Za-z]+?)(IfExists)?\Z")
_TRUST_ACTIONS = ("sts:assumerole", "sts:tagsession", "sts:setsourceidentity", "sts:setcontext", "sts:*")

OPERATORS = frozenset({
    "StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "StringLike",
    "StringNotLike", "NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericLessThanEquals",
    "NumericGreaterThan", "NumericGreaterThanEquals", "DateEquals", "DateNotEquals", "DateLessThan",
    "DateLessThanEquals", "DateGreaterThan", "DateGreaterThanEquals", "Bool", "BinaryEquals", "IpAddress",
    "NotIpAddress", "ArnEquals", "ArnNotEquals", "ArnLike", "ArnNotLike", "Null",
})


class MalformedPolicy(ValueError):
    """The message is IAM's MalformedPolicyDocument."""


class InvalidPrincipal(MalformedPolicy):
    """Of a name that nobody can have."""

    def __init__(self, name: str) -> None:
        super().__init__(f'Invalid principal in policy: "AWS":"{name}"')


class UnknownOperator(MalformedPolicy):
    """Of a condition."""

    def __init__(self, name: str) -> None:
        super().__init__(SYNTAX)
        self.name = name


class Use(Enum):
    """What a document is for, which decides what it may and must hold."""

    IDENTITY = "identity"                     # managed and inline policies, boundaries, session policies, SCPs
    RESOURCE = "resource"                     # a bucket's, a queue's, a key's
    TRUST = "trust"                           # a role's: a resource policy without Resource


class ConditionSource(NamedTuple):
    """One key of one operator: `"ForAnyValue:StringLikeIfExists": {"aws:TagKeys": ["a*"]}`."""

    quantifier: str                           # "", ForAllValues, ForAnyValue
    operator: str                             # one of OPERATORS
    if_exists: bool
    key: str
    values: tuple[str, ...]


class StatementSource(NamedTuple):
    """One statement, lists normalised to tuples. `not_…`: the element was NotAction and so on."""

    sid: str
    allow: bool
    actions: tuple[str, ...]
    not_action: bool
    resources: tuple[str, ...]
    not_resource: bool
    principals: tuple[str, ...] | None        # "<type>:<name>", "AWS:*"; None: no such element
    not_principal: bool
    conditions: tuple[ConditionSource, ...]


def size_of(text: str) -> int:
    """Characters that IAM counts against a policy's quota: white space is free.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    """
    return len("".join(text.split()))


def parse(text: str, use: Use) -> tuple[str, tuple[StatementSource, ...]]:
    """(version, statements) of a document, checked whole. MalformedPolicy."""
    document = _load(text, use)
    raw = document["Statement"]
    statements: list[dict[str, Any]] = raw if isinstance(raw, list) else [raw]
    for statement in statements:
        _check_syntax(statement, use)
    version = document.get("Version", OLD_VERSION)
    if use is Use.IDENTITY:
        if version != VERSION:
            raise MalformedPolicy("Policy document must be version 2012-10-17 or greater.")
        if any("Principal" in statement or "NotPrincipal" in statement for statement in statements):
            raise MalformedPolicy("Policy document should not specify a principal.")
    for statement in statements:
        _check_legacy(statement)
    _check_sids(statements)
    for statement in statements:
        _check_presence(statement, use)
    for statement in statements:
        for resource in _texts(statement, "Resource") + _texts(statement, "NotResource"):
            _check_resource(resource, use)
    for statement in statements:
        for action in _texts(statement, "Action") + _texts(statement, "NotAction"):
            _check_action(action, use)
    return version, tuple(_source(statement) for statement in statements)


def _load(text: str, use: Use) -> dict[str, Any]:
    syntax = "This policy contains invalid Json" if use is Use.TRUST else SYNTAX
    if len(text) > DOCUMENT_LIMIT_CHARACTERS:
        raise MalformedPolicy(syntax)
    try:
        document = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise MalformedPolicy(syntax) from error
    if not isinstance(document, dict) or not document.keys() <= _TOP:
        raise MalformedPolicy(SYNTAX)
    statement = document.get("Statement")
    known = document.get("Version", VERSION) in (VERSION, OLD_VERSION)
    if not known or not isinstance(document.get("Id", ""), str) or not isinstance(statement, dict | list) \
            or not statement:
        raise MalformedPolicy(SYNTAX)
    return document


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("an element stands twice")
    return made


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _check_syntax(statement: Any, use: Use) -> None:
    if not isinstance(statement, dict) or not statement.keys() <= _ELEMENTS:
        raise MalformedPolicy(SYNTAX)
    effect = statement.get("Effect")
    if effect is None and use is Use.TRUST:
        raise MalformedPolicy("Missing required field Effect")
    if not isinstance(effect, str) or effect.lower() not in ("allow", "deny"):
        raise MalformedPolicy(SYNTAX)
    both = any(one in statement and other in statement for one, other in _PAIRS)
    if both or not isinstance(statement.get("Sid", ""), str):
        raise MalformedPolicy(SYNTAX)
    for element in ("Action", "NotAction", "Resource", "NotResource"):
        _listed(statement.get(element, []))
    for element in ("Principal", "NotPrincipal"):
        if element in statement:
            list(_principals(statement[element]))
    _conditions(statement.get("Condition", {}))


def _listed(value: Any) -> list[str]:
    """A string or a list of them."""
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(item, str) for item in values):
        raise MalformedPolicy(SYNTAX)
    return values


def _texts(statement: dict[str, Any], element: str) -> list[str]:
    return _listed(statement.get(element, []))


def _principals(value: Any) -> Iterator[str]:
    if value == "*":
        yield "AWS:*"
    elif isinstance(value, dict) and value and value.keys() <= _PRINCIPAL_TYPES:
        for kind, names in value.items():
            for name in _listed(names):
                yield f"{kind}:{_principal(kind, name)}"
    else:
        raise MalformedPolicy(SYNTAX)


def _principal(kind: str, name: str) -> str:
    """An account as its root's ARN, so that one form of each remains.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
    """
    if kind != "AWS" or name == "*":
        return name
    if len(name) == 12 and name.isdigit():
        return f"arn:aws:iam::{name}:root"
    parts = name.split(":", 5)
    arn = len(parts) == 6 and parts[0] == "arn" and parts[2] in ("iam", "sts") and "*" not in name
    if not arn and not (name.isalnum() and name[:4] in ("AIDA", "AROA")):
        raise InvalidPrincipal(name)
    return name


def _conditions(block: Any) -> tuple[ConditionSource, ...]:
    if not isinstance(block, dict):
        raise MalformedPolicy(SYNTAX)
    found = []
    for name, keys in block.items():
        if not isinstance(keys, dict):
            raise MalformedPolicy(SYNTAX)
        for key, values in keys.items():
            match = _OPERATOR.match(name)
            if match is None or match[2] not in OPERATORS or (match[2] == "Null" and match[3]):
                raise UnknownOperator(name)
            texts = tuple(_text(value) for value in (values if isinstance(values, list) else [values]))
            found.append(ConditionSource(match[1] or "", match[2], bool(match[3]), key, texts))
    return tuple(found)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise MalformedPolicy(SYNTAX)


def _check_legacy(statement: dict[str, Any]) -> None:
    """What IAM's older parser refuses with one sentence for all."""
    if statement["Effect"] not in ("Allow", "Deny"):
        raise MalformedPolicy(LEGACY)
    for condition in _conditions(statement.get("Condition", {})):
        if condition.operator.startswith("Date") and any(date_of(value) is None for value in condition.values):
            raise MalformedPolicy(LEGACY)
    for resource in _texts(statement, "Resource") + _texts(statement, "NotResource"):
        parts = resource.split(":")
        if parts[0] != "arn":
            continue
        if (4 <= len(parts) <= 5 and parts[-1] != "*") or (len(parts) >= 6 and not parts[2]):
            raise MalformedPolicy(LEGACY)
        if len(parts) >= 2 and not _partition(parts[1]):
            return                            # told with its name later, before what stands behind it


def _check_sids(statements: list[dict[str, Any]]) -> None:
    sids = [statement["Sid"] for statement in statements if statement.get("Sid")]
    if len(set(sids)) != len(sids):
        raise MalformedPolicy("Statement IDs (SID) in a single policy must be unique.")


def _check_presence(statement: dict[str, Any], use: Use) -> None:
    trust = use is Use.TRUST
    if not _texts(statement, "Action") and not _texts(statement, "NotAction"):
        raise MalformedPolicy("Missing required field Action" if trust else "Policy statement must contain actions.")
    if trust and ("Resource" in statement or "NotResource" in statement):
        raise MalformedPolicy("Has prohibited field Resource")
    if not trust and not _texts(statement, "Resource") and not _texts(statement, "NotResource"):
        raise MalformedPolicy("Policy statement must contain resources.")
    if use is not Use.IDENTITY and "Principal" not in statement and "NotPrincipal" not in statement:
        raise MalformedPolicy("Missing required field Principal cannot be empty!")
    if use is Use.IDENTITY and not _SID.match(statement.get("Sid", "")):
        raise MalformedPolicy("Statement IDs (SID) must be alpha-numeric. "
                              "Check that your input satisfies the regular expression [0-9A-Za-z]*")


def _partition(name: str) -> bool:
    return name in PARTITIONS or "*" in name or "?" in name


def _check_resource(resource: str, use: Use) -> None:
    if resource.strip("*") == "" and resource:
        return
    parts = resource.split(":")
    if len(parts) == 1:
        if use is Use.RESOURCE:
            return
        raise MalformedPolicy(f'Resource {resource} must be in ARN format or "*".')
    arn = ":".join(["arn", *parts[1:], *["*"] * (6 - len(parts))])
    if not _partition(parts[1]):
        raise MalformedPolicy(f'Partition "{parts[1]}" is not valid for resource "{arn}".')
    if len(parts) == 2:
        if parts[1].endswith("*"):
            return
        raise MalformedPolicy("Resource vendor must be fully qualified and cannot contain regexes.")
    _, _, service, region, _, path, *_ = arn.split(":")
    if service == "iam":
        if region not in ("", "*"):
            raise MalformedPolicy(f"IAM resource {resource} cannot contain region information.")
        if path != "root" and not path.startswith(("*", "$", "?", *_IAM_PATHS)):
            raise MalformedPolicy(f'IAM resource path must either be "*" or start with {", ".join(_IAM_PATHS)}.')
    if service == "s3" and region not in ("", "*") and not path.startswith(("accesspoint", "job", "storage-lens")):
        raise MalformedPolicy(f"Resource {resource} can not contain region information.")


def _check_action(action: str, use: Use) -> None:
    if use is Use.TRUST and action != "*" and not action.lower().startswith(_TRUST_ACTIONS):
        raise MalformedPolicy("AssumeRole policy may only specify STS AssumeRole actions.")
    if action and not action.strip("*"):
        return
    vendor, colon, rest = action.partition(":")
    if not colon:
        raise MalformedPolicy("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
    if ":" in rest:
        raise MalformedPolicy("Actions/Condition can contain only one colon.")
    if not _VENDOR.match(vendor):
        raise MalformedPolicy(f"Vendor {vendor} is not valid")


def _source(statement: dict[str, Any]) -> StatementSource:
    principals = statement.get("Principal", statement.get("NotPrincipal"))
    return StatementSource(
        statement.get("Sid", ""), statement["Effect"] == "Allow",
        tuple(_texts(statement, "Action") or _texts(statement, "NotAction")), "NotAction" in statement,
        tuple(_texts(statement, "Resource") or _texts(statement, "NotResource")), "NotResource" in statement,
        None if principals is None else tuple(_principals(principals)), "NotPrincipal" in statement,
        _conditions(statement.get("Condition", {})),
    )
