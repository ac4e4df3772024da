"""Bedrock over the simulated bus, with the echo model: requests in, answers, errors and events out.

    with bedrock(tmp_path) as runtime:
        runtime.call("Converse", modelId=ECHO, messages=[user("hello")])
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

import orjson

from actors.bedrock.service import Bedrock
from actors.bedrock_runtime.service import BedrockRuntime
from actors.runtime.actor import ServiceActor
from actors.runtime.inference.catalogue import ECHO_ID as ECHO
from bus.virtual_time import run
from schemas.errors import AwsError
from tests.world import World, world

Result = TypeVar("Result")
Answer = dict[str, Any]

__all__ = ["ECHO", "Caller", "assistant", "in_service", "in_world", "result", "text_of", "use", "user"]


class Caller:
    """One principal's requests, on a world's bus."""

    def __init__(self, made: World) -> None:
        self.world = made
        self.client = made.client()

    async def call(self, operation: str, service: str = "bedrock-runtime", **request: Any) -> Answer:
        return await self.client.call(service, operation, request)

    async def control(self, operation: str, **request: Any) -> Answer:
        return await self.call(operation, "bedrock", **request)

    async def error(self, operation: str, service: str = "bedrock-runtime", **request: Any) -> tuple[str, str]:
        """(code, message) of the error the call must end in."""
        try:
            answer = await self.call(operation, service, **request)
        except AwsError as error:
            return error.error_code, error.message
        raise AssertionError(f"{operation} answered {answer}")

    async def stream(self, operation: str, seen: list[Answer] | None = None, **request: Any) -> list[Answer]:
        """The events; AwsError where it ends in one. `seen` has those that came before."""
        events = [] if seen is None else seen
        async for reply in self.client.stream("bedrock-runtime", operation, request):
            if reply.event is not None:
                events.append(reply.event)
        return events

    async def invoke(self, body: Answer, **request: Any) -> Answer:
        answer = await self.call("InvokeModel", **{"modelId": ECHO, **request, "body": orjson.dumps(body)})
        told: Answer = orjson.loads(answer["body"])
        return told

    async def chunks(self, body: Answer, **request: Any) -> list[Answer]:
        events = await self.stream(
            "InvokeModelWithResponseStream", **{"modelId": ECHO, **request, "body": orjson.dumps(body)})
        return [orjson.loads(event["chunk"]["bytes"]) for event in events]


def in_world(directory: Path, test: Callable[[Caller], Awaitable[Result]],
             others: Sequence[ServiceActor] = ()) -> Result:
    """Runs a test on a loop whose clock jumps."""

    async def main() -> Result:
        async with world(directory, [Bedrock(), BedrockRuntime(), *others]) as made:
            return await test(Caller(made))

    coroutine: Coroutine[Any, Any, Result] = main()
    return run(coroutine)


async def in_service(caller: Caller, throughput: str) -> Answer:
    """As soon as a provisioned model is."""
    while True:
        got = await caller.control("GetProvisionedModelThroughput", provisionedModelId=throughput)
        if got["status"] not in ("Creating", "Updating"):
            assert got["status"] == "InService", got
            return got
        await asyncio.sleep(0.1)


def user(*content: str | Answer) -> Answer:
    return {"role": "user", "content": [{"text": each} if isinstance(each, str) else each for each in content]}


def assistant(*content: str | Answer) -> Answer:
    return {**user(*content), "role": "assistant"}


def use(identity: str, name: str = "look", **arguments: Any) -> Answer:
    return {"toolUse": {"toolUseId": identity, "name": name, "input": arguments}}


def result(identity: str, text: str = "found") -> Answer:
    return {"toolResult": {"toolUseId": identity, "content": [{"text": text}]}}


def text_of(events: list[Answer]) -> str:
    return "".join(event["contentBlockDelta"]["delta"].get("text", "") for event in events
                   if "contentBlockDelta" in event)
