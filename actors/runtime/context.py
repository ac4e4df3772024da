"""Who asks, where and by when. Handed to every operation; never carries the request's parameters."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from actors.runtime.principal import NOBODY, Principal
from schemas.envelope import Identity

if TYPE_CHECKING:
    from schemas.models import Operation


@dataclass(slots=True)
class Context:
    """One request's circumstances. Times are seconds since the epoch."""

    identity: Identity                    # from the subject: door, account, principal
    region: str
    operation: "Operation"
    request_id: str
    deadline: float                       # the caller has given up after this
    now: float                            # the clock's time when the request arrived
    trace: str = ""                       # W3C traceparent
    source: dict[str, str] = field(default_factory=dict)   # ip, user_agent, … empty unless it came through the gateway
    principal: Principal = NOBODY         # whom the identity stands for
    part: str = ""                        # of an operation, where only that is asked for, by another of our actors
    owner: str = ""                       # the account of the resource, where it is another's and the caller may use it
    authorised_as: Mapping[str, str] | None = None         # what names in the request stood for when it was authorised

    @property
    def account(self) -> str:
        """Whose resources are meant: the caller's, unless another account let it in."""
        return self.owner or self.identity.account

    @property
    def scope(self) -> tuple[str, str]:
        """(account, region): what every resource of ours belongs to."""
        return self.owner or self.identity.account, self.region
