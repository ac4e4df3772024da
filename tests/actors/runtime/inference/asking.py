"""Asking models in a simulated world: what the tests of hosts, fleets and the echo share."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

from actors.runtime.inference.catalogue import ECHO_ID
from actors.runtime.inference.models import Models
from actors.runtime.inference.protocol import Event, GenerateRequest, Sampling, Text, Tool
from schemas.envelope import Identity
from tests.world import ACCOUNT, World, world

ALICE = Identity("gw", ACCOUNT, "AKIAALICE")
WEATHER: Tool = {
    "name": "weather", "description": "The weather somewhere",
    "parameters": {"type": "object", "properties": {"city": {"type": "string", "minLength": 2}}, "required": ["city"]},
}


@asynccontextmanager
async def models_world(directory: Path) -> AsyncIterator[World]:
    async with world(directory, []) as made:
        yield made


def user(text: str, max_tokens: int | None = None, **members: Any) -> GenerateRequest:
    sampling = Sampling(max_tokens=max_tokens)
    return GenerateRequest(messages=[{"role": "user", "content": text}], sampling=sampling, **members)


async def events(models: Models, request: GenerateRequest, model: str = ECHO_ID, deadline: float = 0.0) -> list[Event]:
    async with aclosing(models.generate(model, request, ALICE, deadline)) as stream:
        return [event async for event in stream]


def said(of: list[Event]) -> str:
    return "".join(event.text for event in of if isinstance(event, Text))
