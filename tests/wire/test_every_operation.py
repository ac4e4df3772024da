"""The wire check in shards. What it proves and against what: tests/wire/every_operation.py."""

import pytest

from schemas import models
from tests.wire.every_operation import LONG, Tally, run

SHARDS = 16


def shard(number: int) -> list[str]:
    """Every 16th service, so that the big ones spread."""
    return list(models.names())[number::SHARDS]


# Every operation, error and event of every service, with all members and with a random half of them.
@pytest.mark.parametrize("number", range(SHARDS))
def test_every_operation(number: int) -> None:
    tally = Tally()
    run(shard(number), 2, tally)
    print(tally)
    assert not tally.failures, "\n".join([str(tally), *tally.failures[:5]])
    assert tally.counts["requests"] > tally.counts["operations"]


# The long form: more examples, and each error for each operation that lists it.
@pytest.mark.slow
@pytest.mark.parametrize("number", range(SHARDS))
def test_every_operation_at_length(number: int) -> None:
    tally = Tally()
    run(shard(number), LONG, tally)
    print(tally)
    assert not tally.failures, "\n".join([str(tally), *tally.failures[:5]])
