"""Fleet: which hosts there are, which of them answers next, and when one is started, stopped or given up.

    cold -> loading -> ready -> (asleep ->) gone

A model is loaded once, however many ask for it at once. What does not fit into the memory budget drives out whatever
was used longest ago and is idle: to sleep, where its engine can, from which the next request wakes it; else it ends. A
model that keeps its replicas busy gets another, up to its entry's max_replicas, and loses it again when it could do
without for a while. Hosts are looked after: one that is gone, or says nothing any more, is given up, which ends its
streams at once.
"""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import structlog

from actors.runtime.inference.catalogue import Entry
from actors.runtime.inference.host import SERVICE
from actors.runtime.inference.placement import CannotPlace, Placement
from actors.runtime.inference.protocol import Description, ModelFailed, ModelNotReady, description, to_map
from actors.runtime.inference.replicas import Replica, Served, host_names, memory_of
from bus.client import Client
from bus.subjects import matches
from bus.transport import BusError, NoResponders, RequestTimeout, Transport
from schemas.errors import AwsError

LOAD_LIMIT_S = 900.0                      # a large model from a slow disk
LOAD_WAIT_S = 20.0                        # how long who asks waits for it; then ModelNotReady, which SDKs try again
FAILURE_REST_S = 5.0                      # a model that cannot be loaded is not tried again so soon
WATCH_INTERVAL_S = 0.25                   # busy hosts are asked how they are this often
IDLE_WATCH_S = 5.0                        # idle ones
SILENCE_LIMIT_S = 30.0                    # a host that answers nothing for so long is ended
SCALE_UP_AFTER_S = 1.0                    # of more work than turns
SCALE_DOWN_AFTER_S = 60.0                 # of no need for the last replica
ASLEEP_MAX = 8                            # replicas; their weights are in the machine's memory
SLEEP_LIMIT_S = 120.0                     # for weights to leave the device

log = structlog.get_logger()


