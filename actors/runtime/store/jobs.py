"""Long work in steps: a job is a row, each of its steps one request of the shard.

The row holds the job's name and the state its last step returned, and changes in the same commit as what the step
wrote: after a crash the next step starts from there. One step of one job is in the mailbox at a time, in turn, so
requests see at most one step per batch. A step that wrote nothing and only puts off its next turn costs no commit: the
new time is kept in memory, and after a crash the step is simply asked again. A step that raises is tried again after a
growing wait, for ever, and reported each time.
"""

from collections import deque
from collections.abc import Callable, Mapping
from struct import Struct
from typing import Any

from actors.runtime.store import keys
from actors.runtime.store.batch import Batch, Done, Request
from actors.runtime.store.snapshot import Committed, Overlay
from actors.runtime.store.writer import Loop
from bus.codec import pack, unpack

JOB_STEP_BYTES = 256 * 1024               # estimate of what a step writes, for the batch's bound
RETRY_WAIT_S, RETRY_WAIT_LIMIT_S = 0.1, 60.0
WAKE_AT = "wake_at"                       # member of a job's state: not before this time (seconds since the epoch)
WAKE_WAIT_LIMIT_S = 3600.0                # a clock set forward is noticed within this

Step = Callable[[Any, float, dict[str, Any]], dict[str, Any] | None]
OnFailure = Callable[[str, int, int, BaseException], None]
_ID = Struct(">Q")


class Jobs:
    """A shard's jobs. `enqueue` puts a request into its mailbox; `clock` tells seconds since the epoch.

    `on_failure(name, id, attempts, error)` hears of each failed step.
    """

    def __init__(self, loop: Loop, enqueue: Callable[[Request], None], steps: Mapping[str, Step],
                 clock: Callable[[], float], on_failure: OnFailure | None) -> None:
        self._loop = loop
        self._enqueue = enqueue
        self._steps = steps
        self._clock = clock
        self._on_failure = on_failure
        self._ready: deque[int] = deque()
        self._attempts: dict[int, int] = {}
        self._put_off: dict[int, float] = {}                    # a later `wake_at` than the row's
        self._active: dict[int, str] = {}
        self._next = 1
        self._stepping = False
        self._stopped = False

    def __len__(self) -> int:
        return len(self._active)

    def load(self, committed: Committed) -> None:
        """Resumes what the store holds."""
        for key, row in committed.scan_raw(keys.JOBS, b"", None):
            identity = _ID.unpack(key)[0]
            self._active[identity] = unpack(row)["name"]
            self._ready.append(identity)
            self._next = identity + 1
        self._turn()

    def check(self, jobs: list[tuple[str, bytes]]) -> None:
        for name, _ in jobs:
            assert name in self._steps, f"no job {name!r}"

    def record(self, jobs: list[tuple[str, bytes]], overlay: Overlay, batch: Batch) -> None:
        """Writes the rows of the jobs that a transaction starts, which were checked: cannot fail."""
        for name, record in jobs:
            overlay.put_raw(_key(self._next), record)
            batch.jobs.append(self._next)
            self._active[self._next] = name
            self._next += 1

    def committed(self, started: list[int]) -> None:
        self._ready.extend(started)
        self._turn()

    def dropped(self, started: list[int]) -> None:
        """Their batch was not committed; when it is evaluated again they get other ids."""
        for identity in started:
            del self._active[identity]

    def stop(self) -> None:
        """No further step. The rows stay."""
        self._stopped = True

    def _turn(self) -> None:
        while self._ready and not self._stepping and not self._stopped:
            identity = self._ready.popleft()
            step = self._steps.get(self._active[identity])
            if step is None:
                self._report(identity, LookupError(f"no step of that name is known: {self._active[identity]!r}"))
                continue
            self._stepping = True
            self._enqueue(Request(self._evaluation(identity, step), self._outcome(identity), JOB_STEP_BYTES))

    def _evaluation(self, identity: int, step: Step) -> Callable[[Overlay], dict[str, Any] | None]:
        def evaluate(overlay: Overlay) -> dict[str, Any] | None:
            row = overlay.get_raw(_key(identity))
            assert row is not None, f"job {identity} has no row"
            record, now = unpack(row), self._clock()
            state: dict[str, Any] | None = record["state"]
            assert state is not None
            wake_at = self._put_off.get(identity, state.get(WAKE_AT, 0.0))
            if wake_at > now:
                return {**state, WAKE_AT: wake_at}
            after = record["state"] = step(overlay, now, state)
            if after is None or overlay.has_changes or not _only_puts_off(row, after):
                overlay.put_raw(_key(identity), None if after is None else pack(record))
            return after

        return evaluate

    def _outcome(self, identity: int) -> Done:
        def done(state: dict[str, Any] | None, error: BaseException | None) -> None:
            self._stepping = False
            if error is not None:
                attempts = self._attempts[identity] = self._attempts.get(identity, 0) + 1
                self._report(identity, error)
                self._wake_in(identity, min(RETRY_WAIT_S * 2 ** min(attempts - 1, 16), RETRY_WAIT_LIMIT_S))
            else:
                self._attempts.pop(identity, None)
                self._put_off.pop(identity, None)
                if state is None:
                    del self._active[identity]
                else:
                    self._put_off[identity] = state.get(WAKE_AT, 0.0)
                    self._wake_in(identity, self._put_off[identity] - self._clock())
            self._turn()

        return done

    def _wake_in(self, identity: int, wait_s: float) -> None:
        if wait_s <= 0.0:
            self._ready.append(identity)
        else:
            self._loop.call_later(min(wait_s, WAKE_WAIT_LIMIT_S), self._wake, identity)

    def _wake(self, identity: int) -> None:
        self._ready.append(identity)
        self._turn()

    def _report(self, identity: int, error: BaseException) -> None:
        if self._on_failure is not None:
            self._on_failure(self._active[identity], identity, self._attempts.get(identity, 0), error)
        else:
            self._loop.call_exception_handler({"message": f"a step of job {identity} failed", "exception": error})


def _only_puts_off(row: bytes, after: dict[str, Any]) -> bool:
    """Compares with the row: a step may have changed the very state it was handed."""
    return {**unpack(row)["state"], WAKE_AT: 0.0} == {**after, WAKE_AT: 0.0}


def _key(identity: int) -> bytes:
    return keys.JOBS + _ID.pack(identity)
