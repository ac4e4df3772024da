"""What a command has found, for people and for programs, and its word in between that it is still at work."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any, NamedTuple

QUIET_S = 2.0                             # what is done by then says nothing in between
REMIND_S = 5.0


class Report(NamedTuple):
    """`facts` is one JSON object, printed with --json; `text` is for people."""

    facts: dict[str, Any]
    text: str
    exit_code: int = 0

    def tell(self, *, as_json: bool) -> int:
        print(json.dumps(self.facts, indent=1) if as_json else self.text, flush=True)
        return self.exit_code


@contextmanager
def progress(doing: str, detail: Callable[[], str] = str) -> Iterator[None]:
    """While the body runs, on stderr: what is being done and for how long. `detail` is asked from another thread."""
    done, began = Event(), time.monotonic()

    def remind() -> None:
        wait_s = QUIET_S
        while not done.wait(wait_s):
            print(f"{doing} {detail()}".rstrip() + f" … {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
            wait_s = REMIND_S

    thread = Thread(target=remind, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
