"""DynamoDB's validation messages to the letter.

Source unless named otherwise: dynalite's tests, which run against AWS as well
(https://github.com/architect/dynalite/tree/main/test), with the spelling of the 2024 service.
"""

from typing import Any

import pytest

from schemas.errors import AwsError
from schemas.models import load
from schemas.validate import DEPTH_LIMIT, validator

OPERATIONS = load("dynamodb").operations
ITSELF = frozenset({"AttributeValue"})
NULL = "Value null at '{}' failed to satisfy constraint: Member must not be null"
KEYS = (
    "Map keys must satisfy constraint: [Member must have length less than or equal to 255, Member must have length "
    "greater than or equal to 3, Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+]"
)
BATCH = (
    "Map value must satisfy constraint: [Member must have length less than or equal to 25, Member must have length "
    "greater than or equal to 1]"
)
CAPACITY = (
    "Value 'hi' at 'returnConsumedCapacity' failed to satisfy constraint: Member must satisfy enum value set: "
    "[INDEXES, TOTAL, NONE]"
)
KEY = {"AttributeName": "a", "KeyType": "HASH"}
METRICS = (
    "Value 'hi' at 'returnItemCollectionMetrics' failed to satisfy constraint: Member must satisfy enum value set: "
    "[SIZE, NONE]"
)


def at(value: str, path: str, constraint: str) -> str:
    return f"Value '{value}' at '{path}' failed to satisfy constraint: {constraint}"


def validate(operation: str, request: Any) -> None:
    validator(OPERATIONS[operation], ITSELF)(request)


def refused(operation: str, request: Any) -> AwsError:
    with pytest.raises(AwsError) as error:
        validate(operation, request)
    return error.value


@pytest.mark.parametrize(
    ("operation", "request_", "violations"),
    [
        ("PutItem", {"Item": {}}, [NULL.format("tableName")]),
        ("PutItem", {}, [NULL.format("tableName"), NULL.format("item")]),
        ("PutItem", {"TableName": "a" * 256, "Item": {}}, [
            at("a" * 256, "tableName", "Member must have length less than or equal to 255"),
        ]),
        ("PutItem", {"TableName": "bad table!@#", "Item": {}}, [
            at("bad table!@#", "tableName", "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"),
        ]),
        ("CreateTable", {
            "TableName": "abc", "AttributeDefinitions": [], "KeySchema": [], "BillingMode": "A",
            "ProvisionedThroughput": {"ReadCapacityUnits": -1, "WriteCapacityUnits": -1},
        }, [
            at("A", "billingMode", "Member must satisfy enum value set: [PROVISIONED, PAY_PER_REQUEST]"),
            at("-1", "provisionedThroughput.writeCapacityUnits", "Member must have value greater than or equal to 1"),
            at("-1", "provisionedThroughput.readCapacityUnits", "Member must have value greater than or equal to 1"),
            at("[]", "keySchema", "Member must have length greater than or equal to 1"),
        ]),
        ("CreateTable", {"TableName": "abc;"}, [
            NULL.format("attributeDefinitions"),
            at("abc;", "tableName", "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"),
            NULL.format("keySchema"),
        ]),
        ("CreateTable", {"TableName": "abc", "AttributeDefinitions": [{}], "KeySchema": [KEY]}, [
            NULL.format("attributeDefinitions.1.member.attributeName"),
            NULL.format("attributeDefinitions.1.member.attributeType"),
        ]),
        ("CreateTable", {"TableName": "abc", "KeySchema": [KEY], "AttributeDefinitions": [
            {"AttributeName": "b", "AttributeType": "SS"},
        ]}, [
            at("SS", "attributeDefinitions.1.member.attributeType", "Member must satisfy enum value set: [B, N, S]"),
        ]),
        ("CreateTable", {"TableName": "abc", "AttributeDefinitions": [], "KeySchema": [
            {"KeyType": "HASH"}, {"AttributeName": "a"}, {"KeyType": "Woop", "AttributeName": "a"},
        ]}, [
            NULL.format("keySchema.1.member.attributeName"), NULL.format("keySchema.2.member.keyType"),
            at("Woop", "keySchema.3.member.keyType", "Member must satisfy enum value set: [HASH, RANGE]"),
        ]),
        ("BatchWriteItem", {}, [NULL.format("requestItems")]),
        ("BatchWriteItem", {"RequestItems": {"abc": []}}, [at("{abc=[]}", "requestItems", BATCH)]),
        ("BatchWriteItem", {
            "RequestItems": {"aa;": [{"PutRequest": {}, "DeleteRequest": {}}]}, "ReturnConsumedCapacity": "hi",
            "ReturnItemCollectionMetrics": "hi",
        }, [
            CAPACITY, METRICS,
        ]),
        ("BatchWriteItem", {"RequestItems": {"aa;": [{"PutRequest": {}, "DeleteRequest": {}}]}}, [
            at("{aa;=[WriteRequest(putRequest=PutRequest(), deleteRequest=DeleteRequest())]}", "requestItems", KEYS),
            NULL.format("requestItems.aa;.member.1.member.deleteRequest.key"),
            NULL.format("requestItems.aa;.member.1.member.putRequest.item"),
        ]),
        # Order of an UpdateItem's members: captured in eu-west-2 and us-east-1, a public conformance suite.
        ("UpdateItem", {"TableName": "", "ReturnConsumedCapacity": "INVALID", "ReturnValues": "INVALID"}, [
            CAPACITY.replace("hi", "INVALID"),
            at("", "tableName", "Member must have length greater than or equal to 1"),
            at("INVALID", "returnValues",
               "Member must satisfy enum value set: [ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]"),
            NULL.format("key"),
        ]),
        ("Scan", {
            "TableName": "abc", "Limit": 0, "TotalSegments": 0, "ReturnConsumedCapacity": "hi", "AttributesToGet": [],
            "Select": "hi",
        }, [
            at("0", "limit", "Member must have value greater than or equal to 1"),
            at("0", "totalSegments", "Member must have value greater than or equal to 1"),
            CAPACITY,
            at("[]", "attributesToGet", "Member must have length greater than or equal to 1"),
            at("hi", "select", "Member must satisfy enum value set: "
               "[SPECIFIC_ATTRIBUTES, COUNT, ALL_ATTRIBUTES, ALL_PROJECTED_ATTRIBUTES]"),
        ]),
        ("TransactWriteItems", {"TransactItems": [{"Put": {"TableName": "bad!name", "Item": {}}}]}, [
            at("bad!name", "transactItems.1.member.put.tableName",
               "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"),
        ]),
        ("TransactWriteItems", {"TransactItems": []}, [
            at("[]", "transactItems", "Member must have length greater than or equal to 1"),
        ]),
        ("ListTables", {"Limit": 101}, [at("101", "limit", "Member must have value less than or equal to 100")]),
    ],
)
def test_constraints(operation: str, request_: dict[str, Any], violations: list[str]) -> None:
    error = refused(operation, request_)
    plural = "s" if len(violations) > 1 else ""
    assert error.error_code == "ValidationException"
    assert error.message == f"{len(violations)} validation error{plural} detected: {'; '.join(violations)}"


