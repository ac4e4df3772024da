"""Waiting for what happens by itself. Nothing is measured: who waits asks again until it has happened, or fails."""

import time
from collections.abc import Callable
from typing import TypeVar

PATIENCE_S = 60.0
ASK_AGAIN_S = 0.02

Found = TypeVar("Found")


def until(holds: Callable[[], Found], what: str = "it did not happen", patience_s: float = PATIENCE_S) -> Found:
    """What `holds` gives, once it is true."""
    end = time.monotonic() + patience_s
    while not (found := holds()):
        assert time.monotonic() < end, what
        time.sleep(ASK_AGAIN_S)
    return found
