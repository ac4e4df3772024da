"""nats-server's configuration, generated: who may publish and subscribe where. Pure functions; deploy/ writes the file.

The boundary is this table: an actor believes a request's subject because only its owner may publish there, and a reply
because only its asker may hear it. Behaviour of the server: https://docs.nats.io/running-a-nats-service/configuration
(authorization, allow_responses); tests/bus/test_permissions.py holds it against a real one.
"""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bus.subjects import DIRECT, GATEWAY, INBOX, SERVICE, inbox_prefix, is_token

MAX_PAYLOAD_BYTES = 1024 * 1024           # envelopes are at most 256 KiB, chunks 128 KiB
MAX_PENDING_BYTES = 64 * 1024 * 1024      # for one slow connection, which is then closed
MAX_CONNECTIONS = 1024
MAX_SUBSCRIPTIONS = 65_536                # of one connection: 256 slots a service, and everything else
WRITE_DEADLINE_S = 5
PASSWORD_BYTES = 32
# A direct publisher may answer what it is asked: one chunk a pull, and up to RESPONSES_LIMIT pulls for a large reply
# (64 MiB in chunks of 128 KiB, each asked for up to 4 times).
RESPONSES_LIMIT = 2_049
RESPONSES_EXPIRE_S = 120

GATEWAY_USER, ACTORS_USER, ADMIN_USER, MODELS_USER = "gateway", "actors", "admin", "models"
WARDEN_USER = "warden"                    # of the system account: ends connections, nothing else
ACCOUNT = "SKYBUS"                        # of NATS, where all of ours are
_ACTORS_INBOXES = f"{INBOX}.{ACTORS_USER}.>"         # pulls of large replies, answers to pulls of large requests


@dataclass(frozen=True, slots=True)
class User:
    """A user of the broker. Subjects as NATS writes them; `responses`: may answer what is sent to it."""

    name: str
    password: str
    publish: tuple[str, ...]
    subscribe: tuple[str, ...]
    responses: bool = False


@dataclass(frozen=True, slots=True)
class BrokerSettings:
    """`port` -1: the server picks one and writes it into `<ports_folder>/nats-server_<pid>.ports`."""

    users: tuple[User, ...]
    port: int = -1
    host: str = "127.0.0.1"
    ports_folder: Path | None = None
    pid_file: Path | None = None
    log_file: Path | None = None
    log_limit_bytes: int = 8 * 1024 * 1024
    name: str = "skybus"
    issuer: str = ""                      # public account key of who is asked about unknown users; "": they are refused
    warden: User | None = None

    @property
    def names(self) -> list[str]:
        """Of everyone the configuration knows."""
        return [user.name for user in (*self.users, *([self.warden] if self.warden else []))]


def new_password() -> str:
    """Unguessable; the file it goes into has mode 0600."""
    return os.urandom(PASSWORD_BYTES).hex()            # `secrets` would bring hashlib and OpenSSL into the supervisor


def process_inbox(user: str) -> str:
    """The inbox prefix of our own processes, for open_connection: `_INBOX.gateway.`. No account is named so."""
    return f"{INBOX}.{user}."


def _asked(*verbs: str) -> tuple[str, ...]:
    """What our processes ask and tell each other: bus/system.py."""
    return tuple(f"sys.{verb}" for verb in verbs)


def gateway(password: str) -> User:
    """Publishes for everyone it has authenticated, through its own door only; hears its own replies only. Of sys.… it
    asks what it needs, and answers for its metrics."""
    return User(
        GATEWAY_USER, password,
        publish=(
            f"aws.{GATEWAY}.*.*.*.*.*",
            *_asked("health", "reset", "metrics", "credential", "bucket", "files"), _ACTORS_INBOXES,
            f"{process_inbox(GATEWAY_USER)}>", f"{process_inbox(ADMIN_USER)}>",
        ),
        subscribe=(f"{process_inbox(GATEWAY_USER)}>", *_asked("metrics", "arrived", "identities")),
    )


def actors(password: str) -> User:
    """Answers all requests, asks others through the services' door, forwards under the asker's principal."""
    return User(
        ACTORS_USER, password,
        publish=("aws.>", "evt.>", "sys.>", f"{INBOX}.>", "$SYS._INBOX.>"),
        subscribe=("aws.>", "evt.>", "sys.>", "$SRV.>", "$SYS.REQ.USER.AUTH", _ACTORS_INBOXES),
    )


