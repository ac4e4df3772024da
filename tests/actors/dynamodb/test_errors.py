"""Every refusal in AWS's own words, on real tables.

The expected texts were measured on AWS by the public dynalite suite (validations/, test/) and the public
dynamodb-conformance suite (tests/tier3/error-messages, limits, validation-ordering), or stand in AWS's documentation.
"""

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from actors.dynamodb.engine.values import INVALID
from actors.dynamodb.engine.wording import ENVELOPE
from tests.actors.dynamodb.caller import Caller, open_caller

NO_MATCH = "The provided key element does not match the schema"
NOT_VALID = "One or more parameter values are not valid. "
SCALARS = "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: "
STYLES = ("Can not use both expression and non-expression parameters in the same request: "
          "Non-expression parameters: {%s} Expression parameters: {%s}")
EMPTY = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
START = "The provided starting key "
KEY = {"pk": {"S": "a"}, "sk": {"N": "1"}}
CONSTRAINT = "1 validation error detected: Value '{}' at 'tableName' failed to satisfy constraint: "


@pytest.fixture(scope="module")
def dynamodb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    with open_caller(tmp_path_factory.mktemp("store")) as caller:
        caller.create("single")
        caller.create("blob", types="B")
        caller.create(
            "pair", "pk", "sk", "SN", attributes={"l": "S", "g": "B"},
            LocalSecondaryIndexes=[{
                "IndexName": "local", "Projection": {"ProjectionType": "KEYS_ONLY"},
                "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "l", "KeyType": "RANGE"}],
            }],
            GlobalSecondaryIndexes=[{
                "IndexName": "global", "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["kept"]},
                "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
            }],
        )
        caller.call("PutItem", TableName="single", Item={"pk": {"S": "there"}, "n": {"N": "1"}})
        yield caller


def refused(dynamodb: Caller, operation: str, message: str, code: str = "ValidationException", **request: Any) -> None:
    error = dynamodb.error(operation, **request)
    assert (error.error_code, error.message) == (code, message)


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {"S": "leaf"}
    for _ in range(depth):
        value = {"M": {"n": value}}
    return value


# Attribute values, before any table is looked up. AWS has two wordings (engine/wording.py): `current` is None where
# they agree. Measured in four regions in October 2026: dynamodb-conformance, error-messages/valueLayers.
NOT_NUMERIC = "The parameter cannot be converted to a numeric value"
OVERFLOW = "Number overflow. Attempting to store a number with magnitude larger than supported range"
UNDERFLOW = "Number underflow. Attempting to store a number with magnitude smaller than supported range"
REPEATED = INVALID + "Input collection "


