"""The journal: whole lines, rotated within its bounds, through full disks, and read on from where a reader stood."""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.runtime.audit.journal import Journal, Position, Tail


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []


@settings(deadline=None)
@given(st.lists(st.text(max_size=60), max_size=40), st.integers(2, 5), st.integers(50, 400))
def test_the_newest_records_are_kept_in_order(texts: list[str], files: int, file_limit: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "audit.log"
        journal = Journal(path, file_limit_bytes=file_limit, files_limit=files)
        for text in texts:
            journal.append({"text": text})
        journal.close()
        kept = [*(Path(f"{path}.{number}") for number in range(files - 1, 0, -1)), path]
        written = [record["text"] for one in kept for record in lines(one)]
        assert written == texts[len(texts) - len(written):]
        assert len(list(Path(folder).iterdir())) <= files
        assert journal.dropped == 0
        longest = max((len(json.dumps({"text": text})) for text in texts), default=0)
        assert all(one.stat().st_size <= max(file_limit, longest + 1) for one in Path(folder).iterdir())


# Reads, writes, rotations and new readers in any order: every record that was not rotated away before it was read is
# read once, in order; what is lost is said to be.
@settings(deadline=None)
@given(st.lists(st.sampled_from(["append", "read", "reopen"]), max_size=60), st.integers(20, 120))
def test_a_reader_goes_on_where_it_stood(steps: list[str], file_limit: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "audit.log"
        journal = Journal(path, file_limit_bytes=file_limit, files_limit=4)
        position, count = Position(), 0
        got: list[int] = []
        tail = Tail(path, 4, position)

        def read() -> bool:
            nonlocal position
            found, position = tail.read(1)
            got.extend(json.loads(line)["number"] for line in found)
            tail.advance(position)
            return bool(found)

        for step in [*steps, "read"]:
            if step == "append":
                journal.append({"number": count})
                count += 1
            elif step == "read":
                read()
            else:
                tail.close()
                tail = Tail(path, 4, position)
        while read():
            pass
        assert got == sorted(set(got)), "once, in order"
        assert got[-1:] == ([count - 1] if count else []), "to the end"
        if len(got) < count:
            assert count > len(list(Path(folder).iterdir())), "only rotation loses records"
        tail.close()
        journal.close()


def test_the_file_is_private_and_appended_to(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    for number in range(2):
        journal = Journal(path)
        journal.append({"number": number})
        journal.close()
    assert lines(path) == [{"number": 0}, {"number": 1}]
    assert path.stat().st_mode & 0o777 == 0o600


# A crash in the middle of a line: the next process cuts it off, and a reader never sees it.
def test_half_a_line_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    path.write_bytes(b'{"number":0}\n{"num')
    tail = Tail(path, 8, Position())
    assert tail.read(1000)[0] == [b'{"number":0}']
    journal = Journal(path)
    journal.append({"number": 1})
    assert lines(path) == [{"number": 0}, {"number": 1}]
    assert tail.read(1000)[0] == [b'{"number":0}', b'{"number":1}']
    tail.close()
    journal.close()


# A disk that fills up in the middle of a line: the half line is cut off again, and writing goes on when there is space.
def test_a_full_disk_leaves_whole_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "audit.log"
    journal = Journal(path)
    journal.append({"number": 0})
    write = os.write
    calls = 0

    def full(descriptor: int, data: bytes) -> int:
        nonlocal calls
        calls += 1
        if calls == 1:
            return write(descriptor, data[:5])
        raise OSError(28, "No space left on device")

    with structlog.testing.capture_logs() as logged:
        monkeypatch.setattr("actors.runtime.audit.journal.os.write", full)
        journal.append({"number": 1})
        assert lines(path) == [{"number": 0}]
        monkeypatch.setattr("actors.runtime.audit.journal.os.write", write)
        journal.append({"number": 2})
        journal.close()
    assert lines(path) == [{"number": 0}, {"number": 2}]
    assert journal.dropped == 1
    assert [entry["event"] for entry in logged] == ["audit_write_failed", "audit_writes_again"]
