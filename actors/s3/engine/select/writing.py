"""What a query selects, as records of CSV or JSON. Source: …/API/API_OutputSerialization.html and those it names."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from actors.s3.engine.select.errors import SelectError
from actors.s3.engine.select.records import RECORD_LIMIT_BYTES
from actors.s3.engine.select.values import MISSING, as_json, text


class CsvForm(NamedTuple):
    """`quotes`: ASNEEDED, ALWAYS."""

    record_delimiter: str = "\n"
    field_delimiter: str = ","
    quote: str = '"'
    escape: str = '"'
    quotes: str = "ASNEEDED"


class JsonForm(NamedTuple):
    record_delimiter: str = "\n"


def record(form: CsvForm | JsonForm, names: Sequence[str], values: Sequence[Any]) -> bytes:
    """One of `values` by `names`, with its delimiter. SelectError."""
    written = _csv(form, values) if isinstance(form, CsvForm) else _json(form, names, values)
    data = written.encode("utf-8", "surrogatepass")
    if len(data) > RECORD_LIMIT_BYTES:
        raise SelectError("OverMaxRecordSize")
    return data


def _csv(form: CsvForm, values: Sequence[Any]) -> str:
    fields = [_field(form, text(value)) for value in values]
    return form.field_delimiter.join(fields) + form.record_delimiter


def _field(form: CsvForm, value: str) -> str:
    quote = form.quote
    if not quote:
        return value
    needed = form.quotes == "ALWAYS" or quote in value or form.field_delimiter in value \
        or form.record_delimiter in value or "\n" in value or "\r" in value
    return f"{quote}{value.replace(quote, form.escape + quote)}{quote}" if needed else value


def _json(form: JsonForm, names: Sequence[str], values: Sequence[Any]) -> str:
    members = {name: value for name, value in zip(names, values, strict=True) if value is not MISSING}
    return as_json(members) + form.record_delimiter
