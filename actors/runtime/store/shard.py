"""The shard: a mailbox, write sets, and group commit.

    write -> queue -> evaluated into the open batch -> (the batch before it commits) -> in flight -> answered

Requests are evaluated on the loop, in order, over what is committed, under the batch in flight, under the open batch.
The open batch grows until the one in flight is done, then takes its place: no timer, whatever waits goes together.
Every answer of a batch, errors included, waits for its commit, and so for everything it may have seen.

Not here: who runs a commit (writer.py), the bytes of keys (keys.py), the disk (environment.py).
"""

import asyncio
import os
import time
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from actors.runtime.store.batch import Batch, Done, Request
from actors.runtime.store.environment import CommitFailed, Durability, Environment, MapFull
from actors.runtime.store.errors import Overloaded, StoreError, StoreUnavailable
from actors.runtime.store.figures import Figures
from actors.runtime.store.jobs import Jobs, OnFailure, Step
from actors.runtime.store.journal import Journal, LocalJournal
from actors.runtime.store.keys import LmdbTransaction
from actors.runtime.store.outbox import Outbox, Publish
from actors.runtime.store.reads import LongRead, LongReads, Reading
from actors.runtime.store.snapshot import Committed, Overlay, WriteSet
from actors.runtime.store.transaction import Snapshot, Transaction
from actors.runtime.store.writer import AdaptiveWriter, InlineWriter, Loop, ThreadWriter, Writer

MAILBOX_LIMIT = 4096                      # requests waiting to be evaluated
MAILBOX_LIMIT_BYTES = 64 << 20
REOPEN_WAIT_S = 0.1                       # between attempts to open an environment that failed
FEW_CORES = 2                             # the processes in front of a shard fill them: none is left for its writer


