"""Routing: whatever botocore sends for an operation is routed to that service and operation.

The requests are botocore's own serialisations, for every operation of every service it knows; only the credential
scope is written by hand. Expected behaviour: the service and operation that botocore meant.
"""

from collections.abc import Iterator
from typing import Any

import botocore.serialize
import pytest
from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.hosts import parse_host
from gateway.protocols import HttpRequest
from gateway.route import Router, UnknownService
from gateway.sigv4 import Claim, Refusal, Signer
from schemas.errors import AwsError, NotImplementedByUs
from schemas.models import index

LOADER = Loader()
SERVICES = LOADER.list_available_services("service-2")
ROUTER = Router(SERVICES)
SHARDS = 8

# Services of one signing name that send the same bytes for some operations: which one is meant, only the host of AWS's
# endpoint says, and against one local endpoint nothing does. Routing takes the one that has an actor, else the left.
SAME_BYTES = {
    ("bedrock", "bedrock-data-automation"), ("bedrock-agent", "bedrock-agent-runtime"), ("chime", "chime-sdk-voice"),
    ("chime-sdk-voice", "chime-sdk-identity"), ("chime-sdk-voice", "chime-sdk-media-pipelines"),
    ("chime-sdk-voice", "chime-sdk-meetings"), ("chime-sdk-voice", "chime-sdk-messaging"),
    ("greengrass", "greengrassv2"), ("ivs", "ivs-realtime"), ("lambda", "lambda-microvms"),
    ("lex-models", "lexv2-models"), ("rds", "docdb"), ("rds", "neptune"), ("signer", "signer-data"),
    ("sms-voice", "pinpoint-sms-voice"), ("timestream-query", "timestream-write"), ("wisdom", "qconnect"),
}
# S3's deprecated names of the same request, and two that differ by AWS's host alone.
SAME_OPERATIONS = {
    ("s3", "GetBucketLifecycle", "s3", "GetBucketLifecycleConfiguration"),
    ("s3", "GetBucketNotification", "s3", "GetBucketNotificationConfiguration"),
    ("s3", "PutBucketLifecycle", "s3", "PutBucketLifecycleConfiguration"),
    ("s3", "PutBucketNotification", "s3", "PutBucketNotificationConfiguration"),
    ("s3", "ListBuckets", "s3", "ListDirectoryBuckets"), ("s3", "PutObject", "s3control", "CreateBucket"),
}
SAME_OPERATIONS |= {(*pair[2:], *pair[:2]) for pair in SAME_OPERATIONS}


def minimal(shape: Any, depth: int = 0) -> Any:
    """The smallest value botocore serialises: required members only."""
    if shape is None:
        return {}
    if shape.type_name == "structure":
        return {
            name: minimal(member, depth + 1) for name, member in shape.members.items()
            if name in shape.required_members and depth < 12
        }
    if shape.type_name == "list":
        return [minimal(shape.member, depth + 1)] if depth < 12 else []
    if shape.type_name == "string":
        return (shape.enum or ["x" * max(1, int(shape.metadata.get("min", 1)))])[0]
    return {
        "map": {}, "blob": b"x", "timestamp": 0, "boolean": True, "float": 1.5, "double": 1.5, "character": "x",
    }.get(shape.type_name, max(1, int(shape.metadata.get("min", 1))))


def sent(model: ServiceModel, operation: OperationModel) -> HttpRequest:
    """As botocore would send it to http://localhost:4566, but for the signature."""
    serialiser = botocore.serialize.create_serializer(model.resolved_protocol, include_validation=False)
    made = serialiser.serialize_to_request(minimal(operation.input_shape), operation)
    path, _, query = made["url_path"].partition("?")
    parameters = made["query_string"]
    pairs = parameters.items() if isinstance(parameters, dict) else parameters
    query = "&".join([part for part in (query, *(f"{name}={value}" for name, value in pairs)) if part])
    body = made["body"]
    if isinstance(body, dict):
        body = "&".join(f"{name}={value}" for name, value in body.items())
    headers = {"host": "localhost:4566", **{name.lower(): str(value) for name, value in made["headers"].items()}}
    data = body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else b""
    return HttpRequest(made["method"], path, query, headers, data)


def scope(name: str) -> Claim:
    signer = Signer("test", "20260101", "eu-west-1", name, f"20260101/eu-west-1/{name}/aws4_request")
    return Claim(signer, ("host",), "0", "20260101T000000Z")


