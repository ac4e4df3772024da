"""Waits between attempts."""

from hypothesis import given
from hypothesis import strategies as st

from bus.backoff import backoff_s


# Doubling, never less than before, never above the limit, however long something has been failing.
@given(st.integers(1, 10**9))
def test_backoff(failures: int) -> None:
    wait_s = backoff_s(failures, 0.1, 5.0)
    assert 0.1 <= wait_s <= 5.0
    assert backoff_s(failures + 1, 0.1, 5.0) == min(2 * wait_s, 5.0)
