"""S3 Select's SQL: what its reference says of each clause, operator and function, and what it refuses.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-select-sql-reference.html
"""

import csv
import io
import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.s3.engine.select.errors import SelectError
from actors.s3.engine.select.evaluation import Columns, Evaluation, rows_of
from actors.s3.engine.select.parser import parse
from actors.s3.engine.select.records import Csv, csv_rows, lines
from actors.s3.engine.select.values import MISSING, is_like
from actors.s3.engine.select.writing import CsvForm, record

PEOPLE = [["Ann", "31", "Rome"], ["Bob", "25", "New York"], ["Cid", "", "Oslo"]]
NAMES = ["name", "age", "city"]


def selected(query: str, rows: Sequence[Any] = PEOPLE, names: Sequence[str] | None = NAMES) -> list[list[Any]]:
    """As the worker does it, without a worker. `names` None: the rows have members."""
    parsed = parse(query)
    evaluation = Evaluation(parsed, None if names is None else Columns(names))
    found = [inner for row in rows for inner in (rows_of(row, parsed.source) if names is None else [row])]
    kept = [row for row in found if evaluation.holds(row)]
    if evaluation.collects:
        for row in kept:
            evaluation.collect(row)
        return [evaluation.values(None)]
    return [evaluation.values(row) for row in kept][:parsed.limit]


def value(expression: str, row: Any = None) -> Any:
    [[found]] = selected(f"SELECT {expression} FROM S3Object s", [row if row is not None else {}], None)
    return found


def code(query: str, names: Sequence[str] | None = NAMES) -> str:
    with pytest.raises(SelectError) as caught:
        selected(query, PEOPLE if names is not None else [{}], names)
    return caught.value.code


@pytest.mark.parametrize(("query", "found"), [
    ("SELECT s.name FROM S3Object s WHERE s.age > 26", [["Ann"]]),
    ("select s._1, _3 from s3object as s where name LIKE '%i_' limit 5", [["Cid", "Oslo"]]),
    ("SELECT NAME FROM S3Object[*] WHERE s3object.age BETWEEN 20 AND 30", [["Bob"]]),
    ('SELECT "name" FROM S3Object WHERE city IN (\'Rome\', \'Oslo\') AND NOT age = \'\'', [["Ann"]]),
    ("SELECT s.name FROM S3Object s WHERE s.city <> 'Rome' LIMIT 1", [["Bob"]]),
    ("SELECT COUNT(*), COUNT(age), SUM(CAST(age AS INT)), MIN(name), MAX(name) FROM S3Object WHERE age != ''",
     [[2, 2, 56, "Ann", "Bob"]]),
    ("SELECT AVG(CAST(s.age AS FLOAT)) / 2 FROM S3Object s WHERE s.age <> ''", [[14.0]]),
    ("SELECT COUNT(*) FROM S3Object WHERE name = 'none'", [[0]]),
    ("SELECT SUM(CAST(age AS INT)) FROM S3Object WHERE name = 'none'", [[None]]),
    ("SELECT s._9 FROM S3Object s LIMIT 1", [[MISSING]]),
])
def test_rows(query: str, found: list[list[Any]]) -> None:
    assert selected(query) == found


@pytest.mark.parametrize(("expression", "found"), [
    ("1 + 2 * 3 - 4 / 3 % 2", 6), ("-(2 - 3)", 1), ("7 / 2", 3), ("-7 / 2", -3), ("7.0 / 2", 3.5), ("-7 % 4", -3),
    ("'a' || 'b'", "ab"), ("NULL + 1", None), ("1 = 1 AND NULL = 1", None), ("1 = 2 AND NULL = 1", False),
    ("1 = 1 OR NULL = 1", True), ("NOT NULL = 1", None), ("NOT 1 = 2", True), ("'5' = 5", True), ("'x' = 5", None),
    ("s.gone IS MISSING", True), ("s.gone IS NULL", True), ("NULL IS MISSING", False), ("NULL IS NOT NULL", False),
    ("2 IN (1, NULL)", None), ("2 IN (1, 2)", True), ("'50%' LIKE '5_\\%' ESCAPE '\\'", True), ("'ab' LIKE 'a'", False),
    ("CASE 2 WHEN 1 THEN 'a' WHEN 2 THEN 'b' END", "b"), ("CASE WHEN 1 > 2 THEN 'a' END", None),
    ("COALESCE(NULL, MISSING, 3)", 3), ("NULLIF('a', 'a')", None), ("NULLIF('a', 'b')", "a"),
    ("CHAR_LENGTH('áb')", 2), ("LOWER('AB') || UPPER('cd')", "abCD"), ("SUBSTRING('123456789', 0, 999)", "123456789"),
    ("SUBSTRING('123456789', -1, 5)", "123"), ("SUBSTRING('1234' FROM 2 FOR 2)", "23"), ("TRIM('  a ')", "a"),
    ("TRIM(LEADING FROM '  a ')", "a "), ("TRIM(BOTH '12' FROM '1112abc22')", "abc"),
    ("CAST('12' AS INTEGER) + 1", 13), ("CAST(3.9 AS INT)", 3), ("CAST('true' AS BOOL)", True),
    ("CAST(1 AS STRING)", "1"), ("CAST(CAST('2007-04-05T14:30Z' AS TIMESTAMP) AS STRING)", "2007-04-05T14:30:00Z"),
    ("EXTRACT(YEAR FROM TO_TIMESTAMP('2010-01-01T'))", 2010), ("DATE_DIFF(year, `2010-01-01T`, `2011-01-01T`)", 1),
    ("DATE_DIFF(month, `2010-01-31T`, `2010-03-01T`)", 1), ("DATE_DIFF(day, `2010-01-01T23:00Z`, `2010-01-02T`)", 0),
    ("CAST(DATE_ADD(month, 1, `2010-01-31T`) AS STRING)", "2010-02-28T00:00:00Z"),
    ("CAST(DATE_ADD(second, 5, `2017-01-02T03:04:05.006Z`) AS STRING)", "2017-01-02T03:04:10.006Z"),
    ("CAST(`2017-01-02T03:04:05.000006Z` AS STRING)", "2017-01-02T03:04:05.000006Z"),
    ("TO_STRING(`1969-07-20T20:18Z`, 'MMMM d, y')", "July 20, 1969"),
    ("TO_STRING(`1969-07-20T20:18+08:00`, 'y-MM-dd''T''H:m:ssX')", "1969-07-20T20:18:00+08"),
    ("TO_STRING(`1969-07-20T20:18Z`, 'h:m a')", "8:18 PM"),
    ("EXTRACT(TIMEZONE_HOUR FROM `2010-01-01T00:00-07:30`)", -7),
])
def test_values(expression: str, found: Any) -> None:
    assert value(expression) == found


