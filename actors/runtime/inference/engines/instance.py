"""The smallest value a JSON schema allows, for the model that has no grammar to follow.

Knows type, enum, const, properties, required, items, minItems, lengths, bounds, anyOf, oneOf, allOf and $ref within
the document; a pattern is not followed.
"""

from typing import Any

DEPTH_MAX = 64


def smallest(schema: Any, root: Any = None, depth: int = 0) -> Any:
    """ValueError for a schema that never ends."""
    root = schema if root is None else root
    if depth > DEPTH_MAX:
        raise ValueError("a schema whose every value is endless")
    if not isinstance(schema, dict):
        return {}
    if "$ref" in schema:
        return smallest(_referred(root, schema["$ref"]), root, depth + 1)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    for word in ("anyOf", "oneOf"):
        if schema.get(word):
            return smallest({**_without(schema, word), **schema[word][0]}, root, depth + 1)
    if schema.get("allOf"):
        merged: dict[str, Any] = _without(schema, "allOf")
        for part in schema["allOf"]:
            merged = {**merged, **part, "properties": {**merged.get("properties", {}), **part.get("properties", {})},
                      "required": [*merged.get("required", []), *part.get("required", [])]}
        return smallest(merged, root, depth + 1)
    return _of_type(schema, root, depth)


def _of_type(schema: dict[str, Any], root: Any, depth: int) -> Any:
    kind = schema.get("type", "object" if "properties" in schema else "string" if "minLength" in schema else "object")
    match kind[0] if isinstance(kind, list) else kind:
        case "object":
            properties = schema.get("properties", {})
            return {name: smallest(properties.get(name, {}), root, depth + 1) for name in schema.get("required", [])}
        case "array":
            return [smallest(schema.get("items", {}), root, depth + 1) for _ in range(schema.get("minItems", 0))]
        case "integer" | "number" as number:
            return _number(schema, 1 if number == "integer" else 0.5)
        case "boolean":
            return False
        case "null":
            return None
    return "a" * int(schema.get("minLength", 0))


def _number(schema: dict[str, Any], step: float) -> float:
    """Nought, or else the first number within the bounds."""
    inf = float("inf")
    low, high = schema.get("minimum", -inf), schema.get("maximum", inf)
    above, below = schema.get("exclusiveMinimum", -inf), schema.get("exclusiveMaximum", inf)
    for value in (0, low, above + step, high, below - step):
        if low <= value <= high and above < value < below:
            return int(value) if step == 1 else float(value)
    raise ValueError("a schema for a number that there is not")


def _referred(root: Any, reference: str) -> Any:
    found = root
    for part in reference.removeprefix("#").strip("/").split("/"):
        found = found[part.replace("~1", "/").replace("~0", "~")] if part else found
    return found


def _without(schema: dict[str, Any], word: str) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key != word}
