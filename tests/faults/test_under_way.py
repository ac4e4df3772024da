"""Requests under way when something happens to whoever should answer, or to whoever asked.

Expected: an actor that is killed costs a 503 that SDKs retry, not a time-out; overload answers
503 at once; a client that goes away cancels; gateways share a port and stand in for each other.
"""

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from urllib.request import urlopen

import psutil
import pytest

from tests import servers
from tests.crash.test_kill import victim_of
from tests.crash.writers import Writers, assert_nothing_lost, ledger, pooled_client
from tests.faults.probing import Wire, once
from tests.gateway.running import dynamodb
from tests.waiting import until

KILLS = 2


def metric(server: servers.Server, name: str, process: str = "gateway-1") -> float:
    with urlopen(f"{server.endpoint}/_skybus/metrics") as answer:
        found = re.findall(rf'^{name}{{process="{process}"[^}}]*}} (\S+)$', answer.read().decode(), re.MULTILINE)
    return sum(map(float, found))


@contextmanager
def frozen(process: psutil.Process) -> Iterator[None]:
    """It neither runs nor is gone: what is asked of it is under way for as long as we like."""
    os.kill(process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process.pid, signal.SIGCONT)


def all_went_on(writers: Writers, before: list[int]) -> bool:
    return all(now > then for now, then in zip(writers.acknowledged, before, strict=True))


# Those that wait for an actor that was killed are told so when the next one begins, every one of the 64.
def test_a_killed_actor_keeps_nobody_waiting() -> None:
    with servers.skybus() as server, ledger(server) as writers:
        for _ in range(KILLS):
            writers.wait_for_progress(200)
            victim = victim_of(server, "actors")
            victim.kill()
            victim.wait()                            # what it acknowledged until then is no sign of the next one
            before = list(writers.acknowledged)
            until(partial(all_went_on, writers, before), "every writer goes on")
        writers.__exit__()
        assert writers.timeouts == 0, "somebody was told nothing"
        assert_nothing_lost(pooled_client(server.endpoint), writers.acknowledged)


# The same for one that hangs in a request of its own and is killed then: exactly these requests get 503.
def test_what_was_under_way_is_told_503() -> None:
    with servers.skybus("--durability", "os") as server:
        actors = victim_of(server, "actors")
        with Wire(server) as first, Wire(server) as second:
            os.kill(actors.pid, signal.SIGSTOP)
            for wire in (first, second):
                wire.send(dynamodb("ListTables"))
            until(lambda: metric(server, "skybus_gateway_in_flight") == 2, "both are under way")
            actors.kill()
            for wire in (first, second):
                heard = wire.answer()
                assert heard is not None
                heard.assert_an_error_of_aws()
                assert (heard.status, heard.headers.get("retry-after")) == (503, "1")


@pytest.fixture(scope="module")
def narrow() -> Iterator[servers.Server]:
    """A gateway that has room for four requests."""
    with servers.skybus("--durability", "os", "--max-in-flight", "4") as server:
        yield server


# The fifth of four is answered 503 at once, in its service's words, while the four still wait; and they are served.
def test_overload(narrow: servers.Server) -> None:
    wires = [Wire(narrow) for _ in range(4)]
    try:
        with frozen(victim_of(narrow, "actors")):
            for wire in wires:
                wire.send(dynamodb("ListTables"))
            until(lambda: metric(narrow, "skybus_gateway_in_flight") == 4, "four are under way")
            heard = once(narrow, dynamodb("ListTables"))
            assert heard is not None
            heard.assert_an_error_of_aws()
            assert (heard.status, heard.headers["retry-after"]) == (503, "1")
            assert metric(narrow, "skybus_gateway_in_flight") == 4
        answers = [wire.answer() for wire in wires]
        assert [heard and heard.status for heard in answers] == [200] * 4
    finally:
        for wire in wires:
            wire.__exit__()


# A client that goes away makes room at once, while its request is still unanswered; the gateway counts it.
def test_a_client_that_goes_away(narrow: servers.Server) -> None:
    before = metric(narrow, "skybus_gateway_disconnects_total")
    with frozen(victim_of(narrow, "actors")):
        for _ in range(3):
            with Wire(narrow) as wire:
                wire.send(dynamodb("ListTables"))
                until(lambda: metric(narrow, "skybus_gateway_in_flight") == 1, "it is under way")
            until(lambda: metric(narrow, "skybus_gateway_in_flight") == 0, "it is not any more")
        assert metric(narrow, "skybus_gateway_disconnects_total") == before + 3
    heard = once(narrow, dynamodb("ListTables"))
    assert heard is not None
    assert heard.status == 200


# Two gateways share the port; when one is killed the other goes on, and it comes back.
def test_gateways_share_the_port() -> None:
    with servers.skybus("--durability", "os", "--gateways", "2") as server:
        def served(process: str) -> float:
            return metric(server, "skybus_request_seconds_count", process)

        def both_serve() -> bool:
            for _ in range(20):                  # the kernel deals connections out
                once(server, dynamodb("ListTables"))
            return served("gateway-1") > 0 and served("gateway-2") > 0

        until(both_serve, "both serve")
        victim = server.processes()["gateway-1"]
        other = server.processes()["gateway-2"]
        client = pooled_client(server.endpoint, attempts=5)
        victim.kill()
        for _ in range(50):
            assert client.list_tables()["TableNames"] == []      # SDKs retry a connection that broke
        until(both_serve, "both serve again")
        assert server.processes()["gateway-2"].pid == other.pid
