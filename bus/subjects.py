"""The one grammar of subject names.

    aws.<door>.<account>.<principal>.<service>.<slot>.<Operation>      a request
    aws.<door>.<account>.<principal>.<service>.cancel.<request id>     its sender has gone away
    evt.<service>.<account>.<type>                                     what committed, at least once
    sys.<verb>                                                         between our own processes only
    aws.<door>.….<service>.<slot>.part-<Operation>                     as far as that slot's shard goes, or a step of it
    _INBOX.…                                                           replies; an inbox of a direct publisher is
                                                                       _INBOX.<account>.<principal>.…
"""

import re
from typing import NamedTuple

from schemas.envelope import ANONYMOUS, Identity
from schemas.routing import ANY, SLOT_COUNT

GATEWAY, SERVICE, DIRECT = "gw", "svc", "bus"
DOORS = (GATEWAY, SERVICE, DIRECT)
CANCEL = "cancel"
PART = "part-"                            # no operation's name has a hyphen
INBOX = "_INBOX"
_INBOXES = f"{INBOX}."

_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,128}\Z")


class Address(NamedTuple):
    """What a request's subject says: its first three tokens after `aws`, which are who asks, and the rest in order."""

    identity: Identity
    service: str
    slot: str
    operation: str

    @property
    def door(self) -> str:
        return self.identity.door

    @property
    def account(self) -> str:
        return self.identity.account

    @property
    def principal(self) -> str:
        return self.identity.principal


def is_token(text: str) -> bool:
    """May `text` stand as one token: letters, digits, `-`, `_`, at most 128? What may not is refused at the door."""
    return _TOKEN.match(text) is not None


def is_account(text: str) -> bool:
    """The number of an AWS account: twelve digits."""
    return len(text) == 12 and text.isascii() and text.isdigit()


def is_subject(text: str) -> bool:
    """Can `text` be one argument of NATS's line protocol: something, without blanks, tabs or line ends?"""
    return text.split() == [text]


def request(identity: Identity, service: str, slot: str, operation: str) -> str:
    return f"aws.{identity.door}.{identity.account}.{identity.principal}.{service}.{slot}.{operation}"


def parse(subject: str) -> Address:
    """ValueError when it is not a request's subject."""
    tokens = subject.split(".")
    if len(tokens) != 7 or tokens[0] != "aws":
        raise ValueError(f"not a request subject: {subject!r}")
    return Address(Identity(*tokens[1:4]), *tokens[4:])


def owned(service: str, slots: range) -> list[str]:
    """What the owner of these slots subscribes to, without a queue group."""
    assert 0 <= slots.start < slots.stop <= SLOT_COUNT
    return [f"aws.*.*.*.{service}.{slot:02x}.*" for slot in slots]


def anywhere(service: str) -> str:
    """What every actor of the service subscribes to, in the queue group named after the service."""
    return f"aws.*.*.*.{service}.{ANY}.*"


def cancels(service: str) -> str:
    return f"aws.*.*.*.{service}.{CANCEL}.*"


def whole(operation: str) -> tuple[str, bool]:
    """The operation that a token names, and whether only a part of it is asked for."""
    return (operation[len(PART):], True) if operation.startswith(PART) else (operation, False)


def is_sent_to(subject: str, service: str, slots: range) -> bool:
    """Is it a request's whose answer may be with the owner of these slots: to one of them, or to any?"""
    tokens = subject.split(".")
    if len(tokens) != 7 or tokens[0] != "aws" or tokens[4] != service:
        return False
    try:
        return tokens[5] == ANY or int(tokens[5], 16) in slots
    except ValueError:
        return False


def event(service: str, account: str, kind: str) -> str:
    return f"evt.{service}.{account}.{kind}"


def inbox_prefix(account: str, principal: str) -> str:
    """Where a direct publisher may receive, and the only place a reply to it is sent."""
    return f"{INBOX}.{account}.{principal}."


def is_inbox(reply: str) -> bool:
    return reply.startswith(_INBOXES)


def may_reply_to(identity: Identity, reply: str) -> bool:
    """A reply goes to an inbox, and to a direct publisher only into its own: no confused deputy."""
    if identity.door == DIRECT:
        return reply.startswith(inbox_prefix(identity.account, identity.principal))
    return is_inbox(reply)


def matches(pattern: str, subject: str) -> bool:
    """NATS's matching: `*` stands for one token, `>` at the end for one or more."""
    wanted, tokens = pattern.split("."), subject.split(".")
    for at, token in enumerate(wanted):
        if token == ">":  # noqa: S105 - a wildcard
            return at == len(wanted) - 1 and len(tokens) > at
        if at >= len(tokens) or token not in ("*", tokens[at]):
            return False
    return len(wanted) == len(tokens)


__all__ = [
    "ANONYMOUS", "CANCEL", "DIRECT", "DOORS", "GATEWAY", "INBOX", "PART", "SERVICE", "Address", "anywhere", "cancels",
    "event", "inbox_prefix", "is_inbox", "is_sent_to", "is_subject", "is_token", "matches", "may_reply_to", "owned",
    "parse", "request", "whole",
]
