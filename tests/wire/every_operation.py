"""Every operation of every service, against botocore itself, in each protocol the service lists.

requests   what botocore's serialiser writes, we name and parse to the same params
responses  what we serialise, botocore's parser reads back equal
errors     each modelled error: code, message, members and status, read back by botocore
events     each event of each output stream

    python -m tests.wire.every_operation [--examples N] [SERVICE …]     prints `wire: N operations, M passed, …`
"""

import argparse
import math
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from botocore.awsrequest import HeadersDict, create_request_object, prepare_request_dict
from botocore.eventstream import EventStream
from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel
from botocore.parsers import PROTOCOL_PARSERS, create_parser
from botocore.serialize import create_serializer

from gateway.protocols import HttpRequest, named, protocol_for
from schemas import models
from schemas.errors import AwsError
from schemas.models import ErrorShape, Operation, Service
from tests.wire.generate import Generator

LONG = 10                                         # examples from which on nothing is left out
REQUEST_ID = "00000000-0000-4000-8000-000000000000"

# What is not held to the rule, and why.
HTTP2 = "its input is an event stream, which needs HTTP/2"
_OLD = "deprecated; on the wire it is its successor"
_TYPE = "a member is bound to Content-Type, which is the event stream's own"
EXCEPTIONS = {
    ("s3", "GetBucketLifecycle", "request"): _OLD,
    ("s3", "PutBucketLifecycle", "request"): _OLD,
    ("s3", "GetBucketNotification", "request"): _OLD,
    ("s3", "PutBucketNotification", "request"): _OLD,
    ("s3", "GetBucketNotification", "response"): "deprecated; two of its members go by the name <Event>",
    ("s3", "ListDirectoryBuckets", "request"): "GET / like ListBuckets; only its host (s3express-control) differs",
    ("lambda", "InvokeWithResponseStream", "response"): _TYPE,
    ("bedrock-agentcore", "InvokeAgentRuntimeCommand", "response"): _TYPE,
    ("dataexchange", "SendApiAsset", "response"): "a member takes every header there is, so also those we add",
    ("s3", "GetBucketLocation", "response"): "S3's root is the member itself; boto3 reads it by a handler",
}


@dataclass
class Tally:
    counts: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    seen: set[tuple[str, str, str]] = field(default_factory=set)

    def check(self, what: str, ident: str, find: Callable[..., str | None], *given: Any) -> None:
        """`find` says why it failed, or None."""
        self.counts[what] += 1
        try:
            why = find(*given)
        except Exception as error:                 # ours or botocore's: a failure of this check, not of the run
            why = f"{type(error).__name__}: {error} at {traceback.extract_tb(error.__traceback__)[-1]}"
        if why is not None:
            self.counts[f"{what} failed"] += 1
            self.failures.append(f"{what} {ident}: {why[:600]}")

    def __str__(self) -> str:
        kinds = ("operations", "requests", "responses", "errors", "events", "excepted")
        parts = [f"{self.counts[kind]} {kind}" for kind in kinds]
        return f"wire: {', '.join(parts)}; {len(self.failures)} failed"


