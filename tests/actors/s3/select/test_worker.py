"""The process that runs a query: every form of input and output, and what bounds it."""

import bz2
import gzip
import json
from pathlib import Path

import pytest

from tests.actors.s3.select.asking import LINES, USE, ask

CSV = b"name,age\nAnn,31\nBob,25\n"
ALL = "SELECT * FROM S3Object"


def test_csv() -> None:
    assert ask(ALL, CSV, output={"json": {}}).records == b'{"_1":"name","_2":"age"}\n{"_1":"Ann","_2":"31"}\n' \
                                                         b'{"_1":"Bob","_2":"25"}\n'
    assert ask(ALL, CSV, {"csv": {"header": "IGNORE"}}).records == b"Ann,31\nBob,25\n"
    assert ask(ALL, CSV, USE, {"json": {"record_delimiter": ";"}}).records == b'{"name":"Ann","age":"31"};' \
                                                                               b'{"name":"Bob","age":"25"};'
    odd = b"\xef\xbb\xbf#no\r\na|'b|''c'|d\r\n\r\ne"
    form = {"csv": {"field_delimiter": "|", "quote": "'", "escape": "'"}}
    assert ask(ALL, odd, form, {"csv": {"quotes": "ALWAYS"}}).records == b'"a","b|\'c","d"\n"e"\n'
    assert ask("SELECT _1 FROM S3Object", b'"a\nb",c\n"d",e', {"csv": {"quoted_delimiters": True}}).records == (
        b'"a\nb"\nd\n')
    assert ask(ALL, b"\xff\n").error == "InvalidTextEncoding"
    assert ask(ALL, b"x" * 1_100_000).error == "OverMaxRecordSize"


def test_json() -> None:
    documents = b'{"a": [{"b": 1}, {"b": 12345678901234567890123}]}\n{"a": []}\n'
    rows = "SELECT s.b FROM S3Object[*].a[*] s"
    for form in (LINES, {"json": "DOCUMENT"}):
        assert ask(rows, documents, form).records == b"1\n12345678901234567890123\n\n"      # of no elements: MISSING
        assert ask(ALL, documents, form, {"json": {}}).records.splitlines()[1] == b'{"a":[]}'
        assert ask("SELECT b FROM S3Object[*].a[*].b", documents, form, {"json": {}}).records == (
            b'{"b":1}\n{"b":12345678901234567890123}\n{}\n')
        assert ask(ALL, b"{no}", form).error == "JSONParsingError"
    assert ask(ALL, b'{\n"a":\n1}{"a":2}', {"json": "DOCUMENT"}).records == b"1\n2\n"


@pytest.mark.parametrize(("compression", "pack"), [("GZIP", gzip.compress), ("BZIP2", bz2.compress)])
def test_compressed(compression: str, pack: "type[bytes]") -> None:
    packed = pack(CSV) + pack(b"Cid,9\n")
    found = ask("SELECT COUNT(*) FROM S3Object", packed, USE, compression=compression)
    assert (found.records, found.stats) == (b"3\n", [len(packed), len(CSV) + 6, 2])
    assert ask(ALL, pack(CSV)[:-5], compression=compression).error == "TruncatedInput"
    assert ask(ALL, CSV, compression=compression).error == "TruncatedInput"
    assert ask(ALL, pack(bytes(50_000_000)), compression=compression).error == "OverMaxRecordSize"


def test_spans() -> None:
    lines = b"".join(b"%d\n" % number for number in range(10))
    assert ask(ALL, lines, span=[3, 6]).records == b"2\n3\n"
    assert ask("SELECT name FROM S3Object", CSV, USE, span=[10, 99]).records == b"Bob\n"


def test_parquet(tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    path = tmp_path / "p"
    duckdb.execute(f"COPY (SELECT i AS a, 'x' || i AS b, {{'c': [i]}} AS s FROM range(5) t(i)) TO '{path}' "
                   "(FORMAT parquet)")
    data = path.read_bytes()
    found = ask("SELECT s.b, s.s.c[0] AS c FROM S3Object s WHERE s.a > 2", data, {"parquet": {}}, {"json": {}})
    assert [json.loads(line) for line in found.records.splitlines()] == [{"b": "x3", "c": 3}, {"b": "x4", "c": 4}]
    assert ask(ALL, data[:-1], {"parquet": {}}).error == "ParquetParsingError"


# What was found before something was wrong is told, and then what is.
def test_an_error_on_the_way() -> None:
    rows = b"".join(b"%d,%s\n" % (number, b"x" * 100) for number in range(2000)) + b"no,x\n"
    found = ask("SELECT CAST(_1 AS INT), _2 FROM S3Object", rows)
    assert found.error == "CastFailed"
    assert found.records.startswith(b"0,xxx")
