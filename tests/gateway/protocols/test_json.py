"""AWS JSON: DynamoDB's own words for wrong types, its error bodies, numbers at their limits."""

from datetime import UTC, datetime
from typing import Any
from zlib import crc32

import orjson
import pytest

from gateway.protocols import HttpRequest, HttpResponse, named, protocol_for
from schemas import models
from schemas.errors import AccessDeniedException, AwsError, SerializationException, ValidationException

DYNAMODB = models.load("dynamodb")
JSON = named("json")


def parse(operation: str, body: bytes) -> dict[str, Any]:
    request = HttpRequest("POST", "/", "", {"x-amz-target": f"DynamoDB_20120810.{operation}"}, body)
    return JSON.parse(JSON.operation(DYNAMODB, request), request)


def refusal(operation: str, body: bytes) -> str:
    with pytest.raises(SerializationException) as caught:
        parse(operation, body)
    return caught.value.message


PACKAGE = "com.amazonaws.dynamodb.v20120810."
NOT_CAST = (
    "class sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl cannot be cast to class java.lang.Class "
    "(sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl and java.lang.Class are in module java.base of "
    "loader 'bootstrap')"
)


# The wordings: dynalite's assertType (https://github.com/architect/dynalite, test/helpers.js), taken from AWS.
@pytest.mark.parametrize(("operation", "body", "message"), [
    ("PutItem", b'{"TableName":23}', "NUMBER_VALUE cannot be converted to String"),
    ("PutItem", b'{"TableName":true}', "TRUE_VALUE cannot be converted to String"),
    ("PutItem", b'{"TableName":false}', "FALSE_VALUE cannot be converted to String"),
    ("PutItem", b'{"TableName":34.56}', "DECIMAL_VALUE cannot be converted to String"),
    ("PutItem", b'{"TableName":[]}', "Unrecognized collection type class java.lang.String"),
    ("PutItem", b'{"TableName":{}}', "Start of structure or map found where not expected"),
    ("PutItem", b'{"Item":{"a":{"N":123}}}', "NUMBER_VALUE cannot be converted to String"),
    ("PutItem", b'{"Item":{"a":{"M":{"b":{"S":5}}}}}', "NUMBER_VALUE cannot be converted to String"),
    ("PutItem", b'{"Item":"23"}', "Unexpected field type"),
    ("PutItem", b'{"Item":{"a":"23"}}', "Unexpected value type in payload"),
    ("PutItem", b'{"Item":{"a":{"SS":"a"}}}', "Unexpected field type"),
    ("PutItem", b'{"Item":{"a":{"B":true}}}', "only base-64-encoded strings are convertible to bytes"),
    ("PutItem", b'{"Item":{"a":{"B":"23456"}}}',
     "Base64 encoded length is expected a multiple of 4 bytes but found: 5"),
    ("PutItem", b'{"Item":{"a":{"B":"=+/="}}}', "Invalid last non-pad Base64 character dectected"),
    ("Query", b'{"Limit":"23"}', "STRING_VALUE cannot be converted to Integer"),
    ("Query", b'{"Limit":true}', "TRUE_VALUE cannot be converted to Integer"),
    ("Query", b'{"ConsistentRead":"23"}', "Unexpected token received from parser"),
    ("Query", b'{"ConsistentRead":23}', "NUMBER_VALUE cannot be converted to Boolean"),
    ("Query", b'{"ConsistentRead":[]}', "Unrecognized collection type class java.lang.Boolean"),
    ("Query", b'{"AttributesToGet":{}}', "Start of structure or map found where not expected"),
    ("PutItem", b'{"Item":{"a":{"B":"YR=="}}}', "Invalid last non-pad Base64 character dectected"),
    ("PutItem", b'{"Item":[]}',
     f"Unrecognized collection type java.util.Map<java.lang.String, {PACKAGE}AttributeValue>"),
    ("PutItem", b'{"Item":{"a":[]}}', f"Unrecognized collection type class {PACKAGE}AttributeValue"),
    ("PutItem", b'{"Item":{"a":{"L":["a"]}}}', "Unexpected value type in payload"),
    ("PutItem", b'{"Expected":{"a":{"Value":"b"}}}', "Unexpected field type"),
    ("PutItem", b'{"ExpressionAttributeNames":[]}',
     "Unrecognized collection type java.util.Map<java.lang.String, java.lang.String>"),
    ("CreateTable", b'{"ProvisionedThroughput":1}', "Unexpected field type"),
    ("CreateTable", b'{"KeySchema":["a"]}', "Unexpected value type in payload"),
    ("BatchWriteItem", b'{"RequestItems":[]}', "Unrecognized collection type java.util.Map<java.lang.String, "
     f"java.util.List<{PACKAGE}WriteRequest>>"),
    ("BatchWriteItem", b'{"RequestItems":{"a":1}}', NOT_CAST),
    ("BatchWriteItem", b'{"RequestItems":{"a":[{"PutRequest":1}]}}', "Unexpected field type"),
    ("BatchGetItem", b'{"RequestItems":{"a":{"Keys":["b"]}}}', NOT_CAST),
    ("PutItem", b'[]', f"Unrecognized collection type class {PACKAGE}PutItemInput"),
    ("PutItem", b'"x"', "Unexpected value type in payload"),
    ("PutItem", b"{", ""),
    ("PutItem", b'{"TableName":"\xff"}', ""),
    ("PutItem", b'{"TableName":"\\ud800"}', ""),
])
def test_wrong_types(operation: str, body: bytes, message: str) -> None:
    assert refusal(operation, body) == message


