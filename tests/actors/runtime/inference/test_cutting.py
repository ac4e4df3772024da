"""Arguments of a demanded call hold what the tool declares, where its schema lets us close it."""

from typing import Any

import pytest

from actors.runtime.inference.engines.cutting import closed

BOOLEAN = {"type": "boolean"}


def thing(**more: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"x": BOOLEAN}, **more}


@pytest.mark.parametrize(("schema", "expected"), [
    (thing(required=["x"]), thing(required=["x"], additionalProperties=False)),
    (thing(additionalProperties=True), thing(additionalProperties=True)),
    ({"type": "object"}, {"type": "object"}),
    (thing(required=["x", "y"]), thing(required=["x", "y"])),            # closed, nothing would satisfy it
    (thing(allOf=[thing()]), thing(allOf=[thing()])),
    ({"type": "array", "items": thing()}, {"type": "array", "items": thing(additionalProperties=False)}),
    ({"type": "object", "properties": {"in": thing()}},
     {"type": "object", "properties": {"in": thing(additionalProperties=False)}, "additionalProperties": False}),
    (True, True),
])
def test_closed(schema: Any, expected: Any) -> None:
    assert closed(schema) == expected