def test_paths() -> None:
    document = {"Rules": [{"id": "a", "Deep": {"n": 1}}, {"id": "b"}], "x y": [1, [2]]}
    assert value("s.Rules[0].id", document) == "a"
    assert value("s.rules[0].deep.N", document) == 1
    assert value('s."rules"', document) is MISSING
    assert value("s['x y'][1][0]", document) == 2
    assert value("s.Rules[7].id", document) is MISSING
    assert selected("SELECT r.id FROM S3Object[*].Rules[*] r", [document], None) == [["a"], ["b"]]


# What https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-select-sql-reference-select.html says of wildcards and
# of rows without an alias; the first is its example.
@pytest.mark.parametrize(("query", "found"), [
    ("SELECT id FROM S3Object[*].Rules[*].id", [["1"], [MISSING], ["2"], [MISSING]]),
    ("SELECT r.id FROM S3Object[*].Rules[*] r WHERE r.id IS NOT MISSING", [["1"], ["2"]]),
    ("SELECT _1.id FROM S3Object[*].Rules[*]", [["1"], [MISSING], ["2"], [MISSING]]),
    ("SELECT _1 FROM S3Object[*].Rules[0].*", [["1"], [MISSING]]),
    ("SELECT n FROM S3Object[*].none[*] n", [[MISSING], [MISSING]]),
])
def test_rows_of_paths(query: str, found: list[list[Any]]) -> None:
    documents = [{"Rules": [{"id": "1"}, {"expr": "y > x"}, {"id": "2", "expr": "z = DEBUG"}]},
                 {"created": "June 27", "modified": "July 6"}]
    assert selected(query, documents, None) == found


