"""How long to wait before something that failed is tried again: twice as long each time, up to a limit, for ever."""

_DOUBLINGS_MAX = 64                       # more would not fit a float, after some thousand failures


def backoff_s(failures: int, first_s: float, limit_s: float) -> float:
    """After so many failures in a row, at least one."""
    assert failures > 0, failures
    return min(first_s * 2.0 ** min(failures - 1, _DOUBLINGS_MAX), limit_s)
