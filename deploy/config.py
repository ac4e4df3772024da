"""Every setting: one tree of frozen dataclasses, read once. defaults < TOML file < environment < flags.

A setting has one name: `bus_port` here and in the TOML file, `SKYBUS_BUS_PORT` in the environment, `--bus-port` as a
flag. Names are unique across the tree, so the file is flat. This module is the only reader of os.environ.
deploy/README.md holds the table that `python -m deploy.config` prints; a test compares them.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple

from deploy.failures import UsageError

PREFIX = "SKYBUS_"
LOOPBACK = ("127.0.0.1", "::1", "localhost")
DEFAULT_SECRET = "test"  # noqa: S105 - what every AWS emulator's documentation tells people to use

BUS_USERS = ("gateway", "actors", "admin", "models", "warden", "root")    # names our own have at the broker
MIB = 1024 * 1024


def setting(
    default: Any,
    about: str,
    *,
    env: str = "",
    choices: tuple[str, ...] = (),
    span: tuple[int, int] = (0, 2**31),
    shown: str = "",
    secret: bool = False,
) -> Any:
    """A dataclass field. `env` replaces SKYBUS_<NAME>; `span` bounds a number, both ends in; `shown` is the default in
    words where the value alone would not say it; a `secret` is never printed."""
    metadata = {"about": about, "env": env, "choices": choices, "span": span, "shown": shown, "secret": secret}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True)
class Storage:
    """Where state lives and how surely."""

    data_dir: Path = setting(
        Path(), "directory of all state, logs and run files", shown="$XDG_DATA_HOME/skybus, else ~/.local/share/skybus"
    )
    durability: str = setting(
        "fsync", "fsync: survives power loss; os: survives kill -9 of ours, not of the OS", choices=("fsync", "os")
    )
    ephemeral: bool = setting(False, "forget all state at stop (implies durability os)")

    @property
    def state_dir(self) -> Path:
        """Where the shards are. What is ephemeral lies apart, so that it never meets what is not."""
        return self.data_dir / ("ephemeral" if self.ephemeral else "state")

    @property
    def run_dir(self) -> Path:
        return self.data_dir / "run"

    @property
    def log_dir(self) -> Path:
        return self.data_dir / "logs"


@dataclass(frozen=True, slots=True)
class Front:
    """The HTTP side."""

    host: str = setting("127.0.0.1", "address to listen on; another than loopback needs auth = strict")
    hosts: tuple[str, ...] = setting(
        (), "further host names under which auth = open answers, each with all below it, comma-separated", shown="none"
    )
    port: int = setting(4566, "port to listen on; 0: any free one", span=(0, 65535))
    gateways: int = setting(1, "gateway processes, which share the port", span=(1, 64))
    max_in_flight: int = setting(
        1024, "requests a gateway has under way before it answers 503 at once", span=(1, 65536)
    )
    body_limit_bytes: int = setting(
        64 * MIB, "largest request body that is no streaming upload", span=(1024, 1024 * MIB)
    )


@dataclass(frozen=True, slots=True)
class Broker:
    """The bus."""

    bus_port: int = setting(4222, "port of our own nats-server, loopback only; 0: any free one", span=(0, 65535))
    nats_url: str = setting(
        "", "an external broker (nats://user:password@host:port) instead of our own", shown="our own", secret=True
    )
    nats_server: str = setting(
        "", "path of the nats-server program", shown="the one installed with Skybus, else on PATH"
    )


@dataclass(frozen=True, slots=True)
class Access:
    """Who may come in."""

    auth: str = setting(
        "open", "open: unknown access keys are root of the default account; strict: refused", choices=("open", "strict")
    )
    dry_run: bool = setting(False, "log what policies would deny (`would_deny`) instead of denying it")
    root_access_key: str = setting("test", "access key of the root user")
    root_secret_key: str = setting(
        "", "secret key of the root user", shown="`test`; with auth = strict generated at first start", secret=True
    )
    account_id: str = setting("000000000000", "the default account, 12 digits")
    region: str = setting("us-east-1", "the region of requests that name none")


@dataclass(frozen=True, slots=True)
class Actors:
    """What runs."""

    services: tuple[str, ...] = setting((), "services to run, by AWS's names, comma-separated", shown="all there are")
    shards: tuple[str, ...] = setting(
        (), "shards of a service, each with an actor process of its own, e.g. dynamodb=3; said once, when there is no "
        "data yet", shown="as the data directory has, 1 in a new one"
    )
    throttle_provisioned: bool = setting(
        False, "DynamoDB refuses what exceeds a table's provisioned or maximum on-demand throughput, as AWS does"
    )


@dataclass(frozen=True, slots=True)
class Inference:
    """Models."""

    models: str = setting("", "TOML file of the models there are (actors/runtime/inference/README.md)",
                          shown="the built-in ones alone")
    model_memory_bytes: int = setting(
        0, "memory that all loaded models may take together", span=(0, 2**50), shown="half of the machine's"
    )
    ray: bool = setting(False, "models that need a GPU run in Ray actors (extra `ray`), others in processes of ours")
    ray_address: str = setting("", "a Ray cluster to use for them", shown="one of our own, on this machine")


@dataclass(frozen=True, slots=True)
class Observing:
    """Logs, metrics, traces."""

    log_format: str = setting("json", "format of our own log lines", choices=("json", "console"))
    log_level: str = setting("info", "least level that is logged", choices=("debug", "info", "warning", "error"))
    log_file_bytes: int = setting(
        10 * MIB, "a log file is rotated at this size", span=(64 * 1024, 1024 * MIB)
    )
    log_files: int = setting(3, "log files kept per process, the current one included", span=(1, 100))
    otlp_endpoint: str = setting(
        "", "OTLP/HTTP collector for traces and metrics",
        env="OTEL_EXPORTER_OTLP_ENDPOINT", shown="none",
    )


@dataclass(frozen=True, slots=True)
class Config:
    """The whole tree, handed down through constructors."""

    storage: Storage = field(default_factory=Storage)
    front: Front = field(default_factory=Front)
    broker: Broker = field(default_factory=Broker)
    access: Access = field(default_factory=Access)
    actors: Actors = field(default_factory=Actors)
    inference: Inference = field(default_factory=Inference)
    observing: Observing = field(default_factory=Observing)

    @property
    def loopback(self) -> bool:
        return self.front.host in LOOPBACK


GROUPS: dict[str, Any] = {
    "storage": Storage, "front": Front, "broker": Broker, "access": Access, "actors": Actors, "inference": Inference,
    "observing": Observing,
}


class Setting(NamedTuple):
    """One setting as declared above. `kind` is its Python type."""

    name: str
    group: str
    kind: Any
    default: Any
    about: str
    environment: str
    choices: tuple[str, ...]
    span: tuple[int, int]
    shown: str
    secret: bool

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")

    @property
    def default_words(self) -> str:
        return self.shown or (f"`{_text(self.default)}`" if self.default != "" else "none")


def declared() -> Iterator[Setting]:
    """Every setting, in the order above."""
    for group, kind in GROUPS.items():
        for item in fields(kind):
            about = item.metadata
            yield Setting(
                item.name, group, item.type, item.default, about["about"], about["env"] or PREFIX + item.name.upper(),
                about["choices"], about["span"], about["shown"], about["secret"],
            )


def resolve(
    flags: Mapping[str, str], environment: Mapping[str, str], file: Mapping[str, Any], file_name: str = "config file"
) -> Config:
    """The tree from its sources, each by setting name (environment: by variable name). UsageError names the source."""
    chosen: dict[str, dict[str, Any]] = {group: {} for group in GROUPS}
    known = {item.name: item for item in declared()}
    unknown = sorted(set(file) - set(known))
    if unknown:
        raise UsageError(f"{file_name}: there is no setting {unknown[0]!r}.")
    assert set(flags) <= set(known), "the command line offers only declared settings"
    for item in known.values():
        if item.name in flags:
            chosen[item.group][item.name] = _value(item, flags[item.name], item.flag)
        elif environment.get(item.environment):
            chosen[item.group][item.name] = _value(item, environment[item.environment], item.environment)
        elif item.name in file:
            chosen[item.group][item.name] = _value(item, file[item.name], f"{file_name}: {item.name}")
    storage = chosen["storage"]
    storage.setdefault("data_dir", _default_data_dir(environment))
    if storage.get("ephemeral"):
        storage["durability"] = "os"
    config = Config(**{group: kind(**chosen[group]) for group, kind in GROUPS.items()})
    _check(config)
    return config


def read(flags: Mapping[str, str], file: str = "") -> Config:
    """From this process's environment and the TOML file `file`, else the one SKYBUS_CONFIG names, if any."""
    file = file or os.environ.get(PREFIX + "CONFIG", "")
    return resolve(flags, os.environ, _read_file(file) if file else {}, file)


