"""PartiQL from an unmodified boto3 program; every expectation is AWS's documented behaviour.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html
"""

import uuid
from typing import Any

import boto3
import pytest

from tests import servers


@pytest.fixture
def dynamodb(skybus: servers.Server) -> Any:
    return boto3.Session("test", "test", region_name="us-east-1").client("dynamodb", endpoint_url=skybus.endpoint)


@pytest.fixture
def music(dynamodb: Any) -> str:
    name = f"Music-{uuid.uuid4().hex[:8]}"
    dynamodb.create_table(
        TableName=name, BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "Artist", "KeyType": "HASH"}, {"AttributeName": "SongTitle", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": "Artist", "AttributeType": "S"},
                              {"AttributeName": "SongTitle", "AttributeType": "S"}],
    )
    dynamodb.get_waiter("table_exists").wait(TableName=name)
    return name


def test_statements_batches_and_transactions(dynamodb: Any, music: str) -> None:
    for number in range(3):
        dynamodb.execute_statement(
            Statement=f"INSERT INTO \"{music}\" VALUE {{'Artist': ?, 'SongTitle': ?, 'Awards': 1}}",
            Parameters=[{"S": "Acme"}, {"S": f"Song {number}"}])
    with pytest.raises(dynamodb.exceptions.DuplicateItemException):
        dynamodb.execute_statement(Statement=f"INSERT INTO \"{music}\" VALUE {{'Artist':'Acme','SongTitle':'Song 0'}}")

    select = f"SELECT SongTitle FROM \"{music}\" WHERE Artist = 'Acme' ORDER BY SongTitle DESC"
    page = dynamodb.execute_statement(Statement=select, Limit=2)
    rest = dynamodb.execute_statement(Statement=select, NextToken=page["NextToken"])
    found = [item["SongTitle"]["S"] for item in page["Items"] + rest["Items"]]
    assert found == ["Song 2", "Song 1", "Song 0"]

    where = "WHERE Artist = 'Acme' AND SongTitle = 'Song 1'"
    updated = dynamodb.execute_statement(
        Statement=f"UPDATE \"{music}\" SET Awards = Awards + 1 {where} RETURNING MODIFIED NEW *")
    assert updated["Items"] == [{"Awards": {"N": "2"}}]
    with pytest.raises(dynamodb.exceptions.ConditionalCheckFailedException) as failed:
        dynamodb.execute_statement(Statement=f"DELETE FROM \"{music}\" {where} AND Awards = 1",
                                   ReturnValuesOnConditionCheckFailure="ALL_OLD")
    assert failed.value.response["Item"]["Awards"] == {"N": "2"}

    answers = dynamodb.batch_execute_statement(Statements=[
        {"Statement": f"SELECT Awards FROM \"{music}\" {where}"}, {"Statement": "SELECT nothing"}])["Responses"]
    assert answers[0] == {"TableName": music, "Item": {"Awards": {"N": "2"}}}
    assert answers[1]["Error"]["Code"] == "ValidationError"

    with pytest.raises(dynamodb.exceptions.TransactionCanceledException) as cancelled:
        dynamodb.execute_transaction(TransactStatements=[
            {"Statement": f"DELETE FROM \"{music}\" {where}"},
            {"Statement": f"UPDATE \"{music}\" SET a = 1 WHERE Artist = 'Nobody' AND SongTitle = '-'"}])
    assert [each["Code"] for each in cancelled.value.response["CancellationReasons"]] == [
        "None", "ConditionalCheckFailed"]
    dynamodb.execute_transaction(TransactStatements=[
        {"Statement": f"DELETE FROM \"{music}\" {where}"},
        {"Statement": f"EXISTS(SELECT * FROM \"{music}\" WHERE Artist='Acme' AND SongTitle='Song 0' "
                      "AND x IS MISSING)"}])
    read = dynamodb.execute_transaction(TransactStatements=[{"Statement": f"SELECT * FROM \"{music}\" {where}"}])
    assert read["Responses"] == [{}]
