"""What an actor process does with its directories."""

import threading
from contextlib import suppress
from itertools import count
from pathlib import Path

from deploy.process_actors import forget


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
