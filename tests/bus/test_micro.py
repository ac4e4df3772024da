"""bus/micro.py answers discovery as ADR-32 says, and nowhere but into inboxes."""

import asyncio
import json
from typing import Any

from bus.micro import Description, Discovery, EndpointStats
from bus.transport import Message
from tests.bus.worlds import Runner, World


# Fields and types of each answer: ADR-32; and all three addresses of each verb: everyone, by name, by id.
def test_discovery(run: Runner) -> None:
    async def scenario(world: World) -> None:
        serving, asking = await world.connect(), await world.connect()
        endpoint = EndpointStats("PutItem", "aws.*.*.*.dynamodb.00.*", "", requests=4, errors=1, processing_ns=400)

        def endpoints() -> list[EndpointStats]:
            return [endpoint]

        found = {
            name: Discovery(serving, Description(name, "1.2.3", f"the {name} actor", {"slots": "0-255"}), endpoints)
            for name in (f"dynamodb-{world.root}", f"sts-{world.root}")
        }
        await serving.flush()
        name, discovery = next(iter(found.items()))
        for verb in ("PING", "INFO", "STATS"):
            kind = f"io.nats.micro.v1.{verb.lower()}_response"
            for subject in (f"$SRV.{verb}.{name}", f"$SRV.{verb}.{name}.{discovery.id}"):
                answer = json.loads((await asking.request(subject, b"", 30.0)).data)
                assert answer["type"] == kind
                assert (answer["name"], answer["id"], answer["version"]) == (name, discovery.id, "1.2.3")
                assert answer["metadata"] == {"slots": "0-255"}
            answers: list[dict[str, Any]] = []
            everyone = asyncio.get_running_loop().create_future()

            def collect(message: Message, to: list[dict[str, Any]] = answers, done: Any = everyone) -> None:
                to.append(json.loads(message.data))
                if set(found) <= {one["name"] for one in to} and not done.done():
                    done.set_result(None)

            inbox = asking.listen(collect, lambda _: None)
            asking.publish(f"$SRV.{verb}", b"", inbox.subject)
            await everyone
            inbox.close()
        stats = json.loads((await asking.request(f"$SRV.STATS.{name}", b"", 30.0)).data)
        assert stats["endpoints"][0] == {
            "name": "PutItem", "subject": "aws.*.*.*.dynamodb.00.*", "queue_group": "", "num_requests": 4,
            "num_errors": 1, "last_error": "", "processing_time": 400, "average_processing_time": 100,
        }
        info = json.loads((await asking.request(f"$SRV.INFO.{name}", b"", 30.0)).data)
        assert info["description"] == f"the {name} actor"
        assert info["endpoints"][0]["subject"] == "aws.*.*.*.dynamodb.00.*"
        for one in found.values():
            one.close()

    run(scenario)


# No confused deputy: a reply subject that is not an inbox gets nothing.
def test_answers_go_into_inboxes_only(run: Runner) -> None:
    async def scenario(world: World) -> None:
        serving, asking = await world.connect(), await world.connect()
        Discovery(serving, Description(world.root, "1.0.0", "", {}), list)
        heard: list[Message] = []
        asking.subscribe(f"aws.svc.x.y.{world.root}.any.DeleteUser", heard.append)
        await serving.flush()
        await asking.flush()
        asking.publish(f"$SRV.PING.{world.root}", b"", f"aws.svc.x.y.{world.root}.any.DeleteUser")
        for transport in (asking, serving, asking):
            await transport.flush()
        assert not heard

    run(scenario)
