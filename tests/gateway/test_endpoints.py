"""Skybus's own pages, and which pages of the web may ask.

Expected behaviour: LocalStack's health page as Testcontainers' module reads it, Prometheus's text format, and
https://fetch.spec.whatwg.org/#http-cors-protocol.
"""

import asyncio
import json
from typing import Any

import pytest

from bus.codec import pack, unpack
from bus.transport import Message
from gateway.browsers import is_loopback_name, may_ask
from gateway.metrics import Metrics, render
from tests.gateway.running import Running, ask, dynamodb, http, run, running


# Health says what is there and what is wrong with it, and 503 once the broker or a service does not answer.
@pytest.mark.parametrize("path", ["/_skybus/health", "/_localstack/health"])
def test_health(path: str) -> None:
    async def main() -> None:
        async with running(services=("dynamodb", "sts"), version="1.2.3") as gateway:
            troubles = {"dynamodb": "", "sts": ""}
            answering(gateway, "sys.health", {"process": "actors", "services": troubles})
            answer = await ask(gateway, http("GET", path, {}))
            assert (answer.status, json.loads(answer.body)) == (200, {
                "services": {"dynamodb": "running", "sts": "running"}, "edition": "skybus", "version": "1.2.3"})
            assert (await ask(gateway, http("HEAD", path, {}), "HEAD")).status == 200
            troubles["dynamodb"] = "disk full"
            answer = await ask(gateway, http("GET", path, {}))
            assert answer.status == 200
            assert json.loads(answer.body)["services"] == {"dynamodb": "error", "sts": "running"}
            assert json.loads(answer.body)["problems"] == {"dynamodb": "disk full"}
            gateway.transport.connected = False
            answer = await ask(gateway, http("GET", path, {}))
            assert (answer.status, json.loads(answer.body)["services"]["sts"]) == (503, "error")
        async with running(services=("dynamodb", "sts")) as gateway:
            answering(gateway, "sys.health", {"process": "actors", "services": {"sts": ""}})
            answer = await ask(gateway, http("GET", path, {}))
            assert (answer.status, json.loads(answer.body)["problems"]) == (503, {"dynamodb": "no answer"})
        async with running(services=("dynamodb",)) as gateway:        # of two shards one answers, then both
            answering(gateway, "sys.health", {
                "process": "a", "services": {"dynamodb": ""}, "slots": {"dynamodb": [0, 99]}})
            answer = await ask(gateway, http("GET", path, {}))
            assert (answer.status, json.loads(answer.body)["problems"]) == (503, {"dynamodb": "no answer"})
            answering(gateway, "sys.health", {
                "process": "b", "services": {"dynamodb": "disk full"}, "slots": {"dynamodb": [99, 256]}})
            answer = await ask(gateway, http("GET", path, {}))
            assert (answer.status, json.loads(answer.body)["problems"]) == (200, {"dynamodb": "disk full"})

    run(main)


def test_other_pages() -> None:
    async def main() -> None:
        async with running(version="1.2.3") as gateway:
            assert json.loads((await ask(gateway, http("GET", "/_localstack/info", {}))).body)["version"] == "1.2.3"
            assert json.loads((await ask(gateway, http("GET", "/_localstack/init", {}))).body)["completed"]["READY"]
            assert (await ask(gateway, http("GET", "/_skybus/nothing", {}))).status == 404
            assert (await ask(gateway, http("POST", "/_skybus/health", {}))).status == 405

    run(main)


def answering(gateway: Running, subject: str, *answers: Any) -> None:
    """Another process on the bus: gives `answers` to each question on that subject."""

    def answer(message: Message) -> None:
        for one in answers:
            gateway.transport.publish(message.reply, pack(one) if not isinstance(one, bytes) else one)

    gateway.transport.subscribe(subject, answer)


# Metrics are every process's, each line under its own name; what is malformed is passed over.
def test_metrics_of_all_processes() -> None:
    async def main() -> None:
        async with running(process="gateway-1") as gateway:
            await ask(gateway, dynamodb("ListTables"))
            other = {"process": "actors", "metrics": [["skybus_commits_total", {"service": "dynamodb"}, 7]]}
            answering(gateway, "sys.metrics", b"\xc1", {"no": "process"}, other)
            text = (await ask(gateway, http("GET", "/_skybus/metrics", {}))).body.decode()
            assert 'skybus_commits_total{process="actors",service="dynamodb"} 7\n' in text
            assert ('skybus_request_seconds_count{process="gateway-1",service="dynamodb",operation="ListTables",'
                    'outcome="ok"} 1\n') in text
            assert 'skybus_gateway_in_flight{process="gateway-1"} 0\n' in text
            inbox: asyncio.Queue[bytes] = asyncio.Queue()
            gateway.transport.subscribe("_INBOX.other", lambda message: inbox.put_nowait(message.data))
            gateway.transport.publish("sys.metrics", b"", "_INBOX.other")
            assert unpack(await inbox.get())["process"] == "gateway-1"

    run(main)


