"""Keeps the processes of a table running: starts them together, restarts what dies, stops them in order.

One thread, one selector, the standard library only: it must stay small and cannot be what fails. It knows nothing of
what the processes do; deploy/topology.py says which there are, deploy/up.py what is printed.
"""

import os
import selectors
import signal
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bus.backoff import backoff_s
from deploy.child import Child, ProcessSpec, State, memory_bytes
from deploy.control import ControlServer
from deploy.failures import FATAL_CHILD_CODES
from deploy.logs import ProcessLog

BACKOFF_MIN_S, BACKOFF_MAX_S = 0.1, 5.0
STABLE_S = 10.0                           # running this long forgives earlier failures
START_ATTEMPTS = 4                        # before all are ready for the first time; then `up` gives up
CRASH_LOOP_FAILURES = 5                   # failures in a row that are reported as a crash loop
ON_DEMAND_MAX = 64                        # processes on demand at a time
READ_BYTES = 64 * 1024
DRAIN_READS = 16                          # reads of what an ended process left in its pipe

LogOpener = Callable[[str], ProcessLog]


class Supervisor:
    """`run()` returns when all processes have ended, with the exit code for the command.

    `on_ready` is called once, when every process has been ready at the same time. `echo` shows a line on the console.
    """

    def __init__(
        self,
        specs: Iterable[ProcessSpec],
        *,
        run_dir: Path,
        open_log: LogOpener,
        directory: str,
        echo: Callable[[str], None],
        on_ready: Callable[[], None],
        facts: dict[str, Any],
        on_demand: Callable[[str], ProcessSpec | None] = lambda name: None,
    ) -> None:
        self.children = [Child(spec) for spec in specs]
        self.run_dir = run_dir
        self.open_log = open_log
        self.on_demand = on_demand        # the process of that name that may be asked for, if there is one
        self.logs = {child.spec.name: open_log(child.spec.name) for child in self.children}
        self.directory = directory        # where children run
        self.echo = echo
        self.on_ready = on_ready
        self.facts = facts                # what `status` tells beside the processes
        self.selector = selectors.DefaultSelector()
        self.was_ready = False
        self.stopping = False
        self.exit_code = 0
        self.restarting: set[str] = set()

    def run(self) -> int:
        control = ControlServer(self.selector, self.run_dir, self._answer)
        try:
            with self._signals():
                for child in self.children:
                    self._start(child)
                while not (self.stopping and all(child.state is State.STOPPED for child in self.children)):
                    for key, _ in self.selector.select(self._wait_s()):
                        key.data()
                    self._reap()
                    self._act(time.monotonic())
        finally:
            self._kill_all()
            control.close()
            self.selector.close()
            for log in self.logs.values():
                log.close()
        return self.exit_code

    # What happens

    def stop(self, exit_code: int = 0) -> None:
        """Begins the orderly end; asked again, the end at once."""
        if self.stopping:
            self._kill_all()
            return
        self.stopping, self.exit_code = True, exit_code
        self.echo("Stopping: what is under way is finished first. Asked again, everything ends at once.")
        for child in self.children:
            child.restart_at = None

    def _start(self, child: Child) -> None:
        child.start(self.directory)
        assert child.channel is not None
        self.selector.register(child.channel, selectors.EVENT_READ, lambda: self._channel_ready(child))
        self.selector.register(child.output, selectors.EVENT_READ, lambda: self._output_ready(child))

    def _channel_ready(self, child: Child) -> None:
        channel = child.channel
        if channel is None:
            return
        ready = child.says_ready()
        if child.channel is None:
            self.selector.unregister(channel)
        if ready and not child.spec.ready_text:
            self._is_ready(child)

    def _output_ready(self, child: Child) -> bool:
        """One read of its output; False when there is no more for now."""
        if child.output < 0:
            return False
        try:
            data = os.read(child.output, READ_BYTES)
        except BlockingIOError:
            return False
        if not data:
            self.selector.unregister(child.output)
            child.close_output()
            return False
        lines = self.logs[child.spec.name].feed(data)
        text = child.spec.ready_text
        if text and child.state is State.STARTING and any(text in line for line in lines):
            self._is_ready(child)
        return True

    def _is_ready(self, child: Child) -> None:
        if child.state is not State.STARTING:
            return
        child.state = State.READY
        if child.restarts:
            self.echo(f"{child.spec.name}: ready again after {time.monotonic() - child.started_at:.2f} s")
        if not self.was_ready and all(
            other.state is State.READY for other in self.children if not other.spec.on_demand
        ):
            self.was_ready = True
            self.on_ready()

    def _reap(self) -> None:
        for child in list(self.children):
            ran_s = time.monotonic() - child.started_at
            code = child.reap()
            if code is not None:
                self._forget_descriptors(child)
                self._ended(child, code, ran_s)

    def _forget_descriptors(self, child: Child) -> None:
        for _ in range(DRAIN_READS):
            if not self._output_ready(child):
                break
        if child.output >= 0:
            self.selector.unregister(child.output)
            child.close_output()
        if child.channel is not None:
            self.selector.unregister(child.channel)
            child.close_channel()
        self.logs[child.spec.name].end()

    def _ended(self, child: Child, code: int, ran_s: float) -> None:
        name, log = child.spec.name, self.logs[child.spec.name]
        reason = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        log.note(f"ended, {reason}, after {ran_s:.1f} s")
        if self.stopping:
            return
        if name in self.restarting:
            self.restarting.discard(name)
            child.restart_at = time.monotonic()
            return
        if child.spec.on_demand:
            self.children.remove(child)
            self.logs.pop(name).close()
            return
        stable = self.was_ready and ran_s >= STABLE_S
        child.failures = 1 if stable else child.failures + 1
        if code in FATAL_CHILD_CODES:
            self._give_up(child, code, f"{name} cannot run ({reason})")
        elif not self.was_ready and child.failures >= START_ATTEMPTS:
            self._give_up(child, 1, f"{name} did not start, {child.failures} times ({reason})")
        else:
            wait_s = backoff_s(child.failures, BACKOFF_MIN_S, BACKOFF_MAX_S)
            child.restart_at = time.monotonic() + wait_s
            self.echo(f"{name}: ended ({reason}), starting it again in {wait_s:.1f} s")
            if child.failures == CRASH_LOOP_FAILURES:
                self.echo(f"{name}: crash loop, {child.failures} failures in a row; its log says why: "
                          f"skybus logs {name}")

    def _give_up(self, child: Child, code: int, why: str) -> None:
        lines = "\n".join(f"  {line}" for line in self.logs[child.spec.name].last_lines)
        self.echo(f"{why}. The end of its log:\n{lines}")
        self.stop(code)

    def _act(self, now: float) -> None:
        """Whatever is due: restarts, kills, the next processes to stop."""
        running = [child for child in self.children if child.state is not State.STOPPED]
        for child in running:
            if child.kill_at is not None and child.kill_at <= now:
                self.logs[child.spec.name].note(f"did not stop within {child.spec.stop_s:.0f} s: SIGKILL")
                child.kill()
        if self.stopping:
            turn = min((child.spec.stop_order for child in running), default=0)
            for child in running:
                if child.spec.stop_order == turn:
                    child.stop(now)
            return
        for child in self.children:
            if child.restart_at is not None and child.restart_at <= now:
                child.restarts += 1
                self._start(child)

    def _wait_s(self) -> float | None:
        due = [at for child in self.children for at in (child.restart_at, child.kill_at) if at is not None]
        unasked = self.stopping and any(child.state in (State.STARTING, State.READY) for child in self.children)
        asked = any(child.state is State.STOPPING for child in self.children)
        if unasked and not asked:
            return 0
        return max(0.0, min(due) - time.monotonic()) if due else None

    def _kill_all(self) -> None:
        for child in self.children:
            if child.pid:
                child.kill()

    # Who asks

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        match request.get("verb"):
            case "status":
                rows = [self._row(child) for child in self.children]
                return {**self.facts, "ready": self.was_ready, "processes": rows}
            case "down":
                self.stop()
                return {}
            case "restart":
                return self._restart(str(request.get("process")))
            case "start":
                return self._start_asked(str(request.get("process")))
            case "stop":
                return self._stop_asked(str(request.get("process")))
        return {"error": f"no such verb: {request.get('verb')!r}"}

    def _restart(self, name: str) -> dict[str, Any]:
        child = next((child for child in self.children if child.spec.name == name), None)
        if child is None:
            return {"error": f"There is no process {name!r}. There are: {', '.join(self.logs)}."}
        row = self._row(child)
        if child.pid:
            self.restarting.add(name)
            child.stop(time.monotonic())
        elif not self.stopping:
            child.restart_at = time.monotonic()
        return row

    def _start_asked(self, name: str) -> dict[str, Any]:
        """A process on demand. One that is there is left as it is; ask again for one that is stopping."""
        child = next((child for child in self.children if child.spec.name == name), None)
        if child is None:
            spec = self.on_demand(name)
            asked_for = sum(child.spec.on_demand for child in self.children)
            if spec is None or self.stopping or asked_for >= ON_DEMAND_MAX:
                return {"error": f"{name!r} cannot be started"}
            child = Child(spec)
            self.logs[name] = self.open_log(name)
            self.children.append(child)
            self._start(child)
        return {"state": child.state.value}

    def _stop_asked(self, name: str) -> dict[str, Any]:
        """Of one that is not there: nothing."""
        for child in self.children:
            if child.spec.name == name and child.spec.on_demand and child.pid:
                child.stop(time.monotonic())
        return {}

    def _row(self, child: Child) -> dict[str, Any]:
        return {
            "name": child.spec.name,
            "state": child.state.value,
            "pid": child.pid,
            "uptime_s": round(time.monotonic() - child.started_at, 1) if child.pid else 0.0,
            "restarts": child.restarts,
            "memory_bytes": memory_bytes(child.pid) if child.pid else 0,
        }

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Signals wake the selector by way of a socket; what they mean is decided in the loop, not in a handler."""
        here, wakeup = socket.socketpair()
        here.setblocking(False)
        wakeup.setblocking(False)
        numbers = [signal.SIGTERM, signal.SIGINT, signal.SIGCHLD]
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:      # under nohup a closed terminal is nothing to us
            numbers.append(signal.SIGHUP)
        before = {number: signal.signal(number, lambda *_: None) for number in numbers}
        old_wakeup = signal.set_wakeup_fd(wakeup.fileno(), warn_on_full_buffer=False)
        self.selector.register(here, selectors.EVENT_READ, lambda: self._signalled(here.recv(4096)))
        try:
            yield
        finally:
            self.selector.unregister(here)
            signal.set_wakeup_fd(old_wakeup)
            for number, handler in before.items():
                signal.signal(number, handler)
            here.close()
            wakeup.close()

    def _signalled(self, numbers: bytes) -> None:
        for number in numbers:
            if number != signal.SIGCHLD:
                self.stop()
