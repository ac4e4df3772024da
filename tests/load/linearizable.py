"""Is a history of one register linearizable? Wing and Gong's search with memory of visited states.

M. P. Herlihy and J. M. Wing, "Linearizability: a correctness condition for concurrent objects", 1990.
An operation whose outcome nobody saw (time-out, 503) may have taken effect at any time after its start, or never.
"""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

NEVER = math.inf


@dataclass(frozen=True)
class Operation:
    """`kind`: put, create (only where nothing is), delete, get. `value` is written, or for get what was read (None:
    nothing there). `done` is NEVER when the outcome is unknown. A refused create has `refused`."""

    kind: str
    value: Hashable
    began: float
    done: float
    refused: bool = False


def step(operation: Operation, state: Hashable) -> tuple[bool, Hashable]:
    """Could it have answered so in this state, and what is the state afterwards?"""
    if operation.kind == "get":
        return state == operation.value, state
    if operation.kind == "delete":
        return True, None
    if operation.kind == "put":
        return True, operation.value
    assert operation.kind == "create"
    if operation.done == NEVER:
        return True, operation.value if state is None else state
    return operation.refused == (state is not None), operation.value if state is None else state


def linearizable(history: Sequence[Operation], initial: Hashable = None) -> bool:
    """Operations of one key, in any order."""
    operations = sorted((o for o in history if not (o.kind == "get" and o.done == NEVER)), key=lambda o: o.began)
    certain = sum(1 << index for index, o in enumerate(operations) if o.done != NEVER)
    seen: set[tuple[int, Hashable]] = set()
    stack: list[tuple[int, Hashable]] = [(0, initial)]
    while stack:
        taken, state = stack.pop()
        if taken & certain == certain:
            return True
        if (taken, state) in seen:
            continue
        seen.add((taken, state))
        horizon = NEVER                                  # nothing that began after somebody's end can come before it
        for index, operation in enumerate(operations):
            if taken >> index & 1:
                continue
            if operation.began > horizon:
                break
            horizon = min(horizon, operation.done)
            possible, after = step(operation, state)
            if possible:
                stack.append((taken | 1 << index, after))
    return False
