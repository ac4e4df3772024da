"""Takes a shard's committed events to the bus: evt.<service>.<account>.<kind>, at least once, in order.

An event is a msgpack map {reader, sequence, event}: the sequence of its reader has no gaps, and after a crash the last
few come again with the same numbers, so whoever listens can tell repeats.
"""

import asyncio
from collections.abc import Callable, Sequence

from actors.runtime.store.outbox import Event, Publish
from bus import subjects
from bus.codec import pack
from bus.transport import BusError, Transport


def publisher(transport: Transport, service: str) -> Publish:
    """For open_shard(publish=…). An event counts as published when the broker has processed it."""

    def publish(events: Sequence[Event], done: Callable[[BaseException | None], None]) -> None:
        try:
            for event in events:
                data = pack({"reader": event.reader, "sequence": event.sequence, "event": event.event})
                transport.publish(subjects.event(service, event.account, event.kind), data)
        except BusError as error:
            asyncio.get_running_loop().call_soon(done, error)
            return
        asyncio.get_running_loop().create_task(transport.flush()).add_done_callback(
            lambda flushed: done(flushed.exception() if not flushed.cancelled() else asyncio.CancelledError())
        )

    return publish