def operations(shard: int) -> Iterator[tuple[ServiceModel, OperationModel]]:
    for name in SERVICES[shard::SHARDS]:
        model = ServiceModel(LOADER.load_service_model(name, "service-2"), name)
        for operation in model.operation_names:
            yield model, model.operation_model(operation)


def routed(router: Router, request: HttpRequest, claim: Claim | None) -> tuple[str, str]:
    """Service and operation, also of what is known and has no actor."""
    try:
        route = router.route(request, claim)
    except NotImplementedByUs as error:
        service, _, operation = error.message.removeprefix("Skybus does not implement ").rstrip(".").partition(":")
        return service, operation
    return route.service.name, route.operation.name


# Every operation of every service that botocore knows, with all services here; and what is the same bytes as another
# service's goes to the right one as soon as only that one is here.
@pytest.mark.parametrize("shard", range(SHARDS))
def test_every_operation_is_routed(shard: int) -> None:
    wrong, count, same = [], 0, 0
    for model, operation in operations(shard):
        count += 1
        name = model.service_name
        request, claim = sent(model, operation), scope(model.signing_name)
        got = routed(ROUTER, request, claim)
        if got == (name, operation.name):
            continue
        same += 1
        alone = routed(Router([name]), request, claim)
        if not ((*got, name, operation.name) in SAME_OPERATIONS
                or ((got[0], name) in SAME_BYTES and alone == (name, operation.name))):
            wrong.append(f"{name}:{operation.name} -> {got}, alone {alone}")
    print(f"route: {count} operations, {count - len(wrong) - same} routed, {same} the same bytes as another's")
    assert not wrong, wrong


# Of some services of each protocol, unsigned requests too, by what else they carry: target, path, host, Action.
@pytest.mark.parametrize(("service", "host"), [
    ("dynamodb", "localhost:4566"), ("kms", "localhost"), ("sts", "localhost:4566"), ("ec2", "localhost:4566"),
    ("iam", "127.0.0.1:4566"), ("cloudwatch", "localhost:4566"), ("lambda", "lambda.eu-west-1.amazonaws.com"),
    ("route53", "route53.amazonaws.com"), ("sqs", "sqs.us-east-1.localhost.localstack.cloud:4566"),
    ("s3", "s3.us-east-1.localhost.localstack.cloud:4566"), ("sesv2", "email.localhost:4566"),
    ("s3control", "123456789012.s3-control.us-west-2.amazonaws.com"),
])
def test_unsigned_requests_are_routed_by_what_they_carry(service: str, host: str) -> None:
    model = ServiceModel(LOADER.load_service_model(service, "service-2"), service)
    router = Router([service])
    for name in model.operation_names:
        request = sent(model, model.operation_model(name))
        request.headers = {**request.headers, "host": host}
        got = routed(router, request, None)
        assert got == (service, name) or (*got, service, name) in SAME_OPERATIONS


# Hosts of AWS, of LocalStack and of plain localhost. https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
@pytest.mark.parametrize(("host", "service", "region", "bucket"), [
    ("localhost:4566", "", "", ""), ("127.0.0.1:4566", "", "", ""), ("[::1]:4566", "", "", ""), ("", "", "", ""),
    ("example.com", "", "", ""), ("amazonaws.com", "", "", ""), ("evilamazonaws.com", "", "", ""),
    ("s3.localhost:4566", "s3", "", ""), ("b.s3.localhost:4566", "s3", "", "b"),
    ("b.s3.eu-west-1.amazonaws.com", "s3", "eu-west-1", "b"), ("a.b.s3.amazonaws.com", "s3", "", "a.b"),
    ("b.s3-eu-west-1.amazonaws.com", "s3", "eu-west-1", "b"), ("B.S3.localhost.localstack.cloud", "s3", "", "b"),
    ("b.s3.dualstack.us-gov-east-1.amazonaws.com", "s3", "us-gov-east-1", "b"),
    ("b.s3-fips.us-west-2.amazonaws.com", "s3", "us-west-2", "b"), ("b.s3-accelerate.amazonaws.com", "s3", "", "b"),
    ("my.s3.backup.s3.eu-west-1.localhost.localstack.cloud:4566", "s3", "eu-west-1", "my.s3.backup"),
    ("a.b.s3-website-eu-west-1.amazonaws.com", "s3", "eu-west-1", "a.b"),
    ("b.s3-website.localhost.localstack.cloud:4566", "s3", "", "b"),
    ("my-ap-123456789012.s3-accesspoint.eu-west-1.amazonaws.com", "s3", "eu-west-1",
     "arn:aws:s3:eu-west-1:123456789012:accesspoint:my-ap"),
    ("ap-123456789012.s3-accesspoint-fips.dualstack.us-west-2.amazonaws.com", "s3", "us-west-2",
     "arn:aws:s3:us-west-2:123456789012:accesspoint:ap"),
    ("ap.s3-accesspoint.localhost:4566", "s3", "", "arn:aws:s3:::accesspoint:ap"),
    ("dynamodb.cn-north-1.amazonaws.com.cn", "dynamodb", "cn-north-1", ""),
    ("streams.dynamodb.us-east-1.amazonaws.com", "dynamodbstreams", "us-east-1", ""),
    ("sqs.us-east-1.localhost.localstack.cloud:4566", "sqs", "us-east-1", ""),
])
def test_hosts(host: str, service: str, region: str, bucket: str) -> None:
    parsed = parse_host(host, index())
    assert (parsed.entries[0].name if parsed.entries else "", parsed.region, parsed.bucket) == (service, region, bucket)


