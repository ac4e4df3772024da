"""An unmodified boto3 program against the gateway; every expectation is AWS's documented behaviour."""

import gzip
import uuid
from decimal import Decimal
from typing import Any

import boto3
import pytest
from boto3.dynamodb.conditions import Attr, Key
from botocore.config import Config
from botocore.exceptions import ClientError

from tests import servers


def session(access_key: str = "test", secret: str = "test", region: str = "us-east-1") -> Any:
    return boto3.Session(access_key, secret, region_name=region)


@pytest.fixture
def dynamodb(skybus: servers.Server) -> Any:
    return session().client("dynamodb", endpoint_url=skybus.endpoint)


@pytest.fixture
def music(dynamodb: Any) -> str:
    """A table with hash and range key, active."""
    name = f"Music-{uuid.uuid4().hex[:8]}"
    dynamodb.create_table(
        TableName=name, BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "Artist", "KeyType": "HASH"}, {"AttributeName": "Year", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "Artist", "AttributeType": "S"}, {"AttributeName": "Year", "AttributeType": "N"},
        ],
    )
    dynamodb.get_waiter("table_exists").wait(TableName=name)
    return name


def test_the_life_of_a_table(dynamodb: Any, music: str) -> None:
    described = dynamodb.describe_table(TableName=music)["Table"]
    assert described["TableStatus"] == "ACTIVE"
    assert described["TableArn"] == f"arn:aws:dynamodb:us-east-1:000000000000:table/{music}"
    assert music in dynamodb.list_tables()["TableNames"]
    with pytest.raises(dynamodb.exceptions.ResourceInUseException):
        dynamodb.create_table(
            TableName=music, BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "a", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "a", "AttributeType": "S"}],
        )
    dynamodb.delete_table(TableName=music)
    dynamodb.get_waiter("table_not_exists").wait(TableName=music)
    with pytest.raises(dynamodb.exceptions.ResourceNotFoundException) as caught:
        dynamodb.describe_table(TableName=music)
    assert caught.value.response["Error"]["Message"] == f"Requested resource not found: Table: {music} not found"


def test_items_of_every_type_come_back_as_they_went(skybus: servers.Server, music: str) -> None:
    """Through the resource interface, which maps Python types."""
    table = session().resource("dynamodb", endpoint_url=skybus.endpoint).Table(music)
    item: dict[str, Any] = {
        "Artist": "Nina Simone", "Year": Decimal(1965), "exact": Decimal("1.2345678901234567890123456789012345678"),
        "raw": b"\x00\xff", "tags": {"soul", "jazz"}, "numbers": {Decimal(1), Decimal("2.5")}, "blobs": {b"a", b"b"},
        "nested": {"list": [1, "two", None, {"deep": True}]}, "empty": "", "nothing": None,
    }
    table.put_item(Item=item)
    found = table.get_item(Key={"Artist": "Nina Simone", "Year": 1965}, ConsistentRead=True)["Item"]
    assert {**found, "raw": found["raw"].value, "blobs": {blob.value for blob in found["blobs"]}} == item


def test_conditional_writes(dynamodb: Any, music: str) -> None:
    item = {"Artist": {"S": "A"}, "Year": {"N": "1"}}
    dynamodb.put_item(TableName=music, Item=item, ConditionExpression="attribute_not_exists(Artist)")
    with pytest.raises(dynamodb.exceptions.ConditionalCheckFailedException) as caught:
        dynamodb.put_item(TableName=music, Item=item, ConditionExpression="attribute_not_exists(Artist)")
    assert caught.value.response["Error"]["Message"] == "The conditional request failed"
    dynamodb.delete_item(TableName=music, Key=item, ConditionExpression="attribute_exists(Artist)")
    assert "Item" not in dynamodb.get_item(TableName=music, Key=item)


