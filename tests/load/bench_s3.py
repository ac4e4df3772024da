"""S3 against moto_server and ministack, in one run: small objects, a large one, and listings.

    python -m tests.load.bench_s3 [--peers DIR] [--only skybus] [--seconds 4] [--rounds 3] [--large 1024]
                                  [--listed 100000] [--json]

Small: 1 KB put and get at 64 connections, signed, verified, durable. Large: one object of --large MiB, put beside what
one core hashes with MD5, get beside what one core sends through a loopback socket. Listed: pages of 1,000 keys of
--listed beside one of 1,000; --listed 1000000 takes some minutes.
"""

import argparse
import asyncio
import hashlib
import http.client
import os
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Any

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests import servers
from tests.load.bench_throughput import scattered
from tests.load.direct import direct_publisher
from tests.load.turns import contenders, in_turns

BUCKET = "bench"
BODY = b"x" * 1024
MIB = 1024 * 1024
PAGE = 1000
LISTINGS = 15                             # of each page
FILLERS = 128                             # requests under way while keys are made
PAIRS = 7                                 # of a get and what it is measured against: one swings by a third


class _Unsigned(S3SigV4Auth):
    def payload(self, request: AWSRequest) -> str:
        return "UNSIGNED-PAYLOAD"


def signed(method: str, host: str, path: str, body: bytes = b"", unsigned: bool = False) -> dict[str, str]:
    """Headers, signed as SDKs sign; `unsigned`: the body is not covered, as over TLS."""
    request = AWSRequest(method, f"http://{host}{path}", data=body)
    signer = _Unsigned if unsigned else S3SigV4Auth
    signer(Credentials("test", "test"), "s3", "us-east-1").add_auth(request)
    return dict(request.headers.items())


def requests(host: str, keys: int, method: str, body: bytes) -> Iterator[bytes]:
    for key in scattered(keys):
        path = f"/{BUCKET}/object/{key:08d}"
        lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in signed(method, host, path, body).items()]
        yield "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def large(server: servers.Server, mib: int) -> list[dict[str, object]]:
    """MiB/s of one body each way, and of what they are measured against."""
    hashing = _md5_rate(mib)
    put = _put_rate(server, mib)
    pairs = [(_loopback_rate(mib), _get_rate(server, mib)) for _ in range(PAIRS)]
    sending, get = (median(rates) for rates in zip(*pairs, strict=True))
    return [
        {"what": "put", "MiB/s": put, "beside": "MD5 of the same", "its MiB/s": hashing, "ratio": put / hashing},
        {"what": "get", "MiB/s": get, "beside": "file to loopback", "its MiB/s": sending, "ratio": get / sending},
    ]


def _md5_rate(mib: int) -> float:
    block = os.urandom(MIB)
    started = time.perf_counter()
    digest = hashlib.md5(usedforsecurity=False)
    for _ in range(mib):
        digest.update(block)
    return mib / (time.perf_counter() - started)


def _loopback_rate(mib: int) -> float:
    """A file of that size through a socket to who throws it away, as `cat file > /dev/null` would."""
    with tempfile.NamedTemporaryFile() as file, socket.create_server(("127.0.0.1", 0)) as listening:
        block = os.urandom(MIB)
        for _ in range(mib):
            file.write(block)
        file.flush()

        def send() -> None:
            with socket.create_connection(listening.getsockname()) as to, open(file.name, "rb") as source:
                while data := source.read(MIB):
                    to.sendall(data)

        sender = threading.Thread(target=send)
        started = time.perf_counter()
        sender.start()
        connection, _ = listening.accept()
        _read_away(connection)
        sender.join()
        return mib / (time.perf_counter() - started)


def _read_away(connection: socket.socket) -> None:
    buffer = bytearray(MIB)
    while connection.recv_into(buffer):
        pass
    connection.close()


def _put_rate(server: servers.Server, mib: int) -> float:
    started = time.perf_counter()
    put_blocks(server, f"/{BUCKET}/large", mib)
    return mib / (time.perf_counter() - started)


