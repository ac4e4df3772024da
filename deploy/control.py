"""The control socket, <data>/run/control.sock: how `skybus status` and `skybus down` reach the supervisor.

One JSON object on one line in, one out: {"verb": "status"}, {"verb": "down"}; {"verb": "restart", "process": …},
and "start" and "stop" with the name of a process on demand (a model host).
Mode 0600: whoever may read the data directory may ask. After "down" the connection stays open until the supervisor's
process has ended, and its lock with it.
"""

import json
import os
import selectors
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deploy.failures import CommandError, NotRunning

FILE = "control.sock"
REQUEST_LIMIT_BYTES = 4096
CONNECTIONS_MAX = 16
ASK_TIMEOUT_S = 10.0

Answer = Callable[[dict[str, Any]], dict[str, Any]]


@contextmanager
def _address(directory: Path) -> Iterator[str]:
    """The socket's address by way of an open descriptor: a path in sockaddr_un ends at 107 bytes, ours may not."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if Path(f"/proc/self/fd/{descriptor}").exists():
            yield f"/proc/self/fd/{descriptor}/{FILE}"
        else:
            yield str(directory / FILE)
    finally:
        os.close(descriptor)


class ControlServer:
    """Listens within the supervisor's selector; a callback per ready socket, as all its keys have."""

    def __init__(self, selector: selectors.BaseSelector, directory: Path, answer: Answer) -> None:
        self.selector = selector
        self.answer = answer
        self.directory = directory
        self.connections: dict[socket.socket, bytes] = {}
        (directory / FILE).unlink(missing_ok=True)     # left by a kill; the data directory's lock is ours
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        mask = os.umask(0o177)
        try:
            with _address(directory) as address:
                self.listener.bind(address)
        finally:
            os.umask(mask)
        self.listener.listen(CONNECTIONS_MAX)
        self.listener.setblocking(False)
        selector.register(self.listener, selectors.EVENT_READ, self._accept)

    def close(self) -> None:
        self.selector.unregister(self.listener)
        self.listener.close()
        (self.directory / FILE).unlink(missing_ok=True)
        for connection in self.connections:            # left open: who waits for our end hears it when we are no more
            self.selector.unregister(connection)

    def _accept(self) -> None:
        try:
            connection, _ = self.listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        if len(self.connections) >= CONNECTIONS_MAX:
            connection.close()
            return
        connection.setblocking(False)
        self.connections[connection] = b""
        self.selector.register(connection, selectors.EVENT_READ, lambda: self._read(connection))

    def _read(self, connection: socket.socket) -> None:
        try:
            data = connection.recv(REQUEST_LIMIT_BYTES)
        except BlockingIOError:
            return
        except ConnectionError:
            data = b""
        line = self.connections[connection] + data
        if not data or len(line) > REQUEST_LIMIT_BYTES:
            self._drop(connection)
        elif line.endswith(b"\n"):
            self.connections[connection] = b""
            self._respond(connection, line)
        else:
            self.connections[connection] = line

    def _respond(self, connection: socket.socket, line: bytes) -> None:
        try:
            request = json.loads(line)
            answer = self.answer(request) if isinstance(request, dict) else {"error": "not an object"}
        except (ValueError, RecursionError):
            answer = {"error": "not JSON"}
        try:
            connection.sendall(json.dumps(answer).encode() + b"\n")   # far below a socket's buffer: does not wait
        except OSError:                   # the asker has gone, or does not read: its affair
            self._drop(connection)

    def _drop(self, connection: socket.socket) -> None:
        self.selector.unregister(connection)
        del self.connections[connection]
        connection.close()


def ask(directory: Path, verb: str, *, wait_for_end: bool = False, **fields: str) -> dict[str, Any]:
    """The supervisor's answer; with `wait_for_end` it comes back when the supervisor has ended. NotRunning."""
    try:
        with _address(directory) as address, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(ASK_TIMEOUT_S)
            connection.connect(address)
            connection.sendall(json.dumps({"verb": verb, **fields}).encode() + b"\n")
            with connection.makefile("rb") as stream:
                line = stream.readline()
                if wait_for_end:
                    connection.settimeout(None)
                    stream.read()
    except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError) as error:
        raise NotRunning(str(directory.parent)) from error
    except (TimeoutError, ConnectionError) as error:
        raise CommandError(f"The supervisor does not answer on {directory / FILE}.") from error
    if not line:
        raise NotRunning(str(directory.parent))
    answer: dict[str, Any] = json.loads(line)
    if "error" in answer:
        raise CommandError(str(answer["error"]))
    return answer
