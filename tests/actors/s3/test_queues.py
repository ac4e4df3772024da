"""Queues against a list: first in, first out, and told again until it is done; the job that empties one begins with its
first item and has no more to do after its last."""

from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from actors.s3 import queues
from actors.s3.queues import Queue
from tests.store_fixture import open_store

LIMIT = 5
NAMES = (b"notify\0box", b"notify\0box\0x", b"notify\0boxes")       # one begins as another does
steps = st.lists(st.tuples(st.sampled_from(NAMES), st.one_of(st.just("push"), st.integers(0, 3))), max_size=30)


class Model:
    """One queue: what waits in it, and the state of the job that empties it. The store starts jobs; here it is read."""

    def __init__(self, name: bytes) -> None:
        self.queue = Queue(name, "job", {"purpose": 1}, LIMIT)
        self.waiting: list[int] = []
        self.job: dict[str, Any] = {}


@settings(deadline=None, max_examples=40)
@given(steps)
def test_queues(tmp_path_factory: Any, plan: list[tuple[bytes, Any]]) -> None:
    started: list[dict[str, Any]] = []

    def job(_: Any, now: float, state: dict[str, Any]) -> dict[str, Any] | None:
        started.append(state)
        return None

    directory: Path = tmp_path_factory.mktemp("queues")
    with open_store(directory / "000", jobs={"job": job}) as store:
        models = {name: Model(name) for name in NAMES}
        for number, (name, what) in enumerate(plan):
            model = models[name]
            if what == "push":
                before = len(started)
                kept = store.transact(lambda view: queues.push(view, model.queue, {"n": number}))  # noqa: B023
                assert kept == (len(model.waiting) < LIMIT)
                assert len(started) - before == (not model.waiting)
                if not model.waiting:
                    model.job = started[-1]
                    assert (model.job["queue"], model.job["purpose"]) == (name, 1)
                if kept:
                    model.waiting.append(number)
                continue
            if not model.job:
                continue
            found = store.read(lambda view: queues.first(view, model.job, what))  # noqa: B023
            assert [item.content["n"] for item in found] == model.waiting[:what]
            more = store.transact(lambda view: queues.done(view, model.job, found))  # noqa: B023
            model.waiting = model.waiting[what:]
            assert more == bool(model.waiting)
            again = store.transact(lambda view: queues.done(view, model.job, found))  # noqa: B023
            assert again == bool(model.waiting)


def test_a_job_of_an_earlier_life_has_nothing_to_do(tmp_path: Path) -> None:
    started: list[dict[str, Any]] = []
    queue = Queue(NAMES[0], "job", {}, LIMIT)
    with open_store(tmp_path / "000", jobs={"job": lambda _, now, state: started.append(state)}) as store:
        for number in range(2):
            store.transact(lambda view: queues.push(view, queue, {"n": number}))  # noqa: B023
            if number == 0:
                items = store.read(lambda view: queues.first(view, started[0], 9))
                assert not store.transact(lambda view: queues.done(view, started[0], items))  # noqa: B023
        assert len(started) == 2
        assert store.read(lambda view: queues.first(view, started[0], 9)) == []
        assert not store.transact(lambda view: queues.done(view, started[0], items))
        assert len(store.read(lambda view: queues.first(view, started[1], 9))) == 1