@pytest.mark.parametrize(
    "operation", ["CreateTable", "DeleteTable", "DescribeTable", "UpdateTable", "UpdateTimeToLive"]
)
def test_table_operations_miss_the_name_first(operation: str) -> None:
    assert refused(operation, {}).message == "The parameter 'TableName' is required but was not present in the request"


SET = "Failed to satisfy constraint: Member must satisfy enum value set: "
RETURN_VALUES = f"{SET}[ALL_OLD, UPDATED_OLD, ALL_NEW, UPDATE_NEW, NONE]"
SHORT = "failed to satisfy constraint: Member must have length greater than or equal to 1"
NO_NAME = f"1 validation error detected: Value at 'TableName' {SHORT}"
JSON_ECHO = '{"a!b":{"Keys":[{"a":{"B":"YQ=="}}]}}'
INDEX = {"IndexName": "xx", "KeySchema": [KEY], "Projection": {}}
INVALID_CAPACITY = CAPACITY.replace("hi", "I")


# In words of their own, once nothing that is required is missing: captured in eu-west-2 and us-east-1 in October 2026,
# a public conformance suite (validation-ordering, error-messages).
@pytest.mark.parametrize(
    ("operation", "request_", "message"),
    [
        ("PutItem", {"TableName": "", "ReturnValues": "I", "Item": {}}, NO_NAME),
        ("DeleteItem", {"TableName": "", "ReturnValues": "I", "Key": {}}, NO_NAME),
        ("UpdateItem", {"TableName": "", "ReturnValues": "I", "Key": {}}, NO_NAME),
        ("PutItem", {"TableName": "abc", "Item": {}, "ReturnConsumedCapacity": "I", "ReturnValues": "I",
                     "ReturnItemCollectionMetrics": "I"},
         f"3 validation errors detected: {INVALID_CAPACITY}; {RETURN_VALUES}; "
         "ReturnItemCollectionMetrics can only be SIZE or NONE"),
        ("DeleteItem", {"TableName": "abc", "Key": {}, "ReturnConsumedCapacity": "I", "ReturnValues": "I"},
         f"2 validation errors detected: {INVALID_CAPACITY}; {RETURN_VALUES}"),
        ("UpdateItem", {"TableName": "abc", "Key": {}, "ReturnConsumedCapacity": "I", "ReturnValues": "I"},
         f"1 validation error detected: {RETURN_VALUES}"),
        ("UpdateItem", {"TableName": "abc", "ConditionalOperator": "XOR"},
         "2 validation errors detected: "
         f"{at('XOR', 'conditionalOperator', 'Member must satisfy enum value set: [OR, AND]')}; {NULL.format('key')}"),
        ("Query", {"TableName": "abc", "ConditionalOperator": "XOR", "Select": "BOGUS"}, f"{SET}[ALL, OR]"),
        ("Query", {"TableName": "abc", "Limit": 0}, "1 validation error detected: Value at 'Limit' failed to satisfy "
         "constraint: Member must have value greater than or equal to 1"),
        ("BatchGetItem", {"RequestItems": {}}, f"1 validation error detected: Value at 'RequestItems' {SHORT}"),
        ("BatchGetItem", {"RequestItems": {"abc": {"Keys": []}}},
         f"1 validation error detected: Value at 'RequestItems.abc.member.Keys' {SHORT}"),
        ("BatchGetItem", {"RequestItems": {"a!b": {"Keys": [{"a": {"B": b"a"}}]}}, "ReturnConsumedCapacity": "I"},
         "2 validation errors detected: "
         f"{at(JSON_ECHO, 'requestItems', KEYS)}; {INVALID_CAPACITY}"),
        ("BatchWriteItem", {"RequestItems": {"a!b": [{}]}, "ReturnConsumedCapacity": "I"},
         f"1 validation error detected: {INVALID_CAPACITY}"),
        ("CreateTable", {"TableName": "abc", "KeySchema": [KEY], "AttributeDefinitions": [],
                         "LocalSecondaryIndexes": [INDEX], "GlobalSecondaryIndexes": [INDEX]},
         "2 validation errors detected: " + "; ".join(
             at("xx", f"{kind}SecondaryIndexes.1.member.indexName",
                "Member must have length greater than or equal to 3")
             for kind in ("global", "local"))),
    ],
)
def test_words_of_their_own(operation: str, request_: dict[str, Any], message: str) -> None:
    error = refused(operation, request_)
    assert (error.error_code, error.message) == ("ValidationException", message)


