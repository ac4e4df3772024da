"""Principals: who is behind an access key, remembered, so that no link of the chain waits.

`known` looks into memory; what is not there is asked of IAM (`find`, bounded by ASK_LIMIT_S) before the request enters
its chain. IAM tells every process of each change (bus/system.py: `identities`) ahead of its answer on the same
connection, and the account's principals are forgotten; when tellings may have been missed, all are.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from actors.runtime.principal import NOBODY, STRANGER, Principal, principal_of, root, service
from bus.subjects import SERVICE
from bus.system import ask
from bus.transport import Transport
from schemas.envelope import ANONYMOUS, Identity

REMEMBERED_LIMIT = 8192
ASK_LIMIT_S = 5.0                         # for IAM's answer; then the request fails with 503
ASKS_LIMIT = 3                            # times one question is asked again because something changed meanwhile
# Of a service's own principal, on the services' door: service-lambda, and service-logging_s3 for logging.s3.
SERVICE_PREFIX = "service-"

# The record of an access key ({}: nobody's), or None where nobody has ever heard of it. BusError.
Ask = Callable[[str, str], Awaitable[dict[str, Any] | None]]


def asking(transport: Transport) -> Ask:
    """IAM, wherever it runs."""

    async def record(account: str, access_key: str) -> dict[str, Any] | None:
        answer = await ask(transport, "principal", {"account": account, "access_key": access_key}, ASK_LIMIT_S)
        return None if answer.get("unknown") else answer["record"]

    return record


class Who(Protocol):
    """What the host asks of Principals."""

    def known(self, identity: Identity) -> Principal | None: ...

    async def find(self, identity: Identity) -> Principal: ...


class Principals:
    """`root_access_key` is the default account's root. `open_mode`: a key nobody knows is root of its account; a key
    of twelve digits is root of that account in both modes, since only an open door lets it in. Without
    `iam` every key is root of its account, or nobody's."""

    def __init__(
        self, iam: Ask | None = None, *, open_mode: bool = True, root_access_key: str = "test",
        root_account: str = "000000000000",
    ) -> None:
        self._iam = iam
        self._open = open_mode
        self._root = (root_account, root_access_key)
        self._remembered: dict[Identity, Principal] = {}
        self._under_way: dict[Identity, asyncio.Task[Principal]] = {}
        self._generation = 0

    def known(self, identity: Identity) -> Principal | None:
        return self._remembered.get(identity) or self._at_hand(identity)

    def forget(self, account: str = "") -> None:
        """What is known of an account; "": of all."""
        self._generation += 1
        gone = [identity for identity in self._remembered if not account or identity.account == account]
        for identity in gone:
            del self._remembered[identity]

    async def find(self, identity: Identity) -> Principal:
        """BusError when IAM cannot be asked. One question at a time for one identity."""
        task = self._under_way.get(identity)
        if task is None:
            task = self._under_way[identity] = asyncio.get_running_loop().create_task(self._find(identity))
            task.add_done_callback(lambda done: self._found(identity, done))
        return await asyncio.shield(task)

    def _found(self, identity: Identity, task: asyncio.Task[Principal]) -> None:
        self._under_way.pop(identity, None)
        if not task.cancelled():
            task.exception()              # whoever waited has it; nobody may be left

    def _at_hand(self, identity: Identity) -> Principal | None:
        """Whom nobody need be asked about; remembered, so that the next look is one."""
        door, account, key = identity
        found = None
        if key == ANONYMOUS:
            found = NOBODY
        elif self._iam is None and self._is_root(identity):
            found = root(account)
        elif door == SERVICE and key.startswith(SERVICE_PREFIX):
            found = service(f"{key.removeprefix(SERVICE_PREFIX).replace('_', '.')}.amazonaws.com")
        elif self._iam is None:
            found = self._stranger(account)
        return None if found is None else self._remember(identity, found)

    def _is_root(self, identity: Identity) -> bool:
        return identity[1:] == self._root or identity.principal == identity.account

    def _stranger(self, account: str) -> Principal:
        return root(account) if self._open else STRANGER

    def _remember(self, identity: Identity, principal: Principal) -> Principal:
        if len(self._remembered) >= REMEMBERED_LIMIT:
            for oldest in list(self._remembered)[:REMEMBERED_LIMIT // 8]:
                del self._remembered[oldest]
        self._remembered[identity] = principal
        return principal

    async def _find(self, identity: Identity) -> Principal:
        assert self._iam is not None, "known() answers where nobody can be asked"
        for _ in range(ASKS_LIMIT):
            generation = self._generation
            account = identity.account
            record = await self._iam(account, account if self._is_root(identity) else identity.principal)
            if record is None and self._open:
                record = await self._iam(account, account)
            principal = principal_of(record) if record else STRANGER
            if generation == self._generation:
                return self._remember(identity, principal)
        return principal                  # true when it was asked; remembered by the next
