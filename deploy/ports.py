"""TCP ports: taken or ours? Asked before anything starts, so that the answer is a sentence and not a crash loop."""

import errno
import socket
import time

from deploy.failures import PortTaken, UsageError

RETRY_PERIOD_S = 0.02


def _bound(host: str, port: int) -> socket.socket:
    family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    bound = socket.socket(family, kind)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)   # connections of a past instance in TIME_WAIT
        bound.bind(address)
    except OSError:
        bound.close()
        raise
    return bound


def reserve(host: str, port: int, setting: str, patience_s: float = 0.0) -> socket.socket:
    """A socket that holds the port (0: any free one) for processes of ours and never listens.

    It is bound exclusively, which fails while anybody is there, even another Skybus; only then does it allow
    SO_REUSEPORT, so that our gateways may bind beside it and nobody else may take the port while they restart.
    `patience_s` is how long to wait for the port of an instance that was just killed. PortTaken, UsageError.
    """
    give_up_at = time.monotonic() + patience_s
    while True:
        try:
            bound = _bound(host, port)
            break
        except OSError as error:
            if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
                raise UsageError(f"{host} is no address of this machine (--host, SKYBUS_HOST).") from error
            if error.errno == errno.EACCES:
                raise UsageError(f"Port {port} needs privileges; choose one above 1023 with --{setting}.") from error
            if error.errno != errno.EADDRINUSE:
                raise
            if time.monotonic() >= give_up_at:
                raise PortTaken(host, port, setting) from error
        time.sleep(RETRY_PERIOD_S)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    return bound


def number(bound: socket.socket) -> int:
    port: int = bound.getsockname()[1]
    return port
