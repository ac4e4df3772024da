"""The supervisor with real processes: start, restart, orderly stop, and nobody left behind when it is killed itself.

Expected behaviour: the platform issue (restart with backoff, clean SIGTERM, no orphans) and deploy/README.md.
Nothing here sleeps: tests wait for a line, for end-of-file, or for a process's pidfd.
"""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy import control
from deploy.failures import CommandError, NotRunning
from deploy.logs import file_name

ROOT = Path(__file__).resolve().parents[2]
SAY_READY = "import os, signal, sys; os.write(int(sys.argv[1]), b'ready\\n'); "
WAIT = SAY_READY + "signal.pause()"
FOREVER_MS = 60_000                       # a bound for a broken implementation, not a limit of a working one


def child(name: str, code: str, *, order: int = 0, ready_text: str = "", stop_s: float = 30.0) -> list[Any]:
    return [name, [sys.executable, "-S", "-c", code, "{channel}"], order, ready_text, stop_s]


class Scene:
    """A supervisor running a table of children in a directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.process: subprocess.Popen[str] | None = None

    def start(self, *table: list[Any], ready: bool = True) -> "subprocess.Popen[str]":
        (self.directory / "table.json").write_text(json.dumps(table))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.deploy.supervised", str(self.directory)], cwd=ROOT, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        if ready:
            assert self.process.stdout is not None
            assert self.process.stdout.readline() == "Ready.\n", self.end()
        return self.process

    def status(self) -> dict[str, dict[str, Any]]:
        return {row["name"]: row for row in control.ask(self.directory, "status")["processes"]}

    def echoed(self, text: str) -> str:
        """The next echoed line that holds `text`."""
        assert self.process is not None
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if text in line:
                return line
        raise AssertionError(f"the supervisor ended without saying {text!r}")

    def end(self) -> tuple[int, str]:
        """Its exit code, and what it still said on stderr."""
        assert self.process is not None
        _, said = self.process.communicate()
        return self.process.returncode, said


def ended(pidfds: list[int]) -> bool:
    """Have all these processes ended?"""
    for pidfd in pidfds:
        poll = select.poll()
        poll.register(pidfd, select.POLLIN)
        if not poll.poll(FOREVER_MS):
            return False
        os.close(pidfd)
    return True


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(tmp_path)
    yield scene
    if scene.process is not None:
        scene.process.kill()
        scene.process.communicate()


def test_says_ready_and_stops_on_sigterm(scene: Scene) -> None:
    process = scene.start(child("a", WAIT), child("b", "print('up now', flush=True); import signal; signal.pause()",
                                                  ready_text="up now"))
    rows = scene.status()
    assert {row["state"] for row in rows.values()} == {"ready"}
    assert all(row["memory_bytes"] > 0 and row["restarts"] == 0 for row in rows.values())
    pidfds = [os.pidfd_open(row["pid"]) for row in rows.values()]
    process.send_signal(signal.SIGTERM)
    assert scene.end()[0] == 0
    assert ended(pidfds)


def test_what_dies_is_started_again(scene: Scene) -> None:
    scene.start(child("a", WAIT), child("b", WAIT))
    before = scene.status()
    os.kill(before["a"]["pid"], signal.SIGKILL)
    assert "killed by SIGKILL" in scene.echoed("a: ended")
    scene.echoed("a: ready again")
    after = scene.status()
    assert after["a"]["pid"] != before["a"]["pid"]
    assert after["a"]["restarts"] == 1
    assert after["b"] | {"uptime_s": 0, "memory_bytes": 0} == before["b"] | {"uptime_s": 0, "memory_bytes": 0}


def test_kill_of_the_supervisor_leaves_no_orphan(scene: Scene) -> None:
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + WAIT
    process = scene.start(child("a", WAIT), child("deaf", deaf), child("noisy", SAY_READY + "\nwhile True: print('x')"))
    pidfds = [os.pidfd_open(row["pid"]) for row in scene.status().values()]
    process.kill()
    assert ended(pidfds)


def test_stops_in_order(scene: Scene) -> None:
    code = ("import signal\nname = %r\ndef end(*_):\n open('order', 'a').write(name)\n raise SystemExit\n"
            "signal.signal(signal.SIGTERM, end)\n" + WAIT)
    names = "cab"
    process = scene.start(*(child(name, code % name, order="abc".index(name)) for name in names))
    process.send_signal(signal.SIGINT)
    assert scene.end()[0] == 0
    assert (scene.directory / "order").read_text() == "abc"


def test_who_does_not_stop_is_killed(scene: Scene) -> None:
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + WAIT
    process = scene.start(child("deaf", deaf, stop_s=0.05))
    process.send_signal(signal.SIGTERM)
    assert scene.end()[0] == 0
    assert "SIGKILL" in file_name(scene.directory, "deaf").read_text()


def test_a_second_signal_stops_at_once(scene: Scene) -> None:
    deaf = ("import signal; signal.signal(signal.SIGTERM, lambda *_: print('not yet', flush=True)); " + SAY_READY
            + "\nwhile True: signal.pause()")
    process = scene.start(child("deaf", deaf))
    process.send_signal(signal.SIGTERM)
    scene.echoed("not yet")
    process.send_signal(signal.SIGTERM)
    assert scene.end()[0] == 0


# A child that never gets ready ends `up` with its own words, instead of failing for ever.
def test_gives_up_at_start(scene: Scene) -> None:
    scene.start(child("a", "raise SystemExit('no configuration')"), child("b", WAIT), ready=False)
    code, said = scene.end()
    assert code == 1
    assert "a did not start, 4 times (exit code 1)" in said
    assert "no configuration" in said


# Exit code 6 (data too new) would only come again: no restart, and `up` ends with it.
def test_fatal_exit_codes_are_passed_on(scene: Scene) -> None:
    scene.start(child("a", "raise SystemExit(6)"), child("b", WAIT), ready=False)
    code, said = scene.end()
    assert code == 6
    assert "starting it again" not in said


def test_a_program_that_is_not_there(scene: Scene) -> None:
    scene.start(["a", ["/nowhere/program"], 0, "", 1.0], ready=False)
    code, said = scene.end()
    assert code == 1
    assert "/nowhere/program: [Errno 2] No such file or directory" in said


def test_backoff_doubles_and_a_crash_loop_is_reported(scene: Scene) -> None:
    once = "import os\nif os.path.exists('seen'): raise SystemExit(3)\nopen('seen', 'w').close()\n" + WAIT
    scene.start(child("a", once))
    os.kill(scene.status()["a"]["pid"], signal.SIGKILL)
    delays = [scene.echoed("a: ended").rsplit(" in ", 1)[1] for _ in range(4)]
    assert delays == ["0.1 s\n", "0.2 s\n", "0.4 s\n", "0.8 s\n"]
    assert "skybus logs a" in scene.echoed("crash loop, 5 failures in a row")


def test_restart_and_down_by_the_control_socket(scene: Scene) -> None:
    process = scene.start(child("a", WAIT), child("b", WAIT))
    before = scene.status()
    control.ask(scene.directory, "restart", process="a")
    scene.echoed("a: ready again")
    after = scene.status()
    assert after["a"]["pid"] != before["a"]["pid"]
    assert after["b"]["pid"] == before["b"]["pid"]
    with pytest.raises(CommandError, match=r"There is no process 'c'\. There are: a, b\."):
        control.ask(scene.directory, "restart", process="c")
    with pytest.raises(CommandError, match="no such verb"):
        control.ask(scene.directory, "dance")
    assert (scene.directory / control.FILE).stat().st_mode & 0o777 == 0o600
    control.ask(scene.directory, "down", wait_for_end=True)
    assert process.wait() == 0
    with pytest.raises(NotRunning):
        control.ask(scene.directory, "status")


# A process on demand is not in the table: it is started when asked for, once, and not again when it ends.
# A signal that meets a fork before it is another program is that process's alone; it used to reach the supervisor.
def test_a_process_stopped_as_it_starts(scene: Scene) -> None:
    scene.start(child("fixed", WAIT), ["asked", *child("asked", WAIT)[1:], "on demand"])
    for _ in range(60):
        control.ask(scene.directory, "start", process="asked")
        control.ask(scene.directory, "stop", process="asked")
        while "asked" in scene.status():  # until it has ended
            pass
    assert scene.status()["fixed"]["restarts"] == 0


def test_a_process_on_demand(scene: Scene) -> None:
    scene.start(child("fixed", WAIT), ["asked", *child("asked", WAIT)[1:], "on demand"])
    assert set(scene.status()) == {"fixed"}
    assert control.ask(scene.directory, "start", process="asked")["state"] == "starting"
    pid = scene.status()["asked"]["pid"]
    control.ask(scene.directory, "start", process="asked")
    assert scene.status()["asked"]["pid"] == pid
    pidfd = os.pidfd_open(pid)
    os.kill(pid, signal.SIGKILL)
    assert ended([pidfd])
    while "asked" in scene.status():      # until the supervisor has taken note
        pass
    assert control.ask(scene.directory, "start", process="asked")["state"] == "starting"
    pidfd = os.pidfd_open(scene.status()["asked"]["pid"])
    control.ask(scene.directory, "stop", process="asked")
    control.ask(scene.directory, "stop", process="fixed")
    assert ended([pidfd])
    assert scene.status()["fixed"]["restarts"] == 0
    with pytest.raises(CommandError, match="cannot be started"):
        control.ask(scene.directory, "start", process="unknown")
