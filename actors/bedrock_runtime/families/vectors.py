"""What families do to an embedding model's vectors."""

import math

from schemas.errors import ValidationException


def unit(vector: list[float]) -> list[float]:
    """Of length one; a null vector stays."""
    length = math.sqrt(sum(part * part for part in vector))
    return [part / length for part in vector] if length else vector


def shortened(vector: list[float], dimensions: int | None) -> list[float]:
    """Its first `dimensions`, which is how models trained for it are asked for fewer. ValidationException for more."""
    if dimensions is None:
        return vector
    if dimensions > len(vector):
        raise ValidationException(
            f"The model behind this id makes vectors of {len(vector)} dimensions, {dimensions} were asked for.")
    return vector[:dimensions]


def binary(vector: list[float]) -> list[int]:
    return [int(part > 0) for part in vector]


def int8(vector: list[float]) -> list[int]:
    """-128 to 127, the largest part at the end of the scale."""
    largest = max((abs(part) for part in vector), default=0.0) or 1.0
    return [max(-128, min(127, round(127 * part / largest))) for part in vector]
