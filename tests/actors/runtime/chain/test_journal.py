"""The audit log: whole lines, rotated within its bounds, through full disks and full queues; never blocks a request."""

import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.runtime.chain.audit import Journal


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@settings(deadline=None)
@given(st.lists(st.text(max_size=60), max_size=40), st.integers(2, 5), st.integers(50, 400))
def test_the_newest_records_are_kept_in_order(texts: list[str], files: int, file_limit: int) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "audit.log"
        journal = Journal(path, file_limit_bytes=file_limit, files_limit=files)
        for text in texts:
            journal.append({"text": text})
            journal.flush()
        journal.close()
        kept = [*(Path(f"{path}.{number}") for number in range(files - 1, 0, -1)), path]
        written = [record["text"] for one in kept for record in lines(one)]
        assert written == texts[len(texts) - len(written):]
        assert len(list(Path(folder).iterdir())) <= files
        assert journal.dropped == 0
        longest = max((len(json.dumps({"text": text})) for text in texts), default=0)
        assert all(one.stat().st_size <= max(file_limit, longest + 1) for one in Path(folder).iterdir())


def test_the_file_is_private_and_appended_to(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    for number in range(2):
        journal = Journal(path)
        journal.append({"number": number})
        journal.close()
    assert lines(path) == [{"number": 0}, {"number": 1}]
    assert path.stat().st_mode & 0o777 == 0o600


# A disk that fills up in the middle of a line: the half line is cut off again, and writing goes on when there is space.
def test_a_full_disk_leaves_whole_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "audit.log"
    journal = Journal(path)
    journal.append({"number": 0})
    journal.flush()
    write = os.write
    calls = 0

    def full(descriptor: int, data: bytes) -> int:
        nonlocal calls
        calls += 1
        if calls == 1:
            return write(descriptor, data[:5])
        raise OSError(28, "No space left on device")

    with structlog.testing.capture_logs() as logged:
        monkeypatch.setattr("actors.runtime.chain.audit.os.write", full)
        journal.append({"number": 1})
        journal.flush()
        assert lines(path) == [{"number": 0}]
        monkeypatch.setattr("actors.runtime.chain.audit.os.write", write)
        journal.append({"number": 2})
        journal.close()
    assert lines(path) == [{"number": 0}, {"number": 2}]
    assert journal.dropped == 1
    assert [entry["event"] for entry in logged] == ["audit_write_failed", "audit_writes_again"]


# The writer is held still: what exceeds the queue is dropped and counted, and append returns at once.
def test_a_full_queue_drops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "audit.log"
    go_on, stopped = threading.Event(), threading.Event()
    write = os.write

    def held(descriptor: int, data: bytes) -> int:
        stopped.set()
        go_on.wait()
        return write(descriptor, data)

    monkeypatch.setattr("actors.runtime.chain.audit.os.write", held)
    journal = Journal(path, queue_limit_records=3)
    journal.append({"number": 0})
    stopped.wait()
    for number in range(1, 10):
        journal.append({"number": number})
    go_on.set()
    journal.close()
    assert lines(path) == [{"number": number} for number in range(4)]
    assert journal.dropped == 6
