"""OpenAI's and Anthropic's paths: what reaches the bus, how answers, streams and errors look to their clients."""

import json
from typing import Any

import orjson

from schemas.envelope import Fault, Reply
from tests.gateway.fakes import Asked
from tests.gateway.running import Response, ask, http, run, running

SERVICES = ("bedrock", "bedrock-runtime", "s3")
BODY = {"model": "m.n-v1", "messages": [{"role": "user", "content": "hi"}]}
METRICS = "amazon-bedrock-invocationMetrics"


def request(path: str, body: dict[str, Any] | None = None, method: str = "POST", **headers: str) -> bytes:
    given = {"authorization": "Bearer any", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return http(method, path, {name: value for name, value in given.items() if value}, orjson.dumps(body or {}))


def answered(asked: Asked) -> Reply:
    return Reply(asked.request.id, ok={"body": b'{"said": 1}', "contentType": "application/json"})


def json_of(response: Response) -> Any:
    assert response.headers["content-type"] == "application/json"
    return json.loads(response.body)


# Both are InvokeModel, the form named in contentType, the rest of the body as it came.
def test_whole() -> None:
    async def test() -> None:
        async with running(answered, services=SERVICES) as gateway:
            for path, form in (("/openai/v1/chat/completions", "openai"), ("/v1/messages", "anthropic")):
                response = await ask(gateway, request(path, BODY, x_amzn_bedrock_guardrailidentifier="g"))
                assert (response.status, json_of(response)) == (200, {"said": 1})
                asked = gateway.bus.asked[-1]
                params = asked.request.params
                assert (asked.service, asked.operation, params["modelId"]) == (
                    "bedrock-runtime", "InvokeModel", "m.n-v1")
                assert params["contentType"] == f"application/vnd.skybus.{form}+json"
                assert params["guardrailIdentifier"] == "g"
                assert json.loads(params["body"])["messages"] == BODY["messages"]
                assert asked.identity.principal == "any"

    run(test)


# Chunks become server-sent events, Bedrock's own members left out; an error on the way is the last event.
def test_streams() -> None:
    async def test() -> None:
        pieces: list[dict[str, Any]] = [{"type": "a"}, {"type": "b", METRICS: {"x": 1}}]
        events = [Reply(event={"chunk": {"bytes": orjson.dumps(each)}}) for each in pieces]
        async with running(services=SERVICES, events=events) as gateway:
            message = request("/anthropic/v1/messages", {**BODY, "stream": True}, connection="close")
            response = await ask(gateway, message, "HEAD")
            assert (response.status, response.headers["content-type"]) == (200, "text/event-stream")
            assert gateway.bus.asked[-1].operation == "InvokeModelWithResponseStream"
        failed = Reply(error=Fault("ModelErrorException", "it broke", {}))
        async with running(services=SERVICES, events=[failed]) as gateway:
            response = await ask(gateway, request("/v1/chat/completions", {**BODY, "stream": True}))
            assert (response.status, json_of(response)["error"]["message"]) == (424, "it broke")

    run(test)


# Every refusal is in the words of the API that was asked.
def test_refusals() -> None:
    async def test() -> None:
        def throttled(asked: Asked) -> Reply:
            return Reply(asked.request.id, error=Fault("ThrottlingException", "slow down", {}))

        async with running(throttled, services=SERVICES) as gateway:
            response = await ask(gateway, request("/v1/chat/completions", BODY))
            assert (response.status, json_of(response)["error"]["type"]) == (429, "rate_limit_error")
            response = await ask(gateway, request("/v1/messages", {"messages": []}))
            assert json_of(response) == {"type": "error", "error": {
                "type": "invalid_request_error", "message": "model: Field required"}}
            response = await ask(gateway, request("/openai/v1/models", BODY))
            assert (response.status, json_of(response)["error"]["type"]) == (405, "server_error")
        async with running(answered, services=SERVICES, open_mode=False) as gateway:
            for path, member in (("/v1/messages", "type"), ("/v1/chat/completions", "error")):
                for headers in ({}, {"authorization": "", "x_api_key": "any"}):
                    response = await ask(gateway, request(path, BODY, **headers))
                    assert response.status == 403
                    assert member in json_of(response)

    run(test)


def test_models() -> None:
    async def test() -> None:
        def listed(asked: Asked) -> Reply:
            return Reply(asked.request.id, ok={"modelSummaries": [{"modelId": "m.n-v1", "providerName": "me"}]})

        async with running(listed, services=SERVICES) as gateway:
            response = await ask(gateway, request("/v1/models", method="GET"))
            assert [model["id"] for model in json_of(response)["data"]] == ["m.n-v1"]
            assert (gateway.bus.asked[-1].service, gateway.bus.asked[-1].operation) == (
                "bedrock", "ListFoundationModels")

    run(test)
