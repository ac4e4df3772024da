"""botocore's service models as compact Service, Operation and Shape objects: the front of schemas/{shapes,compile,
cache,index}.py.

Compiled once per botocore version into a cache beside the environment, loaded lazily per service; botocore itself is
never imported. `python -m schemas.models --build [--all]` fills the cache at install.
"""

import sys
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from schemas import cache as _cache
from schemas.compile import answered_protocols, compact, materialise
from schemas.index import Entry, Index, from_rows, row
from schemas.shapes import NO_TRAITS, ErrorShape, Member, Operation, Service, Shape, UnknownService

_INDEX = "_index"


def compile_service(name: str, description: Mapping[str, Any]) -> Service:
    """From the JSON of botocore's service-2.json. Pure; used by the wire checks."""
    return materialise(name, compact(description))


@cache
def load(name: str) -> Service:
    """The service's latest model, remembered for the life of the process. UnknownService."""
    return materialise(name, _cache.read_compact(name))


def names() -> tuple[str, ...]:
    """Every service there is a model of, in order."""
    return tuple(index().entries)


@cache
def index() -> Index:
    """All services, without their models. Built on first use where the install did not (some 5 s)."""
    return from_rows(_cache.stored(_INDEX, lambda: build(every_model=False)))


def build(every_model: bool, progress: Callable[[int, int, str], None] | None = None) -> tuple[tuple[Any, ...], ...]:
    """Write the index, and with `every_model` each service's model too. Returns the index's rows."""
    rows = []
    services = list(_cache.service_names())
    for done, name in enumerate(services, 1):
        parts = compact(_cache.read_description(name))
        rows.append(row(name, parts, answered_protocols(parts.metadata)))
        if every_model:
            _cache.store(name, tuple(parts))
        if progress is not None:
            progress(done, len(services), name)
    _cache.store(_INDEX, tuple(rows))
    return tuple(rows)


def _show(done: int, total: int, name: str) -> None:
    end = "\n" if done == total else ""
    sys.stderr.write(f"\r\x1b[Kcompiling service models {done}/{total} {name}{end}")
    sys.stderr.flush()


def main() -> None:
    import argparse

    asks = argparse.ArgumentParser(prog="python -m schemas.models", description="Compile botocore's service models.")
    asks.add_argument("--build", action="store_true", required=True, help="the index of all services")
    asks.add_argument("--all", action="store_true", help="and every service's model")
    asks.add_argument("services", nargs="*", help="and these services' models")
    given = asks.parse_args()
    build(given.all, _show if sys.stderr.isatty() else None)
    for name in given.services:
        load(name)


__all__ = [
    "NO_TRAITS", "Entry", "ErrorShape", "Index", "Member", "Operation", "Service", "Shape", "UnknownService", "build",
    "compile_service", "index", "load", "names",
]

if __name__ == "__main__":
    main()
