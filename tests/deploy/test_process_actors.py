"""What an actor process does with its directories, and when it says that it is there."""

import asyncio
import threading
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest

from bus import virtual_time
from bus.codec import unpack
from bus.simulated import Network
from bus.tracing import Untraced
from bus.transport import Message
from deploy import process_actors
from deploy.broker import Run
from deploy.config import resolve
from deploy.process import Process
from deploy.process_actors import forget, serve


# A reset under uploads: files come to be in a folder as it is removed, and it is gone all the same.
def test_a_folder_in_use_is_forgotten(tmp_path: Path) -> None:
    folder, over = tmp_path / "blobs", threading.Event()
    folder.mkdir()

    def upload(writer: int) -> None:
        for number in count():
            if over.is_set():
                return
            with suppress(FileNotFoundError):
                (folder / f"{writer}-{number}").touch()

    writers = [threading.Thread(target=upload, args=(writer,)) for writer in range(4)]
    for each in writers:
        each.start()
    try:
        for _ in range(60):
            forget(folder)
            folder.mkdir()
    finally:
        over.set()
        for each in writers:
            each.join()
    forget(folder)
    assert not list(tmp_path.iterdir())


# Who waits for an answer of one that was killed waits for these news, so they come before what takes long.
def test_its_arrival_is_told_before_its_services_are_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[Message] = []

    class LoadingError(Exception):
        pass

    def load(process: Process) -> None:
        raise LoadingError

    async def main() -> None:
        network = Network(1)
        gateway = network.connect("_INBOX.gateway.")
        gateway.subscribe("sys.arrived", heard.append)
        await gateway.flush()
        run = Run(resolve({}, {}, {}), "", {}, ("dynamodb", "iam"), {"dynamodb": 2})
        transport = network.connect("_INBOX.actors.")
        with pytest.raises(LoadingError):
            await serve(Process("actors-2", run, transport, Untraced(), lambda: None, asyncio.Event()))
        await gateway.flush()

    monkeypatch.setattr(process_actors, "ActorProcess", load)
    virtual_time.run(main())
    [told] = heard
    assert unpack(told.data) == {"process": "actors-2", "services": ["dynamodb"], "slots": {"dynamodb": [128, 256]}}
