"""What the edge has to know of a bucket before a request is made of it: asked of S3 each time, kept nowhere.

A question costs a round trip on the bus, and only pages and websites pay it; a memory of answers would have to hear of
every change to be true.
"""

from typing import Any, NamedTuple

from bus.system import ask
from bus.transport import Transport

ASK_LIMIT_S = 5.0
NAME_LIMIT_CHARACTERS = 128               # of a bucket's name, or of an access point's ARN in its place
CORS, WEBSITE = "cors", "website"


class Told(NamedTuple):
    """Of a bucket. `region` "": it is not there; `document` None: it has none of that kind."""

    region: str = ""
    document: dict[str, Any] | None = None


class Buckets:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def tell(self, name: str, kind: str) -> Told:
        """Its configuration of that kind. BusError."""
        if not 0 < len(name) <= NAME_LIMIT_CHARACTERS:
            return Told()
        answer = await ask(self._transport, "bucket", {"name": name, "kind": kind}, ASK_LIMIT_S)
        return Told(answer.get("region", ""), answer.get("document"))
