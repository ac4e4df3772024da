"""Who is let onto the bus as a direct publisher: AWS's credentials are the broker's (bus/doorkeeper.py)."""

import asyncio
from collections.abc import Callable
from hashlib import sha256
from hmac import compare_digest
from math import inf
from typing import Any

import structlog

from bus.connection import open_connection
from bus.doorkeeper import Connection, Doorkeeper, Grant, kick_subject
from bus.subjects import is_token
from bus.transport import BusError, Transport
from deploy.broker import WARDEN, Run
from schemas.envelope import ANONYMOUS

KICK_WAIT_S = 5.0
KICKS_LIMIT = 64                          # under way; those beyond it end with their session, and are refused meanwhile

Answer = Callable[[dict[str, Any]], dict[str, Any]]

log = structlog.get_logger()


class Admission:
    """`credential` is IAM's answer to that question (bus/system.py); None: there is no IAM. Open mode means here what
    it means at the gateway: a key nobody knows is root of the default account, twelve digits of theirs."""

    def __init__(self, transport: Transport, run: Run, credential: Answer | None) -> None:
        self._run = run
        self._access = run.config.access
        self._credential = credential
        self._kicks: set[asyncio.Task[None]] = set()
        self._keeper = Doorkeeper(transport, bytes.fromhex(run.issuer), self._prove, self._still_good, self._kick)
        self.look_again = self._keeper.look_again

    def close(self) -> None:
        self._keeper.close()
        for task in self._kicks:
            task.cancel()

    def _prove(self, access_key: str, password: str) -> Grant | None:
        access = self._access
        if not is_token(access_key) or access_key == ANONYMOUS:
            return None
        if access_key == access.root_access_key:
            return Grant(access.account_id) if _same(password, access.root_secret_key) else None
        known = self._ask(access_key)
        if known.get("unknown"):
            account = access_key if len(access_key) == 12 and access_key.isdigit() else access.account_id
            return Grant(account) if access.auth == "open" else None
        if known.get("refused") or known.get("bearer"):
            return None
        secret, _, token = password.partition(":")
        expected = known.get("token", "")
        given = sha256(token.encode()).hexdigest() if expected else token
        good = _same(secret, known["secret"]) and _same(given, expected)
        return Grant(known["account"], known.get("expires", inf)) if good else None

    def _still_good(self, access_key: str) -> bool:
        if access_key == self._access.root_access_key:
            return True
        known = self._ask(access_key)
        return self._access.auth == "open" if known.get("unknown") else not known.get("refused")

    def _ask(self, access_key: str) -> dict[str, Any]:
        return {"unknown": True} if self._credential is None else self._credential({"access_key": access_key})

    def _kick(self, connection: Connection) -> None:
        if len(self._kicks) < KICKS_LIMIT:
            task = asyncio.get_running_loop().create_task(self._end(connection))
            self._kicks.add(task)
            task.add_done_callback(self._kicks.discard)

    async def _end(self, connection: Connection) -> None:
        """On a connection of the broker's system account, made for it: it is rare, and nothing else may be there."""
        user = self._run.users[WARDEN]
        try:
            warden = await open_connection(
                self._run.url, user.user, user.password, user.inbox_prefix, "skybus-warden", wait_s=KICK_WAIT_S)
            try:
                question = b'{"cid": %d}' % connection.client      # a message without reply is not obeyed
                await warden.request(kick_subject(connection), question, KICK_WAIT_S)
            finally:
                await warden.close()
        except BusError as error:
            log.warning("publisher_not_disconnected", client=connection.client, error=str(error))


def _same(one: str, other: str) -> bool:
    return compare_digest(one.encode("utf-8", "surrogateescape"), other.encode())
