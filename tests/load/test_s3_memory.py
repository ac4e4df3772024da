"""Memory stays flat whatever the size of an object: private bytes of all processes while one goes in and comes out."""

import socket
import threading
from collections.abc import Callable
from typing import Any

import psutil
import pytest

from tests import servers
from tests.load.bench_s3 import MIB, put_blocks, signed

ALLOWED_BYTES = 64 * MIB                  # beside what they hold idle
SAMPLE_WAIT_S = 0.05


def anonymous_bytes(server: servers.Server) -> int:
    """RssAnon of every process: mapped files are the page cache's."""
    total = 0
    for process in server.processes().values():
        try:
            with open(f"/proc/{process.pid}/status") as status:
                total += next(int(line.split()[1]) * 1024 for line in status if line.startswith("RssAnon:"))
        except (FileNotFoundError, ProcessLookupError, StopIteration, psutil.NoSuchProcess):
            continue
    return total


def most_during(server: servers.Server, work: Callable[[], Any]) -> int:
    seen = [anonymous_bytes(server)]
    done = threading.Event()

    def watch() -> None:
        while not done.wait(SAMPLE_WAIT_S):
            seen.append(anonymous_bytes(server))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        work()
    finally:
        done.set()
        watcher.join()
    return max(seen)


@pytest.mark.parametrize("mib", [300, pytest.param(5 * 1024 - 1, marks=pytest.mark.slow)])
def test_flat_memory(mib: int) -> None:
    with servers.skybus("--durability", "os") as server:
        client: Any = server.client("s3")
        client.create_bucket(Bucket="bucket")
        client.put_object(Bucket="bucket", Key="warm", Body=b"x" * MIB)
        client.get_object(Bucket="bucket", Key="warm")["Body"].read()
        idle = anonymous_bytes(server)
        during_put = most_during(server, lambda: put_blocks(server, "/bucket/large", mib))
        assert client.head_object(Bucket="bucket", Key="large")["ContentLength"] == mib * MIB
        during_get = most_during(server, lambda: get(server, mib))
        assert max(during_put, during_get) - idle < ALLOWED_BYTES, (idle, during_put, during_get)


def get(server: servers.Server, mib: int) -> None:
    headers = signed("GET", f"127.0.0.1:{server.port}", "/bucket/large")
    lines = ["GET /bucket/large HTTP/1.1", f"Host: 127.0.0.1:{server.port}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    with socket.create_connection(("127.0.0.1", server.port), timeout=600) as connection:
        connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n")
        buffer, size = bytearray(MIB), 0
        while count := connection.recv_into(buffer):
            size += count
    assert size > mib * MIB
