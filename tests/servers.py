"""Skybus and its peers as processes: start, wait for the first answered API call, measure, stop.

Peers (moto_server, ministack) are in-memory emulators, which `tests/load/peers` installs into an environment of their
own; another one's bin folder can be given as `peers`.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import botocore.session
import psutil
from botocore.client import BaseClient
from botocore.config import Config

PEERS_FOLDER = Path(__file__).parent / "load/.peers/bin"
START_LIMIT_S = 60.0


@dataclass
class Server:
    """A running server. `root` is the first process; what it starts belongs to it."""

    name: str
    port: int
    root: psutil.Process
    first_call_s: float                   # from process start to the first answered call

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, service: str = "dynamodb") -> BaseClient:
        return client(self.endpoint, service)

    def processes(self) -> dict[str, psutil.Process]:
        """By a readable name: the root and everything it started."""
        found = {}
        for process in [self.root, *self.root.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                found[readable(process, self.root)] = process
        return found

    def cpu_seconds(self) -> dict[str, float]:
        """User and system, to the nanosecond: psutil's come in ticks of 10 ms."""
        return {name: cpu_seconds(process.pid) for name, process in self.processes().items()}

    def pss_bytes(self) -> dict[str, int]:
        return {name: process.memory_full_info().pss for name, process in self.processes().items()}


def cpu_seconds(pid: int) -> float:
    """Of a process, the threads it had included. Its clock is what clock_getcpuclockid(3) gives on Linux."""
    return time.clock_gettime((~pid << 3) | 2)


def readable(process: psutil.Process, root: psutil.Process) -> str:
    line: list[str] = process.cmdline()
    if "--name" in line:
        return line[line.index("--name") + 1]
    name = os.path.basename(line[0]) if line else "?"
    return "supervisor" if process.pid == root.pid and name.startswith("python") else name


def client(endpoint: str, service: str, secret: str = "test") -> BaseClient:
    made = botocore.session.get_session().create_client(
        service, region_name="us-east-1", endpoint_url=endpoint, aws_access_key_id="test",
        aws_secret_access_key=secret, config=Config(retries={"max_attempts": 0}, connect_timeout=1, read_timeout=60),
    )
    assert isinstance(made, BaseClient)
    return made


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def skybus(*flags: str, data_dir: Path | None = None, environment: dict[str, str] | None = None) -> Iterator[Server]:
    """A Skybus of its own: own ports, own data directory (removed afterwards unless given)."""
    with tempfile.TemporaryDirectory(prefix="skybus-") as scratch:
        port = free_port()
        argv = [sys.executable, "-m", "deploy.cli", "up", "--port", str(port), "--bus-port", str(free_port()),
                "--data-dir", str(data_dir or Path(scratch) / "data"), *flags]
        with running("skybus", argv, port, environment or {}) as server:
            yield server


@contextlib.contextmanager
def moto(peers: Path) -> Iterator[Server]:
    port = free_port()
    with running("moto_server", [str(peers / "moto_server"), "-H", "127.0.0.1", "-p", str(port)], port, {}) as server:
        yield server


@contextlib.contextmanager
def ministack(peers: Path) -> Iterator[Server]:
    port = free_port()
    environment = {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "LOG_LEVEL": "WARNING"}
    with running("ministack", [str(peers / "ministack")], port, environment) as server:
        yield server


@contextlib.contextmanager
def running(name: str, argv: list[str], port: int, environment: dict[str, str]) -> Iterator[Server]:
    probe = client(f"http://127.0.0.1:{port}", "dynamodb", environment.get("SKYBUS_ROOT_SECRET_KEY", "test"))
    with tempfile.TemporaryFile() as output:
        started = time.perf_counter()
        process = subprocess.Popen(argv, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, **environment})
        root = psutil.Process(process.pid)
        try:
            wait_for_first_call(probe, process, started)
            yield Server(name, port, root, time.perf_counter() - started)
        except BaseException:
            output.seek(0)
            sys.stderr.write(output.read().decode(errors="replace")[-4000:])
            raise
        finally:
            stop(process)


def wait_for_first_call(probe: BaseClient, process: "subprocess.Popen[bytes]", started: float) -> None:
    while True:
        try:
            probe.list_tables()  # type: ignore[attr-defined]
            return
        except Exception as error:
            if process.poll() is not None:
                raise RuntimeError(f"exited with {process.returncode} before its first answer") from error
            if time.perf_counter() - started > START_LIMIT_S:
                raise
            time.sleep(0.005)


def command(*words: str) -> str:
    """Runs `skybus WORDS`; its output. CalledProcessError when it fails."""
    argv = [sys.executable, "-m", "deploy.cli", *words]
    return subprocess.run(argv, check=True, text=True, stdout=subprocess.PIPE).stdout


def stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def without_resolving(client: Any, endpoint: str) -> Any:
    """A client that puts an account before the host signs for that host, and finds it though nothing resolves it."""
    def connect(request: Any, **_: Any) -> None:
        request.headers["Host"] = urlsplit(request.url).netloc
        request.url = request.url.replace(request.headers["Host"], urlsplit(endpoint).netloc)

    client.meta.events.register("before-send", connect)
    return client


def peers_folder(given: str) -> Path:
    folder = Path(given) if given else PEERS_FOLDER
    missing = [name for name in ("moto_server", "ministack") if not (folder / name).exists()]
    if missing:
        raise SystemExit(f"{', '.join(missing)} not in {folder}: run tests/load/peers, or name it with --peers")
    return folder


def show(rows: list[dict[str, object]], as_json: bool) -> None:
    """A table for people, one JSON line a row for programs."""
    if as_json:
        for row in rows:
            print(json.dumps(row))
        return
    columns = list(rows[0])
    cells = [[f"{row[c]:.2f}" if isinstance(row[c], float) else str(row[c]) for c in columns] for row in rows]
    widths = [max(len(c), *(len(line[i]) for line in cells)) for i, c in enumerate(columns)]
    for line in [columns, *cells]:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
