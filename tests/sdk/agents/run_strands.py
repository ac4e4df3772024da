"""Strands agents, unchanged: a loop that calls a tool, streams, and answers with what the tool said."""

import os
import sys
from typing import Any

os.environ |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}

from strands import Agent, tool
from strands.models import BedrockModel

calls: list[str] = []


@tool
def look(where: str) -> str:
    """Looks somewhere.

    Args:
        where: the place
    """
    calls.append(where)
    return f"a cat {where}"


for streaming in (True, False):
    model = BedrockModel(model_id="skybus.echo-v1", endpoint_url=sys.argv[1], streaming=streaming)
    agent = Agent(model=model, tools=[look], callback_handler=None)
    answer: Any = agent('!tool look {"where": "here"}')
    assert "look answered: a cat here" in str(answer), answer
assert calls == ["here", "here"]
print("ok")