# A virtual-hosted bucket is read like one in the path, also below plain localhost once the request is signed for S3.
@pytest.mark.parametrize("host", ["b.s3.localhost:4566", "b.s3.eu-west-1.amazonaws.com", "b.localhost:4566"])
def test_virtual_hosted_buckets(host: str) -> None:
    route = Router(["s3"]).route(HttpRequest("GET", "/a/key", "", {"host": host}, b""), scope("s3"))
    assert (route.operation.name, route.request.path) == ("GetObject", "/b/a/key")
    assert route.protocol.parse(route.operation, route.request) == {"Bucket": "b", "Key": "a/key"}


# What nothing names is refused as such: S3 is guessed only where S3 is, and never for a signed request.
def test_nothing_is_guessed() -> None:
    unsigned = HttpRequest("GET", "/bucket/key", "", {"host": "localhost:4566"}, b"")
    with pytest.raises(UnknownService):
        Router(["dynamodb"]).route(unsigned, None)
    assert Router(["s3"]).route(unsigned, None).operation.name == "GetObject"
    with pytest.raises(UnknownService):
        Router(["s3"]).route(unsigned, scope("no-such-service"))
    with pytest.raises(AwsError) as caught:
        Router(["s3", "dynamodb"]).route(unsigned, scope("dynamodb"))
    assert caught.value.error_code == "UnknownOperationException"


# A request signed for one service does not reach another; AWS's sentence.
def test_scope_must_be_the_services() -> None:
    headers = {"host": "localhost", "x-amz-target": "DynamoDB_20120810.ListTables"}
    with pytest.raises(Refusal) as caught:
        Router(["dynamodb"]).route(HttpRequest("POST", "/", "", headers, b"{}"), scope("sqs"))
    assert caught.value.detail == "Credential should be scoped to correct service: 'dynamodb'."


# A remembered target is the same answer, and only for the same signing name.
def test_targets_are_remembered_by_scope() -> None:
    router = Router(["dynamodb"])
    headers = {"host": "localhost", "x-amz-target": "DynamoDB_20120810.ListTables"}
    request = HttpRequest("POST", "/", "", headers, b"{}")
    first = router.route(request, scope("dynamodb"))
    again = router.route(request, scope("dynamodb"))
    assert (first.operation, first.region) == (again.operation, again.region)
    assert first.region == "eu-west-1"
    with pytest.raises(Refusal):
        router.route(request, scope("kms"))


# Whatever a request is, the answer is a route or one of three refusals.
@settings(max_examples=300, deadline=None)
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "OPTIONS", "\ud800"]), path=st.text(max_size=40).map("/".__add__),
    query=st.text(max_size=40) | st.just("Action=ListUsers&Version=2010-05-08"), body=st.binary(max_size=60),
    headers=st.dictionaries(st.sampled_from(["host", "x-amz-target", "smithy-protocol", "user-agent", "content-type"]),
                            st.text(max_size=40) | st.sampled_from(["rpc-v2-cbor", "api/s3#1.0", "a.s3.localhost"])),
    name=st.none() | st.sampled_from(["s3", "bedrock", "ses", "monitoring", "sqs", "nothing", ""]),
)
def test_any_request_is_routed_or_refused(
    method: str, path: str, query: str, headers: dict[str, str], body: bytes, name: str | None,
) -> None:
    try:
        ROUTER.route(HttpRequest(method, path, query, headers, body), None if name is None else scope(name))
    except (AwsError, Refusal):
        return
