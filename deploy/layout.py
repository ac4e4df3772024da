"""How many shards each service has: settled when its first data is written, kept in state/shards.json.

    {"dynamodb": 3}        services that are not named, and every directory without this file, have one

A shard's rows are numbered for that shard alone, so another number cannot be had by moving files: it is refused.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.config import Config
from deploy.failures import CommandError, UsageError
from deploy.instance import write_private
from schemas.routing import DIVISIBLE, Share

FILE = "shards.json"
SHARDS_MAX = 64

Layout = Mapping[str, int]


def settle(config: Config, services: Sequence[str]) -> dict[str, int]:
    """The layout of the data directory, which is ours, after `config` had its say. UsageError for a number that cannot
    be had."""
    directory = config.storage.state_dir
    layout = read(directory)
    settled = dict(layout)
    for service, wanted in _wanted(config.actors.shards).items():
        if service not in services:
            raise UsageError(f"shards: {service!r} is not among the services to be run.")
        there = layout.get(service, 1)
        if wanted != there and (service in layout or _has_data(directory / service)):
            raise UsageError(
                f"{config.storage.data_dir} has {there} {'shard' if there == 1 else 'shards'} of {service}, and "
                f"--shards {service}={wanted} asks for another number, which data that is there cannot be given. Leave "
                "the setting out, or use another --data-dir."
            )
        settled[service] = wanted
    if settled != layout:
        write_private(directory / FILE, dict(sorted(settled.items())))
    return settled


def read(directory: Path) -> dict[str, int]:
    """What stands in a state directory. CommandError when it cannot be read."""
    path = directory / FILE
    try:
        found = json.loads(path.read_bytes())
        layout = {str(service): int(count) for service, count in found.items()}
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, AttributeError) as error:
        raise CommandError(f"{path} cannot be read: {error}.") from error
    if not all(service in DIVISIBLE and 1 <= count <= SHARDS_MAX for service, count in layout.items()):
        raise CommandError(f"{path} names what this program cannot divide: {layout}.")
    return layout


def _wanted(setting: Sequence[str]) -> dict[str, int]:
    """`dynamodb=3`, … UsageError."""
    wanted: dict[str, int] = {}
    for text in setting:
        service, _, count = (part.strip() for part in text.partition("="))
        if not (count.isascii() and count.isdigit()) or not 1 <= int(count[:4]) <= SHARDS_MAX:
            raise UsageError(f"shards: {text!r} is not SERVICE=COUNT with a count of 1 to {SHARDS_MAX}.")
        if DIVISIBLE.get(service) != service:
            divisible = ", ".join(sorted(set(DIVISIBLE.values())))
            raise UsageError(f"shards: {service!r} cannot be divided. What can: {divisible}.")
        wanted[service] = int(count)
    return wanted


def _has_data(directory: Path) -> bool:
    return directory.is_dir() and any(directory.iterdir())


def processes(layout: Layout) -> int:
    """How many actor processes that makes: the first has a shard of every service."""
    return max(layout.values(), default=1)


def shares(layout: Layout, services: Sequence[str], process: int) -> dict[str, Share]:
    """What actor process `process`, from 0, has: by service, also by those that have no shards."""
    counts = {service: layout.get(DIVISIBLE.get(service, ""), 1) for service in services}
    return {service: Share(process, count) for service, count in counts.items() if process < count}
