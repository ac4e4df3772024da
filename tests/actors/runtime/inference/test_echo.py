"""The echo's answers over the bus: what they are is its module's documentation, exact to the token."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.runtime.inference.catalogue import ECHO_ID
from actors.runtime.inference.engines.echo import tokens
from actors.runtime.inference.engines.instance import smallest
from actors.runtime.inference.protocol import (
    EmbedRequest,
    Finish,
    GenerateRequest,
    Reason,
    Reasoning,
    RerankRequest,
    Text,
    TokenizeRequest,
    ToolUse,
    Usage,
)
from bus.virtual_time import run
from schemas.errors import AwsError
from tests.actors.runtime.inference.asking import ALICE, WEATHER, events, models_world, said, user


def test_it_says_what_it_is_told_token_by_token(tmp_path: Path) -> None:
    async def main() -> None:
        async with models_world(tmp_path) as w:
            heard = await events(w.models, user("Hello there,\n you."))
            assert [event.text for event in heard[:-1] if isinstance(event, Text)] == ["Hello", " there,", "\n you."]
            finish = heard[-1]
            assert isinstance(finish, Finish)
            assert (finish.reason, finish.usage) == (Reason.END, Usage(3, 3))
            counted = await w.models.count(ECHO_ID, TokenizeRequest(prompt="Hello there,\n you."), ALICE)
            assert counted.tokens == 3

    run(main())


@pytest.mark.parametrize(("request_", "text", "reason", "stop"), [
    (user("one two three", 2), "one two", Reason.LENGTH, ""),
    (user("one STOP three", stop=["STOP", "three"]), "one ", Reason.STOP, "STOP"),
    (user("one two STOP", 3, stop=["STOP"]), "one two ", Reason.STOP, "STOP"),
    (user("one two three STOP", 2, stop=["STOP"]), "one two", Reason.LENGTH, ""),
    (user("!empty"), "", Reason.END, ""),
    (GenerateRequest(prompt="raw text"), "raw text", Reason.END, ""),
])
def test_why_it_ends(
    request_: GenerateRequest, text: str, reason: Reason, stop: str, tmp_path: Path
) -> None:
    async def main() -> None:
        async with models_world(tmp_path) as w:
            heard = await events(w.models, request_)
            finish = heard[-1]
            assert isinstance(finish, Finish)
            assert (said(heard), finish.reason, finish.stop_sequence) == (text, reason, stop)

    run(main())


def test_tools_as_scripted_and_as_demanded(tmp_path: Path) -> None:
    async def main() -> None:
        async with models_world(tmp_path) as w:
            heard = await events(w.models, user('!think hm\nLook:\n!tool weather {"city": "Ulm"}', tools=[WEATHER]))
            assert heard[0] == Reasoning("hm")
            assert said(heard) == "Look:\n"
            calls = [event for event in heard if isinstance(event, ToolUse)]
            assert (calls[0].id, calls[0].name) == ("call_0", "weather")
            assert json.loads("".join(call.arguments for call in calls)) == {"city": "Ulm"}
            assert isinstance(heard[-1], Finish)
            assert heard[-1].reason is Reason.TOOL_USE
            demanded = await events(w.models, user("hello", tools=[WEATHER], tool_choice="required"))
            arguments = "".join(each.arguments for each in demanded if isinstance(each, ToolUse))
            assert json.loads(arguments) == {"city": "aa"}
            answered = await events(w.models, GenerateRequest(messages=[
                {"role": "user", "content": "?"},
                {"role": "assistant", "tool_calls": [
                    {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}]},
                {"role": "tool", "tool_call_id": "c1", "content": "rain"},
            ]))
            assert said(answered) == "weather answered: rain"

    run(main())


def test_it_fails_where_the_script_says(tmp_path: Path) -> None:
    async def main() -> None:
        async with models_world(tmp_path) as w:
            stream = w.models.generate(ECHO_ID, user("!fail 2\none two three"), ALICE)
            heard = [await anext(stream), await anext(stream)]
            assert said(heard) == "one two"
            with pytest.raises(AwsError, match="ModelErrorException: The script says"):
                await anext(stream)

    run(main())


def test_what_shares_words_is_alike(tmp_path: Path) -> None:
    async def main() -> None:
        async with models_world(tmp_path) as w:
            ranking = await w.models.rerank(
                ECHO_ID, RerankRequest("red fish", ["a blue bird", "the red fish", "red"]), ALICE
            )
            assert sorted(range(3), key=lambda at: -ranking.scores[at]) == [1, 2, 0]
            embedded = await w.models.embed(ECHO_ID, EmbedRequest(["red fish", ""]), ALICE)
            assert [len(vector) for vector in embedded.vectors] == [256, 256]
            assert sum(value * value for value in embedded.vectors[0]) == pytest.approx(1)
            assert embedded.tokens == [2, 0]

    run(main())


@given(st.text())
def test_no_text_is_lost_between_tokens(text: str) -> None:
    assert "".join(tokens(text)) == text


@pytest.mark.parametrize(("schema", "value"), [
    ({"type": "integer", "minimum": 3}, 3),
    ({"type": "number", "exclusiveMaximum": 0}, -0.5),
    ({"enum": ["b", "a"]}, "b"),
    ({"anyOf": [{"type": "null"}, {"type": "string"}]}, None),
    ({"type": "array", "items": {"type": "boolean"}, "minItems": 2}, [False, False]),
    ({"$ref": "#/$defs/a", "$defs": {"a": {"type": "object", "properties": {"b": {"const": 1}}, "required": ["b"]}}},
     {"b": 1}),
    ({"allOf": [{"type": "object", "required": ["a"]}, {"properties": {"a": {"type": "string"}}}]}, {"a": ""}),
])
def test_the_smallest_value_of_a_schema(schema: dict[str, object], value: object) -> None:
    assert smallest(schema) == value
