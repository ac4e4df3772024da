"""What crosses the bus, as Python objects. `bus/codec.py` turns them into msgpack and back; bus/README.md documents
the bytes. Only `params` is required of a sender; account, principal, service and operation stand in the subject,
which the broker proves, and never here.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

VERSION = 1
DEFAULT_REGION = "us-east-1"

INLINE_LIMIT_BYTES = 256 * 1024          # a larger encoded envelope travels through bus/bodies.py


class Identity(NamedTuple):
    """Who asks, as the subject says it. `door` is one of DOORS in bus/subjects.py."""

    door: str
    account: str                          # 12 digits
    principal: str                        # access key id, or ANONYMOUS


ANONYMOUS = "anonymous"


@dataclass(slots=True)
class Request:
    """One request. `source` (ip, user_agent, …) is not believed from direct publishers."""

    params: dict[str, Any]
    id: str = ""
    region: str = DEFAULT_REGION
    deadline_ms: int = 0                  # absolute, milliseconds since the epoch; 0: none
    trace: str = ""                       # W3C traceparent
    source: dict[str, str] | None = None


@dataclass(slots=True)
class Fault:
    """An AwsError on the wire. `status` 0: as the service's model says."""

    code: str
    message: str
    fields: dict[str, Any]
    status: int = 0


@dataclass(slots=True)
class Reply:
    """One answer: `ok` or `error`, never both. In a stream: `event` messages, then `end` (or `error`)."""

    id: str = ""
    ok: dict[str, Any] | None = None
    error: Fault | None = None
    event: dict[str, Any] | None = None   # {member of the event-stream union: payload}
    end: bool = False