def models(password: str) -> User:
    """A model host answers our services, and pulls what is too large for a message; it can ask nobody anything."""
    return User(
        MODELS_USER, password,
        publish=(_ACTORS_INBOXES, f"{process_inbox(GATEWAY_USER)}>", f"{process_inbox(ADMIN_USER)}>"),
        subscribe=(f"aws.{SERVICE}.*.*.model.*.*", *_asked("metrics"), f"{process_inbox(MODELS_USER)}>"),
    )


def admin(password: str) -> User:
    """`skybus status` and `skybus call`: asks through any door, hears its own replies."""
    return User(
        ADMIN_USER, password,
        publish=("aws.*.*.*.*.*.*", "sys.>", "$SRV.>", _ACTORS_INBOXES),
        subscribe=(f"{process_inbox(ADMIN_USER)}>", "evt.>", "sys.>"),
    )


def warden(password: str) -> User:
    return User(
        WARDEN_USER, password, publish=("$SYS.REQ.SERVER.*.KICK",), subscribe=(f"{process_inbox(WARDEN_USER)}>",))


def direct_publisher(account: str, access_key: str, password: str) -> User:
    """Anyone else: speaks only under its own access key, hears only its own inbox. ValueError: no account, no token."""
    if not (len(account) == 12 and account.isascii() and account.isdigit()):
        raise ValueError(f"an account is 12 digits, not {account!r}")
    if not is_token(access_key):
        raise ValueError(f"cannot stand in a subject: {access_key!r}")
    return User(
        access_key, password,
        publish=(f"aws.{DIRECT}.{account}.{access_key}.*.*.*",),
        subscribe=(f"{inbox_prefix(account, access_key)}>",),
        responses=True,
    )


def server_config(settings: BrokerSettings) -> str:
    """The text of nats-server's configuration file. Holds passwords: mode 0600. ValueError for two users of a name."""
    if len(set(settings.names)) != len(settings.names):
        raise ValueError("two users of one name")
    lines = [
        f"server_name: {_quoted(settings.name)}",
        f"listen: {_quoted(f'{settings.host}:{settings.port}')}",
        f"max_payload: {MAX_PAYLOAD_BYTES}",
        f"max_pending: {MAX_PENDING_BYTES}",
        f"max_connections: {MAX_CONNECTIONS}",
        f"max_subscriptions: {MAX_SUBSCRIPTIONS}",
        f'write_deadline: "{WRITE_DEADLINE_S}s"',
        *_files(settings),
        *_accounts(settings),
    ]
    return "\n".join(lines) + "\n"


def _files(settings: BrokerSettings) -> Iterable[str]:
    if settings.ports_folder is not None:
        yield f"ports_file_dir: {_quoted(str(settings.ports_folder))}"
    if settings.pid_file is not None:
        yield f"pid_file: {_quoted(str(settings.pid_file))}"
    if settings.log_file is not None:
        yield f"log_file: {_quoted(str(settings.log_file))}"
        yield f"log_size_limit: {settings.log_limit_bytes}"
        yield "log_max_num: 2"


def _accounts(settings: BrokerSettings) -> Iterable[str]:
    """One account for all of ours; the system account has the warden at most."""
    yield "accounts {"
    yield "  SYS { users: ["
    yield from _users([settings.warden] if settings.warden else [])
    yield "  ] }"
    yield f"  {ACCOUNT} {{"
    yield "    users: ["
    yield from _users(settings.users)
    yield "    ]"
    yield "  }"
    yield "}"
    yield "system_account: SYS"
    if settings.issuer:
        yield "authorization { auth_callout {"
        yield f"  issuer: {_quoted(settings.issuer)}, account: {ACCOUNT}, auth_users: {_listed(settings.names)}"
        yield "} }"


def _users(users: Iterable[User]) -> Iterable[str]:
    for user in users:
        yield f"      {{ user: {_quoted(user.name)}, password: {_quoted(user.password)}, permissions: {{"
        yield f"        publish: {{ allow: {_listed(user.publish)} }}"
        yield f"        subscribe: {{ allow: {_listed(user.subscribe)} }}"
        if user.responses:
            yield f'        allow_responses: {{ max: {RESPONSES_LIMIT}, expires: "{RESPONSES_EXPIRE_S}s" }}'
        yield "      } }"


def _listed(subjects: Iterable[str]) -> str:
    return "[" + ", ".join(map(_quoted, subjects)) + "]"


def _quoted(text: str) -> str:
    """A string of nats-server's configuration language; JSON's quoting is understood for what we write."""
    assert text.isprintable(), "paths and names are printable"
    return json.dumps(text, ensure_ascii=False)
