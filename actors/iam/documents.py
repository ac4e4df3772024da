"""Policies on principals: managed ones attached, inline ones put, boundaries set.

Quotas: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html (the defaults).
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from actors.iam import managed, shapes
from actors.iam.errors import (
    InvalidInput,
    LimitExceeded,
    MalformedPolicyDocument,
    NoSuchEntity,
    PolicyNotAttachable,
    ValidationError,
    quota,
)
from actors.iam.paging import Answer, after, page
from actors.iam.state import GROUP, POLICY, ROLE, USER, Book, Record
from actors.runtime.policy import Document, MalformedPolicy, Policy, Use, compile_document, size_of

POLICY_LIMIT_CHARACTERS = 6144                # a managed policy, white space aside
TRUST_LIMIT_CHARACTERS = 2048
INLINE_LIMIT_CHARACTERS = {USER: 2048, GROUP: 5120, ROLE: 10_240}   # all of one principal's
ATTACHED_LIMIT = 10
_POLICY_ARN = re.compile(r"arn:[^:]+:iam::[^:]+:policy/.+")
SERVICES_OWN = "/aws-service-role/"           # policies of service-linked roles alone
_QUOTAS = {USER: "PoliciesPerUser", GROUP: "PoliciesPerGroup", ROLE: "PoliciesPerRole"}

Request = Mapping[str, Any]


def checked(text: str, use: Use = Use.IDENTITY) -> str:
    """The document itself. MalformedPolicyDocument, or LimitExceeded for a role's trust policy."""
    if use is Use.TRUST and size_of(text) > TRUST_LIMIT_CHARACTERS:
        raise quota("ACLSizePerRole", TRUST_LIMIT_CHARACTERS)
    try:
        document = compile_document(text, use)
        if use is Use.TRUST:
            _check_principals(document)
    except MalformedPolicy as error:
        raise MalformedPolicyDocument(error) from error
    return text


def _check_principals(trust: Document) -> None:
    """NotPrincipal may not stand in a trust policy. MalformedPolicy, worded as ministack's tests have it from AWS.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
    """
    excluding = [statement for statement in trust.statements if statement.not_principal]
    if any(statement.allow for statement in excluding):
        raise MalformedPolicy("Allow with NotPrincipal is not allowed.")
    if excluding:
        raise MalformedPolicy("AssumeRole policy must not contain NotPrincipal field.")


# Managed policies

def find_policy(book: Book, arn: str) -> Record | None:
    """The account's or AWS's policy of this ARN."""
    if arn.startswith(managed.PREFIX):
        return managed.find(arn)
    return book.find_arn(POLICY, arn)


def get_policy(book: Book, arn: str, missing: NoSuchEntity | None = None) -> Record:
    """`missing`: what is said where it is not there."""
    record = find_policy(book, checked_arn(arn))
    if record is None:
        raise missing or NoSuchEntity(f"Policy {arn} was not found.")
    return record


def checked_arn(arn: str) -> str:
    if not arn.startswith("arn:"):
        raise ValidationError(f"ARN {arn} is not valid.")
    return arn


def not_attachable(arn: str) -> NoSuchEntity:
    return NoSuchEntity(f"Policy {arn} does not exist or is not attachable.")


def version_row(book: Book, record: Record, number: int) -> Record | None:
    if record.get("aws"):
        row = {"number": number, "created": record["updated"], "document": record["document"]}
        return row if number == record["default"] else None
    return book.row("version", record["id"], f"{number:04}")


def default_document(book: Book, record: Record) -> str:
    row = version_row(book, record, record["default"])
    assert row is not None, record
    return str(row["document"])


def attach(book: Book, record: Record, arn: str) -> Answer:
    policy = find_policy(book, checked_arn(arn))
    if policy is None:
        raise not_attachable(arn)
    if policy["path"].startswith(SERVICES_OWN):
        raise PolicyNotAttachable("Cannot attach a Service Role Policy to a Customer Role.")
    if arn not in record["policies"]:
        if len(record["policies"]) >= ATTACHED_LIMIT:
            raise quota(_QUOTAS[record["kind"]], ATTACHED_LIMIT)
        attach_own(book, record, arn)
    return {}


def attach_own(book: Book, record: Record, arn: str) -> None:
    """Whatever policy it is: a service's role has its service's."""
    assert find_policy(book, arn) is not None, arn
    record["policies"].append(arn)
    book.save(record)
    book.put({}, "attached", arn, record["id"])


