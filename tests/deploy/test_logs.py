"""Log files: nothing lost below the bound, never above it, and what the console shows."""

import resource
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from deploy.logs import ECHO_LINES_PER_S, LINE_LIMIT_BYTES, ProcessLog, file_name, follow, tail

LINES = st.lists(st.binary(max_size=60).map(lambda data: data.replace(b"\n", b"")), max_size=60)


# However the output is cut into pieces, the files hold its end, whole and in order, within bounds.
@given(LINES, st.lists(st.integers(1, 200), max_size=40), st.integers(64, 400), st.integers(1, 4))
def test_files_hold_the_end_of_the_output(lines: list[bytes], cuts: list[int], file_bytes: int, files: int) -> None:
    output = b"".join(line + b"\n" for line in lines)
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch)
        log = ProcessLog(directory, "p", file_bytes, files, lambda _: None)
        rest = output
        for cut in cuts:
            log.feed(rest[:cut])
            rest = rest[cut:]
        log.feed(rest)
        log.close()
        kept = [file_name(directory, "p", age) for age in reversed(range(files))]
        sizes = [path.stat().st_size for path in kept if path.exists()]
        held = b"".join(path.read_bytes() for path in kept if path.exists())
        assert output.endswith(held)
        assert {path.name for path in directory.iterdir()} <= {path.name for path in kept}
        if len(output) < file_bytes:
            assert held == output
        assert all(size < file_bytes + len(output) for size in sizes)


def test_a_line_without_end_is_cut(tmp_path: Path) -> None:
    log = ProcessLog(tmp_path, "p", 10**6, 2, lambda _: None)
    for _ in range(40):
        log.feed(b"x" * 4096)
    log.close()
    assert max(map(len, file_name(tmp_path, "p").read_bytes().split(b"\n"))) == LINE_LIMIT_BYTES


def test_the_console_shows_what_is_no_everyday_event(tmp_path: Path) -> None:
    shown: list[str] = []
    log = ProcessLog(tmp_path, "p", 10**6, 2, shown.append)
    log.feed(b'{"event":"a","level":"info"}\n{"event":"b","level":"warning"}\n')
    log.feed(b"[1] [INF] fine\n[1] [ERR] broken\nTraceback\n")
    log.close()
    assert shown == ['p: {"event":"b","level":"warning"}', "p: [1] [ERR] broken", "p: Traceback"]


def test_a_flood_is_not_for_the_console(tmp_path: Path) -> None:
    shown: list[str] = []
    log = ProcessLog(tmp_path, "p", 10**6, 2, shown.append)
    log.feed(b"!\n" * ECHO_LINES_PER_S * 3)
    log.close()
    assert ECHO_LINES_PER_S < len(shown) <= 2 * ECHO_LINES_PER_S + 2    # the second may turn meanwhile
    assert file_name(tmp_path, "p").read_bytes() == b"!\n" * ECHO_LINES_PER_S * 3


def test_follow_sees_what_is_written_and_goes_on_after_a_rotation(tmp_path: Path) -> None:
    log = ProcessLog(tmp_path, "p", 64, 2, lambda _: None)
    log.feed(b"before\n")
    data, position = tail(file_name(tmp_path, "p"))
    assert data == b"before\n"
    news = follow(tmp_path, {"p": position})
    log.feed(b"one\n")
    assert next(news) == ("p", b"one\n")
    log.feed(b"x" * 64 + b"\n")           # rotates
    log.feed(b"two\n")
    assert next(news) == ("p", b"two\n")
    log.close()


# A disk that is full costs lines, which the console is told once, and nothing else: with room the log goes on whole.
def test_a_log_that_cannot_be_written(tmp_path: Path) -> None:
    said: list[str] = []
    log = ProcessLog(tmp_path, "p", 10**6, 2, said.append)
    log.feed(b'"level":"info" before\n')
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    room = file_name(tmp_path, "p").stat().st_size + 5
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        for _ in range(3):
            log.feed(b'"level":"info" does not fit\n')
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    log.feed(b'"level":"info" after\n')
    log.close()
    assert file_name(tmp_path, "p").read_bytes() == b'"level":"info" before\n"level":"info" after\n'
    assert said == [
        "p: its log cannot be written: No space left on device.", "p: its log is written again; 3 lines are lost.",
    ]
