"""What carries bytes between subjects: the protocol, its message, and the bus's errors.

`connection.py` is it on NATS, `simulated.py` is it from one seed. Both pass tests/bus/test_transport.py.
"""

import asyncio
from collections.abc import Callable
from typing import NamedTuple, Protocol


class BusError(Exception):
    """The bus could not bring an answer. The gateway turns it into a 503, which SDKs retry."""


class NoResponders(BusError):
    """Nobody subscribes to that subject."""


class RequestTimeout(BusError):
    """No answer in time. What was asked may or may not have happened."""


class Overloaded(BusError):
    """Too much is waiting to go out (a named bound of the transport)."""


class Disconnected(BusError):
    """The connection is closed, or was lost with this request under way."""


class Message(NamedTuple):
    subject: str
    reply: str                            # "" when none is expected
    data: bytes


Handler = Callable[[Message], None]       # synchronous: it enqueues and returns


class Subscription(Protocol):
    def close(self) -> None: ...


class Inbox(Protocol):
    """A reply subject of this connection's own, with its handler; for answers of several messages."""

    subject: str

    def close(self) -> None: ...


class Transport(Protocol):
    """Never blocks in publish; callbacks are synchronous and run on the loop, in order of arrival per connection."""

    def publish(self, subject: str, data: bytes, reply: str = "") -> None:
        """Buffered, written once per loop tick. Overloaded, Disconnected."""

    def request(self, subject: str, data: bytes, timeout_s: float) -> "asyncio.Future[Message]":
        """The first answer. The future fails with NoResponders, RequestTimeout or Disconnected; cancelling forgets."""

    def subscribe(self, subject: str, handler: Handler, queue: str = "") -> Subscription:
        """Messages to a subject that may hold wildcards; in a queue group each message goes to one member."""

    def listen(self, handler: Handler, on_failure: Callable[[BusError], None], asked: str = "") -> Inbox:
        """A fresh inbox. Publish with `reply=inbox.subject`; close it when done.

        `on_failure` hears NoResponders for such a publish, and Disconnected when messages may have been lost, or when
        who answers to the subject `asked` was given up (`abandon`).
        """

    def abandon(self, is_lost: Callable[[str], bool], reason: str) -> None:
        """Whoever was to answer is gone: requests and streams under way to subjects of which `is_lost` is true fail
        with Disconnected."""

    async def flush(self) -> None:
        """Returns when the broker has processed all subscriptions and publishes made before."""

    async def close(self) -> None:
        """Stops receiving, lets handlers' pending output go out, closes."""