@pytest.mark.parametrize(
    ("value", "older", "current"),
    [
        ({}, EMPTY, None),
        ({"a": ""}, EMPTY, None),
        ({"M": {"a": {}}}, EMPTY, None),
        ({"L": [{}]}, EMPTY, None),
        ({"S": "a", "N": "1"}, "Supplied AttributeValue has more than one datatypes set, "
                               "must contain exactly one of the supported datatypes", None),
        ({"S": "a", "N": ""}, NOT_NUMERIC, f"{NOT_NUMERIC}: "),
        ({"S": "a", "N": "b"}, f"{NOT_NUMERIC}: b", None),
        ({"NS": ["1", ""]}, NOT_NUMERIC, f"{NOT_NUMERIC}: "),
        ({"NS": ["1", "b"]}, f"{NOT_NUMERIC}: b", None),
        ({"NS": ["2", "1", "2.0"]}, "Input collection contains duplicates", REPEATED + "contains duplicates."),
        ({"SS": []}, INVALID + "An string set  may not be empty", None),
        ({"NS": []}, INVALID + "An number set  may not be empty", None),
        ({"BS": []}, INVALID + "Binary sets should not be empty", None),
        ({"SS": ["b", "a", "b"]}, REPEATED + "[b, a, b] contains duplicates.",
         REPEATED + '["a", "b", "b"] contains duplicates.'),
        ({"BS": [b"\xff", b"\0", b"\0"]}, REPEATED + "[/w==, AA==, AA==]of type BS contains duplicates.",
         REPEATED + '["AA==","/w==","AA=="]of type BS contains duplicates.'),
        ({"N": "1e126"}, OVERFLOW, None),
        ({"N": "1e2147483647"}, UNDERFLOW, OVERFLOW),
        ({"N": "1e2147483648"}, f"{NOT_NUMERIC}: 1e2147483648", OVERFLOW),
        ({"N": "1e9223372036854775808"}, f"{NOT_NUMERIC}: 1e9223372036854775808", None),
        ({"N": "-1e-131"}, UNDERFLOW, None),
        ({"N": "1" * 39}, "Attempting to store more than 38 significant digits in a Number", None),
        (nested(32), "Nesting Levels have exceeded supported limits: "
                     "Attributes in the item have nested levels beyond supported limit", None),
    ],
)
def test_values(dynamodb: Caller, value: dict[str, Any], older: str, current: str | None) -> None:
    current = current or older
    enveloped = ENVELOPE + current
    wrapped = f"ExpressionAttributeValues contains invalid value: {older} for key :v"
    item, as_key = {"pk": {"S": "x"}, "a": value}, {"pk": value}
    as_value: dict[str, Any] = {"ExpressionAttributeValues": {":v": value}}
    condition = {"ConditionExpression": "a = :v", **as_value}
    expected = {"Expected": {"a": {"Value": value}}}
    there = {"Key": {"pk": {"S": "x"}}, "UpdateExpression": "SET a = :v"}
    for operation, members in (("PutItem", {"Item": item}), ("PutItem", {"Item": KEY, **condition}),
                               ("PutItem", {"Item": KEY, **expected}), ("DeleteItem", {"Key": as_key}),
                               ("DeleteItem", {"Key": KEY, **condition}), ("UpdateItem", {"Key": as_key}),
                               ("UpdateItem", {**there, **as_value}),
                               ("UpdateItem", {"Key": KEY, "AttributeUpdates": {"a": {"Value": value}}})):
        refused(dynamodb, operation, enveloped, TableName="nowhere", **copy.deepcopy(members))
    good = {"KeyConditionExpression": "pk = :v", "ExpressionAttributeValues": {":v": {"S": "a"}}}
    for operation, members in (("GetItem", {"Key": as_key}), ("Query", {**good, **as_value}),
                               ("Query", {**good, "ExclusiveStartKey": as_key})):
        refused(dynamodb, operation, current, TableName="nowhere", **copy.deepcopy(members))
    refused(dynamodb, "BatchGetItem", current, RequestItems={"nowhere": {"Keys": [as_key]}})
    refused(dynamodb, "BatchWriteItem", older, RequestItems={"nowhere": [{"PutRequest": {"Item": item}}]})
    refused(dynamodb, "BatchWriteItem", older, RequestItems={"nowhere": [{"DeleteRequest": {"Key": as_key}}]})
    refused(dynamodb, "TransactWriteItems", older, TransactItems=[{"Put": {"TableName": "nowhere", "Item": item}}])
    refused(dynamodb, "TransactWriteItems", wrapped,
            TransactItems=[{"Update": {"TableName": "nowhere", **there, **as_value}}])
    refused(dynamodb, "TransactGetItems", older, TransactItems=[{"Get": {"TableName": "nowhere", "Key": as_key}}])
    refused(dynamodb, "Scan", wrapped, TableName="nowhere", FilterExpression="a = :v", **as_value)
    refused(dynamodb, "Scan", f"{START}is invalid: {older}", TableName="nowhere", ExclusiveStartKey=as_key)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"S": 1}, "NUMBER_VALUE cannot be converted to String"),
        ({"N": 1.5}, "DECIMAL_VALUE cannot be converted to String"),
        ({"BOOL": "true"}, "STRING_VALUE cannot be converted to Boolean"),
        ({"S": ["a"]}, "Start of list found where not expected"),
        ({"M": {"a": {"S": {}}}}, "Start of structure or map found where not expected."),
        ({"SS": [True]}, "BOOLEAN_VALUE cannot be converted to String"),
        ({"M": {1: {"S": "a"}}}, "NUMBER_VALUE cannot be converted to String"),
        ({"L": ["a"]}, "STRING_VALUE cannot be converted to AttributeValue"),
        ({"M": {"a": "b"}}, "STRING_VALUE cannot be converted to AttributeValue"),
    ],
)
def test_wrong_types_are_a_matter_of_serialization(dynamodb: Caller, value: dict[str, Any], message: str) -> None:
    refused(dynamodb, "PutItem", message, "SerializationException", TableName="single",
            Item={"pk": {"S": "x"}, "a": value})


