"""The evaluation logic: which policies decide for whom, and why.

Sources: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html (its pages on
one and on several accounts) and …/reference_policies_elements_principal.html. In short:

- an explicit deny anywhere ends it;
- every level of service control policies must allow;
- in one account, the identity's policies or the resource's must allow. A resource's policy that names the user, the
  session or everyone suffices alone; one that names the role is still bounded by boundary and session; one that names
  the account only lets the account's own policies decide;
- between accounts, both must allow;
- a boundary and a session's policies, where there are any, must allow as well.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import NamedTuple, TypedDict, Unpack

from actors.runtime.policy.document import Policy, Statement
from actors.runtime.policy.patterns import Keys

_NO_KEYS: Keys = {}


class Strength(IntEnum):
    """How a resource's policy names a caller."""

    NONE = 0
    ACCOUNT = 1                               # its account: delegation
    ROLE = 2                                  # the role behind a session, the user behind a federated one
    DIRECT = 3                                # itself, or everyone


Named = dict[str, Strength]                   # "<type>:<name>" as in Principal -> how that names the caller


class Level(Enum):
    """Where a decision was taken, by AWS's names in its messages."""

    SCP = "service control policy"
    RESOURCE = "resource-based policy"
    IDENTITY = "identity-based policy"
    BOUNDARY = "permissions boundary"
    SESSION = "session policy"
    ROOT = "root of the account"


class Policies(TypedDict, total=False):
    """A caller's own, as Caller has them."""

    identity: Sequence[Policy]
    boundary: Policy | None
    session: Sequence[Policy] | None
    scps: Sequence[Sequence[Policy]]


@dataclass(frozen=True, slots=True, eq=False)
class Caller:
    """Who asks, with the policies that are theirs. None: there is no such policy, which is not an empty one."""

    account: str                              # "": nobody's, for anonymous callers and services
    names: Named
    identity: Sequence[Policy] = ()
    boundary: Policy | None = None
    session: Sequence[Policy] | None = None
    scps: Sequence[Sequence[Policy]] = ()     # from the organization's root down; each level must allow
    root: bool = False

    @classmethod
    def user(cls, account: str, arn: str, user_id: str = "", **policies: Unpack[Policies]) -> "Caller":
        named = {f"AWS:{arn}": Strength.DIRECT} | ({f"AWS:{user_id}": Strength.DIRECT} if user_id else {})
        return cls(account, _everyone(account, named), **policies)

    @classmethod
    def role_session(
        cls, account: str, arn: str, role_arn: str, role_id: str = "", **policies: Unpack[Policies]
    ) -> "Caller":
        named = {f"AWS:{role_arn}": Strength.ROLE, f"AWS:{arn}": Strength.DIRECT}
        if role_id:
            named[f"AWS:{role_id}"] = Strength.ROLE
        return cls(account, _everyone(account, named), **policies)

    @classmethod
    def federated_user(cls, account: str, arn: str, user_arn: str, **policies: Unpack[Policies]) -> "Caller":
        named = {f"AWS:{user_arn}": Strength.ROLE, f"AWS:{arn}": Strength.DIRECT}
        return cls(account, _everyone(account, named), **policies)

    @classmethod
    def account_root(cls, account: str, **policies: Unpack[Policies]) -> "Caller":
        named = {f"AWS:{root_arn(account)}": Strength.DIRECT, "AWS:*": Strength.DIRECT}
        return cls(account, named, root=True, **policies)

    @classmethod
    def service(cls, name: str) -> "Caller":
        """An AWS service that asks for itself: "lambda.amazonaws.com"."""
        return cls("", {f"Service:{name}": Strength.DIRECT, "AWS:*": Strength.DIRECT})

    @classmethod
    def provider(cls, arn: str) -> "Caller":
        """Someone whom an identity provider vouches for, before a role is theirs."""
        return cls("", {f"Federated:{arn}": Strength.DIRECT, "AWS:*": Strength.DIRECT})

    @classmethod
    def anonymous(cls) -> "Caller":
        return cls("", {"AWS:*": Strength.DIRECT})


def _everyone(account: str, names: Named) -> Named:
    return {f"AWS:{root_arn(account)}": Strength.ACCOUNT, "AWS:*": Strength.DIRECT, **names}


def root_arn(account: str) -> str:
    return f"arn:aws:iam::{account}:root"


class Question(NamedTuple):
    action: str                               # "s3:GetObject"
    resource: str                             # an ARN or "*"
    keys: Keys = _NO_KEYS                     # condition keys in lower case
    resource_account: str = ""                # whose the resource is; "": the caller's


class Decision(NamedTuple):
    """`statement` is the one that decided, `policy` its policy's name; both None where nothing said yes (or root's)."""

    allowed: bool
    level: Level
    policy: str | None = None
    statement: Statement | None = None

    @property
    def explicit(self) -> bool:
        """An explicit deny, or an allow by a statement."""
        return self.statement is not None

    def reason(self, action: str) -> str:
        """AWS's words behind "is not authorized to perform: …".

        Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
        """
        assert not self.allowed
        if not self.explicit:
            return f"because no {self.level.value} allows the {action} action"
        article = "an" if self.level is Level.IDENTITY else "a"
        return f"with an explicit deny in {article} {self.level.value}"


