"""Anthropic's SDK, unchanged: its Bedrock client (InvokeModel) and its own API's path; whole, streamed, with tools."""

import sys

from anthropic import Anthropic, AnthropicBedrock, BadRequestError

ECHO, CLAUDE = "skybus.echo-v1", "anthropic.claude-3-haiku-20240307-v1:0"
LOOK = {"name": "look", "description": "looks", "input_schema": {
    "type": "object", "properties": {"where": {"type": "string"}}, "required": ["where"]}}


def check(client: Anthropic | AnthropicBedrock, model: str) -> None:
    message = client.messages.create(model=model, max_tokens=64, messages=[{"role": "user", "content": "one two"}])
    assert message.content[0].text == "one two", message
    assert (message.usage.input_tokens, message.usage.output_tokens) == (2, 2), message
    with client.messages.stream(model=model, max_tokens=64,
                                messages=[{"role": "user", "content": "one two three"}]) as stream:
        assert list(stream.text_stream) == ["one", " two", " three"]
        assert stream.get_final_message().stop_reason == "end_turn"
    asked = {"role": "user", "content": '!tool look {"where": "here"}'}
    call = client.messages.create(model=model, max_tokens=64, tools=[LOOK], messages=[asked])
    assert call.stop_reason == "tool_use", call
    use = call.content[-1]
    assert use.input == {"where": "here"}
    told = client.messages.create(model=model, max_tokens=64, tools=[LOOK], messages=[
        asked, {"role": "assistant", "content": call.content},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": use.id, "content": "a cat"}]}])
    assert told.content[0].text == "look answered: a cat", told
    assert "The provided model identifier is invalid." in refused(client, "no.such-v1")


def refused(client: Anthropic | AnthropicBedrock, model: str) -> str:
    try:
        client.messages.create(model=model, max_tokens=1, messages=[{"role": "user", "content": "x"}])
    except BadRequestError as error:
        return str(error)
    raise AssertionError("a model that is not there answered")


check(AnthropicBedrock(aws_access_key="test", aws_secret_key="test", aws_region="us-east-1", base_url=sys.argv[1]),
      CLAUDE)
check(Anthropic(api_key="any", base_url=f"{sys.argv[1]}/anthropic"), ECHO)
print("ok")
