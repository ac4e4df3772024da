"""$SRV.PING, INFO and STATS, so that `nats micro ls/info/stats` and anyone else discovers our services.

Source: NATS ADR-32, the service API (https://github.com/nats-io/nats-architecture-and-design, adr/ADR-32.md). Plain
subscriptions, not nats.micro: data endpoints stay off its serial queue.
"""

import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bus.subjects import is_inbox, is_token
from bus.transport import Message, Subscription, Transport

VERBS = ("PING", "INFO", "STATS")
_TYPE = "io.nats.micro.v1.{}_response"


@dataclass(slots=True)
class EndpointStats:
    """One endpoint and what has gone through it; whoever serves it counts. Times are nanoseconds."""

    name: str
    subject: str
    queue_group: str = ""
    requests: int = 0
    errors: int = 0
    processing_ns: int = 0
    last_error: str = ""
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Description:
    """`name` is a token, `version` a semantic version."""

    name: str
    version: str
    description: str
    metadata: dict[str, str]


class Discovery:
    """Answers for one instance of a service until closed. `endpoints` is asked anew for every answer."""

    def __init__(
        self, transport: Transport, description: Description, endpoints: Callable[[], Sequence[EndpointStats]]
    ) -> None:
        assert is_token(description.name), description.name
        self.id = secrets.token_hex(8)
        self._transport = transport
        self._description = description
        self._endpoints = endpoints
        self._started = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        self._subscriptions: list[Subscription] = []
        for verb, answer in zip(VERBS, (self.ping, self.info, self.stats), strict=True):
            for subject in (f"$SRV.{verb}", f"$SRV.{verb}.{description.name}",
                            f"$SRV.{verb}.{description.name}.{self.id}"):
                self._subscriptions.append(transport.subscribe(subject, self._answering(answer)))

    def close(self) -> None:
        for subscription in self._subscriptions:
            subscription.close()

    def ping(self) -> dict[str, Any]:
        return {
            "type": _TYPE.format("ping"), "name": self._description.name, "id": self.id,
            "version": self._description.version, "metadata": self._description.metadata,
        }

    def info(self) -> dict[str, Any]:
        endpoints = [
            {"name": one.name, "subject": one.subject, "queue_group": one.queue_group, "metadata": one.metadata}
            for one in self._endpoints()
        ]
        description = self._description.description
        return self.ping() | {"type": _TYPE.format("info"), "description": description, "endpoints": endpoints}

    def stats(self) -> dict[str, Any]:
        endpoints = [
            {
                "name": one.name, "subject": one.subject, "queue_group": one.queue_group,
                "num_requests": one.requests, "num_errors": one.errors, "last_error": one.last_error,
                "processing_time": one.processing_ns,
                "average_processing_time": one.processing_ns // one.requests if one.requests else 0,
            }
            for one in self._endpoints()
        ]
        return self.ping() | {"type": _TYPE.format("stats"), "started": self._started, "endpoints": endpoints}

    def _answering(self, answer: Callable[[], dict[str, Any]]) -> Callable[[Message], None]:
        def handle(message: Message) -> None:
            if is_inbox(message.reply):
                self._transport.publish(message.reply, json.dumps(answer()).encode())

        return handle
