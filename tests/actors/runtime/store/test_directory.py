"""Which directories are served, and by whom: store/directory.py's fence, format and durability rules."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from actors.runtime.store.directory import FORMAT, FORMAT_FILE
from actors.runtime.store.environment import Durability, Environment
from actors.runtime.store.errors import DataTooNew, NotDurable, ShardInUse, StoreError

OPEN_AND_WAIT = """
import sys
from actors.runtime.store.environment import Environment
environment = Environment(sys.argv[1])
print("open", flush=True)
sys.stdin.read()
"""


# One process per directory: a second one is refused and told whose it is; when the first is killed, nothing is in the
# way.
def test_another_process_is_refused(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", OPEN_AND_WAIT, str(tmp_path)], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE)
    assert child.stdin is not None
    assert child.stdout is not None
    with child:
        assert child.stdout.readline() == b"open\n"
        with pytest.raises(ShardInUse, match=f"process {child.pid}"):
            Environment(tmp_path)
        child.kill()
    Environment(tmp_path).close()


def test_the_same_process_is_refused_too(tmp_path: Path) -> None:
    environment = Environment(tmp_path)
    with pytest.raises(ShardInUse, match=f"process {os.getpid()}"):
        Environment(tmp_path)
    environment.close()
    Environment(tmp_path).close()


# A data directory newer than the program is refused with a clear message; what is not ours likewise.
def test_newer_data_is_refused(tmp_path: Path) -> None:
    Environment(tmp_path).close()
    (tmp_path / FORMAT_FILE).write_text(json.dumps({"format": FORMAT + 1}))
    with pytest.raises(DataTooNew, match="newer version"):
        Environment(tmp_path)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": "x"}', "\xff"])
def test_an_unreadable_format_is_refused(tmp_path: Path, content: str) -> None:
    Environment(tmp_path).close()
    (tmp_path / FORMAT_FILE).write_text(content, "latin-1")
    with pytest.raises(StoreError, match="not readable"):
        Environment(tmp_path)


def test_data_without_a_format_is_refused(tmp_path: Path) -> None:
    Environment(tmp_path).close()
    (tmp_path / FORMAT_FILE).unlink()
    with pytest.raises(StoreError, match="not a directory of ours"):
        Environment(tmp_path)


def test_damaged_data_is_refused(tmp_path: Path) -> None:
    Environment(tmp_path).close()
    (tmp_path / "data.mdb").write_bytes(b"\x01" * 8192)
    with pytest.raises(StoreError, match="cannot be opened"):
        Environment(tmp_path)


# durability = os: killed processes lose nothing (the next open is of the same boot), another boot is refused; a clean
# close syncs, so that any boot may open. Boots are simulated: the id is a parameter.
def test_unsynced_data_is_refused_after_a_reboot(tmp_path: Path) -> None:
    def open_at(boot: str, durability: Durability) -> Environment:
        return Environment(tmp_path, durability=durability, boot=boot)

    def killed(environment: Environment) -> None:
        environment._lmdb.close()
        environment._fence.close()

    killed(open_at("monday", Durability.OS))
    for durability in Durability:
        with pytest.raises(NotDurable, match="operating system has restarted"):
            open_at("tuesday", durability)
    killed(open_at("monday", Durability.OS))
    open_at("monday", Durability.OS).close()
    killed(open_at("tuesday", Durability.OS))
    killed(open_at("tuesday", Durability.FSYNC))       # synced what it found
    open_at("wednesday", Durability.FSYNC).close()


# Where the operating system does not tell its boots apart, an unclean end is not trusted.
def test_an_unknown_boot_is_not_trusted(tmp_path: Path) -> None:
    environment = Environment(tmp_path, durability=Durability.OS, boot="")
    environment._lmdb.close()
    environment._fence.close()
    with pytest.raises(NotDurable):
        Environment(tmp_path, boot="")


# Little address space (a container's limit) is settled for.
def test_limited_address_space(tmp_path: Path) -> None:
    program = (
        "import resource, sys\n"
        "from actors.runtime.store.environment import Environment\n"
        "resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))\n"
        "environment = Environment(sys.argv[1])\n"
        "environment.apply({b'\\x01k': b'v'})\n"
        "assert environment.begin().get(b'\\x01k') == b'v'\n"
        "print(environment.stats()['map_size'])\n"
    )
    ended = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True)
    assert 0 < int(ended.stdout) < 2 << 30