class Shard:
    """One owner's state. Every method belongs to the loop's thread; `done` is called on it, once, never within write.

    `jobs` maps a job's name to its step(transaction, now, state); `publish` takes the outbox's events (outbox.py) and
    without it they stay; `on_job_failure(name, id, attempts, error)` hears of failed steps; `clock` tells seconds since
    the epoch, `elapsed` seconds since anything. What goes wrong outside a request is told to the loop's exception
    handler.
    """

    def __init__(self, environment: Environment, loop: Loop, *, jobs: Mapping[str, Step] | None = None,
                 publish: Publish | None = None, on_job_failure: OnFailure | None = None,
                 writer: Callable[[Loop], Writer] | None = None, journal: Journal | None = None,
                 clock: Callable[[], float] = time.time, elapsed: Callable[[], float] = time.perf_counter) -> None:
        self._environment = environment
        self._loop = loop
        self._clock = clock
        self._journal = LocalJournal() if journal is None else journal
        self._elapsed = elapsed
        self._queue: deque[Request] = deque()
        self._queue_bytes = 0
        self._open = Batch()
        self._in_flight: Batch | None = None
        self._unanswered: deque[Batch] = deque()        # committed
        self._pump_due = False
        self._view: Committed | None = None
        self._view_transaction: LmdbTransaction | None = None
        self._long_reads = LongReads(loop, self, elapsed)
        self._jobs = Jobs(loop, self._enqueue, jobs or {}, clock, on_job_failure)
        self._outbox = Outbox(loop, self._enqueue, self.view, publish)
        self._last_commit = environment.last_commit()
        self._reopen_after: float | None = None         # a commit failed: not before this time
        self._fault = ""                                # why nothing is answered any more
        self._trouble = ""                              # what was reported since the last commit that succeeded
        self._copies = 0
        self._growing: Batch | None = None              # waits for the end of a copy
        self._stopped: Callable[[], None] | None = None
        self._figures = Figures()
        self._jobs.load(self.view())
        self._outbox.load(self.view())
        self._writer = (writer or default_writer(environment.durability))(loop)

    # --- reading

    def read(self, evaluate: Callable[[Snapshot], Any]) -> Any:
        """What `evaluate` gives on the committed snapshot, at once: all that was acknowledged, nothing that was not."""
        return evaluate(self._view or self.view())

    def read_long(self, reading: Reading, done: Done) -> LongRead:
        """Drives a generator over one snapshot; it yields often, and gives way every ~2 ms. Overloaded."""
        if self._stopped is not None:
            raise Overloaded("The shard is closing.")
        return self._long_reads.start(reading, done)

    def view(self) -> Committed:
        """What is committed, until the next commit. For the store's own parts, as `take_view`."""
        if self._view is None:
            self._view_transaction = self._begin()
            self._view = Committed(self._view_transaction)
        return self._view

    def take_view(self) -> LmdbTransaction:
        """The view's transaction, for a long read that outlives it: the taker ends it."""
        transaction = self._view_transaction
        assert transaction is not None, "who takes a view has just looked at it"
        self._view_transaction = self._view = None
        return transaction

    def _begin(self) -> LmdbTransaction:
        """A read transaction. StoreUnavailable while the environment cannot be opened."""
        if self._reopen_after is not None and not self._environment.is_open:
            self._reopen()
        if self._fault or not self._environment.is_open:
            raise StoreUnavailable
        return self._environment.begin()

    def _forget_view(self) -> None:
        if self._view_transaction is not None:
            self._view_transaction.abort()
            self._view_transaction = self._view = None

    # --- writing

    def write(self, evaluate: Callable[[Transaction], Any], done: Done, size_bytes: int = 0) -> None:
        """Has `evaluate(transaction)` run in the next batch; `done(its result, or None and what it raised)` is called
        once that batch is committed. `evaluate` must depend on its transaction alone: it is called again when the batch
        before it fails. `size_bytes` estimates what it will write. Overloaded.
        """
        if len(self._queue) >= MAILBOX_LIMIT or self._queue_bytes > MAILBOX_LIMIT_BYTES:
            raise Overloaded("The shard's mailbox is full.")
        if self._stopped is not None:
            raise Overloaded("The shard is closing.")
        self._enqueue(Request(evaluate, done, size_bytes))

    async def transact(self, evaluate: Callable[[Transaction], Any]) -> Any:
        """`write`, awaited: its result once committed, or what it raised. For what runs in a task of its own."""
        outcome: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def done(result: Any, error: BaseException | None) -> None:
            if outcome.done():                              # who waited was cancelled; what was written stays written
                return
            if error is None:
                outcome.set_result(result)
            else:
                outcome.set_exception(error)

        self.write(evaluate, done)
        return await outcome

    def _enqueue(self, request: Request) -> None:
        self._queue.append(request)
        self._queue_bytes += request.size_bytes
        self._pump_soon()

    def _pump_soon(self) -> None:
        if not self._pump_due:
            self._pump_due = True
            self._loop.call_soon(self._pump)

    def _pump(self) -> None:
        self._pump_due = False
        self._fill()
        if self._in_flight is None and self._open.requests:
            self._launch()
        if self._queue and self._open.has_room(self._queue[0]):
            self._pump_soon()
        elif self._stopped is not None and not self._pump_due:
            self._finish_stopping()

    def _fill(self) -> None:
        """Evaluates what waits into the open batch, as far as it has room."""
        batch, queue, ahead = self._open, self._queue, self._in_flight
        below = (batch.writes,) if ahead is None else (batch.writes, ahead.writes)
        while queue and batch.has_room(queue[0]):
            request = queue.popleft()
            self._queue_bytes -= request.size_bytes
            batch.requests.append(request)
            batch.outcomes.append(self._evaluate(batch, request, below))

    def _evaluate(
        self, batch: Batch, request: Request, below: tuple[WriteSet, ...]
    ) -> tuple[Any, BaseException | None]:
        try:
            overlay = Overlay(self._view or self.view(), below, self._clock)
        except StoreUnavailable as error:
            return None, error
        try:
            result = request.evaluate(overlay)
            if overlay.events is not None or overlay.jobs is not None:
                self._record(overlay, batch)
        except Exception as error:
            return None, error
        else:
            batch.writes.update(overlay.own)
            batch.size_bytes += max(request.size_bytes, overlay.size_bytes)
            return result, None
        finally:
            overlay.end()

    def _record(self, overlay: Overlay, batch: Batch) -> None:
        events, jobs = overlay.events or [], overlay.jobs or []
        self._outbox.check(events)
        self._jobs.check(jobs)
        self._outbox.record(events, overlay, batch)
        self._jobs.record(jobs, overlay, batch)

    def _launch(self) -> None:
        """The open batch becomes the one in flight; one that writes nothing has nothing to wait for."""
        assert self._in_flight is None
        batch, self._open = self._open, Batch()
        if not batch.writes:
            self._answer(batch)
            return
        self._in_flight = batch
        if self._reopen_after is not None:
            self._reopen()
        if self._reopen_after is None and not self._fault:
            self._submit(batch)
        else:
            self._loop.call_soon(self._settle, batch, CommitFailed("The environment is not reopened yet."))

    def _submit(self, batch: Batch) -> None:
        batch.submitted = self._elapsed()
        self._writer.submit(partial(self._commit, batch), partial(self._settle, batch))

    def _commit(self, batch: Batch) -> None:
        """By the writer, in its thread or on the loop."""
        if batch.rows is None:
            batch.rows = self._journal.append(batch.writes)
        self._environment.apply(batch.rows)

    def _settle(self, batch: Batch, error: BaseException | None) -> None:
        """The commit of the batch in flight is over."""
        assert self._in_flight is batch
        if isinstance(error, MapFull):
            self._grow(batch)
            return
        self._in_flight = None
        if error is None:
            self._committed(batch)
        else:
            self._fail(batch, error)
        if self._queue or self._stopped is not None:
            self._pump_soon()

    def _committed(self, batch: Batch) -> None:
        self._forget_view()
        self._last_commit = self._environment.last_commit()
        self._trouble = ""
        self._figures.count(batch, self._elapsed() - batch.submitted)
        self._unanswered.append(batch)
        if self._open.writes:                           # the disk works while we answer
            self._launch()
        self._answer_committed()
        if self._in_flight is None and self._open.requests:
            self._launch()

    def _answer_committed(self) -> None:
        """In the order of their commits, the latest of which may have ended while the one before it was looked at."""
        while self._unanswered:
            batch = self._unanswered.popleft()
            self._answer(batch)
            if batch.readers:
                self._outbox.committed(batch.readers)
            if batch.jobs:
                self._jobs.committed(batch.jobs)

    def _answer(self, batch: Batch) -> None:
        for request, (result, error) in zip(batch.requests, batch.outcomes, strict=True):
            try:
                request.done(result, error)
            except Exception as caught:
                self._report("an answer could not be delivered", caught)

    def _report(self, message: str, error: BaseException) -> None:
        self._loop.call_exception_handler({"message": message, "exception": error})

    def _report_once(self, message: str, error: BaseException) -> None:
        """Once in a row: a full disk refuses every batch."""
        if message != self._trouble:
            self._trouble = message
            self._report(message, error)

    # --- faults and growth

    def _fail(self, batch: Batch, error: BaseException) -> None:
        """Nothing of the batch happened. What was evaluated over it has to be evaluated again."""
        self._answer_committed()
        self._figures.failed += 1
        self._report_once("a commit failed", error)
        if self._reopen_after is None:
            self._reopen_after = self._elapsed()
        ahead, self._open = self._open, Batch()
        self._queue.extendleft(reversed(ahead.requests))
        self._queue_bytes += sum(request.size_bytes for request in ahead.requests)
        self._outbox.dropped()
        self._jobs.dropped([*batch.jobs, *ahead.jobs])
        batch.outcomes = [(None, StoreUnavailable()) for _ in batch.requests]
        self._answer(batch)

    def _reopen(self) -> None:
        """After a failed commit. Not while a copy reads through the environment: until then only reads are served."""
        assert self._reopen_after is not None
        if self._copies or self._fault or self._elapsed() < self._reopen_after:
            return
        self._quiesce()
        try:
            self._environment.reopen()
        except StoreError as error:
            self._reopen_after = self._elapsed() + REOPEN_WAIT_S
            self._report_once("the environment cannot be reopened", error)
            return
        self._reopen_after = None
        if self._environment.last_commit() != self._last_commit:
            self._fault = "A commit that failed is on disk after all; restart to serve what is there."
            self._report_once("the state is uncertain", StoreError(self._fault))

    def _grow(self, batch: Batch) -> None:
        """A map that is full grows, and the same write set is applied again. A copy under way is waited for."""
        if self._copies:
            self._growing = batch
            return
        self._quiesce()
        try:
            self._environment.grow()
        except (CommitFailed, StoreError) as error:
            self._settle(batch, error)
        else:
            self._submit(batch)

    def _quiesce(self) -> None:
        """No read transaction is open when it returns."""
        self._forget_view()
        self._long_reads.suspend()

    # --- operating

    async def backup(self, directory: str | os.PathLike[str]) -> None:
        """A copy of what is committed now, in an empty or new directory, from which open_shard opens. StoreError."""
        self._copies += 1
        try:
            await asyncio.to_thread(self._environment.copy, directory)
        finally:
            self._copies -= 1
            batch, self._growing = self._growing, None
            if batch is not None:
                self._grow(batch)
            self._pump_soon()

    def stop(self, stopped: Callable[[], None]) -> None:
        """Takes no more requests, commits what waits, closes everything, then calls `stopped`."""
        assert self._stopped is None
        self._stopped = stopped
        self._jobs.stop()
        self._outbox.stop()
        self._long_reads.cancel()
        self._pump_soon()

    def _finish_stopping(self) -> None:
        if self._queue or self._open.requests or self._in_flight is not None or self._copies:
            return
        assert self._stopped is not None
        self._writer.close()
        self._forget_view()
        self._environment.close()
        self._stopped()

    async def close(self) -> None:
        """`stop`, awaited."""
        closed = asyncio.get_running_loop().create_future()
        self.stop(lambda: closed.set_result(None))
        await closed

    @property
    def durability(self) -> Durability:
        return self._environment.durability

    @property
    def trouble(self) -> str:
        """Why the last commit failed, or nothing is answered any more; "" when all is well."""
        return self._fault or self._trouble

    def stats(self) -> dict[str, Any]:
        """Counters since the start; latencies of the last commits in seconds; sizes in bytes. `fault` is empty when all
        is well."""
        return {
            **self._figures.told(), "queue": len(self._queue), "long_reads": len(self._long_reads),
            "jobs": len(self._jobs), "outbox": self._outbox.backlog(), "fault": self.trouble,
            **self._environment.stats(),
        }


def default_writer(durability: Durability) -> Callable[[Loop], Writer]:
    """A commit that waits for the disk goes to a thread, where there is a core for it. One that does not is done sooner
    than a thread is woken."""
    if durability is Durability.OS:
        return InlineWriter
    return ThreadWriter if (os.cpu_count() or 1) > FEW_CORES else AdaptiveWriter


def open_shard(directory: str | os.PathLike[str], loop: Loop, *, durability: Durability = Durability.FSYNC,
               **options: Any) -> Shard:
    """A shard on a directory, which is created when missing; options as Shard's. StoreError."""
    environment = Environment(directory, durability=durability)
    try:
        return Shard(environment, loop, **options)
    except BaseException:
        environment.close()
        raise
