"""The judge itself: what it must accept and what it must refuse."""

from hypothesis import given
from hypothesis import strategies as st

from tests.load.linearizable import NEVER, Operation, linearizable, step


@given(st.lists(st.tuples(st.sampled_from(["put", "create", "delete", "get"]), st.integers(0, 3)), max_size=30))
def test_one_after_another_is_linearizable(plan: list[tuple[str, int]]) -> None:
    """A sequential history answered as the register's definition says is accepted."""
    state, history = None, []
    for index, (kind, value) in enumerate(plan):
        operation = Operation(kind, state if kind == "get" else value, index, index + 0.5,
                              refused=kind == "create" and state is not None)
        possible, state = step(operation, state)
        assert possible
        history.append(operation)
    assert linearizable(history)


def test_a_stale_read_is_refused() -> None:
    history = [Operation("put", 1, 0, 1), Operation("put", 2, 2, 3), Operation("get", 1, 4, 5)]
    assert not linearizable(history)


def test_a_lost_write_is_refused() -> None:
    assert not linearizable([Operation("put", 1, 0, 1), Operation("get", None, 2, 3)])


def test_a_concurrent_write_may_come_before_or_after() -> None:
    put = Operation("put", 2, 1, 9)
    for read in (1, 2):
        assert linearizable([Operation("put", 1, 0, 0.5), put, Operation("get", read, 2, 3)])


def test_an_unknown_write_may_appear_late_but_not_vanish_again() -> None:
    unknown = Operation("put", 7, 0, NEVER)
    assert linearizable([unknown, Operation("get", None, 1, 2), Operation("get", 7, 3, 4)])
    assert not linearizable([unknown, Operation("get", 7, 1, 2), Operation("get", None, 3, 4)])


def test_two_creates_cannot_both_win() -> None:
    assert not linearizable([Operation("create", 1, 0, 5), Operation("create", 2, 0, 5)])


def naive(history: list[Operation], state: object = None) -> bool:
    """The definition: some order of all that answered, and of any of the rest, explains every answer."""
    first_end = min((o.done for o in history), default=NEVER)
    if first_end == NEVER:
        return True
    return any(
        operation.began <= first_end and possible and naive([*history[:index], *history[index + 1:]], after)
        for index, operation in enumerate(history)
        for possible, after in [step(operation, state)]
        if not (operation.kind == "get" and operation.done == NEVER)
    )


@st.composite
def histories(draw: st.DrawFn) -> list[Operation]:
    kinds = draw(st.lists(st.sampled_from(["put", "create", "delete", "get"]), max_size=6))
    history = []
    for kind in kinds:
        began = draw(st.integers(0, 8))
        done = draw(st.one_of(st.just(NEVER), st.integers(began + 1, 12)))
        value = draw(st.sampled_from([None, 1, 2]) if kind == "get" else st.sampled_from([1, 2, 3]))
        refused = kind == "create" and done != NEVER and draw(st.booleans())
        history.append(Operation(kind, value, began, done, refused))
    return history


@given(histories())
def test_it_judges_as_the_definition_does(history: list[Operation]) -> None:
    assert linearizable(history) == naive(history)
