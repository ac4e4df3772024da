"""Links are entered outermost first and left innermost first, exactly those that were entered, whatever fails where.

The rule is the one of nested context managers, which the twin below is (contextlib.ExitStack).
"""

from contextlib import ExitStack
from dataclasses import dataclass

import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.runtime.chain import Call, Chain, Link
from actors.runtime.chain.errors import INTERNAL
from schemas.errors import AwsError
from tests.actors.runtime.chain.calls import call


@dataclass
class Recorder(Link):
    """Writes down what happens to it; may fail on the way in or out."""

    name: int
    log: list[tuple[str, int]]
    fails_in: bool
    fails_out: bool

    def enter(self, call: Call) -> None:
        if self.fails_in:
            raise AwsError("no", code=f"Refused{self.name}")
        self.log.append(("enter", self.name))

    def leave(self, call: Call) -> None:
        self.log.append(("leave", self.name))
        if self.fails_out:
            raise RuntimeError("a broken link")


def expected(links: list[Recorder]) -> list[tuple[str, int]]:
    log: list[tuple[str, int]] = []
    with ExitStack() as stack:
        for link in links:
            if link.fails_in:
                break
            log.append(("enter", link.name))
            stack.callback(log.append, ("leave", link.name))
    return log


def run(chain: Chain, one: Call, error: BaseException | None) -> BaseException | None:
    """As the host does it."""
    try:
        chain.enter(one)
    except AwsError as refused:
        error = refused
    chain.leave(one, {} if error is None else None, error)
    return error


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=8), st.booleans())
def test_exactly_the_entered_links_are_left(links: list[tuple[bool, bool]], operation_fails: bool) -> None:
    log: list[tuple[str, int]] = []
    recorders = [Recorder(name, log, *fails) for name, fails in enumerate(links)]
    one = call()
    with structlog.testing.capture_logs():
        error = run(Chain(recorders), one, RuntimeError("operation") if operation_fails else None)
    assert log == expected(recorders)
    assert one.entered == 0
    assert one.reply is not None, "there is an answer even without the errors link"
    if isinstance(error, AwsError):
        assert one.reply.error is not None
        assert one.reply.error.code == error.error_code
    elif operation_fails:
        assert one.reply.error is not None
        assert one.reply.error.message == f"{INTERNAL} Request id: request-1"


# The host may find its own answer broken after leave(): a second one gives the same reply and leaves nothing twice.
def test_leaving_twice_changes_nothing() -> None:
    log: list[tuple[str, int]] = []
    one = call()
    chain = Chain([Recorder(0, log, False, False)])
    chain.enter(one)
    with structlog.testing.capture_logs():
        first = chain.leave(one, None, AwsError("no", code="No"))
        second = chain.leave(one, None, RuntimeError("cannot be sent"))
    assert first is second
    assert log == [("enter", 0), ("leave", 0)]
