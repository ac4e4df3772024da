"""SelectObjectContent through unmodified boto3: events, and errors with a status of their own."""

from contextlib import closing
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sdk.s3 import refused

ROWS = "".join(f"{number},name {number},{number % 7}\n" for number in range(5000))
CSV = ("id,name,rest\n" + ROWS).encode()
CUSTOMER = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": b"k" * 32}


def ask(s3: Any, bucket: str, query: str, **more: Any) -> tuple[bytes, dict[str, Any]]:
    request = {"Key": "rows", "InputSerialization": {"CSV": {"FileHeaderInfo": "USE"}},
               "OutputSerialization": {"CSV": {}}, **more}
    answer = s3.select_object_content(Bucket=bucket, Expression=query, ExpressionType="SQL", **request)
    records, ended = b"", False
    stats: dict[str, Any] = {}
    with closing(answer["Payload"]) as events:
        for event in events:
            records += event.get("Records", {}).get("Payload", b"")
            stats = event.get("Stats", {}).get("Details", stats)
            ended = ended or "End" in event
    assert ended
    return records, stats


def test_a_query(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="rows", Body=CSV)
    records, stats = ask(s3, bucket, "SELECT s.id FROM S3Object s WHERE s.rest = '3' AND CAST(s.id AS INT) < 30")
    assert records == b"3\n10\n17\n24\n"
    assert stats == {"BytesScanned": len(CSV), "BytesProcessed": len(CSV), "BytesReturned": len(records)}
    assert ask(s3, bucket, "SELECT COUNT(*), MAX(CAST(id AS INT)) FROM S3Object")[0] == b"5000,4999\n"
    whole = ask(s3, bucket, "SELECT * FROM S3Object", OutputSerialization={"JSON": {}})[0]
    assert whole.splitlines()[-1] == b'{"id":"4999","name":"name 4999","rest":"1"}'
    middle = len(CSV) // 2
    parts = [ask(s3, bucket, "SELECT id FROM S3Object", ScanRange=span)[0]
             for span in ({"Start": 0, "End": middle}, {"Start": middle + 1})]
    assert b"".join(parts).split() == [b"%d" % number for number in range(5000)]


# The largest record there may be is one event, larger than a message of the bus.
def test_a_large_record(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="rows", Body=b"id\n" + b"x" * 1_000_000)
    assert ask(s3, bucket, "SELECT * FROM S3Object")[0] == b"x" * 1_000_000 + b"\n"


def test_a_customer_key(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="rows", Body=CSV, **CUSTOMER)
    assert ask(s3, bucket, "SELECT COUNT(*) FROM S3Object", **CUSTOMER)[0] == b"5000\n"
    with pytest.raises(ClientError) as caught:
        ask(s3, bucket, "SELECT COUNT(*) FROM S3Object")
    assert refused(caught) == ("InvalidRequest", 400)


@pytest.mark.parametrize(("more", "code"), [
    ({"Expression": "SELECT nothing"}, "ParseSelectMissingFrom"),
    ({"Expression": "SELECT x FROM S3Object"}, "MissingHeaders"),
    ({"ExpressionType": "PartiQL"}, "InvalidExpressionType"),
    ({"InputSerialization": {}}, "MissingRequiredParameter"),
    ({"InputSerialization": {"CSV": {}, "JSON": {"Type": "LINES"}}}, "ObjectSerializationConflict"),
    ({"InputSerialization": {"JSON": {"Type": "TEXT"}}}, "InvalidJsonType"),
    ({"InputSerialization": {"CSV": {"FileHeaderInfo": "MAYBE"}}}, "InvalidFileHeaderInfo"),
    ({"InputSerialization": {"CSV": {}, "CompressionType": "ZIP"}}, "InvalidCompressionFormat"),
    ({"InputSerialization": {"CSV": {}, "CompressionType": "GZIP"}}, "TruncatedInput"),
    ({"InputSerialization": {"Parquet": {}}}, "ParquetParsingError"),
    ({"OutputSerialization": {"CSV": {"QuoteFields": "SOME"}}}, "InvalidQuoteFields"),
    ({"ScanRange": {"Start": 9, "End": 3}}, "InvalidScanRange"),
    ({"Key": "none"}, "NoSuchKey"),
])
def test_refused(s3: Any, bucket: str, more: dict[str, Any], code: str) -> None:
    s3.put_object(Bucket=bucket, Key="rows", Body=b"id\n1\n")
    request = {"Key": "rows", "Expression": "SELECT * FROM S3Object", "ExpressionType": "SQL",
               "InputSerialization": {"CSV": {"FileHeaderInfo": "USE"}}, "OutputSerialization": {"CSV": {}}, **more}
    with pytest.raises(ClientError) as caught:
        s3.select_object_content(Bucket=bucket, **request)
    assert refused(caught) == (code, 404 if code == "NoSuchKey" else 400)
