"""JSON schemas as people write them for structured output, generated; and whether a value is valid for one."""

from typing import Any

from hypothesis import strategies as st

_NAMES = st.sampled_from(["a", "b", "name", "count", "list", "ok", "über"])
_LEAVES: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.sampled_from([{"type": "boolean"}, {"type": "null"}, {"type": "string", "maxLength": 5}, {"const": "x"},
                     {"type": "integer"}, {"type": "number", "minimum": 0, "maximum": 10}]),
    st.builds(lambda low, more: {"type": "integer", "minimum": low, "maximum": low + more},
              st.integers(-50, 50), st.integers(0, 99)),
    st.builds(lambda words: {"enum": words}, st.lists(st.sampled_from(["red", "green", 1, None, True]), min_size=1,
                                                      max_size=3, unique_by=repr)),
)


def _containers(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.one_of(
        st.builds(lambda items, low, more: {"type": "array", "items": items, "minItems": low, "maxItems": low + more},
                  inner, st.integers(0, 2), st.integers(0, 2)),
        st.builds(_object, st.dictionaries(_NAMES, inner, max_size=3), st.randoms(use_true_random=False)),
        st.builds(lambda members: {"anyOf": members}, st.lists(inner, min_size=1, max_size=3)),
    )


def _object(properties: dict[str, Any], chance: Any) -> dict[str, Any]:
    required = [name for name in properties if chance.random() < 0.7]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


SCHEMAS: st.SearchStrategy[dict[str, Any]] = st.recursive(_LEAVES, _containers, max_leaves=6)

_TYPES: dict[str, Any] = {"string": str, "boolean": bool, "null": type(None), "object": dict, "array": list}


def valid(value: Any, schema: dict[str, Any]) -> bool:
    """For the keywords that SCHEMAS uses, by JSON Schema 2020-12."""
    if "anyOf" in schema:
        return any(valid(value, each) for each in schema["anyOf"])
    if "const" in schema:
        return bool(value == schema["const"])
    if "enum" in schema:
        return any(value == each and type(value) is type(each) for each in schema["enum"])
    kind = schema["type"]
    if kind in ("integer", "number"):
        right = isinstance(value, int | float) and not isinstance(value, bool)
        whole = right and (kind == "number" or value == int(value))
        return whole and schema.get("minimum", value) <= value <= schema.get("maximum", value)
    if not isinstance(value, _TYPES[kind]):
        return False
    if kind == "string":
        return len(value) <= int(schema.get("maxLength", len(value)))
    if kind == "array":
        fits = schema["minItems"] <= len(value) <= schema["maxItems"]
        return fits and all(valid(each, schema["items"]) for each in value)
    if kind == "object":
        return set(schema["required"]) <= set(value) <= set(schema["properties"]) and all(
            valid(each, schema["properties"][name]) for name, each in value.items())
    return True
