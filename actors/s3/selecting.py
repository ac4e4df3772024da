"""SelectObjectContent: a query's request checked, run in a process of its own, and told as events.

The process (engine/select/worker.py) gets the object's files and keys, is bounded by the kernel, and is ended as soon
as nobody waits for it (actors/runtime/bounded). Sources:
https://docs.aws.amazon.com/AmazonS3/latest/API/API_SelectObjectContent.html,
https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#SelectObjectContentErrorCodeList
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

from actors.runtime.bounded.process import Bounds, Ended, Full, Workers
from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot
from actors.s3 import archives, contents, encryption, reading
from actors.s3.engine.blobs import Blobs
from actors.s3.engine.sealing import OurKey
from actors.s3.engine.select.errors import WORDS
from actors.s3.engine.select.records import PARQUET_LIMIT_BYTES, RECORD_LIMIT_BYTES
from actors.s3.errors import InternalError, S3Error
from bus.files import OpenFile

QUERIES_LIMIT = 4                         # under way at a time; the next one is told to come again
BOUNDS = Bounds(memory_bytes=2 * 1024**3, processor_s=300, file_bytes=PARQUET_LIMIT_BYTES, wait_s=600.0,
                frame_bytes=4 * RECORD_LIMIT_BYTES)
CONT_S = 5.0                              # without anything to tell, then the caller is told that there is more to come
_COMMAND = ("-m", "actors.s3.engine.select.worker")
_MISSING = "The SelectRequest entity is missing a required parameter. Check the service documentation and try again."
_INVALID = ("The value of a parameter in SelectRequest element is invalid. Check the service API documentation and try "
            "again.")
_CONFLICT = ("The SelectRequest entity can only contain one of CSV or JSON. Check the service documentation and try "
             "again.")
_DELIMITER_LIMIT_CHARACTERS = 2

Request = Mapping[str, Any]
Answer = dict[str, Any]


class Refused(S3Error):
    """By one of the codes for queries."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.error_code = code


class Busy(S3Error):
    code, status_code, words = "Busy", 503, "The service is unavailable. Try again later."


# What is asked


def asked(context: Context, view: Snapshot, request: Request, ours: OurKey, blobs: Blobs) -> Answer:
    """What the worker is to know. AwsError."""
    _, record = reading.find(context, view, request)
    sealer = encryption.sealer_of(ours, record, request)
    archives.check_readable(record, context.now)
    if request["ExpressionType"] != "SQL":
        raise Refused("InvalidExpressionType", "The ExpressionType is invalid. Only SQL expressions are supported.")
    if not request["Expression"]:
        raise Refused("MissingRequiredParameter", _MISSING)
    form = _input(request["InputSerialization"])
    span = _span(request.get("ScanRange"), form, record["size"])
    found: Answer = {
        **form, "query": request["Expression"], "output": _output(request["OutputSerialization"]), "span": span,
        "folder": str(blobs.folder), "data": b"", "pieces": [], "head": [], "base": 0,
        "progress": bool((request.get("RequestProgress") or {}).get("Enabled")),
    }
    content = record.get("content")
    if content is None:
        return found
    whole = contents.load(view, content, sealer)
    if span is not None and whole.pieces:
        delimiter = form["input"].get("csv", {}).get("record_delimiter", "\n").encode()
        found["base"] = base = max(0, span[0] - len(delimiter))
        found["head"] = [list(piece) for piece in whole.between(0, RECORD_LIMIT_BYTES).pieces]
        whole = whole.between(base, record["size"])
    return found | {"data": whole.data, "pieces": [list(piece) for piece in whole.pieces]}


def _input(given: Request) -> Answer:
    """{"input", "compression"}. Refused."""
    forms = [name for name in ("CSV", "JSON", "Parquet") if given.get(name) is not None]
    if not forms:
        raise Refused("MissingRequiredParameter", _MISSING)
    if len(forms) > 1:
        raise Refused("ObjectSerializationConflict", _CONFLICT)
    compression = given.get("CompressionType") or "NONE"
    if compression not in ("NONE", "GZIP", "BZIP2"):
        raise Refused("InvalidCompressionFormat",
                      "The file is not in a supported compression format. Only GZIP and BZIP2 are supported.")
    if forms == ["Parquet"]:
        if compression != "NONE":
            raise Refused("InvalidRequestParameter", _INVALID)
        return {"input": {"parquet": {}}, "compression": compression}
    if forms == ["JSON"]:
        kind = given["JSON"].get("Type") or ""
        if kind.upper() not in ("LINES", "DOCUMENT"):
            raise Refused("InvalidJsonType", "The JsonType is invalid. Only DOCUMENT and LINES are supported.")
        return {"input": {"json": kind.upper()}, "compression": compression}
    return {"input": {"csv": _csv(given["CSV"])}, "compression": compression}


