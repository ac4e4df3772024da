"""A running Skybus seen from outside while it is fed nonsense: raw HTTP exchanges, and whether it is still well."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tests import servers

ANSWER_LIMIT_S = 30.0                      # a hang is a failure, said in time


@dataclass
class Heard:
    """One HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    def assert_an_error_of_aws(self) -> None:
        """A status of an error, a request id, a code that SDKs can read, and nothing of our inside."""
        assert 400 <= self.status <= 503, self
        assert b"Traceback" not in self.body, self
        assert b".py" not in self.body, self
        kind = self.headers.get("content-type", "")
        text = self.body.decode() if kind != "application/cbor" else ""
        if kind.startswith(("application/json", "application/x-amz-json")):
            answer = json.loads(text)
            assert answer.get("__type") or self.headers.get("x-amzn-errortype") or answer.get("code"), self
        elif "xml" in kind:
            assert "<Code>" in text, self
        assert self.headers.keys() & {"x-amzn-requestid", "x-amz-request-id"}, self


class Wire:
    """One connection to the gateway. `answers` after the bytes given; None: closed without an answer."""

    def __init__(self, server: servers.Server) -> None:
        self._socket = socket.create_connection(("127.0.0.1", server.port), ANSWER_LIMIT_S)
        self._file = self._socket.makefile("rb")

    def exchange(self, data: bytes, *, finished: bool = False) -> Heard | None:
        """`finished`: we send no more, and say so."""
        try:
            self.send(data)
            if finished:
                self._socket.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            return self.answer()           # refused before it was all out: the answer is there all the same
        return self.answer()

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def answer(self) -> Heard | None:
        try:
            line = self._file.readline()
            if not line:
                return None
            headers = {}
            while (header := self._file.readline()) not in (b"\r\n", b""):
                name, _, value = header.decode("latin-1").partition(":")
                headers[name.lower()] = value.strip()
            body = self._file.read(int(headers.get("content-length", 0)))
        except ConnectionResetError:
            return None
        return Heard(int(line.split()[1]), headers, body)

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._socket.close()


def once(server: servers.Server, data: bytes, *, finished: bool = False) -> Heard | None:
    with Wire(server) as wire:
        return wire.exchange(data, finished=finished)


def pids(server: servers.Server) -> dict[str, int]:
    return {name: process.pid for name, process in server.processes().items()}


def anonymous_bytes(process: psutil.Process) -> int:
    """RssAnon: what a process has allocated, without the files it maps (LMDB's pages come and go)."""
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("the kernel says nothing of RssAnon")


@contextmanager
def all_well(server: servers.Server, data_dir: Path) -> Iterator[None]:
    """What happens inside costs no process its life: same pids, no restarts, and an honest call is answered."""
    before = pids(server)
    yield
    client: Any = server.client()
    assert "TableNames" in client.list_tables()
    assert pids(server) == before
    rows = json.loads(servers.command("status", "--json", "--data-dir", str(data_dir)))["processes"]
    assert {row["name"]: row["restarts"] for row in rows} == {row["name"]: 0 for row in rows}
