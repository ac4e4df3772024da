"""Transport from one seed: a broker in memory, and links to it that delay, drop, duplicate, reorder and part.

    network = Network(seed=7, faults=Faults(drop=0.01))
    transport = network.connect("_INBOX.000000000000.test.")

Without faults it keeps NATS's promises: per link everything arrives in order, a queue group's message reaches one
member, nobody there is said at once, flush is a barrier. With them it breaks those named. All choices come from the
seed, so under bus/virtual_time.py the same program takes the same course; a failing seed is the reproduction.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from random import Random

import structlog

from bus.mux import ReplyMux
from bus.subjects import is_subject, matches
from bus.transport import BusError, Disconnected, Handler, Inbox, Message, Overloaded, Subscription

OUT_LIMIT_BYTES = 16 * 1024 * 1024        # accepted and not yet at the broker, as on NATS
ROUTES_LIMIT = 8192                       # remembered subjects; then all are forgotten

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Faults:
    """What goes wrong, per message and way (to the broker, and from it). Probabilities 0 … 1."""

    delay_min_s: float = 0.0001
    delay_max_s: float = 0.001
    drop: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0                  # a message may be overtaken by those that follow
    reorder_delay_s: float = 0.05


NONE = Faults()


class SimulatedSubscription:
    __slots__ = ("_transport", "handler", "queue", "subject")

    def __init__(self, transport: "SimulatedTransport", subject: str, queue: str, handler: Handler) -> None:
        self._transport = transport
        self.subject = subject
        self.queue = queue
        self.handler = handler

    @property
    def owner(self) -> "SimulatedTransport":
        return self._transport

    def close(self) -> None:
        self._transport._unsubscribe(self)


class Network:
    """The broker and everyone's links. `faults` may be changed at any time."""

    def __init__(self, seed: int, faults: Faults = NONE) -> None:
        self.random = Random(seed)  # noqa: S311 - a simulation, not a secret
        self.faults = faults
        self._subscriptions: list[SimulatedSubscription] = []
        self._routes: dict[str, list[SimulatedSubscription]] = {}
        self._parted: set[frozenset[SimulatedTransport]] = set()

    def connect(self, inbox_prefix: str) -> "SimulatedTransport":
        return SimulatedTransport(self, inbox_prefix)

    def partition(self, left: "SimulatedTransport", right: "SimulatedTransport") -> None:
        """Messages between the two are lost, as between two brokers of a cluster, until `heal`."""
        self._parted.add(frozenset((left, right)))

    def heal(self) -> None:
        self._parted.clear()

    def lose(self, transport: "SimulatedTransport") -> None:
        """The connection breaks; what was under way on it is lost. The client is told at once."""
        self._forget(transport)
        transport._lost()

    def restore(self, transport: "SimulatedTransport") -> None:
        """It is connected again, its subscriptions made again."""
        transport._connected()

    # -- the broker --------------------------------------------------------------------------------------------------

    def add(self, subscription: SimulatedSubscription) -> None:
        self._subscriptions.append(subscription)
        self._routes.clear()

    def remove(self, subscription: SimulatedSubscription) -> None:
        if subscription in self._subscriptions:
            self._subscriptions.remove(subscription)
            self._routes.clear()

    def _forget(self, transport: "SimulatedTransport") -> None:
        self._subscriptions = [one for one in self._subscriptions if one.owner is not transport]
        self._routes.clear()

    def route(self, sender: "SimulatedTransport", message: Message) -> None:
        """To every plain subscription, and to one member of every queue group, that matches."""
        routes = self._routes.get(message.subject)
        if routes is None:
            if len(self._routes) >= ROUTES_LIMIT:
                self._routes.clear()
            routes = [one for one in self._subscriptions if matches(one.subject, message.subject)]
            self._routes[message.subject] = routes
        if not routes and message.reply:
            sender.inward.carry(lambda: sender._no_responders(message.reply))
            return
        groups: dict[str, list[SimulatedSubscription]] = {}
        for one in routes:
            if one.queue:
                groups.setdefault(one.queue, []).append(one)
            else:
                self._deliver(sender, one, message)
        for members in groups.values():
            self._deliver(sender, self.random.choice(members), message)

    def _deliver(self, sender: "SimulatedTransport", to: SimulatedSubscription, message: Message) -> None:
        if frozenset((sender, to.owner)) not in self._parted:
            to.owner.inward.carry_message(lambda: to.owner._receive(to, message))