def test_batches_queries_and_pages(skybus: servers.Server, music: str) -> None:
    table = session().resource("dynamodb", endpoint_url=skybus.endpoint).Table(music)
    with table.batch_writer() as batch:
        for year in range(-50, 50):
            batch.put_item({"Artist": "B", "Year": year})
        batch.put_item({"Artist": "C", "Year": 1})
    years: list[int] = []
    request: dict[str, Any] = {"KeyConditionExpression": Key("Artist").eq("B"), "Limit": 7}
    while True:
        page = table.query(**request)
        years += [int(item["Year"]) for item in page["Items"]]
        if "LastEvaluatedKey" not in page:
            break
        request["ExclusiveStartKey"] = page["LastEvaluatedKey"]
    assert years == list(range(-50, 50))
    backwards = table.query(
        KeyConditionExpression=Key("Artist").eq("B") & Key("Year").between(-3, 3), ScanIndexForward=False
    )
    assert [int(item["Year"]) for item in backwards["Items"]] == [3, 2, 1, 0, -1, -2, -3]
    pages = table.meta.client.get_paginator("scan").paginate(TableName=music, PaginationConfig={"PageSize": 10})
    assert sum(page["Count"] for page in pages) == 101


def test_conditions_as_objects(skybus: servers.Server, music: str) -> None:
    """boto3's own condition objects become expressions with names and values of its choosing."""
    table = session().resource("dynamodb", endpoint_url=skybus.endpoint).Table(music)
    with table.batch_writer(overwrite_by_pkeys=["Artist", "Year"]) as batch:
        for year in [*range(30), *range(30)]:
            batch.put_item({"Artist": "D", "Year": year, "size": year % 5, "tags": {"odd" if year % 2 else "even"},
                            "deep": {"list": [year]}})
    wanted = (Attr("size").is_in([1, 2]) & Attr("tags").contains("odd") & ~Attr("deep.list[0]").lt(10)
              & Attr("missing").not_exists() & Attr("deep").attribute_type("M"))
    found = table.query(KeyConditionExpression=Key("Artist").eq("D"), FilterExpression=wanted,
                        ProjectionExpression="#y, deep.#l[0]", ExpressionAttributeNames={"#y": "Year", "#l": "list"})
    assert [int(item["Year"]) for item in found["Items"]] == [11, 17, 21, 27]
    assert found["Items"][0] == {"Year": 11, "deep": {"list": [11]}}
    assert (found["Count"], found["ScannedCount"]) == (4, 30)
    with pytest.raises(ClientError) as caught:
        table.update_item(Key={"Artist": "D", "Year": 1}, UpdateExpression="SET size = :s",
                          ExpressionAttributeValues={":s": 1})
    assert caught.value.response["Error"] == {
        "Code": "ValidationException",
        "Message": "1 validation error detected: Invalid UpdateExpression: Attribute name is a reserved keyword; "
                   "reserved keyword: size",
    }
    changed = table.update_item(
        Key={"Artist": "D", "Year": 1}, UpdateExpression="SET #s = #s + :one ADD tags :t",
        ConditionExpression=Attr("size").gte(1), ExpressionAttributeNames={"#s": "size"},
        ExpressionAttributeValues={":one": 1, ":t": {"new"}}, ReturnValues="ALL_NEW", ReturnConsumedCapacity="TOTAL",
    )
    assert changed["Attributes"]["size"] == 2
    assert changed["Attributes"]["tags"] == {"odd", "new"}
    assert changed["ConsumedCapacity"] == {"TableName": music, "CapacityUnits": 1.0}


