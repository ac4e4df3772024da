"""Requests per second and client CPU per request: stock nats-py beside bus/connection.py, one broker, one responder.

    python -m tests.load.bench_bus [--requests 20000] [--size 1024] [--concurrency 64] [--uvloop]

The responder is a process of its own on the lean client, so only the asking side differs. Rounds alternate; the best
round of each counts. Client CPU is this process's user and system time.
"""

import argparse
import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import uvloop

from bus.codec import decode_reply, decode_request, encode_reply, encode_request
from bus.connection import open_connection
from bus.transport import Message
from schemas.envelope import Reply, Request
from tests.load.cost import cost_us
from tests.nats_server import running

SUBJECT = "aws.gw.000000000000.test.bench.any.Echo"
ROUNDS = 3


@dataclass
class Figure:
    per_second: float
    cpu_us: float
    p50_ms: float


async def respond(url: str) -> None:
    transport = await open_connection(url, "", "", "_INBOX.bench.responder.", "responder")

    def answer(message: Message) -> None:
        transport.publish(message.reply, message.data)

    transport.subscribe("aws.*.*.*.bench.any.*", answer, "bench")
    await transport.flush()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


async def measure(ask: Callable[[], Awaitable[object]], requests: int, concurrency: int) -> Figure:
    latencies: list[float] = []

    async def worker(count: int) -> None:
        for _ in range(count):
            start = time.perf_counter()
            await ask()
            latencies.append(time.perf_counter() - start)

    cpu, start = time.process_time(), time.perf_counter()
    await asyncio.gather(*(worker(requests // concurrency) for _ in range(concurrency)))
    wall, cpu = time.perf_counter() - start, time.process_time() - cpu
    done = len(latencies)
    return Figure(done / wall, cpu / done * 1e6, statistics.median(latencies) * 1e3)


async def compare(url: str, requests: int, size: int, concurrency: int) -> dict[str, Figure]:
    import nats  # the peer, here and nowhere else outside bus/link.py

    payload = bytes(size)
    stock = await nats.connect(url)
    lean = await open_connection(url, "", "", "_INBOX.bench.client.", "bench")
    asks: dict[str, Callable[[], Awaitable[object]]] = {
        "stock nats-py": lambda: stock.request(SUBJECT, payload, timeout=30),
        "bus/connection.py": lambda: lean.request(SUBJECT, payload, 30.0),
    }
    best: dict[str, Figure] = {}
    for _ in range(ROUNDS):
        for name, ask in asks.items():
            figure = await measure(ask, requests, concurrency)
            if name not in best or figure.cpu_us < best[name].cpu_us:
                best[name] = figure
    await lean.close()
    await stock.close()
    return best


def codec_figures() -> dict[str, float]:
    """CPU microseconds per call, best of five, for a PutItem of about 320 bytes and its answer."""
    item = {"pk": {"S": "user-000123"}, "sk": {"S": "profile"}, "name": {"S": "x" * 180}, "age": {"N": "33"}}
    request = Request({"TableName": "users", "Item": item}, "01234567-89ab-cdef-0123-456789abcdef")
    request.deadline_ms = 1_763_818_800_000
    reply = Reply(request.id, {})
    request_data, reply_data = encode_request(request), encode_reply(reply)
    calls: dict[str, Callable[[], object]] = {
        "encode_request": lambda: encode_request(request), "decode_request": lambda: decode_request(request_data),
        "encode_reply": lambda: encode_reply(reply), "decode_reply": lambda: decode_reply(reply_data),
    }
    return {name: cost_us(call) for name, call in calls.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--uvloop", action="store_true")
    parser.add_argument("--respond", metavar="URL", help="be the responder (used by the benchmark itself)")
    arguments = parser.parse_args()
    if arguments.respond:
        asyncio.run(respond(arguments.respond))
        return
    new_loop = uvloop.new_event_loop if arguments.uvloop else asyncio.new_event_loop
    with running() as server:
        command = [sys.executable, "-m", "tests.load.bench_bus", "--respond", server.url]
        responder = subprocess.Popen(command, stdout=subprocess.PIPE)
        try:
            assert responder.stdout is not None
            assert responder.stdout.readline() == b"ready\n"
            with asyncio.Runner(loop_factory=new_loop) as runner:
                work = compare(server.url, arguments.requests, arguments.size, arguments.concurrency)
                figures = runner.run(work)
        finally:
            responder.kill()
            responder.communicate()
    for name, figure in figures.items():
        print(f"{name:18} {figure.per_second:9,.0f} req/s {figure.cpu_us:6.1f} us CPU {figure.p50_ms:7.2f} ms p50")
    print("codec, us a call:", ", ".join(f"{name} {cpu_us:.1f}" for name, cpu_us in codec_figures().items()))
    stock, lean = figures.values()
    print(f"client CPU: {stock.cpu_us / lean.cpu_us:.1f} times less")


if __name__ == "__main__":
    main()
