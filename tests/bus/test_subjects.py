"""bus/subjects.py: the grammar reads what it writes, and says who may be answered where."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus import subjects
from schemas.envelope import Identity

TOKENS = st.from_regex(r"[A-Za-z0-9_-]{1,20}", fullmatch=True)
IDENTITIES = st.builds(Identity, st.sampled_from(subjects.DOORS), st.from_regex(r"[0-9]{12}", fullmatch=True), TOKENS)


@given(IDENTITIES, TOKENS, TOKENS, TOKENS)
def test_requests_round_trip(identity: Identity, service: str, slot: str, operation: str) -> None:
    subject = subjects.request(identity, service, slot, operation)
    address = subjects.parse(subject)
    assert address == subjects.Address(identity, service, slot, operation)
    assert address.identity == identity
    assert subjects.is_subject(subject)
    assert subjects.matches(f"aws.*.*.*.{service}.{slot}.*", subject)


@given(st.text(max_size=60))
def test_anything_else_is_no_request(text: str) -> None:
    try:
        address = subjects.parse(text)
    except ValueError:
        return
    assert subjects.request(address.identity, address.service, address.slot, address.operation) == text


# A direct publisher is answered in its own inbox alone, everybody in an inbox alone: no confused deputy.
@given(IDENTITIES, IDENTITIES, TOKENS)
def test_who_may_be_answered_where(identity: Identity, other: Identity, rest: str) -> None:
    own = subjects.inbox_prefix(identity.account, identity.principal) + rest
    assert subjects.may_reply_to(identity, own)
    assert not subjects.may_reply_to(identity, f"aws.svc.{identity.account}.{identity.principal}.iam.any.DeleteUser")
    assert not subjects.may_reply_to(identity, "")
    foreign = subjects.inbox_prefix(other.account, other.principal) + rest
    if other[1:] != identity[1:]:
        assert subjects.may_reply_to(identity, foreign) == (identity.door != subjects.DIRECT)


@pytest.mark.parametrize(("pattern", "subject", "expected"), [
    ("a.b", "a.b", True), ("a.*", "a.b", True), ("a.>", "a.b.c", True), (">", "a", True), ("a.>", "a", False),
    ("*", "a.b", False), ("a.b", "a", False), ("a", "a.b", False), ("a.*.c", "a.b.c", True), ("*.*", "a.b.c", False),
])
def test_wildcards(pattern: str, subject: str, expected: bool) -> None:
    assert subjects.matches(pattern, subject) is expected