def put_blocks(server: servers.Server, path: str, mib: int) -> str:
    """PUTs a body of that many MiB, one at a time; its ETag."""
    headers = signed("PUT", f"127.0.0.1:{server.port}", path, unsigned=True)
    block = os.urandom(MIB)
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=600)) as connection:
        connection.request("PUT", path, body=(block for _ in range(mib)),
                           headers={**headers, "Content-Length": str(mib * MIB)})
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        return str(answer.headers["ETag"])


def _get_rate(server: servers.Server, mib: int) -> float:
    path = f"/{BUCKET}/large"
    headers = signed("GET", f"127.0.0.1:{server.port}", path)
    lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{server.port}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    started = time.perf_counter()
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n")
        buffer, size = bytearray(MIB), 0
        while count := connection.recv_into(buffer):
            size += count
    assert size > mib * MIB, size
    return mib / (time.perf_counter() - started)


def listed(server: servers.Server, data_dir: Path, count: int) -> list[dict[str, object]]:
    """Milliseconds for a page of 1,000 over HTTP: all that a bucket has, the first of `count` keys, and one from the
    middle of them."""
    client: Any = server.client("s3")
    for keys in (PAGE, count):
        client.create_bucket(Bucket=f"listed-{keys}")
        asyncio.run(_fill(data_dir, f"listed-{keys}", keys))
    pages = [(PAGE, 0), (count, 0), (count, (count - PAGE) // 2)]
    took = [[_page_ms(server, *page) for page in pages] for _ in range(LISTINGS)]      # in turn
    medians = [median(each) for each in zip(*took, strict=True)]
    return [{"keys": keys, "after": after, "ms for 1,000": ms, "times": ms / medians[0]}
            for (keys, after), ms in zip(pages, medians, strict=True)]


def _page_ms(server: servers.Server, keys: int, after: int) -> float:
    """Of the keys from number `after` on, from the request to the answer's last byte."""
    path = f"/listed-{keys}?list-type=2" + (f"&start-after=object%2F{after - 1:08d}" if after else "")
    headers = signed("GET", f"127.0.0.1:{server.port}", path)
    with closing(http.client.HTTPConnection("127.0.0.1", server.port)) as connection:
        started = time.perf_counter()
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        text = answer.read()
        took = time.perf_counter() - started
    assert answer.status == 200, text
    assert text.count(b"<Key>") == PAGE, text[:400]
    return took * 1e3


async def _fill(data_dir: Path, bucket: str, keys: int) -> None:
    """Objects of a byte each, straight on the bus: a signature less for each, and the same S3 behind it."""
    numbers = iter(range(keys))
    async with direct_publisher(data_dir) as client:
        async def fill() -> None:
            for number in numbers:
                await client.call("s3", "PutObject", {"Bucket": bucket, "Key": f"object/{number:08d}", "Body": b"x"})

        await asyncio.gather(*(fill() for _ in range(FILLERS)))


def main() -> None:
    wants = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    wants.add_argument("--peers", default="", help="folder with moto_server and ministack")
    wants.add_argument("--only", choices=("skybus",), help="leave the peers out")
    wants.add_argument("--seconds", type=int, default=4)
    wants.add_argument("--rounds", type=int, default=3, help="of all servers in turn")
    wants.add_argument("--keys", type=int, default=2_000)
    wants.add_argument("--connections", type=int, nargs="+", default=[64, 1])
    wants.add_argument("--large", type=int, default=1024, help="MiB of the large object; 0: none")
    wants.add_argument("--listed", type=int, default=100_000, help="keys to list from; 0: no listing")
    wants.add_argument("--json", action="store_true")
    options = wants.parse_args()
    with tempfile.TemporaryDirectory(prefix="skybus-") as scratch:
        data_dir = Path(scratch) / "data"
        with contenders(servers.skybus(data_dir=data_dir), options) as started:
            for server in started:
                client: Any = server.client("s3")
                client.create_bucket(Bucket=BUCKET)
            rows, ratios = in_turns(started, {
                "PUT": lambda host: requests(host, options.keys, "PUT", BODY),
                "GET": lambda host: requests(host, options.keys, "GET", b"")}, options)
            shown = large(started[0], options.large) if options.large else []
            pages = listed(started[0], data_dir, options.listed) if options.listed else []
    for table in (rows, ratios, shown, pages):
        if table:
            servers.show(table, options.json)


if __name__ == "__main__":
    main()
