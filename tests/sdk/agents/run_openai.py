"""OpenAI's SDK, unchanged, on /openai/v1: whole, streamed, tools, JSON of a schema, the list of models."""

import json
import sys

from openai import BadRequestError, OpenAI

ECHO = "skybus.echo-v1"
client = OpenAI(api_key="any", base_url=f"{sys.argv[1]}/openai/v1")
LOOK = {"type": "function", "function": {"name": "look", "parameters": {
    "type": "object", "properties": {"where": {"type": "string"}}, "required": ["where"]}}}


def ask(text: str, **more: object) -> object:
    return client.chat.completions.create(model=ECHO, messages=[{"role": "user", "content": text}], **more)


answer = ask("one two")
assert answer.choices[0].message.content == "one two", answer
assert answer.usage.total_tokens == 4, answer
pieces = list(ask("one two three", stream=True))
assert "".join(piece.choices[0].delta.content or "" for piece in pieces if piece.choices) == "one two three", pieces
call = ask('!tool look {"where": "here"}', tools=[LOOK]).choices[0].message.tool_calls[0]
assert (call.function.name, json.loads(call.function.arguments)) == ("look", {"where": "here"}), call
parts = [choice.delta.tool_calls[0] for piece in ask('!tool look {"where": "here"}', tools=[LOOK], stream=True)
         for choice in piece.choices if choice.delta.tool_calls]
assert json.loads("".join(part.function.arguments or "" for part in parts)) == {"where": "here"}, parts
schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
formatted = ask("x", response_format={"type": "json_schema", "json_schema": {"name": "s", "schema": schema}})
assert isinstance(json.loads(formatted.choices[0].message.content)["n"], int), formatted
assert ECHO in [model.id for model in client.models.list()]


def refused() -> str | None:
    try:
        client.chat.completions.create(model="no.such-v1", messages=[{"role": "user", "content": "x"}])
    except BadRequestError as error:
        return error.code
    raise AssertionError("a model that is not there answered")


assert refused() == "ValidationException"
print("ok")