# What AWS accepts at the edge of the rules above, and makes its own: sets in order, null whatever it says.
def test_values_allowed(dynamodb: Caller) -> None:
    item = {"pk": {"S": "edge"}, "s": {"S": ""}, "b": {"B": b""}, "l": {"L": [{"S": ""}]}, "m": {"M": {}},
            "set": {"SS": ["", "a"]}, "deep": nested(31), "null": {"NULL": False}, "n": {"N": "-0"},
            "strings": {"SS": ["b", "ü", "", "a"]}, "numbers": {"NS": ["10", "-1", "2.50"]},
            "binaries": {"BS": [b"b", b"\xff", b""]}}
    dynamodb.call("PutItem", TableName="single", Item=copy.deepcopy(item))
    assert dynamodb.call("GetItem", TableName="single", Key={"pk": {"S": "edge"}})["Item"] == item | {
        "n": {"N": "0"}, "null": {"NULL": True}, "strings": {"SS": ["", "a", "b", "ü"]},
        "numbers": {"NS": ["-1", "2.5", "10"]}, "binaries": {"BS": [b"", b"b", b"\xff"]}}


# 409,600 bytes are an item, one more is not; names, values and keys count (dynamodb-conformance, limits/itemSize).
def test_item_size(dynamodb: Caller) -> None:
    def item(size: int) -> dict[str, Any]:
        return {"pk": {"S": "k"}, "ü": {"S": "x" * (size - 2 - 1 - 2)}}

    dynamodb.call("PutItem", TableName="single", Item=item(409_600))
    message = "Item size has exceeded the maximum allowed size"
    refused(dynamodb, "PutItem", message, TableName="single", Item=item(409_601))
    refused(dynamodb, "BatchWriteItem", message, RequestItems={"single": [{"PutRequest": {"Item": item(409_601)}}]})
    refused(dynamodb, "UpdateItem", "Item size to update has exceeded the maximum allowed size", TableName="single",
            Key={"pk": {"S": "k"}}, UpdateExpression="SET a = :a", ExpressionAttributeValues={":a": {"S": ""}})
    dynamodb.call("DeleteItem", TableName="single", Key={"pk": {"S": "k"}})


# UpdateItem alone compares with the limit what it writes, plus 3 bytes, plus 19 per SET or ADD (20 into a list) and 2
# per REMOVE or DELETE; and the whole item as everybody does.
# Measured byte by byte: dynamodb-conformance, limits/itemSizeBySurface.
@pytest.mark.parametrize(
    ("expression", "values", "cost"),
    [
        ("SET b = :pad", {}, 22),
        ("SET b = :pad, c = :c", {":c": {"S": "y" * 500}}, 41),
        ("SET b = :pad ADD c :c", {":c": {"SS": ["y"]}}, 41),
        ("SET b = :pad REMOVE r", {}, 24),
        ("SET b = :pad DELETE s :c", {":c": {"SS": ["x"]}}, 24),
        ("SET d.leaf = :pad", {}, 22),
        ("SET l[0] = :pad", {}, 23),
    ],
)
def test_update_size(
    dynamodb: Caller, expression: str, values: dict[str, Any], cost: int
) -> None:
    key = {"pk": {"S": "K"}}
    seed = {**key, "r": {"S": "z"}, "s": {"SS": ["x"]}} | {
        name: value for name, value in {"d": {"M": {"leaf": {"S": ""}}}, "l": {"L": [{"S": ""}]}}.items()
        if expression.startswith(f"SET {name}")}

    def update(padding: int) -> dict[str, Any]:
        dynamodb.call("PutItem", TableName="single", Item=seed)
        return {"TableName": "single", "Key": key, "UpdateExpression": expression,
                "ExpressionAttributeValues": {":pad": {"S": "x" * padding}, **values}}

    written = {"b": 1, "d": 9, "l": 5}[expression[4]] + (501 if ":c" in values and "S" in values[":c"] else 0)
    written += 2 if "ADD" in expression else 0
    padding = 409_600 - cost - written
    dynamodb.call("UpdateItem", **update(padding))
    refused(dynamodb, "UpdateItem", "Item size to update has exceeded the maximum allowed size", **update(padding + 1))
    dynamodb.call("DeleteItem", TableName="single", Key=key)