_NOT_NAMED = Strength.NONE
_ROOT = Decision(True, Level.ROOT)
_NO_SCP, _NO_RESOURCE, _NO_IDENTITY = (Decision(False, level) for level in (Level.SCP, Level.RESOURCE, Level.IDENTITY))
_NO_BOUNDARY, _NO_SESSION = Decision(False, Level.BOUNDARY), Decision(False, Level.SESSION)


def decide(
    caller: Caller, question: Question, resource_policy: Policy | None = None, *, resource_decides: bool = False
) -> Decision:
    """`resource_decides`: only what the resource's policy grants or delegates is allowed (KMS keys, roles)."""
    limited = None                            # by a level of service control policies
    for level in caller.scps:
        denied, granted = _verdict(Level.SCP, level, question)
        if denied is not None:
            return denied
        if granted is None:
            limited = _NO_SCP
    strength, by_resource = _NOT_NAMED, None
    if resource_policy is not None:
        denied, strength, by_resource = _resource_verdict(caller, question, resource_policy)
        if denied is not None:
            return denied
    at_home = not question.resource_account or question.resource_account == caller.account
    own = _own(caller, question, by_resource if at_home and strength is Strength.ROLE else None)
    if own.statement is not None and not own.allowed:
        return own
    if limited is not None:
        return limited
    if not caller.account:                    # nobody's: it has no policies but the resource's
        return by_resource or _NO_RESOURCE
    if by_resource is None:
        return _NO_RESOURCE if own.allowed and (resource_decides or not at_home) else own
    return by_resource if at_home and strength is Strength.DIRECT else own


def _own(caller: Caller, question: Question, by_role: Decision | None) -> Decision:
    """The caller's side: identity (or what the resource grants its role), boundary, session. Denials first."""
    denied, granted = _verdict(Level.IDENTITY, caller.identity, question)
    if denied is not None:
        return denied
    bounded = granted_by_session = None
    if caller.boundary is not None:
        denied, bounded = _verdict(Level.BOUNDARY, (caller.boundary,), question)
        if denied is not None:
            return denied
    if caller.session is not None:
        denied, granted_by_session = _verdict(Level.SESSION, caller.session, question)
        if denied is not None:
            return denied
    granted = granted or by_role or (_ROOT if caller.root else None)
    if granted is None:
        return _NO_IDENTITY
    if caller.boundary is not None and bounded is None:
        return _NO_BOUNDARY
    if caller.session is not None and granted_by_session is None:
        return _NO_SESSION
    return granted


def _verdict(
    level: Level, policies: Iterable[Policy], question: Question
) -> tuple[Decision | None, Decision | None]:
    """(the first explicit deny, the first allow) of policies that belong together."""
    action, resource, keys, _ = question
    granted = None
    for policy in policies:
        denies, allows = policy[1].concerning(action)
        for statement in denies:
            if statement.applies(resource, keys):
                return Decision(False, level, policy[0], statement), None
        if granted is None:
            for statement in allows:
                if statement.applies(resource, keys):
                    granted = Decision(True, level, policy[0], statement)
                    break
    return None, granted


def _resource_verdict(
    caller: Caller, question: Question, policy: Policy
) -> tuple[Decision | None, Strength, Decision | None]:
    """(the first explicit deny, the strength of the strongest allow, that allow) of the resource's policy."""
    name, document = policy
    denies, allows = document.concerning(question.action)
    for statement in denies:
        if _named(statement, caller) and statement.applies(question.resource, question.keys):
            return Decision(False, Level.RESOURCE, name, statement), _NOT_NAMED, None
    best, granted = _NOT_NAMED, None
    for statement in allows:
        strength = _named(statement, caller)
        if strength > best and statement.applies(question.resource, question.keys):
            best, granted = strength, Decision(True, Level.RESOURCE, name, statement)
    return None, best, granted


def _named(statement: Statement, caller: Caller) -> Strength:
    """How a statement's Principal names the caller.

    NotPrincipal leaves out those it lists. A denial spares only callers all of whose ARNs stand there (the account, the
    role and the session, as AWS asks authors to list them); a grant goes only to callers none of whose names do.
    """
    listed, names = statement.principals, caller.names
    if listed is None:
        return Strength.NONE
    if not statement.not_principal:
        return max((names.get(name, Strength.NONE) for name in listed), default=Strength.NONE)
    if "AWS:*" in listed or (statement.allow and not listed.isdisjoint(names)):
        return Strength.NONE
    own = {name for name in names if ":arn:" in name or name.startswith("Service:")}
    return Strength.NONE if own and own <= listed else Strength.DIRECT
