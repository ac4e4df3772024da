"""Servers side by side, measured in turn: what a shared machine does to one of them it does to all."""

import tempfile
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from statistics import median

from tests import servers
from tests.load import wrk

Row = dict[str, object]
Requests = Callable[[str], Iterator[bytes]]        # of a host


@contextmanager
def contenders(skybus: AbstractContextManager[servers.Server], options: Namespace) -> Iterator[list[servers.Server]]:
    """Skybus, and the peers of `options.peers` unless it is the `only` one, all running."""
    with ExitStack() as running:
        started = [running.enter_context(skybus)]
        if not options.only:
            folder = servers.peers_folder(options.peers)
            started += [running.enter_context(peer(folder)) for peer in (servers.moto, servers.ministack)]
        yield started


def in_turns(
    all_: Sequence[servers.Server], work: Mapping[str, Requests], options: Namespace
) -> tuple[list[Row], list[Row]]:
    """Each operation at each of `options.connections`, for `options.seconds` in each of `options.rounds`: of every
    server the round in its middle, and how many times the others the first one was, round by round."""
    rows: list[Row] = []
    ratios: list[Row] = []
    with tempfile.TemporaryDirectory() as scratch:
        for operation, requests in work.items():
            paths = {server.name: Path(scratch) / f"{operation}-{server.name}" for server in all_}
            for server in all_:
                wrk.write_requests(paths[server.name], requests(f"127.0.0.1:{server.port}"))
            for connections in options.connections:
                rounds = [
                    [measure(server, operation, paths[server.name], connections, options.seconds)
                     for server in all_] for _ in range(options.rounds)]
                runs = list(zip(*rounds, strict=True))
                rows += [sorted(each, key=_rate)[len(each) // 2] for each in runs]
                ratios += [_beside(runs[0], other) for other in runs[1:]]
    return rows, ratios


def measure(server: servers.Server, operation: str, requests: Path, connections: int, seconds: int) -> Row:
    wrk.run(server.endpoint, requests, connections, 1)
    before = server.cpu_seconds()
    result = wrk.run(server.endpoint, requests, connections, seconds)
    after = server.cpu_seconds()
    spent = {name: (after[name] - before.get(name, 0)) / max(result.requests, 1) * 1e6 for name in after}
    return {
        "server": server.name, "operation": operation, "connections": connections,
        "req/s": round(result.per_second, 0 if result.per_second >= 100 else 2),
        "p50 ms": result.p50_ms, "p99 ms": result.p99_ms, "errors": result.bad_status + result.broken,
        "cpu us/request": " ".join(f"{name}={us:.0f}" for name, us in spent.items() if us >= 1),
    }


def ratios(rows: Sequence[Row]) -> list[Row]:
    """How many times the others Skybus was, of one row for each."""
    rate = {(row["server"], row["operation"], row["connections"]): _rate(row) for row in rows}
    return [
        {"operation": operation, "connections": connections, "to": peer,
         "times": rate["skybus", operation, connections] / answered}
        for (peer, operation, connections), answered in rate.items() if peer != "skybus" and answered
    ]


def _beside(ours: Sequence[Row], theirs: Sequence[Row]) -> Row:
    times = [_rate(our) / _rate(their) for our, their in zip(ours, theirs, strict=True) if _rate(their)]
    return {"operation": ours[0]["operation"], "connections": ours[0]["connections"], "to": theirs[0]["server"],
            "times": median(times) if times else float("inf"), "rounds": " ".join(f"{each:.2f}" for each in times)}


def _rate(row: Row) -> float:
    return float(str(row["req/s"]))
