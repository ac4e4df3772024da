"""litellm, unchanged: bedrock/converse, bedrock (InvokeModel) and embeddings."""

import sys

import litellm

ECHO, CLAUDE, TITAN = "skybus.echo-v1", "anthropic.claude-3-haiku-20240307-v1:0", "amazon.titan-embed-text-v2:0"
ENDPOINT = {"aws_bedrock_runtime_endpoint": sys.argv[1], "aws_region_name": "us-east-1", "aws_access_key_id": "test",
            "aws_secret_access_key": "test"}
TOOL = {"type": "function", "function": {"name": "look", "description": "looks", "parameters": {
    "type": "object", "properties": {"where": {"type": "string"}}, "required": ["where"]}}}


def said(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


for model in (f"bedrock/converse/{CLAUDE}", f"bedrock/invoke/{CLAUDE}"):
    answer = litellm.completion(model=model, messages=said("one two"), max_tokens=64, **ENDPOINT)
    assert answer.choices[0].message.content == "one two", answer
    assert answer.usage.total_tokens == 4, answer
    pieces = list(litellm.completion(model=model, messages=said("one two three"), stream=True, max_tokens=64,
                                     **ENDPOINT))
    text = "".join(piece.choices[0].delta.content or "" for piece in pieces)
    assert text == "one two three", pieces
    call = litellm.completion(model=model, messages=said('!tool look {"where": "here"}'), tools=[TOOL], max_tokens=64,
                              **ENDPOINT).choices[0].message.tool_calls[0]
    assert call.function.name == "look", call
found = litellm.embedding(model=f"bedrock/{TITAN}", input=["one two"], **ENDPOINT)
assert len(found.data[0]["embedding"]) == 256
print("ok")
