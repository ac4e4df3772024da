"""Which secret and account belong to an access key.

`StaticCredentials` are those nobody need be asked about: the root credential, and what `auth = open` means.
`IamCredentials` adds the keys of IAM's users and STS's sessions, asked of IAM over the bus and remembered until it says
that something has changed. `known` is a synchronous look into a bounded memory, `find` asks.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest
from math import inf
from typing import Any, Protocol

from bus.subjects import is_account, is_token
from bus.system import Listening, ask
from bus.transport import Transport
from gateway.sigv4 import Reason, Refusal
from schemas.envelope import ANONYMOUS

DEFAULT_ACCOUNT = "000000000000"
REMEMBERED_LIMIT = 8192
UNKNOWN_FOR_S = 5.0                       # a key nobody knew is asked about again after this
ASK_LIMIT_S = 5.0
ASKS_LIMIT = 3                            # times one question is asked again because something changed meanwhile


@dataclass(frozen=True, slots=True)
class Credential:
    """One access key. `secret` None: accepted without verification (open mode only)."""

    access_key: str
    account: str                                    # 12 digits
    secret: str | None
    token: str = ""                                 # SHA-256, in hex, of the session token that must come with it
    expires: float = inf                            # seconds since the epoch
    static: bool = True                             # the operator's: a token that comes along is carried, not checked
    bearer: bool = False                            # an API key's: it signs nothing

    def check(self, token: str, now: float) -> None:
        """Refusal when the token is missing, another's or too old."""
        if self.static:
            return
        given = sha256(token.encode("utf-8", "surrogateescape")).hexdigest() if token else ""
        if not compare_digest(given, self.token):
            raise Refusal(Reason.INVALID_TOKEN, **{"Token-0": token}) if token else \
                Refusal(Reason.UNKNOWN_KEY, AWSAccessKeyId=self.access_key)
        if self.expires <= now:
            raise Refusal(Reason.EXPIRED_TOKEN, **{"Token-0": token})


class Credentials(Protocol):
    def known(self, access_key: str) -> Credential | None:
        """From memory alone, never waiting; None: not known here."""

    async def find(self, access_key: str) -> Credential | None:
        """From whoever knows; None: nobody, or it is no good. Asked only after `known` said None. BusError."""


class StaticCredentials:
    """The root credential of the default account; in open mode also any other key, unverified.

    A 12-digit key is root of that account, any other unknown key root of the default account. Their secrets are
    nobody's, so strict mode knows neither. A session token that comes with a static key is carried, not checked.
    """

    def __init__(self, root_access_key: str, root_secret: str, *, open_mode: bool,
                 account: str = DEFAULT_ACCOUNT) -> None:
        assert is_account(account), account
        assert is_token(root_access_key), "the root access key must stand as one token of a subject"
        self._account = account
        self._open = open_mode
        self._root = Credential(root_access_key, account, root_secret)

    def known(self, access_key: str) -> Credential | None:
        return self.settled(access_key) or self.stranger(access_key)

    async def find(self, access_key: str) -> Credential | None:
        return None

    def settled(self, access_key: str) -> Credential | None:
        """Of a key that IAM cannot have made."""
        if access_key == self._root.access_key:
            return self._root
        return Credential(access_key, access_key, None) if self._open and is_account(access_key) else None

    def stranger(self, access_key: str) -> Credential | None:
        """Of a key that nobody knows."""
        if not self._open or access_key == ANONYMOUS or not is_token(access_key):
            return None
        return Credential(access_key, access_key if is_account(access_key) else self._account, None)


class IamCredentials:
    """`static` first, then IAM's. `clock`: seconds since the epoch. Closed with `close`."""

    def __init__(self, static: StaticCredentials, transport: Transport, clock: Callable[[], float] = time.time) -> None:
        self._static = static
        self._transport = transport
        self._clock = clock
        self._remembered: dict[str, Credential] = {}
        self._unknown: dict[str, float] = {}             # until when
        self._under_way: dict[str, asyncio.Task[Credential | None]] = {}
        self._generation = 0
        self._listening = Listening(transport, self._changed)

    def close(self) -> None:
        self._listening.close()

    def known(self, access_key: str) -> Credential | None:
        return self._remembered.get(access_key) or self._static.settled(access_key)

    async def find(self, access_key: str) -> Credential | None:
        """One question at a time for one key."""
        if self._unknown.get(access_key, 0.0) > self._clock() or access_key == ANONYMOUS or not is_token(access_key):
            return None
        task = self._under_way.get(access_key)
        if task is None:
            task = self._under_way[access_key] = asyncio.get_running_loop().create_task(self._find(access_key))
            task.add_done_callback(lambda done: self._found(access_key, done))
        return await asyncio.shield(task)

    def _found(self, access_key: str, task: asyncio.Task[Credential | None]) -> None:
        self._under_way.pop(access_key, None)
        if not task.cancelled():
            task.exception()                             # whoever waited has it; nobody may be left

    async def _find(self, access_key: str) -> Credential | None:
        for _ in range(ASKS_LIMIT):
            generation = self._generation
            answer = await ask(self._transport, "credential", {"access_key": access_key}, ASK_LIMIT_S)
            found = self._read(access_key, answer)
            if generation == self._generation:
                self._remember(access_key, found)
                break
        return found

    def _read(self, access_key: str, answer: dict[str, Any]) -> Credential | None:
        if answer.get("unknown"):
            return self._static.stranger(access_key)
        if answer.get("refused"):
            return None
        return Credential(access_key, answer["account"], answer["secret"], answer.get("token", ""),
                          answer.get("expires", inf), static=False, bearer=answer.get("bearer", False))

    def _remember(self, access_key: str, found: Credential | None) -> None:
        memory: dict[str, Any] = self._unknown if found is None else self._remembered
        if len(memory) >= REMEMBERED_LIMIT:
            for oldest in list(memory)[:REMEMBERED_LIMIT // 8]:
                del memory[oldest]
        memory[access_key] = self._clock() + UNKNOWN_FOR_S if found is None else found

    def _changed(self, account: str) -> None:
        """Also what was unknown may be known now."""
        self._generation += 1
        self._unknown.clear()
        for key in [key for key, each in self._remembered.items() if not account or each.static
                    or each.account == account]:
            del self._remembered[key]
