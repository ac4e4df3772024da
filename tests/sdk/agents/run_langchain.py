"""langchain-aws, unchanged: ChatBedrockConverse and ChatBedrock with tools and streams, BedrockEmbeddings."""

import sys
from typing import Any

from langchain_aws import BedrockEmbeddings, ChatBedrock, ChatBedrockConverse
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool

ECHO, CLAUDE, TITAN = "skybus.echo-v1", "anthropic.claude-3-haiku-20240307-v1:0", "amazon.titan-embed-text-v2:0"
ENDPOINT: dict[str, Any] = {"endpoint_url": sys.argv[1], "region_name": "us-east-1", "aws_access_key_id": "test",
                            "aws_secret_access_key": "test"}


@tool
def look(where: str) -> str:
    """Looks somewhere."""
    return f"a cat {where}"


def converse() -> None:
    chat = ChatBedrockConverse(model=ECHO, provider="skybus", **ENDPOINT)
    answer = chat.invoke("one two")
    assert answer.content == "one two", answer
    assert answer.usage_metadata is not None
    assert answer.usage_metadata["total_tokens"] == 4, answer
    pieces = [piece.text for piece in chat.stream("one two three")]
    assert "".join(pieces) == "one two three", pieces
    asked: list[Any] = [HumanMessage('!tool look {"where": "here"}')]
    call = chat.bind_tools([look]).invoke(asked)
    assert [(each["name"], each["args"]) for each in call.tool_calls] == [("look", {"where": "here"})], call
    result = ToolMessage(look.invoke(call.tool_calls[0]["args"]), tool_call_id=call.tool_calls[0]["id"])
    told = chat.bind_tools([look]).invoke([*asked, call, result])
    assert told.content == "look answered: a cat here", told


def invoke() -> None:
    chat = ChatBedrock(model=CLAUDE, **ENDPOINT)
    answer = chat.invoke("one two")
    assert answer.content == "one two", answer
    assert answer.usage_metadata is not None
    assert answer.usage_metadata["total_tokens"] == 4, answer
    pieces = list(chat.stream("one two three"))
    assert "".join(piece.text for piece in pieces) == "one two three", pieces


def embeddings() -> None:
    model = BedrockEmbeddings(model_id=TITAN, **ENDPOINT)
    vectors = model.embed_documents(["one two", "three"])
    assert [len(vector) for vector in vectors] == [256, 256]


converse()
invoke()
embeddings()
print("ok")
