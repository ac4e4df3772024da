"""Which slot a request goes to: the one of the table it is about, however it says which, and `any` where it does not.

The formula: bus/README.md, subjects.
"""

from typing import Any
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.routing import ANY, Share, slot

ACCOUNT, REGION = "000000000001", "us-east-1"
ARN = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/users"
GET = {"Get": {"TableName": "users", "Key": {}}}


def of(name: str, account: str = ACCOUNT) -> str:
    return f"{crc32(f'{account}/{REGION}/{name}'.encode()) & 0xFF:02x}"


@pytest.mark.parametrize(("service", "params"), [
    ("dynamodb", {"TableName": "users"}), ("dynamodb", {"TableName": ARN}), ("dynamodb", {"ResourceArn": ARN}),
    ("dynamodb", {"BackupArn": f"{ARN}/backup/0149-aa"}), ("dynamodb", {"TableArn": ARN, "S3Bucket": "b"}),
    ("dynamodb", {"ResourceArn": f"{ARN}/stream/2026-01-01T00:00:00.000"}),
    ("dynamodb", {"RequestItems": {"users": {}, ARN: {}}}), ("dynamodb", {"TransactItems": [GET, GET]}),
    ("dynamodb", {"BackupArn": f"{ARN}/backup/0149-aa", "TargetTableName": "another"}),
    ("dynamodbstreams", {"StreamArn": f"{ARN}/stream/2026-01-01T00:00:00.000"}),
    ("dynamodbstreams", {"ShardIterator": f"{ARN}/stream/2026-01-01T00:00:00.000|1|AAAA"}),
])
def test_what_names_a_table(service: str, params: dict[str, Any]) -> None:
    assert slot(service, ACCOUNT, REGION, params) == of("users") == "45"


def test_an_arn_says_whose_it_is() -> None:
    other = "222222222222"
    assert slot("dynamodb", other, REGION, {"TableName": ARN}) == of("users")
    assert slot("dynamodb", other, REGION, {"TableName": "users"}) == of("users", other) != of("users")


@pytest.mark.parametrize("params", [
    {}, {"Limit": 1}, {"TableName": ""}, {"TableName": 7}, {"RequestItems": {}}, {"RequestItems": "users"},
    {"RequestItems": {"users": {}, "other": {}}}, {"TransactItems": "users"}, {"TransactItems": [7, {"Get": 7}]},
    {"TransactItems": [{"Get": {"TableName": 7}}]}, {"Statement": "SELECT * FROM users"},
])
def test_what_names_none_or_several(params: dict[str, Any]) -> None:
    assert slot("dynamodb", ACCOUNT, REGION, params) == ANY


# Nothing is validated yet when a slot is looked for.
JSON = st.recursive(st.none() | st.integers() | st.text(max_size=4), lambda inner: st.lists(inner, max_size=3) |
                    st.dictionaries(st.sampled_from(["TableName", "RequestItems", "TransactItems", "Get"]), inner))


@given(params=st.dictionaries(st.sampled_from(["TableName", "RequestItems", "TransactItems", "BackupArn"]), JSON))
def test_whatever_is_asked_has_a_place(params: dict[str, Any]) -> None:
    found = slot("dynamodb", ACCOUNT, REGION, params)
    assert found == ANY or found in Share().tokens