def test_compressed_requests_and_answers(skybus: servers.Server, music: str) -> None:
    """As botocore compresses bodies for operations that ask for it, and as clients that accept gzip are answered."""
    client = session().client("dynamodb", endpoint_url=skybus.endpoint)
    item = {"Artist": {"S": "Z"}, "Year": {"N": "1"}, "Lyrics": {"S": "la" * 5_000}}

    def compress(request: Any, **_: Any) -> None:
        request.data = gzip.compress(request.data)
        request.headers["Content-Encoding"] = "gzip"

    def accept(params: Any, **_: Any) -> None:
        params["headers"]["Accept-Encoding"] = "gzip"

    def inflate(response_dict: Any, **_: Any) -> None:               # botocore leaves this to its caller
        response_dict["body"] = gzip.decompress(response_dict["body"])

    client.meta.events.register("before-sign.dynamodb.PutItem", compress)
    client.meta.events.register("before-call.dynamodb.GetItem", accept)
    client.meta.events.register("before-parse.dynamodb.GetItem", inflate)
    client.put_item(TableName=music, Item=item)
    found = client.get_item(TableName=music, Key={"Artist": {"S": "Z"}, "Year": {"N": "1"}})
    assert found["Item"] == item
    assert found["ResponseMetadata"]["HTTPHeaders"]["content-encoding"] == "gzip"


def test_a_batch_answer_of_sixteen_megabytes(dynamodb: Any, music: str) -> None:
    """AWS's bound for BatchGetItem; far beyond what fits one message of the bus."""
    for year in range(40):
        item = {"Artist": {"S": "L"}, "Year": {"N": str(year)}, "Lyrics": {"S": chr(97 + year % 26) * 399_000}}
        dynamodb.put_item(TableName=music, Item=item)
    keys = [{"Artist": {"S": "L"}, "Year": {"N": str(year)}} for year in range(40)]
    answer = dynamodb.batch_get_item(RequestItems={music: {"Keys": keys, "ConsistentRead": True}})
    found = {int(item["Year"]["N"]): item["Lyrics"]["S"] for item in answer["Responses"][music]}
    assert all(text == chr(97 + year % 26) * 399_000 for year, text in found.items())
    assert len(found) + len(answer["UnprocessedKeys"].get(music, {}).get("Keys", [])) == 40


def test_accounts_and_regions_are_apart(skybus: servers.Server, music: str) -> None:
    """A twelve-digit access key is that account's root; AWS keeps tables per account and region."""
    other = session("111122223333", "anything").client("dynamodb", endpoint_url=skybus.endpoint)
    assert music not in other.list_tables()["TableNames"]
    far = session(region="eu-west-1").client("dynamodb", endpoint_url=skybus.endpoint)
    assert music not in far.list_tables()["TableNames"]
    identity = session("111122223333", "anything").client("sts", endpoint_url=skybus.endpoint).get_caller_identity()
    assert identity["Account"] == "111122223333"
    assert identity["Arn"] == "arn:aws:iam::111122223333:root"


def test_a_known_key_with_a_wrong_secret_is_refused(skybus: servers.Server) -> None:
    with pytest.raises(ClientError) as caught:
        session("test", "wrong").client("dynamodb", endpoint_url=skybus.endpoint).list_tables()
    assert caught.value.response["Error"]["Code"] in ("InvalidSignatureException", "SignatureDoesNotMatch")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 403)


@pytest.mark.parametrize(("service", "operation", "params"), [
    ("sqs", "list_queues", {}),                          # json 1.0
    ("iam", "list_delegation_requests", {}),             # query
    ("ec2", "describe_vpcs", {}),                        # ec2
    ("lambda", "list_functions", {}),                    # rest-json
    ("cloudfront", "list_distributions", {}),            # rest-xml
    ("cloudwatch", "list_metrics", {}),                  # rpc-v2-cbor
    ("sts", "get_delegated_access_token", {"TradeInToken": "a"}),
])
def test_what_is_not_there_says_so(
    skybus: servers.Server, service: str, operation: str, params: dict[str, Any]
) -> None:
    """501 in the service's own protocol, parsed by the SDK; never a hang, never a guess."""
    client = session().client(service, endpoint_url=skybus.endpoint, config=Config(retries={"max_attempts": 0}))
    with pytest.raises(ClientError) as caught:
        getattr(client, operation)(**params)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert caught.value.response["Error"]["Code"] == "NotImplemented"
    assert caught.value.response["ResponseMetadata"]["RequestId"]