class Link:
    """One direction of one connection: in order, each step after its own delay."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._loop = asyncio.get_running_loop()
        self._steps: deque[Callable[[], None]] = deque()
        self._last_arrival = 0.0
        self._cut = 0                     # counts the connection's losses: a step of an older one does nothing

    def carry(self, step: Callable[[], None]) -> None:
        """Surely, in order."""
        faults, random = self._network.faults, self._network.random
        arrival = self._loop.time() + random.uniform(faults.delay_min_s, faults.delay_max_s)
        self._last_arrival = max(self._last_arrival, arrival)
        self._steps.append(step)
        self._loop.call_at(self._last_arrival, self._arrive, self._cut)

    def carry_message(self, step: Callable[[], None]) -> None:
        """As the network's faults have it."""
        faults, random = self._network.faults, self._network.random
        if faults.drop and random.random() < faults.drop:
            return
        if faults.reorder and random.random() < faults.reorder:
            delay_s = random.uniform(faults.delay_min_s, faults.reorder_delay_s)
            self._loop.call_later(delay_s, self._arrive_alone, step, self._cut)
            return
        self.carry(step)
        if faults.duplicate and random.random() < faults.duplicate:
            self.carry(step)

    def cut(self) -> None:
        self._cut += 1
        self._steps.clear()

    def _arrive(self, cut: int) -> None:
        if cut == self._cut:
            self._steps.popleft()()

    def _arrive_alone(self, step: Callable[[], None], cut: int) -> None:
        if cut == self._cut:
            step()


class SimulatedTransport:
    """bus.transport.Transport on a Network."""

    def __init__(self, network: Network, inbox_prefix: str) -> None:
        self._network = network
        self.outward = Link(network)
        self.inward = Link(network)
        connection = f"{network.random.getrandbits(96):024x}"
        self._mux = ReplyMux(f"{inbox_prefix}{connection}.", asyncio.get_running_loop())
        self._subscriptions: list[SimulatedSubscription] = []
        self._flushes: set[asyncio.Future[None]] = set()
        self._up = True
        self._closed = False
        self._out_bytes = 0
        self.subscribe(f"{self._mux.prefix}*", self._mux.deliver)

    def publish(self, subject: str, data: bytes, reply: str = "") -> None:
        if not is_subject(subject) or (reply and not is_subject(reply)):
            raise ValueError(f"not a subject: {subject!r} or {reply!r}")
        if not self._up:
            raise Disconnected("not connected to the broker")
        if self._out_bytes + len(data) > OUT_LIMIT_BYTES:
            raise Overloaded(f"{self._out_bytes} bytes wait to go out")
        message = Message(subject, reply, data)
        self._out_bytes += len(data)
        self.outward.carry(lambda: self._left(len(data)))
        self.outward.carry_message(lambda: self._network.route(self, message))

    def request(self, subject: str, data: bytes, timeout_s: float) -> "asyncio.Future[Message]":
        return self._mux.request(self.publish, subject, data, timeout_s)

    def subscribe(self, subject: str, handler: Handler, queue: str = "") -> Subscription:
        if self._closed:
            raise Disconnected("the connection is closed")
        if not is_subject(subject) or (queue and not is_subject(queue)):
            raise ValueError(f"not a subject: {subject!r}, or not a queue: {queue!r}")
        subscription = SimulatedSubscription(self, subject, queue, handler)
        self._subscriptions.append(subscription)
        if self._up:
            self.outward.carry(lambda: self._network.add(subscription))
        return subscription

    def listen(self, handler: Handler, on_failure: Callable[[BusError], None], asked: str = "") -> Inbox:
        return self._mux.listen(handler, on_failure, asked)

    def abandon(self, is_lost: Callable[[str], bool], reason: str) -> None:
        self._mux.abandon(is_lost, reason)

    async def flush(self) -> None:
        if not self._up:
            raise Disconnected("not connected to the broker")
        pong = asyncio.get_running_loop().create_future()
        self._flushes.add(pong)
        self.outward.carry(lambda: self.inward.carry(lambda: _done(pong)))
        try:
            await pong
        finally:
            self._flushes.discard(pong)

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._subscriptions.clear()
        with contextlib.suppress(Disconnected):
            await self.flush()
        self._network._forget(self)
        self._lost()
        self._mux.close()

    def _unsubscribe(self, subscription: SimulatedSubscription) -> None:
        if subscription not in self._subscriptions:
            return
        self._subscriptions.remove(subscription)
        if self._up:
            self.outward.carry(lambda: self._network.remove(subscription))

    def _receive(self, subscription: SimulatedSubscription, message: Message) -> None:
        if subscription not in self._subscriptions:
            return
        try:
            subscription.handler(message)
        except Exception:
            _log.exception("bus_handler_failed", subject=message.subject)

    def _no_responders(self, reply: str) -> None:
        if reply.startswith(self._mux.prefix):
            self._mux.no_responders(reply)

    def _left(self, size: int) -> None:
        self._out_bytes -= size

    def _connected(self) -> None:
        assert not self._up
        assert not self._closed
        self._up = True
        for subscription in self._subscriptions:
            self.outward.carry(partial(self._network.add, subscription))

    def _lost(self) -> None:
        if not self._up:
            return
        self._up = False
        self._out_bytes = 0
        self.outward.cut()
        self.inward.cut()
        for pong in self._flushes:
            if not pong.done():
                pong.set_exception(Disconnected("the connection to the broker was lost"))
        self._mux.fail_all("the connection to the broker was lost")


def _done(pong: "asyncio.Future[None]") -> None:
    if not pong.done():
        pong.set_result(None)