def test_metric_lines_are_escaped() -> None:
    text = render([("p", [("m", {"label": 'a"b\\c\nd'}, 1)])])
    assert text == '# TYPE m gauge\nm{process="p",label="a\\"b\\\\c\\nd"} 1\n'


# Every metric is one group of lines that begins with its type, a histogram's three kinds of sample together.
def test_metrics_are_grouped_by_type() -> None:
    histogram = [("h_bucket", {"le": "+Inf"}, 1), ("h_sum", {}, 2), ("h_count", {}, 1)]
    text = render([("p", [*histogram, ("n_total", {}, 3), ("h_c", {}, 4)]), ("q", [*histogram, ("n_total", {}, 5)])])
    assert [line.split("{")[0] for line in text.splitlines()] == [
        "# TYPE h histogram", "h_bucket", "h_sum", "h_count", "h_bucket", "h_sum", "h_count",
        "# TYPE h_c gauge", "h_c", "# TYPE n_total counter", "n_total", "n_total",
    ]


# Buckets are cumulative, as Prometheus's histograms are.
def test_histograms() -> None:
    metrics = Metrics()
    for seconds in (0.0005, 0.003, 0.003, 99.0):
        metrics.record("s3", "GetObject", "ok", seconds)
    samples = {(name, labels.get("le", "")): value for name, labels, value in metrics.samples()}
    assert samples["skybus_request_seconds_bucket", "0.001"] == 1
    assert samples["skybus_request_seconds_bucket", "0.005"] == 3
    assert samples["skybus_request_seconds_bucket", "10"] == 3
    assert samples["skybus_request_seconds_bucket", "+Inf"] == samples["skybus_request_seconds_count", ""] == 4


# A reset is done when every owner of state has said so; one that fails is told, and nobody else may ask for it.
def test_reset() -> None:
    async def main() -> None:
        reset = http("POST", "/_skybus/reset", {})
        async with running(services=("dynamodb", "sts")) as gateway:
            answering(gateway, "sys.reset", {"process": "a", "services": ["sts"]},
                      {"process": "b", "services": ["dynamodb"]})
            assert (await ask(gateway, reset)).status == 200
            assert (await ask(gateway, http("POST", "/_skybus/reset", {"host": "evil.example"}))).status == 403
            answering(gateway, "sys.reset", {"process": "c", "error": "disk full"})
        async with running(services=("dynamodb",)) as gateway:
            answering(gateway, "sys.reset", {"process": "b", "error": "disk full"})
            answer = await ask(gateway, reset)
            assert (answer.status, json.loads(answer.body)["message"]) == (500, "b: disk full")
        async with running(services=("dynamodb",), open_mode=False) as gateway:
            assert (await ask(gateway, reset)).status == 403

    run(main)


# In open mode a page of another site is refused before anything happens; this machine's pages get what CORS needs.
# In strict mode any page may ask, as on AWS, since it would need keys.
def test_browsers() -> None:
    async def main() -> None:
        body = b"{}"
        for open_mode, origin, status, allowed in [
            (True, "http://localhost:3000", 200, "http://localhost:3000"), (True, "https://evil.example", 403, None),
            (True, "null", 403, None), (False, "https://app.example", 200, "*"),
        ]:
            async with running(open_mode=open_mode) as gateway:
                request = dynamodb("ListTables", body).replace(b"\r\n", f"\r\norigin: {origin}\r\n".encode(), 1)
                answer = await ask(gateway, request)
                assert (answer.status, answer.headers.get("access-control-allow-origin")) == (status, allowed)
                assert len(gateway.bus.asked) == (status == 200)
                preflight = await ask(gateway, http("OPTIONS", "/", {
                    "origin": origin, "access-control-request-method": "POST",
                    "access-control-request-headers": "x-amz-target"}))
                assert (preflight.status, preflight.headers.get("access-control-allow-headers")) == (
                    status, "x-amz-target" if status == 200 else None)
                reset = await ask(gateway, http("POST", "/_skybus/reset", {"origin": "https://evil.example"}))
                assert reset.status == 403

    run(main)


@pytest.mark.parametrize(("host", "loopback"), [
    ("localhost", True), ("localhost:4566", True), ("127.0.0.1:1", True), ("[::1]:80", True), ("a.localhost", True),
    ("s3.localhost.localstack.cloud:4566", True), ("evil.example", False), ("localhost.evil.example", False),
    ("", False), ("127.0.0.1.evil.example", False), ("[", False), ("evil@localhost", True), ("localhost@evil", False),
])
def test_loopback_names(host: str, loopback: bool) -> None:
    assert is_loopback_name(host) == loopback
    assert may_ask(f"http://{host}", open_mode=True) == loopback