@pytest.mark.parametrize(("query", "expected"), [
    ("", "ParseEmptySelect"), ("SELECT FROM S3Object", "ParseEmptySelect"), ("SELECT 1", "ParseSelectMissingFrom"),
    ("DELETE FROM S3Object", "ParseUnexpectedToken"), ("SELECT * FROM passwd", "ParseUnexpectedToken"),
    ("SELECT * FROM read_csv('/etc/passwd')", "ParseUnexpectedToken"), ("SELECT *, name FROM S3Object",
                                                                        "ParseAsteriskIsNotAloneInSelectList"),
    ("SELECT name, * FROM S3Object", "ParseAsteriskIsNotAloneInSelectList"),
    ("SELECT * FROM S3Object, S3Object", "ParseMalformedJoin"), ("SELECT * FROM S3Object s JOIN S3Object t ON 1 = 1",
                                                                 "ParseMalformedJoin"),
    ("SELECT name FROM S3Object GROUP BY name", "ParseExpectedIdentForGroupName"),
    ("SELECT name FROM S3Object ORDER BY name", "ParseUnsupportedSyntax"),
    ("SELECT DISTINCT name FROM S3Object", "ParseUnsupportedSyntax"),
    ("SELECT name FROM S3Object; DROP TABLE x", "ParseUnexpectedToken"),
    ("SELECT name FROM S3Object WHERE name = ", "ParseUnexpectedToken"), ("SELECT # FROM S3Object", "LexerInvalidChar"),
    ("SELECT name FROM S3Object LIMIT -1", "EvaluatorNegativeLimit"), ("SELECT name FROM S3Object LIMIT x",
                                                                       "ParseExpectedNumber"),
    ("SELECT CAST(name) FROM S3Object", "ParseCastArity"), ("SELECT CAST(name AS blob) FROM S3Object",
                                                            "ParseExpectedTypeName"),
    ("SELECT SUM(*) FROM S3Object", "ParseUnsupportedCallWithStar"), ("SELECT SUM(age, age) FROM S3Object",
                                                                      "ParseNonUnaryAgregateFunctionCall"),
    ("SELECT load_extension('x') FROM S3Object", "UnsupportedFunction"), ("SELECT LOWER() FROM S3Object",
                                                                          "EvaluatorInvalidArguments"),
    ("SELECT COUNT(*), name FROM S3Object", "UnsupportedSqlStructure"), ("SELECT name FROM S3Object WHERE COUNT(*) > 1",
                                                                         "UnsupportedSqlStructure"),
    ("SELECT none FROM S3Object", "MissingHeaders"), ("SELECT CAST(name AS INT) FROM S3Object", "CastFailed"),
    ("SELECT name + 1 FROM S3Object", "IncorrectSqlFunctionArgumentType"), ("SELECT 1 / 0 FROM S3Object",
                                                                            "ExternalEvalException"),
    ("SELECT 9223372036854775807 + 1 FROM S3Object", "IntegerOverflow"), ("SELECT TO_TIMESTAMP(name) FROM S3Object",
                                                                          "ValueParseFailure"),
    ("SELECT name FROM S3Object WHERE " + "(" * 500 + "1" + ")" * 500, "MaxOperatorsExceeded"),
    ("SELECT name FROM S3Object WHERE 1 = 1" + " OR 1 = 1" * 9000, "MaxOperatorsExceeded"),
    ("SELECT '" + "x" * 300_000 + "' FROM S3Object", "ExpressionTooLong"),
])
def test_refused(query: str, expected: str) -> None:
    assert code(query) == expected


def test_columns_without_names() -> None:
    assert selected("SELECT _2 FROM S3Object", PEOPLE, []) == [["31"], ["25"], [""]]
    with pytest.raises(SelectError, match="InvalidColumnIndex"):
        Evaluation(parse("SELECT name FROM S3Object"), Columns(None))
    with pytest.raises(SelectError, match="AmbiguousFieldName"):
        Evaluation(parse("SELECT name FROM S3Object"), Columns(["Name", "NAME"]))


# Whatever a query is, it is understood or refused by a code of AWS's.
@given(st.lists(st.sampled_from(
    ["SELECT", "FROM", "S3Object", "s", "WHERE", "(", ")", "*", ",", ".", "1", "'x'", "CAST", "AS", "INT", "AND", "NOT",
     "IN", "BETWEEN", "LIKE", "CASE", "WHEN", "THEN", "END", "[", "]", "-", "COUNT", "LIMIT", '"q"', "IS", "NULL"]),
    max_size=14).map(" ".join))
def test_any_query(query: str) -> None:
    with suppress(SelectError):
        selected(f"SELECT {query}")


# LIKE is what a regular expression of its pattern would be.
@given(st.text("ab%_", max_size=12), st.text("ab%_\\", max_size=6))
def test_like(value_: str, pattern: str) -> None:
    try:
        found = is_like(value_, pattern, "\\")
    except SelectError:
        assert pattern.endswith("\\")
        return
    tokens = re.findall(r"\\.|.", pattern)
    expected = "".join(".*" if token == "%" else "." if token == "_" else re.escape(token[-1]) for token in tokens)
    assert found == bool(re.fullmatch(expected, value_, re.DOTALL))


# What we write as CSV we read as it was, and so does Python's own reader.
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\r"), max_size=8), min_size=1,
                max_size=4).filter(lambda row: row != [""] and not row[0].startswith("#")))
def test_csv_round_trip(row: list[str]) -> None:
    data = record(CsvForm(), [], row)
    assert list(csv_rows((line for _, line in lines(iter((data,)), b"\n")), Csv())) == [row]
    assert next(csv.reader(io.StringIO(data.decode(), newline=""))) == row


# However an object is cut into chunks, its records are the same, and each is found where it begins.
@given(st.text("ab\n", max_size=30), st.integers(1, 7), st.integers(0, 30), st.integers(0, 30))
def test_lines_within(text: str, size: int, start: int, length: int) -> None:
    data = text.encode()
    chunks = [data[at:at + size] for at in range(0, len(data), size)]
    whole = list(lines(iter(chunks), b"\n"))
    assert [line for _, line in whole] == [line for line in data.split(b"\n") if line]
    assert all(data[at:at + len(line)] == line for at, line in whole)
    base = max(0, start - 1)
    behind = [data[at:at + size] for at in range(base, len(data), size)]
    assert [each for each in lines(iter(behind), b"\n", base) if each[0] >= start] == [
        each for each in whole if each[0] >= start]
