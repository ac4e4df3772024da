"""The actors of a process as NATS micro services: `nats micro ls`, `nats micro stats dynamodb`."""

from collections.abc import Callable, Sequence

from actors.runtime.actor import ServiceActor
from actors.runtime.chain.meter import Meter
from bus.micro import Description, Discovery, EndpointStats
from bus.tracing import OK
from bus.transport import Transport
from deploy import VERSION


def discovery(transport: Transport, actor: ServiceActor, meter: Meter) -> Discovery:
    """Answers $SRV.* for one actor: an endpoint per operation, its numbers from the meter."""
    about = Description(actor.service, VERSION, f"AWS {actor.service}", {"stateful": str(actor.stateful).lower()})
    return Discovery(transport, about, _endpoints(actor, meter))


def _endpoints(actor: ServiceActor, meter: Meter) -> Callable[[], Sequence[EndpointStats]]:
    def endpoints() -> list[EndpointStats]:
        found = {
            name: EndpointStats(name, f"aws.*.*.*.{actor.service}.*.{name}", actor.service)
            for name in sorted(actor.operations)
        }
        for metric, labels, value in meter.snapshot():
            if labels.get("service") != actor.service:
                continue
            endpoint = found[labels["operation"]]
            if metric == "skybus_requests_total":
                endpoint.requests += int(value)
                if labels["code"] != OK:
                    endpoint.errors += int(value)
            elif metric == "skybus_request_duration_seconds_sum":
                endpoint.processing_ns += int(value * 1e9)
        return list(found.values())

    return endpoints