def detach(book: Book, record: Record, arn: str) -> Answer:
    if arn not in record["policies"]:
        raise NoSuchEntity(f"Policy {arn} was not found.")
    record["policies"].remove(arn)
    book.save(record)
    book.drop("attached", arn, record["id"])
    return {}


def list_attached(book: Book, record: Record, request: Request) -> Answer:
    prefix, start = request.get("PathPrefix") or "/", after(request)
    rows = ((arn, arn) for arn in sorted(record["policies"])
            if arn > start and f"/{arn.split(':policy/', 1)[1]}".startswith(prefix))
    return page("AttachedPolicies", rows, request,
                lambda arn: {"PolicyName": arn.rpartition("/")[2], "PolicyArn": arn})


def set_boundary(book: Book, record: Record, arn: str | None) -> Answer:
    """None: no boundary."""
    if arn and not _POLICY_ARN.fullmatch(arn):
        raise InvalidInput(f"ARN {arn} is not valid.")
    if arn and find_policy(book, arn) is None:
        raise NoSuchEntity(f"Scope ARN: {arn} does not exist or is not attachable.")
    if record.get("boundary"):
        book.drop("bounded", record["boundary"], record["id"])
    if record.get("boundary", "") != (arn or ""):
        record["boundary"] = arn or ""
        book.save(record)
    if arn:
        book.put({}, "bounded", arn, record["id"])
    return {}


def delete_boundary(book: Book, record: Record) -> Answer:
    if not record["boundary"]:
        raise NoSuchEntity(f"{record['kind'].capitalize()} {record['name']} does not have a permissions boundary.")
    return set_boundary(book, record, None)


# Inline policies

def put_inline(book: Book, record: Record, request: Request) -> Answer:
    name, text = request["PolicyName"], request["PolicyDocument"]
    others = sum(size_of(row["document"]) for key, row in book.rows("inline", record["id"]) if key != name)
    limit = INLINE_LIMIT_CHARACTERS[record["kind"]]
    if others + size_of(text) > limit:
        raise LimitExceeded(f"Maximum policy size of {limit} bytes exceeded for {record['kind']} {record['name']}")
    book.put({"document": checked(text)}, "inline", record["id"], name)
    return {}


def get_inline(book: Book, record: Record, name: str) -> Answer:
    row = _inline(book, record, name)
    member = {USER: "UserName", GROUP: "GroupName", ROLE: "RoleName"}[record["kind"]]
    return {member: record["name"], "PolicyName": name, "PolicyDocument": shapes.encoded(row["document"])}


def delete_inline(book: Book, record: Record, name: str) -> Answer:
    _inline(book, record, name)
    book.drop("inline", record["id"], name)
    return {}


def list_inline(book: Book, record: Record, request: Request) -> Answer:
    rows = ((key, key) for key, _ in book.rows("inline", record["id"], after=after(request)))
    return page("PolicyNames", rows, request, lambda name: name)


def _inline(book: Book, record: Record, name: str) -> Record:
    row = book.row("inline", record["id"], name)
    if row is None:
        raise NoSuchEntity(f"The {record['kind']} policy with name {name} cannot be found.")
    return row


# What a principal may do

Text = tuple[str, str]                        # a policy's name, as the simulators say it, and its document


class Held(NamedTuple):
    """A policy that a user, group or role has: an inline one, or by its ARN a managed one."""

    holder: Record
    name: str
    text: str
    managed: bool

    @property
    def source(self) -> str:
        """Its name, as the simulators say it."""
        return self.name if self.managed else f"{self.holder['kind']}_{self.holder['name']}_{self.name}"


def held_by(book: Book, record: Record) -> Iterator[Held]:
    """A principal's own policies: inline first; a user's groups' after them."""
    for name, row in book.rows("inline", record["id"]):
        yield Held(record, name, row["document"], managed=False)
    for arn in record["policies"]:
        yield Held(record, *managed_text(book, arn), managed=True)
    for group_id, _ in book.rows("groups", record["id"]):
        yield from held_by(book, book.by_id(group_id))


def texts_of(book: Book, record: Record) -> Iterator[Text]:
    return ((held.source, held.text) for held in held_by(book, record))


def policies_of(book: Book, record: Record) -> Iterator[Policy]:
    """The same, compiled."""
    return (Policy(name, compile_document(text)) for name, text in texts_of(book, record))


def managed_text(book: Book, arn: str) -> Text:
    """Of an ARN that is attached, so that it must be there."""
    record = find_policy(book, arn)
    assert record is not None, arn
    return arn, default_document(book, record)


def managed_policy(book: Book, arn: str) -> Policy:
    name, text = managed_text(book, arn)
    return Policy(name, compile_document(text))
