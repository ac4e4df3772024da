"""kill -9 under 64 writers loses no acknowledged write, and the service comes back by itself."""

from pathlib import Path

import psutil
import pytest

from tests import servers
from tests.crash.writers import assert_nothing_lost, ledger, pooled_client, stored

KILLS = 3
EXIT_LIMIT_S = 10.0


def victim_of(server: servers.Server, name: str) -> psutil.Process:
    [found] = [process for label, process in server.processes().items() if label.startswith(name)]
    return found


@pytest.mark.parametrize("name", ["actors", "gateway", "nats-server"])
def test_killing_a_child(name: str) -> None:
    with servers.skybus() as server, ledger(server) as writers:
        killed = set()
        for _ in range(KILLS):
            writers.wait_for_progress(200)
            victim = victim_of(server, name)
            assert victim.pid not in killed
            killed.add(victim.pid)
            victim.kill()
        writers.wait_for_progress(500)
        writers.__exit__()
        assert_nothing_lost(pooled_client(server.endpoint), writers.acknowledged)


def test_killing_the_supervisor(tmp_path: Path) -> None:
    """Its children follow it; the next start on the same directory has everything."""
    with servers.skybus(data_dir=tmp_path) as server, ledger(server) as writers:
        writers.wait_for_progress(500)
        children = server.root.children(recursive=True)
        assert len(children) >= 3
        server.root.kill()
        _, alive = psutil.wait_procs(children, timeout=EXIT_LIMIT_S)
        assert not alive, f"orphans: {alive}"
        writers.__exit__()
    with servers.skybus(data_dir=tmp_path) as server:
        assert_nothing_lost(pooled_client(server.endpoint), writers.acknowledged)


def test_hot_backup_under_load(tmp_path: Path) -> None:
    """A backup taken while 64 writers write holds everything acknowledged before it began, and opens."""
    with servers.skybus(data_dir=tmp_path / "data") as server, ledger(server) as writers:
        writers.wait_for_progress(500)
        before = list(writers.acknowledged)
        servers.command("backup", "--data-dir", str(tmp_path / "data"), str(tmp_path / "backup"))
        writers.wait_for_progress(200)
    servers.command("restore", "--data-dir", str(tmp_path / "restored"), str(tmp_path / "backup"))
    with servers.skybus(data_dir=tmp_path / "restored") as server:
        client = pooled_client(server.endpoint)
        for writer, count in enumerate(before):
            numbers = [int(item["number"]["N"]) for item in stored(client, writer)]
            assert numbers == list(range(len(numbers)))
            assert len(numbers) >= count