class Fleet:
    """`budget_bytes`: for all replicas together."""

    def __init__(self, transport: Transport, client: Client, placement: Placement, budget_bytes: int) -> None:
        self._transport = transport
        self._client = client
        self._placement = placement
        self._budget_bytes = budget_bytes
        self._served: dict[str, Served] = {}
        self._watch: asyncio.Task[None] | None = None
        self._memory = asyncio.Lock()     # who makes room and takes it does so alone
        self._reserved: dict[str, int] = {}               # by host: memory of those that are loading

    def close(self) -> None:
        """Hosts live on, and are found again by their names."""
        tasks = [self._watch, *(served.loading for served in self._served.values()),
                 *(replica.looking for replica in self._replicas())]
        for task in tasks:
            if task is not None:
                task.cancel()

    async def take(self, entry: Entry) -> Replica:
        """The least loaded one, loaded if need be; active until it is given back. ModelNotReady, ModelFailed."""
        served = self._of(entry)
        chosen = min(served.awake, key=lambda each: each.active, default=None) or await self._first(served)
        chosen.active += 1
        chosen.next_look = min(chosen.next_look, asyncio.get_running_loop().time() + WATCH_INTERVAL_S)
        return chosen

    def give_back(self, replica: Replica) -> None:
        replica.active -= 1
        replica.last_used = asyncio.get_running_loop().time()

    def keep(self, entry: Entry, replicas: int) -> None:
        """So many stay loaded, and are loaded now."""
        self._of(entry).keep = replicas
        self._start_watch()

    def loaded(self, entry: Entry) -> int:
        """How many replicas it has now."""
        served = self._served.get(entry.id)
        return 0 if served is None else len(served.awake)

    def affords(self, kept: Iterable[tuple[Entry, int]]) -> bool:
        """Is there memory for so many of each, were nothing else loaded? ModelFailed where there is no such file."""
        return sum(count * memory_of(entry) for entry, count in kept if count) <= self._budget_bytes

    def give_up(self, replica: Replica, reason: str) -> None:
        """It is gone: its streams and requests end now, with Disconnected; the next request starts another."""
        for served in self._served.values():
            if replica in served.replicas:
                served.replicas.remove(replica)
        log.warning("model_host_lost", host=replica.host, model=replica.description.model, reason=reason)
        asked = partial(matches, f"aws.*.*.*.{SERVICE}.{replica.host}.>")
        self._transport.abandon(asked, f"the model's host has gone: {reason}")

    # --- loading

    def _of(self, entry: Entry) -> Served:
        return self._served.setdefault(entry.id, Served(entry, keep=entry.min_replicas))

    async def _first(self, served: Served) -> Replica:
        now = asyncio.get_running_loop().time()
        if served.failure is not None and now - served.failed_at < FAILURE_REST_S:
            raise served.failure
        loading = served.loading or self._load(served)
        done, _ = await asyncio.wait([loading], timeout=LOAD_WAIT_S)
        if not done:
            raise ModelNotReady("The model is being loaded. Try your request again.")
        return loading.result()

    def _load(self, served: Served) -> "asyncio.Task[Replica]":
        """One more replica, in a task that outlives who asked first."""
        loading = served.loading = asyncio.get_running_loop().create_task(self._loaded(served))
        loading.add_done_callback(lambda _: self._after_load(served, loading))
        return loading

    def _after_load(self, served: Served, loading: "asyncio.Task[Replica]") -> None:
        served.loading = None
        if loading.cancelled():
            return
        error = loading.exception()
        if error is None:
            served.failure = None
            return
        failure = error if isinstance(error, AwsError) else ModelFailed("The model could not be loaded.")
        served.failure, served.failed_at = failure, asyncio.get_running_loop().time()
        log.error("model_not_loaded", model=served.entry.id, reason=str(error),
                  exc_info=None if isinstance(error, AwsError) else error)

    async def _loaded(self, served: Served) -> Replica:
        """One that sleeps, woken, or a new one."""
        sleeper, taken = served.sleeper(), {replica.host for replica in served.replicas}
        host = sleeper.host if sleeper else next(name for name in host_names(served.entry) if name not in taken)
        needed = sleeper.memory_bytes if sleeper else memory_of(served.entry)
        async with self._memory:
            await self._make_room(needed, served)
            self._reserved[host] = needed
        try:
            said = await self._told_to_load(host, served.entry)
        except BaseException:
            if sleeper in served.replicas:
                served.replicas.remove(sleeper)
            raise
        finally:
            del self._reserved[host]
        now = asyncio.get_running_loop().time()
        if sleeper in served.replicas:
            sleeper.asleep, sleeper.last_used, sleeper.next_look = False, now, now
            return sleeper
        replica = Replica(host, said, max(needed, said.memory_bytes), last_used=now, next_look=now)
        served.replicas.append(replica)
        self._start_watch()
        return replica

    async def _told_to_load(self, host: str, entry: Entry) -> Description:
        try:
            answer = await self._load_call(host, entry)
        except NoResponders:
            try:
                await self._placement.start(host, entry)
                answer = await self._load_call(host, entry)
            except (CannotPlace, BusError) as error:
                await self._placement.stop(host)
                log.error("model_host_not_started", host=host, model=entry.id, reason=str(error))
                raise ModelFailed("The model's host ended while it was loading it; its log says why.") from error
            except BaseException:
                await self._placement.stop(host)
                raise
        return description(answer["description"])

    async def _load_call(self, host: str, entry: Entry) -> dict[str, Any]:
        """Ends early when the host does: nobody else can tell us while it loads."""
        call = asyncio.ensure_future(
            self._client.call(SERVICE, "Load", to_map(entry), at=host, timeout_s=LOAD_LIMIT_S)
        )
        try:
            while not (await asyncio.wait([call], timeout=WATCH_INTERVAL_S))[0]:
                with suppress(RequestTimeout):           # an engine may hold its process while it reads the file
                    await self._client.call(SERVICE, "Ping", {}, at=host, timeout_s=SILENCE_LIMIT_S)
            return await call
        finally:
            call.cancel()

    async def _make_room(self, needed: int, served: Served) -> None:
        """ModelNotReady when what is in use leaves too little."""
        while needed + sum(self._reserved.values()) + sum(
                each.memory_bytes for each in self._replicas() if not each.asleep) > self._budget_bytes:
            idle = [
                (replica.last_used, index, other, replica) for index, (other, replica) in enumerate(self._pairs())
                if not replica.active and not replica.asleep and len(other.awake) > other.keep and other is not served
            ]
            if not idle:
                raise ModelNotReady("The model does not fit into memory beside those in use. Try your request again.")
            _, _, other, replica = min(idle, key=lambda each: each[:2])
            if await self._sleeps(replica):
                log.info("model_asleep", model=other.entry.id, host=replica.host, for_model=served.entry.id)
            else:
                log.info("model_evicted", model=other.entry.id, host=replica.host, for_model=served.entry.id)
                await self._end(other, replica)

    async def _sleeps(self, replica: Replica) -> bool:
        """Marked before it is told, so that nobody takes it meanwhile; False where its engine cannot."""
        replica.asleep = True
        try:
            answer = await self._client.call(SERVICE, "Sleep", {}, at=replica.host, timeout_s=SLEEP_LIMIT_S)
            replica.asleep = bool(answer["asleep"])
        except (AwsError, BusError):
            replica.asleep = False
        asleep = [
            (each.last_used, index, other, each) for index, (other, each) in enumerate(self._pairs()) if each.asleep
        ]
        if len(asleep) > ASLEEP_MAX:
            _, _, other, oldest = min(asleep, key=lambda each: each[:2])
            await self._end(other, oldest)
        return replica.asleep

    async def _end(self, served: Served, replica: Replica) -> None:
        served.replicas.remove(replica)
        await self._placement.stop(replica.host)

    def _replicas(self) -> Iterator[Replica]:
        return (replica for _, replica in self._pairs())

    def _pairs(self) -> Iterator[tuple[Served, Replica]]:
        return ((served, replica) for served in self._served.values() for replica in served.replicas)

    # --- looking after them

    def _start_watch(self) -> None:
        if self._watch is None or self._watch.done():
            self._watch = asyncio.get_running_loop().create_task(self._watching())

    async def _watching(self) -> None:
        """As long as there is something to look after."""
        loop = asyncio.get_running_loop()
        while any(served.replicas or served.keep or served.loading for served in self._served.values()):
            now = loop.time()
            for replica in self._replicas():
                if now >= replica.next_look and replica.looking is None:
                    replica.next_look = now + (WATCH_INTERVAL_S if replica.active else IDLE_WATCH_S)
                    replica.looking = loop.create_task(self._look(replica))
            for served in list(self._served.values()):
                self._scale(served, now)
            await asyncio.sleep(WATCH_INTERVAL_S)

    async def _look(self, replica: Replica) -> None:
        try:
            await self._client.call(SERVICE, "Ping", {}, at=replica.host, timeout_s=SILENCE_LIMIT_S)
        except RequestTimeout:
            self.give_up(replica, "it is silent")
            await self._placement.stop(replica.host)
        except BusError as error:
            self.give_up(replica, str(error))
        finally:
            replica.looking = None

    def _scale(self, served: Served, now: float) -> None:
        awake = served.awake
        count, entry = len(awake), served.entry
        failed = served.failure is not None and now - served.failed_at < FAILURE_REST_S
        active = sum(replica.active for replica in awake)
        turns = sum(replica.description.parallel for replica in awake)
        served.busy_since = _since(served.busy_since, count > 0 and active > turns, now)
        last = awake[-1].description.parallel if awake else 0
        served.spare_since = _since(served.spare_since, count > max(1, served.keep) and active <= turns - last, now)
        wanted = count < served.keep or (
            count < entry.max_replicas and _lasted(served.busy_since, SCALE_UP_AFTER_S, now)
        )
        if wanted and served.loading is None and not failed:
            served.busy_since = None
            self._load(served)
        elif _lasted(served.spare_since, SCALE_DOWN_AFTER_S, now):
            idle = [replica for replica in awake if not replica.active]
            if idle:
                served.spare_since = None
                served.replicas.remove(idle[-1])
                self._stopping(idle[-1].host)

    def _stopping(self, host: str) -> None:
        task = asyncio.get_running_loop().create_task(self._placement.stop(host))
        task.add_done_callback(lambda done: done.exception() and log.error("model_host_not_stopped", host=host))


def _since(before: float | None, holds: bool, now: float) -> float | None:
    return (before if before is not None else now) if holds else None


def _lasted(since: float | None, seconds: float, now: float) -> bool:
    return since is not None and now - since >= seconds
