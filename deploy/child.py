"""One supervised process: how it is started, how it says it is ready, and how it learns that we are gone.

A child gets a *channel*, one end of a socket pair: it writes READY there once it can answer, and reads end-of-file
when the supervisor is no more. `{channel}` in its arguments stands for the descriptor's number. On Linux the kernel
also kills it when the supervisor dies (PR_SET_PDEATHSIG), which works for programs that know nothing of channels.
fork and exec rather than `subprocess`: 1.5 MB less in a process that must stay small.
"""

import os
import signal
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import NoReturn

from actors.runtime.bounded.parent import death_signal

READY = b"ready\n"
EXEC_FAILED_CODE = 127

_HANDLED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)


class State(Enum):
    STOPPED = "stopped"                   # not running; to be started again at `restart_at`, or never
    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """One row of the process table (deploy/topology.py)."""

    name: str
    argv: tuple[str, ...]                 # {channel} is replaced
    stop_order: int                       # processes stop in this order, the same number together
    ready_text: bytes = b""               # ready when its output holds this; empty: when its channel says so
    stop_s: float = 5.0                   # from SIGTERM to SIGKILL
    environment: Mapping[str, str] = field(default_factory=dict)   # its whole environment
    on_demand: bool = False               # started when asked for, and not again when it ends


class Child:
    """A process of the table and its fate: at most one running process at a time."""

    bind_to_parent: Callable[[], None] | None = None          # made once, in the first start

    def __init__(self, spec: ProcessSpec) -> None:
        self.spec = spec
        self.state = State.STOPPED
        self.pid = 0
        self.started_at = 0.0             # monotonic
        self.restarts = 0                 # times it was started again
        self.failures = 0                 # exits in a row without a stable time between
        self.restart_at: float | None = None
        self.kill_at: float | None = None
        self.channel: socket.socket | None = None
        self.output = -1                  # read end of its stdout and stderr

    def start(self, directory: str) -> None:
        """Forks and executes, with `directory` as its working directory. OSError when no process can be made."""
        assert self.state is State.STOPPED
        if Child.bind_to_parent is None:
            Child.bind_to_parent = death_signal()
        ours, theirs = socket.socketpair()
        output, their_output = os.pipe()
        parent = os.getpid()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _HANDLED)     # until the fork has let go of our handlers,
        pid = os.fork()                                                 # which would tell us what it is sent
        if pid == 0:
            self._become(parent, theirs.fileno(), their_output, directory)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()
        os.close(their_output)
        ours.setblocking(False)
        os.set_blocking(output, False)
        self.channel, self.output, self.pid = ours, output, pid
        self.state, self.started_at = State.STARTING, time.monotonic()
        self.restart_at = self.kill_at = None

    def _become(self, parent: int, channel: int, output: int, directory: str) -> NoReturn:
        """In the fork: turns into the program. Its own process group, so that Ctrl-C reaches the supervisor alone."""
        try:
            os.setpgid(0, 0)
            assert Child.bind_to_parent is not None
            Child.bind_to_parent()
            if os.getppid() != parent:    # it died before the kernel was asked to tell us
                os._exit(EXEC_FAILED_CODE)
            signal.set_wakeup_fd(-1)
            for number in (*_HANDLED, signal.SIGPIPE):
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_SETMASK, ())
            null = os.open(os.devnull, os.O_RDONLY)
            os.dup2(null, 0)
            os.dup2(output, 1)
            os.dup2(output, 2)
            os.set_inheritable(channel, True)
            os.chdir(directory)
            arguments = [part.replace("{channel}", str(channel)) for part in self.spec.argv]
            os.execve(arguments[0], arguments, dict(self.spec.environment))
        except BaseException as error:    # whatever it is, a fork must not return into the supervisor's code
            os.write(2, f"{self.spec.argv[0]}: {error}\n".encode())
        finally:
            os._exit(EXEC_FAILED_CODE)

    def says_ready(self) -> bool:
        """Reads the channel: has it just said that it is ready?"""
        assert self.channel is not None
        try:
            said = self.channel.recv(len(READY))
        except BlockingIOError:
            return False
        if not said:
            self.close_channel()
        return said == READY

    def stop(self, now: float) -> None:
        """Asks it to end; `kill_at` is when patience does."""
        assert self.pid
        if self.state is not State.STOPPING:
            self.state, self.kill_at = State.STOPPING, now + self.spec.stop_s
            os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        assert self.pid
        self.kill_at = None
        os.kill(self.pid, signal.SIGKILL)

    def reap(self) -> int | None:
        """Its exit code when it has ended (negative: the signal), and it is then stopped; None while it runs."""
        if not self.pid:
            return None
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if not pid:
            return None
        self.pid, self.state, self.kill_at = 0, State.STOPPED, None
        return os.waitstatus_to_exitcode(status)

    def close_channel(self) -> None:
        if self.channel is not None:
            self.channel.close()
            self.channel = None

    def close_output(self) -> None:
        if self.output >= 0:
            os.close(self.output)
            self.output = -1


def memory_bytes(pid: int) -> int:
    """Proportional set size: private pages plus this process's part of shared ones. 0 where it cannot be read."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", "rb") as file:
            for line in file:
                if line.startswith(b"Pss:"):
                    return int(line.split()[1]) * 1024
    except OSError:                       # it has just ended, or this is no Linux
        return 0
    return 0
