"""Long work in steps: a job is a row, each of its steps one request of the shard.

The row holds the job's name and the state its last step returned, and changes in the same commit as what the step
wrote: after a crash the next step starts from there. One step of one job is in the mailbox at a time, in turn, so
requests see at most one step per batch. A step that wrote nothing and only puts off its next turn costs no commit: the
new time is kept in memory, and after a crash the step is simply asked again. A step that raises is tried again after a
growing wait, for ever, and reported each time.

A step that is a coroutine function waits for other services, so it runs in a task, outside any transaction, at most
WAITING_LIMIT_STEPS at once; its state is read before and committed after it, each by a request of its own.
"""

import asyncio
import inspect
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from struct import Struct
from typing import Any

from actors.runtime.store import keys
from actors.runtime.store.batch import Batch, Done, Request
from actors.runtime.store.snapshot import Committed, Overlay
from actors.runtime.store.writer import Loop
from bus.backoff import backoff_s
from bus.codec import pack, unpack

JOB_STEP_BYTES = 256 * 1024               # estimate of what a step writes, for the batch's bound
RETRY_WAIT_S, RETRY_WAIT_LIMIT_S = 0.1, 60.0
WAKE_AT = "wake_at"                       # member of a job's state: not before this time (seconds since the epoch)
WAKE_WAIT_LIMIT_S = 3600.0                # a clock set forward is noticed within this

WAITING_LIMIT_STEPS = 16

State = dict[str, Any] | None
Step = Callable[[Any, float, dict[str, Any]], State] | Callable[[float, dict[str, Any]], Awaitable[State]]
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
        self._held: deque[int] = deque()                # ready, when fewer are waiting
        self._waiting: dict[int, asyncio.Task[None] | None] = {}      # steps outside transactions; None: about to be

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
        for task in self._waiting.values():
            if task is not None:
                task.cancel()

    def _turn(self) -> None:
        while self._ready and not self._stepping and not self._stopped:
            identity = self._ready.popleft()
            step = self._steps.get(self._active[identity])
            if step is None:
                self._report(identity, LookupError(f"no step of that name is known: {self._active[identity]!r}"))
                continue
            if inspect.iscoroutinefunction(step):
                if len(self._waiting) >= WAITING_LIMIT_STEPS:
                    self._held.append(identity)
                else:
                    self._read(identity, step)
                continue
            self._stepping = True
            self._enqueue(Request(self._evaluation(identity, step), self._outcome(identity), JOB_STEP_BYTES))

    def _state(self, identity: int, overlay: Overlay) -> tuple[bytes, dict[str, Any]]:
        """A job's row and the state in it, with the time its next turn was put off to."""
        row = overlay.get_raw(_key(identity))
        assert row is not None, f"job {identity} has no row"
        state: dict[str, Any] = unpack(row)["state"]
        wake_at = self._put_off.get(identity, state.get(WAKE_AT, 0.0))
        return row, {**state, WAKE_AT: wake_at} if wake_at > self._clock() else state

    def _pack(self, identity: int, state: State) -> bytes | None:
        return None if state is None else pack({"name": self._active[identity], "state": state})

    def _evaluation(self, identity: int, step: Callable[..., Any]) -> Callable[[Overlay], State]:
        def evaluate(overlay: Overlay) -> State:
            (row, state), now = self._state(identity, overlay), self._clock()
            if state.get(WAKE_AT, 0.0) > now:
                return state
            after: State = step(overlay, now, state)
            if after is None or overlay.has_changes or not _only_puts_off(row, after):
                overlay.put_raw(_key(identity), self._pack(identity, after))
            return after

        return evaluate

    def _outcome(self, identity: int) -> Done:
        def done(state: State, error: BaseException | None) -> None:
            self._stepping = False
            self._ended(identity, state, error)

        return done

    # --- steps that wait

    def _read(self, identity: int, step: Callable[..., Awaitable[State]]) -> None:
        self._waiting[identity] = None
        self._enqueue(Request(
            lambda overlay: self._state(identity, overlay)[1],
            lambda state, error: self._begin(identity, step, state, error), 0,
        ))

    def _begin(
        self, identity: int, step: Callable[..., Awaitable[State]], state: State, error: BaseException | None
    ) -> None:
        if error is not None or self._stopped:
            self._end_waiting(identity, state, error)
            return
        assert state is not None
        if state.get(WAKE_AT, 0.0) > self._clock():
            self._end_waiting(identity, state, None)
        else:
            self._waiting[identity] = asyncio.get_running_loop().create_task(self._wait(identity, step, state))

    async def _wait(self, identity: int, step: Callable[..., Awaitable[State]], state: dict[str, Any]) -> None:
        try:
            after = await step(self._clock(), state)
        except Exception as error:
            self._end_waiting(identity, None, error)
            return
        record = self._pack(identity, after)
        if not self._stopped:
            self._enqueue(Request(
                lambda overlay: overlay.put_raw(_key(identity), record),
                lambda _, error: self._end_waiting(identity, after, error), 0,
            ))

    def _end_waiting(self, identity: int, state: State, error: BaseException | None) -> None:
        del self._waiting[identity]
        self._ready.extend(self._held)
        self._held.clear()
        self._ended(identity, state, error)

    def _ended(self, identity: int, state: State, error: BaseException | None) -> None:
        if error is not None:
            attempts = self._attempts[identity] = self._attempts.get(identity, 0) + 1
            self._report(identity, error)
            self._wake_in(identity, backoff_s(attempts, RETRY_WAIT_S, RETRY_WAIT_LIMIT_S))
        else:
            self._attempts.pop(identity, None)
            self._put_off.pop(identity, None)
            if state is None:
                del self._active[identity]
            else:
                self._put_off[identity] = state.get(WAKE_AT, 0.0)
                self._wake_in(identity, self._put_off[identity] - self._clock())
        self._turn()

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
