"""One PutItem is one trace: the caller's span, the gateway's, the actor's, the commit's, each the parent of the next.

Expected: https://www.w3.org/TR/trace-context/ and OTLP/HTTP, read with the protobuf messages of opentelemetry-proto.
"""

from typing import Any

import boto3
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests import servers
from tests.deploy.test_telemetry import Collector, collector

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def spans() -> dict[str, Any]:
    """All that the collector has, by the span's name; the processes' names with them."""
    found = {}
    for path, body in Collector.received:
        if path == "/v1/traces":
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                [process] = [pair.value.string_value for pair in resource.resource.attributes
                             if pair.key == "service.instance.id"]
                for scope in resource.scope_spans:
                    found.update({span.name: (process, span) for span in scope.spans})
    return found


@pytest.mark.parametrize("incoming", [f"00-{TRACE}-{PARENT}-01", ""])
def test_one_put_is_one_trace(incoming: str) -> None:
    with collector() as endpoint, servers.skybus(environment={"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}) as server:
        client: Any = boto3.client("dynamodb", endpoint_url=server.endpoint, region_name="us-east-1",
                                   aws_access_key_id="test", aws_secret_access_key="test")
        client.create_table(TableName="traced", BillingMode="PAY_PER_REQUEST",
                            KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
                            AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}])
        if incoming:
            client.meta.events.register(
                "before-send.*", lambda request, **_: request.headers.__setitem__("traceparent", incoming))
        Collector.received.clear()
        client.put_item(TableName="traced", Item={"k": {"S": "1"}})
        server.root.terminate()                   # whose end exports what waits
        server.root.wait()
        found = spans()
    (front, gateway), (behind, actor) = found["PutItem"], found["dynamodb.PutItem"]
    commit = next(span for _, span in [found["commit"]])
    assert (front, behind) == ("gateway-1", "actors")
    assert gateway.trace_id == actor.trace_id == commit.trace_id
    assert (actor.parent_span_id, commit.parent_span_id) == (gateway.span_id, actor.span_id)
    assert (gateway.trace_id.hex(), gateway.parent_span_id.hex()) == (TRACE, PARENT) if incoming \
        else gateway.parent_span_id == b""
    assert gateway.start_time_unix_nano <= actor.start_time_unix_nano <= commit.start_time_unix_nano
    assert commit.end_time_unix_nano <= actor.end_time_unix_nano <= gateway.end_time_unix_nano


# Without the setting no process has loaded the exporter: its native library is in nobody's memory. (That nothing of the
# SDK is imported: tests/deploy/test_telemetry.py.)
def test_no_sdk_without_the_setting(skybus: servers.Server) -> None:
    for name, process in skybus.processes().items():
        assert not [mapped.path for mapped in process.memory_maps() if "protobuf" in mapped.path], name
