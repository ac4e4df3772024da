"""Bodies out of files, and clients that do not wait for their end."""

import asyncio
import gc
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import uvloop

from bus import files
from schemas.envelope import Reply
from tests.gateway.fakes import Asked
from tests.gateway.running import Connection, http, running

SIZE = 64 * 1024 * 1024                   # more than a socket takes at once


# It hangs up midway, which is nothing that anybody needs to hear of: no task ends in an error.
@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_a_client_that_goes(tmp_path: Path, run: Callable[[Coroutine[Any, Any, None]], None]) -> None:
    folder = tmp_path / "s3" / files.FOLDER
    (folder / files.INCOMING).mkdir(parents=True)
    path = files.path_of(folder, "a" * 32)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(SIZE)

    def answer(asked: Asked) -> Reply:
        return Reply(asked.request.id, ok={"ContentLength": SIZE, "Body": {"files": [["a" * 32, 0, SIZE, b"k" * 32]]}})

    async def main() -> None:
        wrong: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: wrong.append(context))
        async with running(answer, state=tmp_path) as gateway:
            connection = await Connection.open(gateway)
            connection.send(http("GET", "/bucket/k", {}))
            await connection.reader.readexactly(1024 * 1024)
            connection.writer.transport.abort()
        gc.collect()                               # what was never asked for is told then
        assert wrong == []

    run(main())
