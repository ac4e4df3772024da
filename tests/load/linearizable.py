"""Is a history of one register linearizable? Wing and Gong's search with memory of visited states.

M. P. Herlihy and J. M. Wing, "Linearizability: a correctness condition for concurrent objects", 1990.
An operation whose outcome nobody saw (time-out, 503) may have taken effect at any time after its start, or never. Such
operations multiply the orders; what keeps the search small is that those alike in effect are interchangeable.
"""

import math
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace

NEVER = math.inf
UNSEEN = "a value that nobody read"


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
    operations = _comparable(history, initial)
    certain = sum(1 << index for index, o in enumerate(operations) if o.done != NEVER)
    seen: set[tuple[int, Hashable]] = set()
    stack: list[tuple[int, Hashable]] = [(0, initial)]
    while stack:
        taken, state = stack.pop()
        if taken & certain == certain:
            return True
        if (taken, state) not in seen:
            seen.add((taken, state))
            stack.extend(_next(operations, taken, state))
    return False


def _comparable(history: Sequence[Operation], initial: Hashable) -> list[Operation]:
    """By their start; values that nobody read are all the same, gets that nobody heard of are left out."""
    read = {o.value for o in history if o.kind == "get"} | {None, initial}
    kept = (o for o in history if not (o.kind == "get" and o.done == NEVER))
    return sorted((o if o.value in read else replace(o, value=UNSEEN) for o in kept), key=lambda o: o.began)


def _next(operations: Sequence[Operation], taken: int, state: Hashable) -> Iterator[tuple[int, Hashable]]:
    """What may come next, and the state after it."""
    horizon = NEVER                                      # nothing that began after somebody's end can come before it
    alike: set[tuple[str, Hashable]] = set()             # of those without a known end the first stands for all alike
    for index, operation in enumerate(operations):
        if taken >> index & 1:
            continue
        if operation.began > horizon:
            return
        horizon = min(horizon, operation.done)
        possible, after = step(operation, state)
        if operation.done == NEVER:
            effect = (operation.kind, operation.value)
            if effect in alike or after == state:        # without effect it need not have happened
                continue
            alike.add(effect)
        if possible:
            yield taken | 1 << index, after
