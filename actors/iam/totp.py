"""Time-based one-time passwords, as authenticator apps make them: RFC 6238 with SHA-1, 30 seconds, 6 digits."""

from collections.abc import Iterator
from hmac import compare_digest
from hmac import digest as hmac_digest

STEP_S = 30
DIGITS = 6
DRIFT_STEPS = 1                               # that a device's clock may be off, either way
SYNCHRONISE_STEPS = 20                        # the same where two codes in a row prove more


def code(seed: bytes, counter: int) -> str:
    """RFC 4226, section 5.3."""
    made = hmac_digest(seed, counter.to_bytes(8, "big"), "sha1")
    offset = made[-1] & 15
    number = int.from_bytes(made[offset:offset + 4], "big") & 0x7FFF_FFFF
    return f"{number % 10 ** DIGITS:0{DIGITS}}"


def matching(seed: bytes, given: str, now: float, last: int) -> int | None:
    """The counter of a code that is good now and was not used before: behind `last`."""
    return next((counter for counter in _around(now, DRIFT_STEPS)
                 if counter > last and same(seed, counter, given)), None)


def synchronised(seed: bytes, first: str, second: str, now: float) -> int | None:
    """The counter of the second of two codes in a row."""
    return next((counter + 1 for counter in _around(now, SYNCHRONISE_STEPS)
                 if same(seed, counter, first) and same(seed, counter + 1, second)), None)


def _around(now: float, steps: int) -> Iterator[int]:
    """The nearest first."""
    present = int(now) // STEP_S
    yield present
    for distance in range(1, steps + 1):
        yield present - distance
        yield present + distance


def same(seed: bytes, counter: int, given: str) -> bool:
    return compare_digest(code(seed, counter).encode(), given.encode())