OPERATIONS: dict[str, dict[str, Any]] = {
    "PutItem": {"Item": {"pk": {"S": "a"}}},
    "GetItem": {"Key": {"pk": {"S": "a"}}},
    "DeleteItem": {"Key": {"pk": {"S": "a"}}},
    "UpdateItem": {"Key": {"pk": {"S": "a"}}},
    "Scan": {},
    "Query": {"KeyConditionExpression": "pk = :p", "ExpressionAttributeValues": {":p": {"S": "a"}}},
}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("bad table!@#", CONSTRAINT + "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"),
        ("x!", CONSTRAINT + "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"),
        ("a" * 256, CONSTRAINT + "Member must have length less than or equal to 255"),
        ("xx", CONSTRAINT + "Member must have length greater than or equal to 3"),
    ],
)
def test_table_names(dynamodb: Caller, name: str, message: str) -> None:
    message = message.format(name)
    for operation, members in OPERATIONS.items():
        refused(dynamodb, operation, message, TableName=name, **members)
    refused(dynamodb, "DescribeTable", message, TableName=name)


def test_tables_that_are_not_there(dynamodb: Caller) -> None:
    code, message = "ResourceNotFoundException", "Requested resource not found"
    for operation, members in OPERATIONS.items():
        refused(dynamodb, operation, message, code, TableName="nowhere", **members)
        for arn in ("arn:aws:dynamodb:eu-west-1:000000000000:table/single",
                    "arn:aws:dynamodb:us-east-1:111111111111:table/single"):
            refused(dynamodb, operation, message, code, TableName=arn, **members)
        dynamodb.call(operation, TableName="arn:aws:dynamodb:us-east-1:000000000000:table/single", **members)
    refused(dynamodb, "BatchGetItem", message, code, RequestItems={"nowhere": {"Keys": [KEY]}})
    refused(dynamodb, "BatchWriteItem", message, code, RequestItems={"nowhere": [{"DeleteRequest": {"Key": KEY}}]})
    for operation in ("DescribeTable", "DeleteTable"):
        refused(dynamodb, operation, f"{message}: Table: nowhere not found", code, TableName="nowhere")


# Measured in most regions, us-east-1 among them: dynamodb-conformance, captures of August and October 2026.
def test_empty_batches(dynamodb: Caller) -> None:
    refused(dynamodb, "BatchWriteItem", "The requestItems parameter is required for BatchWriteItem", RequestItems={})
    refused(dynamodb, "BatchGetItem", f"{ENVELOPE}Value at 'RequestItems' failed to satisfy constraint: "
            "Member must have length greater than or equal to 1", RequestItems={})


# Keys: PutItem says which attribute is wrong, all others that the key does not match.
@pytest.mark.parametrize(
    ("item", "words", "as_key"),
    [
        ({"sk": {"N": "1"}}, INVALID + "Missing the key pk in the item", NO_MATCH),
        ({"pk": {"S": "a"}}, INVALID + "Missing the key sk in the item", NO_MATCH),
        ({"pk": {"S": "a"}, "sk": {"S": "1"}}, INVALID + "Type mismatch for key sk expected: N actual: S", NO_MATCH),
        ({"pk": {"L": [{"S": "x"}]}, "sk": {"N": "1"}}, INVALID + "Type mismatch for key pk expected: S actual: L",
         NO_MATCH),
        ({"pk": {"S": ""}, "sk": {"N": "1"}}, None, NOT_VALID +
         "The AttributeValue for a key attribute cannot contain an empty string value. Key: pk"),
        ({"pk": {"S": "a" * 2049}, "sk": {"N": "1"}}, None, INVALID +
         "Size of hashkey has exceeded the maximum size limit of2048 bytes"),
    ],
)
def test_keys(dynamodb: Caller, item: dict[str, Any], words: str | None, as_key: str) -> None:
    refused(dynamodb, "PutItem", words or as_key, TableName="pair", Item=item)
    refused(dynamodb, "BatchWriteItem", as_key, RequestItems={"pair": [{"PutRequest": {"Item": item}}]})
    refused(dynamodb, "BatchWriteItem", as_key, RequestItems={"pair": [{"DeleteRequest": {"Key": item}}]})
    refused(dynamodb, "BatchGetItem", as_key, RequestItems={"pair": {"Keys": [item]}})
    for operation in ("GetItem", "DeleteItem", "UpdateItem"):
        refused(dynamodb, operation, as_key, TableName="pair", Key=item)