def test_names_and_arns_pass() -> None:
    for name in ("abc", "Music-1.prod_eu", "arn:aws:dynamodb:us-east-1:123456789012:table/Music"):
        validate("DescribeTable", {"TableName": name})
        validate("PutItem", {"TableName": name, "Item": {"a": {"anything": "goes here"}}})
    long_arn = "arn:aws:dynamodb:" + "a" * 1024
    assert "less than or equal to 255" in refused("PutItem", {"TableName": long_arn, "Item": {}}).message


# At most ten are reported: dynalite's limit, measured on AWS.
def test_ten_at_most() -> None:
    error = refused("CreateTable", {"TableName": "abc", "AttributeDefinitions": [{} for _ in range(9)]})
    assert error.message.startswith("10 validation errors detected: ")
    assert error.message.count("Member must not be null") == 10


# dynalite's assertType table: what each type refuses.
@pytest.mark.parametrize(
    ("operation", "request_", "message"),
    [
        ("PutItem", {"TableName": True}, "TRUE_VALUE cannot be converted to String"),
        ("PutItem", {"TableName": 34}, "NUMBER_VALUE cannot be converted to String"),
        ("PutItem", {"TableName": 1.5}, "DECIMAL_VALUE cannot be converted to String"),
        ("PutItem", {"TableName": []}, "Unrecognized collection type class java.lang.String"),
        ("PutItem", {"TableName": {}}, "Start of structure or map found where not expected"),
        ("ListTables", {"Limit": "23"}, "STRING_VALUE cannot be converted to Integer"),
        ("ListTables", {"Limit": False}, "FALSE_VALUE cannot be converted to Integer"),
        ("CreateTable", {"KeySchema": "23"}, "Unexpected field type"),
        ("CreateTable", {"KeySchema": {}}, "Start of structure or map found where not expected"),
        ("CreateTable", {"KeySchema": [1]}, "Unexpected field type"),
        ("PutItem", {"Item": {"a": 1}}, "Unexpected field type"),
        ("PutItem", {"Item": {1: {}}}, "NUMBER_VALUE cannot be converted to String"),
        ("PutItem", [], "Unexpected field type"),
    ],
)
def test_types(operation: str, request_: Any, message: str) -> None:
    error = refused(operation, request_)
    assert (error.error_code, error.message) == ("SerializationException", message)


# AWS takes a null member for an absent one.
def test_null_members_are_absent() -> None:
    request: dict[str, Any] = {"TableName": "Music", "Item": {"a": {"S": None}}, "Expected": None, "Unknown": None}
    validate("PutItem", request)
    assert request == {"TableName": "Music", "Item": {"a": {"S": None}}, "Unknown": None}
    assert refused("PutItem", {"TableName": None, "Item": {}}).message.endswith(NULL.format("tableName"))


def test_depth_is_bounded() -> None:
    value: dict[str, Any] = {"S": "x"}
    for _ in range(10_000):
        value = {"M": {"a": value}}
    request = {"TableName": "Music", "Item": {"a": value}}
    validate("PutItem", request)                   # the inside of a value is DynamoDB's own business
    with pytest.raises(AwsError, match=f"nested deeper than {DEPTH_LIMIT} levels"):
        validator(OPERATIONS["PutItem"])(request)