def test_what_is_taken() -> None:
    assert parse("Query", b'{"Limit":34.56,"Unknown":{"x":1},"TableName":null}') == {"Limit": 34}
    assert parse("PutItem", b'{"Item":{"a":{"S":"x","Unknown":"y"},"b":{"B":"AAE="}}}') == {
        "Item": {"a": {"S": "x"}, "b": {"B": b"\x00\x01"}}
    }
    assert parse("PutItem", b"") == {}
    for text, value in (("true", True), ("1", True), ("yes", True), ("False", False), ("0", False), ("no", False)):
        assert parse("GetItem", f'{{"ConsistentRead":"{text}"}}'.encode()) == {"ConsistentRead": value}


# Also a target without DynamoDB's prefix; the answer has no message (dynalite, test/connection.js).
@pytest.mark.parametrize("target", ["DynamoDB_20120810.PutItems", "Dynamo.PutItem", "PutItem", ""])
def test_unknown_operations(target: str) -> None:
    with pytest.raises(AwsError) as caught:
        JSON.operation(DYNAMODB, HttpRequest("POST", "/", "", {"x-amz-target": target}, b"{}"))
    response = JSON.serialise_error(DYNAMODB, None, caught.value, "id")
    assert response.status == 400
    assert body_of(response) == {"__type": "com.amazon.coral.service#UnknownOperationException"}


@pytest.mark.parametrize("limit", [b"9223372036854775808", b"-9223372036854779999", b"1e300"])
def test_integers_beyond_64_bits(limit: bytes) -> None:
    assert "64-bit" in refusal("Query", b'{"Limit":' + limit + b"}")


def body_of(response: HttpResponse) -> Any:
    assert response.headers["x-amz-crc32"] == str(crc32(response.body))
    assert response.headers["x-amzn-RequestId"] == "id"
    assert response.headers["content-type"] == "application/x-amz-json-1.0"
    return orjson.loads(response.body)


# Namespaces and the case of "message", as measured on DynamoDB (dynalite, ScyllaDB's and moto's tests agree).
@pytest.mark.parametrize(("error", "status", "body"), [
    (AwsError("gone", code="ResourceNotFoundException"), 400,
     {"__type": "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException", "message": "gone"}),
    (ValidationException("bad"), 400, {"__type": "com.amazon.coral.validate#ValidationException", "message": "bad"}),
    (SerializationException("x"), 400, {"__type": "com.amazon.coral.service#SerializationException", "Message": "x"}),
    (SerializationException(), 400, {"__type": "com.amazon.coral.service#SerializationException"}),
    (AccessDeniedException("no"), 400, {"__type": "com.amazon.coral.service#AccessDeniedException", "Message": "no"}),
    (AwsError("who", code="UnrecognizedClientException"), 400,
     {"__type": "com.amazon.coral.service#UnrecognizedClientException", "message": "who"}),
    (AwsError("no", code="ConditionalCheckFailedException", Item={"a": {"B": b"\x00"}}), 400,
     {"__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException", "message": "no",
      "Item": {"a": {"B": "AA=="}}}),
    (AwsError("oops", code="InternalServerError"), 500,
     {"__type": "com.amazonaws.dynamodb.v20120810#InternalServerError", "message": "oops"}),
    (AwsError("busy", code="ThrottlingException", status=429), 429, {
        "__type": "com.amazonaws.dynamodb.v20120810#ThrottlingException", "message": "busy"}),
])
def test_errors(error: AwsError, status: int, body: dict[str, Any]) -> None:
    response = JSON.serialise_error(DYNAMODB, DYNAMODB.operations["PutItem"], error, "id")
    assert response.status == status
    assert body_of(response) == body


# Blobs and times inside a subtree that is not walked, and floats that JSON cannot say.
def test_results() -> None:
    moment = datetime(2024, 5, 6, 7, 8, 9, 250_000, tzinfo=UTC)
    table = {"TableName": "T", "CreationDateTime": moment, "ItemCount": 2**40}
    response = JSON.serialise(DYNAMODB.operations["DescribeTable"], {"Table": table}, "id")
    assert body_of(response) == {"Table": {"TableName": "T", "CreationDateTime": 1714979289.25, "ItemCount": 2**40}}
    answer = {"Item": {"b": {"B": b"\xff"}, "n": {"NULL": True}}, "ConsumedCapacity": {"CapacityUnits": float("inf")}}
    response = JSON.serialise(DYNAMODB.operations["GetItem"], answer, "id")
    assert body_of(response) == {
        "Item": {"b": {"B": "/w=="}, "n": {"NULL": True}}, "ConsumedCapacity": {"CapacityUnits": "Infinity"}
    }
    assert body_of(JSON.serialise(DYNAMODB.operations["GetItem"], {"Item": None}, "id")) == {}


# A service of several protocols answers each by what the request says.
@pytest.mark.parametrize(("headers", "query", "name"), [
    ({"smithy-protocol": "rpc-v2-cbor", "content-type": "application/cbor"}, "", "smithy-rpc-v2-cbor"),
    ({"x-amz-target": "GraniteServiceVersion20100801.ListMetrics"}, "", "json"),
    ({"content-type": "application/x-www-form-urlencoded; charset=utf-8"}, "", "query"),
    ({}, "Action=ListMetrics&Version=2010-08-01", "query"),
    ({}, "", "smithy-rpc-v2-cbor"),
])
def test_protocol_for(headers: dict[str, str], query: str, name: str) -> None:
    request = HttpRequest("POST", "/", query, headers, b"")
    assert protocol_for(models.load("cloudwatch"), request).name == name
    assert protocol_for(DYNAMODB, request).name == "json"