def test_keys_of_other_kinds(dynamodb: Caller) -> None:
    refused(dynamodb, "GetItem", NO_MATCH, TableName="single", Key={"pk": {"S": "a"}, "more": {"S": "b"}})
    refused(dynamodb, "PutItem", NOT_VALID +
            "The AttributeValue for a key attribute cannot contain an empty binary value. Key: pk",
            TableName="blob", Item={"pk": {"B": b""}})
    dynamodb.create("text-sort", "pk", "sk")
    refused(dynamodb, "PutItem", INVALID +
            "Aggregated size of all range keys has exceeded the size limit of 1024 bytes",
            TableName="text-sort", Item={"pk": {"S": "a"}, "sk": {"S": "ü" * 513}})
    dynamodb.call("PutItem", TableName="text-sort", Item={"pk": {"S": "ü" * 1024}, "sk": {"S": "ü" * 512}})


# A key of an index may be absent, never of another type or empty (dynamodb-conformance, indexKeyValues).
def test_index_keys(dynamodb: Caller) -> None:
    wrong = INVALID + "Type mismatch for Index Key l Expected: S Actual: N IndexName: local"
    empty = (NOT_VALID + "A value specified for a secondary index key is not supported. The AttributeValue for a key "
             "attribute cannot contain an empty binary value. IndexName: global, IndexKey: g")
    empty_update = (NOT_VALID + "The update expression attempted to update a secondary index key to a value that is "
                    "not supported. The AttributeValue for a key attribute cannot contain an empty binary value.")
    for message, update_message, name, value in (
        (wrong, wrong, "l", {"N": "1"}), (empty, empty_update, "g", {"B": b""}),
    ):
        item = {**KEY, name: value}
        refused(dynamodb, "PutItem", message, TableName="pair", Item=item)
        refused(dynamodb, "BatchWriteItem", message, RequestItems={"pair": [{"PutRequest": {"Item": item}}]})
        refused(dynamodb, "UpdateItem", update_message, TableName="pair", Key=KEY,
                UpdateExpression=f"SET {name} = :v", ExpressionAttributeValues={":v": value})


