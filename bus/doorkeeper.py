"""Lets direct publishers onto the bus: the broker asks who someone is (auth callout), the answer is what they may do.

A connecting client names an access key as its user; its password is the key's secret, for a session "<secret>:<session
token>". It gets the permissions of permissions.direct_publisher and nothing else, until the session ends. Our own users
stand in the broker's configuration and are not asked about. Source of the forms:
https://docs.nats.io/running-a-nats-service/configuration/securing_nats/auth_callout.
"""

import json
import secrets
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable
from math import inf
from typing import Any, NamedTuple

import structlog

from bus import permissions
from bus.nkeys import Issuer
from bus.transport import BusError, Message, Transport

CALLOUT = "$SYS.REQ.USER.AUTH"
QUEUE = "doorkeeper"
REFUSED = "Authorization Violation"
CONNECTIONS_REMEMBERED = 4 * permissions.MAX_CONNECTIONS

log = structlog.get_logger()


class Grant(NamedTuple):
    account: str
    expires: float = inf                  # seconds since the epoch


class Connection(NamedTuple):
    server: str
    client: int


Prove = Callable[[str, str], Grant | None]        # by access key and password
StillGood = Callable[[str], bool]                 # by access key
Kick = Callable[[Connection], None]


class Doorkeeper:
    """`seed`: of the account key that the broker's configuration names as issuer. `kick` ends a connection, now or
    soon."""

    def __init__(
        self, transport: Transport, seed: bytes, prove: Prove, still_good: StillGood, kick: Kick,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._transport = transport
        self._seed = seed
        self._issuer: Issuer | None = None
        self._prove = prove
        self._still_good = still_good
        self._kick = kick
        self._clock = clock
        self._inside: dict[Connection, tuple[str, str]] = {}       # account, access key
        self._subscription = transport.subscribe(CALLOUT, self._asked, QUEUE)

    def close(self) -> None:
        self._subscription.close()

    def look_again(self, account: str = "") -> None:
        """Something about an account's keys ("": all) has changed: whose key is no good any more has to go."""
        for connection, (of, access_key) in list(self._inside.items()):
            if (not account or of == account) and not self._still_good(access_key):
                del self._inside[connection]
                log.info("publisher_disconnected", access_key=access_key)
                self._kick(connection)

    def _asked(self, message: Message) -> None:
        try:
            claims = _claims(message.data)
            question = claims["nats"]
            answer = self._answer(question)
            self._transport.publish(message.reply, answer.encode())
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning("callout_malformed", error=f"{type(error).__name__}: {error}")
        except BusError as error:
            log.warning("callout_answer_lost", error=str(error))

    def _answer(self, question: dict[str, Any]) -> str:
        self._issuer = self._issuer or Issuer(self._seed)
        server, client = question["server_id"]["id"], question["client_info"]["id"]
        options = question["connect_opts"]
        access_key, password = options.get("user") or "", options.get("pass") or ""
        grant = self._prove(access_key, password)
        result: dict[str, Any] = {"error": REFUSED}
        if grant is not None and grant.expires > self._clock():
            result = {"jwt": self._issuer.token(self._user(question["user_nkey"], access_key, grant))}
            self._remember(Connection(server, client), grant.account, access_key)
        return self._issuer.token({
            "aud": server, "sub": question["user_nkey"], "iat": int(self._clock()), "jti": secrets.token_hex(16),
            "nats": {**result, "type": "authorization_response", "version": 2},
        })

    def _user(self, user_key: str, access_key: str, grant: Grant) -> dict[str, Any]:
        user = permissions.direct_publisher(grant.account, access_key, "")
        claims = {
            "aud": permissions.ACCOUNT, "sub": user_key, "name": access_key, "iat": int(self._clock()),
            "jti": secrets.token_hex(16), "nats": {
                "pub": {"allow": list(user.publish)}, "sub": {"allow": list(user.subscribe)},
                "resp": {"max": permissions.RESPONSES_LIMIT, "ttl": permissions.RESPONSES_EXPIRE_S * 10**9},
                "subs": -1, "data": -1, "payload": -1, "type": "user", "version": 2,
            },
        }
        return claims if grant.expires == inf else {**claims, "exp": int(grant.expires)}

    def _remember(self, connection: Connection, account: str, access_key: str) -> None:
        """Who is not remembered any more is sent away, since nobody could do so later; whose key has many connections,
        before others."""
        if len(self._inside) >= CONNECTIONS_REMEMBERED:
            own = (known for known, who in self._inside.items() if who[1] == access_key)
            gone = next(own, None) or next(iter(self._inside))
            del self._inside[gone]
            self._kick(gone)
        self._inside[connection] = account, access_key


def kick_subject(connection: Connection) -> str:
    """On the system account: {"cid": client} ends that connection."""
    return f"$SYS.REQ.SERVER.{connection.server}.KICK"


def _claims(token: bytes) -> dict[str, Any]:
    """Of the broker's question. Only the broker can ask it: nobody else may publish on $SYS."""
    part = token.split(b".")[1]
    claims: dict[str, Any] = json.loads(urlsafe_b64decode(part + b"=" * (-len(part) % 4)))
    return claims