def unknown_variables() -> list[str]:
    """SKYBUS_… variables that are no setting's: probably a slip of the pen, said but not refused, because container
    platforms add such names themselves (SKYBUS_SERVICE_HOST beside a Kubernetes service called skybus)."""
    known = {item.environment for item in declared()} | {PREFIX + "CONFIG"}
    return sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known)


def child_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """For a child that runs our code: this process's environment with `extra`. Not in it is what is meant for us, who
    hand settings and secrets on in run.json, and for AWS's tools."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith((PREFIX, "AWS_"))}
    return {**kept, **extra}


def broker_environment(defaults: Mapping[str, str]) -> dict[str, str]:
    """For nats-server: what Go's runtime reads of this process's environment, in place of `defaults`; nothing else."""
    return {**defaults, **{name: value for name, value in os.environ.items() if name.startswith("GO") or name == "TZ"}}


def set_variables(variables: Mapping[str, str]) -> None:
    """In this process's environment: for a library that takes its settings from there alone."""
    os.environ.update(variables)


def aws_files() -> tuple[Path, Path]:
    """Where AWS's tools read settings and credentials:
    https://docs.aws.amazon.com/sdkref/latest/guide/file-location.html."""
    home = Path(os.environ.get("HOME") or os.path.expanduser("~")) / ".aws"
    return (Path(os.environ.get("AWS_CONFIG_FILE") or home / "config"),
            Path(os.environ.get("AWS_SHARED_CREDENTIALS_FILE") or home / "credentials"))