# (operation, message, members) beside TableName="pair"; a Query has a good key condition unless it brings its own.
LONG, VALUE = "a" * 4092 + " = :v", {":v": {"S": "a"}}
TOO_LONG = "Expression size has exceeded the maximum allowed size"
REQUESTS: list[tuple[str, str, dict[str, Any]]] = [
    ("PutItem", ENVELOPE + "ReturnValues can only be ALL_OLD or NONE", {"Item": KEY, "ReturnValues": "ALL_NEW"}),
    ("DeleteItem", ENVELOPE + "ReturnValues can only be ALL_OLD or NONE", {"Key": KEY, "ReturnValues": "UPDATED_OLD"}),
    ("PutItem", ENVELOPE + STYLES % ("Expected", "ConditionExpression"),
     {"Item": KEY, "Expected": {"pk": {"Exists": False}}, "ConditionExpression": "attribute_not_exists(pk)"}),
    ("PutItem", ENVELOPE + "ExpressionAttributeValues can only be specified when using expressions",
     {"Item": KEY, "ExpressionAttributeValues": {":v": {"S": "unused"}}}),
    ("PutItem", ENVELOPE + "Invalid ConditionExpression: The expression can not be empty;",
     {"Item": KEY, "ConditionExpression": ""}),
    ("GetItem", STYLES % ("AttributesToGet", "ProjectionExpression"),
     {"Key": KEY, "AttributesToGet": ["a"], "ProjectionExpression": "a"}),
    ("GetItem", INVALID + "Duplicate value in attribute name: a", {"Key": KEY, "AttributesToGet": ["a", "a"]}),
    ("GetItem", SCALARS + "Key: pk", {"Key": KEY, "ProjectionExpression": "pk.a"}),
    ("GetItem", SCALARS + "IndexKey: l", {"Key": KEY, "ProjectionExpression": "l[0]"}),
    ("UpdateItem", INVALID + "Cannot update attribute sk. This attribute is part of the key",
     {"Key": KEY, "UpdateExpression": "SET sk = :v", "ExpressionAttributeValues": {":v": {"N": "2"}}}),
    ("UpdateItem", ENVELOPE + "Value provided in ExpressionAttributeNames unused in expressions: keys: {#unused}",
     {"Key": KEY, "UpdateExpression": "REMOVE a", "ExpressionAttributeNames": {"#unused": "b"}}),
    ("Query", "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.",
     {"KeyConditionExpression": None, "ExpressionAttributeValues": None}),
    ("Query", "Query condition missed key schema element: pk",
     {"KeyConditionExpression": "sk = :v", "ExpressionAttributeValues": {":v": {"N": "1"}}}),
    ("Query", "Query condition missed key schema element: sk", {"KeyConditionExpression": "pk = :v AND tail = :v"}),
    ("Query", "The table does not have the specified index: nope", {"IndexName": "nope"}),
    ("Query", "Consistent reads are not supported on global secondary indexes",
     {"IndexName": "global", "ConsistentRead": True}),
    ("Query", INVALID + "Select type ALL_ATTRIBUTES is not supported for global secondary index global because its "
     "projection type is not ALL",
     {"IndexName": "global", "Select": "ALL_ATTRIBUTES", "KeyConditionExpression": "g = :v",
      "ExpressionAttributeValues": {":v": {"B": b"1"}}}),
    ("Query", "1 validation error detected: Must specify the AttributesToGet or ProjectionExpression when choosing to "
     "get SPECIFIC_ATTRIBUTES", {"Select": "SPECIFIC_ATTRIBUTES"}),
    ("Query", "1 validation error detected: Cannot specify the ProjectionExpression when choosing to get only the "
     "Count", {"Select": "COUNT", "ProjectionExpression": "a"}),
    ("Query", "Filter Expression can only contain non-primary key attributes: Primary key attribute: sk",
     {"FilterExpression": "sk = :n", "ExpressionAttributeValues": {":v": {"S": "1"}, ":n": {"N": "1"}}}),
    ("Query", START + "is invalid", {"ExclusiveStartKey": {"bad": {"S": "p"}}}),
    ("Query", NO_MATCH, {"ExclusiveStartKey": {"pk": {"S": "1"}, "sk": {"S": "1"}}}),
    ("Query", START + "is outside query boundaries based on provided conditions",
     {"ExclusiveStartKey": {"pk": {"S": "2"}, "sk": {"N": "1"}}}),
    ("Query", START + "does not match the range key predicate",
     {"ExclusiveStartKey": {"pk": {"S": "1"}, "sk": {"N": "1"}}, "KeyConditionExpression": "pk = :v AND sk > :n",
      "ExpressionAttributeValues": {":v": {"S": "1"}, ":n": {"N": "1"}}}),
    ("Query", "The query can return at most one row and cannot be restarted",
     {"ExclusiveStartKey": {"pk": {"S": "2"}, "sk": {"N": "1"}}, "KeyConditionExpression": "pk = :v AND sk = :n",
      "ExpressionAttributeValues": {":v": {"S": "1"}, ":n": {"N": "1"}}}),
    ("Scan", "The TotalSegments parameter is required but was not present in the request when Segment parameter is "
     "present", {"Segment": 0}),
    ("Scan", "The Segment parameter is required but was not present in the request when parameter TotalSegments is "
     "present", {"TotalSegments": 4}),
    ("Scan", "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: 5 is not "
     "less than TotalSegments: 5", {"Segment": 5, "TotalSegments": 5}),
    ("Scan", ENVELOPE + "Must specify the AttributesToGet or ProjectionExpression when choosing to get "
     "SPECIFIC_ATTRIBUTES", {"Select": "SPECIFIC_ATTRIBUTES"}),
    ("Scan", ENVELOPE + "Cannot specify the ProjectionExpression when choosing to get ALL_ATTRIBUTES",
     {"Select": "ALL_ATTRIBUTES", "ProjectionExpression": "pk"}),
    ("Scan", ENVELOPE + "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName",
     {"Select": "ALL_PROJECTED_ATTRIBUTES"}),
    ("Scan", f"{START}is invalid: {NO_MATCH}", {"ExclusiveStartKey": {"pk": {"S": "p"}}}),
    ("Scan", f"{START}is invalid: {NO_MATCH}", {"ExclusiveStartKey": {}}),
    ("Query", START + "is invalid", {"ExclusiveStartKey": {}}),
    ("Scan", START + "is invalid", {"IndexName": "global", "ExclusiveStartKey": {"pk": {"S": "p"}}}),
    ("Scan", INVALID + "Global secondary index global does not project [tail]",
     {"IndexName": "global", "ProjectionExpression": "kept, tail"}),
    ("BatchGetItem", "Provided list of item keys contains duplicates",
     {"RequestItems": {"pair": {"Keys": [KEY, KEY]}}}),
    ("BatchWriteItem", "Provided list of item keys contains duplicates",
     {"RequestItems": {"pair": [{"PutRequest": {"Item": KEY}},
                                {"DeleteRequest": {"Key": {**KEY, "sk": {"N": "1.0"}}}}]}}),
    ("PutItem", ENVELOPE + "Empty attribute name", {"Item": {**KEY, "": {"S": "x"}}}),
    ("PutItem", f"{ENVELOPE}Invalid ConditionExpression: {TOO_LONG};",
     {"Item": KEY, "ConditionExpression": LONG, "ExpressionAttributeValues": VALUE}),
    ("UpdateItem", f"{ENVELOPE}Invalid UpdateExpression: {TOO_LONG};",
     {"Key": KEY, "UpdateExpression": f"SET {LONG}", "ExpressionAttributeValues": VALUE}),
    ("GetItem", f"Invalid ProjectionExpression: {TOO_LONG};", {"Key": KEY, "ProjectionExpression": "a" * 4097}),
    ("Query", f"Invalid FilterExpression: {TOO_LONG};", {"FilterExpression": LONG}),
    ("Scan", f"Invalid FilterExpression: {TOO_LONG}; expression size: 4097",
     {"FilterExpression": LONG, "ExpressionAttributeValues": VALUE}),
    ("TransactWriteItems", f"Invalid ConditionExpression: {TOO_LONG}; expression size: 4097",
     {"TransactItems": [{"Put": {"TableName": "pair", "Item": KEY, "ConditionExpression": LONG,
                                 "ExpressionAttributeValues": VALUE}}]}),
    ("TransactWriteItems", f"Invalid UpdateExpression: {TOO_LONG};",
     {"TransactItems": [{"Update": {"TableName": "pair", "Key": KEY, "UpdateExpression": f"SET {LONG}",
                                    "ExpressionAttributeValues": VALUE}}]}),
    ("TransactWriteItems", "Empty attribute name",
     {"TransactItems": [{"Put": {"TableName": "nowhere", "Item": {**KEY, "d": nested(40), "": {"S": "x"}}}}]}),
    ("BatchWriteItem", "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the "
     "supported datatypes", {"RequestItems": {"pair": [{}]}}),
    ("BatchWriteItem", "Too many items requested for the BatchWriteItem call",
     {"RequestItems": {name: [{"DeleteRequest": {"Key": KEY}}] * 13 for name in ("pair", "single")}}),
    ("BatchGetItem", "Too many items requested for the BatchGetItem call",
     {"RequestItems": {name: {"Keys": [KEY] * 51} for name in ("pair", "single")}}),
    ("BatchGetItem", STYLES % ("AttributesToGet", "ProjectionExpression"),
     {"RequestItems": {"pair": {"Keys": [KEY], "AttributesToGet": ["a"]},
                       "single": {"Keys": [{"pk": {"S": "a"}}], "ProjectionExpression": "a"}}}),
]
QUERY = {"KeyConditionExpression": "pk = :v", "ExpressionAttributeValues": {":v": {"S": "1"}}}


