"""Bounded processes: each bound ends one and its caller hears of it, none outlives its caller, turns are taken; and
threads, whose turns are as bounded."""

import asyncio
import subprocess
import sys
import threading
from typing import Any

import pytest

from actors.runtime.bounded.process import Bounds, Ended, Full, Workers
from actors.runtime.bounded.threads import Threads

BOUNDS = Bounds(memory_bytes=512 * 1024**2, processor_s=5, file_bytes=1000, wait_s=60.0, frame_bytes=1000)
WORKER = """
import os, sys, time
from actors.runtime.bounded.worker import serve

def answer(request, tell):
    {}

serve(answer)
"""


def command(body: str) -> tuple[str, str]:
    return "-c", WORKER.format(body)


def asked(body: str, **bounds: Any) -> Any:
    """The first frame."""
    async def main() -> Any:
        async with Workers(command(body), BOUNDS._replace(**bounds), 1).ask({"given": 6}) as worker:
            return await worker.frame()

    return asyncio.run(main())


def test_an_answer() -> None:
    assert asked("tell({'found': request['given'], 'environment': dict(os.environ), 'at': os.getcwd()})") == {
        "found": 6, "environment": {"PATH": "/bin:/usr/bin", "LC_CTYPE": "C.UTF-8"}, "at": "/"}


@pytest.mark.parametrize(("body", "bounds"), [
    ("bytearray(1024**3)", {}),
    ("while True: pass", {"processor_s": 1}),
    ("open(os.memfd_create('f'), 'wb').write(b'x' * 2000)", {}),
    ("time.sleep(600)", {"wait_s": 0.1}),
    ("raise ValueError", {}),
])
def test_bounds(body: str, bounds: dict[str, Any]) -> None:
    with pytest.raises(Ended):
        asked(body, **bounds)


# One works, one waits, the next is refused; what has ended makes room, however it ended.
def test_turns() -> None:
    async def main() -> None:
        workers = Workers(command("os.read(0, 1); tell({'done': 1})"), BOUNDS, 1, 1)

        async def ask() -> Any:
            async with workers.ask({}) as worker:
                return await worker.frame()

        first, second = asyncio.create_task(ask()), asyncio.create_task(ask())
        await asyncio.sleep(0)
        with pytest.raises(Full):
            await ask()
        first.cancel()
        assert await second == {"done": 1}
        for answer in await asyncio.gather(ask(), ask()):
            assert answer == {"done": 1}

    asyncio.run(main())


CALLER = """
import asyncio
from tests.actors.runtime.test_bounded import BOUNDS, Workers, command

async def main():
    async with Workers(command("print('up', file=sys.stderr); time.sleep(600)"), BOUNDS, 1).ask({}) as worker:
        await worker.frame()

asyncio.run(main())
"""


# Its standard error is its caller's: that ends when neither is there any more.
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel must kill it")
def test_the_callers_end() -> None:
    with subprocess.Popen([sys.executable, "-c", CALLER], stderr=subprocess.PIPE) as caller:
        assert caller.stderr is not None
        assert caller.stderr.readline() == b"up\n"
        caller.kill()
        caller.communicate(timeout=60)


# One works, one waits, the next is refused. Whose caller has gone keeps its room until it is done; what fails says so.
def test_threads() -> None:
    async def main() -> None:
        threads, go_on = Threads("test", 1, 1), threading.Event()
        first = asyncio.create_task(threads.run(go_on.wait, timeout=60))
        second = asyncio.create_task(threads.run(int, "2"))
        await asyncio.sleep(0)
        for _ in range(2):
            with pytest.raises(Full):
                await threads.run(int, "3")
            first.cancel()
        go_on.set()
        assert await second == 2
        with pytest.raises(asyncio.CancelledError):
            await first
        with pytest.raises(ValueError, match="invalid literal"):
            await threads.run(int, "x")
        both = [asyncio.create_task(threads.run(int, digit)) for digit in "45"]
        assert [await each for each in both] == [4, 5]

    asyncio.run(main())