def search_path() -> list[str]:
    """The directories of PATH."""
    return os.get_exec_path()


def flat(config: Config) -> dict[str, str]:
    """Every setting as text; `resolve(flat(config), {}, {})` is config again."""
    return {item.name: _text(getattr(getattr(config, item.group), item.name)) for item in declared()}


def markdown() -> str:
    """The table in deploy/README.md."""
    lines = ["| setting | environment | flag | default | what it is |", "|---|---|---|---|---|"]
    for item in declared():
        about = f"{item.about} ({' or '.join(item.choices)})" if item.choices else item.about
        lines.append(f"| `{item.name}` | `{item.environment}` | `{item.flag}` | {item.default_words} | {about} |")
    return "\n".join(lines)


def _read_file(name: str) -> dict[str, Any]:
    import tomllib  # only where there is a file: it costs 2 MB

    try:
        with Path(name).open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise UsageError(f"{name}: cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{name}: not TOML: {error}.") from error


def _default_data_dir(environment: Mapping[str, str]) -> Path:
    base = environment.get("XDG_DATA_HOME", "")
    if not base.startswith("/"):          # the XDG specification: a relative path is to be ignored
        base = os.path.join(environment.get("HOME") or os.path.expanduser("~"), ".local/share")
    return Path(base) / "skybus"


_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


def _value(item: Setting, given: Any, source: str) -> Any:
    """`given` (text, or a TOML value) as the setting's type, or UsageError."""
    if isinstance(given, list):
        given = ",".join(map(str, given))
    text = str(given).strip()
    if item.kind is bool:
        if text.lower() not in _TRUE + _FALSE:
            raise UsageError(f"{source}: {text!r} is neither true nor false.")
        return text.lower() in _TRUE
    if item.kind is int:
        return _number(item, text, source)
    if item.kind is Path:
        return Path(text).expanduser().absolute()
    if item.kind == tuple[str, ...]:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if item.choices and text not in item.choices:
        raise UsageError(f"{source}: {text!r} is none of {', '.join(item.choices)}.")
    return text


def _number(item: Setting, text: str, source: str) -> int:
    if not (text.isascii() and text.removeprefix("-").isdigit()) or len(text) > 16:
        raise UsageError(f"{source}: {text!r} is not a whole number.")
    low, high = item.span
    if not low <= int(text) <= high:
        raise UsageError(f"{source}: {text} is not between {low} and {high}.")
    return int(text)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(value) if isinstance(value, tuple) else str(value)


def _check(config: Config) -> None:
    """What no single setting can say. UsageError."""
    access = config.access
    if not config.loopback and access.auth != "strict":
        raise UsageError(
            f"Refusing to listen on {config.front.host} with auth = open, which lets anybody in as root. "
            "Add --auth strict, or listen on 127.0.0.1."
        )
    if not config.loopback and access.root_secret_key == DEFAULT_SECRET:
        raise UsageError(
            f"Refusing to listen on {config.front.host} with the root secret everybody knows. Choose another, or leave "
            "root_secret_key out and one is generated."
        )
    from bus.subjects import ANONYMOUS, is_account, is_token

    if not is_account(access.account_id):
        raise UsageError(f"account_id: {access.account_id!r} is not 12 digits.")
    if not is_token(access.root_access_key) or access.root_access_key in (ANONYMOUS, *BUS_USERS):
        raise UsageError("root_access_key: letters, digits, - and _ only, at most 128 of them, and none of "
                         f"{', '.join((ANONYMOUS, *BUS_USERS))}.")
    if not is_token(access.region):
        raise UsageError(f"region: letters, digits, - and _ only, at most 128 of them, not {access.region!r}.")


if __name__ == "__main__":
    print(markdown())