@pytest.mark.parametrize(("operation", "message", "members"), REQUESTS)
def test_requests(dynamodb: Caller, operation: str, message: str, members: dict[str, Any]) -> None:
    request = dict(members) if operation.startswith(("Batch", "Transact")) else {"TableName": "pair", **members}
    if operation == "Query":
        request = {member: value for member, value in (QUERY | request).items() if value is not None}
    refused(dynamodb, operation, message, **request)


def test_failed_condition_tells_the_item_when_asked(dynamodb: Caller) -> None:
    key, item = {"pk": {"S": "there"}}, {"pk": {"S": "there"}, "n": {"N": "1"}}
    for operation, members in (("PutItem", {"Item": key}), ("DeleteItem", {"Key": key}),
                               ("UpdateItem", {"Key": key, "UpdateExpression": "REMOVE n"})):
        for wants, fields in (("ALL_OLD", {"Item": item}), ("NONE", {})):
            error = dynamodb.error(operation, TableName="single", ConditionExpression="n > :n", **members,
                                   ExpressionAttributeValues={":n": {"N": "1"}},
                                   ReturnValuesOnConditionCheckFailure=wants)
            assert error.error_code == "ConditionalCheckFailedException"
            assert (error.message, error.fields) == ("The conditional request failed", fields)
    assert dynamodb.call("GetItem", TableName="single", Key=key)["Item"] == item
