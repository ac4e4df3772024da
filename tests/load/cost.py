"""What a function costs, alone: CPU of this process."""

import timeit
from collections.abc import Callable
from time import process_time

ROUNDS = 7


def cost_us(turn: Callable[[], object], turns: int = 20_000) -> float:
    """Of one turn, in the best of ROUNDS rounds: what else runs on the machine only adds. With garbage collection."""
    rounds = timeit.repeat(turn, "import gc; gc.enable()", timer=process_time, repeat=ROUNDS, number=turns)
    return min(rounds) / turns * 1e6