def _csv(given: Request) -> Answer:
    """Members of records.Csv that are said. Refused."""
    header = (given.get("FileHeaderInfo") or "NONE").upper()
    if header not in ("NONE", "USE", "IGNORE"):
        raise Refused("InvalidFileHeaderInfo", "The FileHeaderInfo is invalid. Only NONE, USE, and IGNORE are "
                                               "supported.")
    found = _characters(given, {"FieldDelimiter": "field_delimiter", "QuoteCharacter": "quote",
                                "QuoteEscapeCharacter": "escape", "Comments": "comments"}, 1)
    found |= _characters(given, {"RecordDelimiter": "record_delimiter"}, _DELIMITER_LIMIT_CHARACTERS)
    if not found.get("field_delimiter", ",") or not found.get("record_delimiter", "\n"):
        raise Refused("InvalidRequestParameter", _INVALID)
    return {**found, "header": header, "quoted_delimiters": bool(given.get("AllowQuotedRecordDelimiter"))}


def _output(given: Request) -> Answer:
    """Refused."""
    forms = [name for name in ("CSV", "JSON") if given.get(name) is not None]
    if not forms:
        raise Refused("MissingRequiredParameter", _MISSING)
    if len(forms) > 1:
        raise Refused("ObjectSerializationConflict", _CONFLICT)
    form = given[forms[0]]
    found = _characters(form, {"RecordDelimiter": "record_delimiter"}, None)
    if forms == ["JSON"]:
        return {"json": found}
    quotes = (form.get("QuoteFields") or "ASNEEDED").upper()
    if quotes not in ("ASNEEDED", "ALWAYS"):
        raise Refused("InvalidQuoteFields", "The QuoteFields is invalid. Only ALWAYS and ASNEEDED are supported.")
    found |= _characters(form, {"FieldDelimiter": "field_delimiter"}, None)
    found |= _characters(form, {"QuoteCharacter": "quote", "QuoteEscapeCharacter": "escape"}, 1)
    return {"csv": {**found, "quotes": quotes}}


def _characters(given: Request, members: Mapping[str, str], most: int | None) -> Answer:
    """Those that are said, each of `most` characters at most. Refused."""
    found = {named: given[member] for member, named in members.items() if given.get(member) is not None}
    if most is not None and any(len(value) > most for value in found.values()):
        raise Refused("InvalidRequestParameter", _INVALID)
    return found


def _span(given: Request | None, form: Answer, size: int) -> list[int] | None:
    """From the first byte to the last one; End alone means so many at the end. Refused."""
    if given is None:
        return None
    csv = form["input"].get("csv")
    if form["compression"] != "NONE" or (csv is None and form["input"].get("json") != "LINES") \
            or (csv and csv["quoted_delimiters"]):
        raise Refused("UnsupportedScanRangeInput", "Scan range queries are not supported on this type of object.")
    start, end = given.get("Start"), given.get("End")
    if start is None and end is not None:
        start, end = max(0, size - end), size - 1
    start, end = start or 0, size - 1 if end is None else end
    if not 0 <= start <= end or start >= size > 0:
        raise Refused("InvalidScanRange", "The provided scan range is not valid.")
    return [start, end]


# How it is run


class Queries:
    """Those under way."""

    def __init__(self) -> None:
        self._workers = Workers(_COMMAND, BOUNDS, QUERIES_LIMIT)

    async def run(self, request: Answer, blobs: Blobs) -> AsyncIterator[Answer]:
        """The events of one. Busy, Refused, InternalError."""
        held = None
        try:
            if request["pieces"]:
                held = await asyncio.to_thread(OpenFile, blobs.folder, request["pieces"][0][0])
            async with self._workers.ask(request) as worker:
                ended = False
                while not ended:
                    frame = await worker.frame(CONT_S)
                    for event in _told(frame):
                        yield event
                    ended = frame is not None and "stats" in frame
        except Full as error:
            raise Busy from error
        except Ended as error:
            raise Refused("ExternalEvalException", WORDS["ExternalEvalException"]) from error
        except FileNotFoundError as error:
            raise InternalError from error
        finally:
            if held is not None:
                held.close()


def _told(frame: Answer | None) -> list[Answer]:
    """Events. Refused, InternalError."""
    if frame is None:
        return [{"Cont": {}}]
    if "error" in frame:
        code, message = frame["error"]
        raise InternalError if code == "InternalError" else Refused(code, message)
    if "records" in frame:
        return [{"Records": {"Payload": frame["records"]}}]
    if "progress" in frame:
        return [{"Progress": {"Details": _details(frame["progress"])}}]
    return [{"Stats": {"Details": _details(frame["stats"])}}, {"End": {}}]


def _details(counts: list[int]) -> Answer:
    return dict(zip(("BytesScanned", "BytesProcessed", "BytesReturned"), counts, strict=True))