def botocore_model(name: str) -> ServiceModel:
    loader = Loader(extra_search_paths=[Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)
    return ServiceModel(loader.load_service_model(name, "service-2"), name)


def run(names: list[str], examples: int, tally: Tally) -> None:
    for name in names:
        ours, theirs = models.load(name), botocore_model(name)
        for operation in map(theirs.operation_model, theirs.operation_names):
            tally.counts["operations"] += 1
            listed = theirs.metadata.get("protocols") or (theirs.metadata["protocol"],)
            for protocol in listed:
                check_operation(Pair(ours, ours.operations[operation.name], operation, protocol), examples, tally)
        models.load.cache_clear()                  # all models at once would be gigabytes


@dataclass
class Pair:
    service: Service
    ours: Operation
    theirs: OperationModel
    protocol: str

    @property
    def union(self) -> Any:
        """The shape of the output stream."""
        output: Any = self.theirs.output_shape
        return output.members[self.ours.event_stream_out]

    @property
    def ident(self) -> str:
        return f"{self.protocol} {self.service.name}:{self.ours.name}"

    def generator(self, example: int, client: bool) -> Generator:
        return Generator(f"{self.ident} {client} {example}", self.protocol, client, full=example == 0)


def check_operation(pair: Pair, examples: int, tally: Tally) -> None:
    for example in range(examples):
        if pair.ours.event_stream_in or (pair.service.name, pair.ours.name, "request") in EXCEPTIONS:
            tally.counts["excepted"] += example == 0
        else:
            tally.check("requests", f"{pair.ident} #{example}", check_request, pair, example)
        if (pair.service.name, pair.ours.name, "response") in EXCEPTIONS:
            tally.counts["excepted"] += example == 0
        elif pair.ours.output is not None:
            tally.check("responses", f"{pair.ident} #{example}", check_response, pair, example)
    for error in pair.ours.errors.values():
        if (pair.protocol, pair.service.name, error.name) in tally.seen:
            continue
        if examples < LONG:                        # the short form takes each error once per service, not per operation
            tally.seen.add((pair.protocol, pair.service.name, error.name))
        tally.check("errors", f"{pair.ident} {error.name}", check_error, pair, error)
    if pair.ours.event_stream_out:
        for name, shape in pair.union.members.items():
            if not shape.metadata.get("exception"):
                tally.check("events", f"{pair.ident} {name}", check_event, pair, name, shape)


# ---- requests


@cache
def serializer(protocol: str) -> Any:
    return create_serializer(protocol, include_validation=False)


def check_request(pair: Pair, example: int) -> str | None:
    shape = pair.theirs.input_shape
    params = pair.generator(example, client=True).structure(shape) if shape is not None else {}
    request = wire_request(pair, params)
    protocol = protocol_for(pair.service, request)
    if protocol.name != pair.protocol:
        return f"taken for {protocol.name}"
    found = protocol.operation(pair.service, request)
    if found is not pair.ours:
        return f"taken for {found.name}: {request}"
    parsed = protocol.parse(found, request)
    if same(parsed, params, shape):
        return None
    again = wire_request(pair, parsed)
    if on_wire(again) == on_wire(request):
        return None
    return f"{parsed!r} instead of {params!r}"


def wire_request(pair: Pair, params: dict[str, Any]) -> HttpRequest:
    """What botocore's HTTP layer would put on the wire."""
    sent = serializer(pair.protocol).serialize_to_request(params, pair.theirs)
    prepare_request_dict(sent, "https://example.com", context={})
    prepared = create_request_object(sent).prepare()
    url = urlsplit(prepared.url)
    headers = {name.lower(): value.decode() if isinstance(value, bytes) else str(value) for name, value in
               prepared.headers.items()}
    body = prepared.body or b""
    return HttpRequest(
        prepared.method, url.path, url.query, headers, body.encode() if isinstance(body, str) else bytes(body)
    )


def on_wire(request: HttpRequest) -> Any:
    return request.path, sorted(request.query.split("&")), request.headers, request.body


# ---- responses


def read(pair: Pair, status: int, headers: dict[str, str], body: bytes, shape: Any) -> dict[str, Any]:
    response = {
        "status_code": status, "headers": HeadersDict(headers), "body": body,
        "context": {"operation_name": pair.ours.name},
    }
    parsed: dict[str, Any] = create_parser(pair.protocol).parse(response, shape)
    parsed.pop("ResponseMetadata", None)
    return parsed


def check_response(pair: Pair, example: int) -> str | None:
    shape = pair.theirs.output_shape
    stream = pair.ours.event_stream_out

    def skip(name: str, member: Any) -> bool:
        return name == stream

    result = pair.generator(example, client=False).structure(shape, skip=skip)
    if stream:
        return check_stream_start(pair, result, shape)
    made = named(pair.protocol).serialise(pair.ours, result, REQUEST_ID)
    parsed = read(pair, made.status, made.headers, made.body, shape)
    if made.headers["x-amzn-RequestId"] != REQUEST_ID:
        return "no request id"
    return None if same(parsed, result, shape) else f"{parsed!r} instead of {result!r} from {made!r}"


# ---- errors


def check_error(pair: Pair, error: ErrorShape) -> str | None:
    shape = pair.theirs.service_model.shape_for(error.name)
    fields = pair.generator(0, client=False).structure(
        shape, skip=lambda name, member: name.lower() in ("message", "code", "type") or _is_ours(member)
    )
    raised = AwsError("The <message> & more", code=error.code)
    raised.fields = dict(fields)
    made = named(pair.protocol).serialise_error(pair.service, pair.ours, raised, REQUEST_ID)
    if made.status != error.status:
        return f"status {made.status}"
    if pair.ours.method == "HEAD" and pair.protocol == "rest-xml":
        return None if made.body == b"" else "a body in an answer to HEAD"
    parsed = read(pair, made.status, made.headers, made.body, pair.theirs.output_shape)["Error"]
    if (parsed.get("Code"), parsed.get("Message")) != (error.code, "The <message> & more"):
        return f"{parsed!r} from {made!r}"
    members = read(pair, made.status, made.headers, made.body, shape)
    got = {name: value for name, value in members.items() if name in fields}
    return None if same(got, fields, shape) else f"{got!r} instead of {fields!r} from {made!r}"


def _is_ours(member: Any) -> bool:
    """The status, and the header that names the error, which some models list as a member."""
    traits: dict[str, Any] = member.serialization
    return traits.get("location") == "statusCode" or str(traits.get("name")).lower() == "x-amzn-errortype"


# ---- events


class Raw:
    """What botocore's EventStream reads from."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def stream(self) -> Iterator[bytes]:
        yield self.data

    def close(self) -> None:
        pass


def stream_of(pair: Pair, data: bytes) -> Any:
    parser: Any = PROTOCOL_PARSERS[pair.protocol]
    return EventStream(Raw(data), pair.union, parser.EVENT_STREAM_PARSER_CLS(), pair.ours.name)


def check_stream_start(pair: Pair, result: dict[str, Any], shape: Any) -> str | None:
    """Headers in REST, an initial frame in the RPC protocols."""
    protocol = named(pair.protocol)
    head = protocol.stream_headers(pair.ours, result, REQUEST_ID)
    if head.headers["content-type"] != "application/vnd.amazon.eventstream" or head.body:
        return f"{head!r}"
    first = protocol.frame_initial(pair.ours, result)
    response = {
        "status_code": head.status, "headers": HeadersDict(head.headers), "body": Raw(first),
        "context": {"operation_name": pair.ours.name},
    }
    parsed = create_parser(pair.protocol).parse(response, shape)
    parsed.pop("ResponseMetadata", None)
    parsed.pop(pair.ours.event_stream_out)
    return None if same(parsed, result, shape) else f"{parsed!r} instead of {result!r}"


def check_event(pair: Pair, name: str, shape: Any) -> str | None:
    members = pair.generator(0, client=False).structure(shape)
    events = list(stream_of(pair, named(pair.protocol).frame_event(pair.ours, {name: members})))
    good = len(events) == 1 and list(events[0]) == [name] and same(events[0][name], members, shape)
    return None if good else f"{events!r} instead of {members!r}"


# ---- equality


def same(got: Any, want: Any, shape: Any) -> bool:
    return bool(canonical(got, shape) == canonical(want, shape))


def canonical(value: Any, shape: Any) -> Any:
    """The same value for the same meaning: moments in UTC, numbers by value, a NaN equal to itself."""
    if value is None or shape is None or getattr(shape, "is_document_type", False):
        return value
    kind = shape.type_name
    if kind == "structure":
        return {name: canonical(item, shape.members.get(name)) for name, item in value.items()}
    if kind == "list":
        return [canonical(item, shape.member) for item in value]
    if kind == "map":
        return {key: canonical(item, shape.value) for key, item in value.items()}
    if kind == "timestamp":
        moment = value if isinstance(value, datetime) else datetime.fromtimestamp(value, UTC)
        return moment.astimezone(UTC)
    if kind in ("float", "double"):
        return "NaN" if math.isnan(float(value)) else float(value)
    return value.encode() if kind == "blob" and isinstance(value, str) else value


def main() -> None:
    asks = argparse.ArgumentParser(prog="python -m tests.wire.every_operation")
    asks.add_argument("--examples", type=int, default=2)
    asks.add_argument("services", nargs="*")
    given = asks.parse_args()
    tally = Tally()
    run(given.services or list(models.names()), given.examples, tally)
    for failure in tally.failures:
        print(failure)
    print(tally)
    sys.exit(bool(tally.failures))


if __name__ == "__main__":
    main()
