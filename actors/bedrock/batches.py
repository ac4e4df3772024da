"""Batch inference: JSON lines from S3, each asked of bedrock-runtime, answers as JSON lines to S3.

A line is {"recordId", "modelInput"}; its answer the same with "modelOutput" or "error". What a step has answered is a
row until the file is whole, so after a crash a step's lines are asked once more and no answer is lost. Beside the
output stands manifest.json.out with the counts.
https://docs.aws.amazon.com/bedrock/latest/userguide/batch-inference-data.html
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from actors.bedrock import foundation, tagging
from actors.bedrock.catalogue import Models
from actors.bedrock.errors import ConflictException
from actors.bedrock.invocations import TRY_AGAIN
from actors.bedrock.objects import Location, Objects, Unreachable
from actors.bedrock.paging import page
from actors.bedrock.state import ENDED, IMPORTED, INVOCATION_JOB, PROFILE, PROVISIONED, Book, Record, Scope, moment
from actors.bedrock.tokens import once
from actors.runtime.actor import JOB_STEP_ROWS
from actors.runtime.context import Context
from actors.runtime.store.transaction import Transaction
from actors.runtime.surroundings import Surroundings, on_behalf
from schemas.errors import AwsError, ValidationException

JOB = "batch_inference"
STEP_LINES = 64                           # asked in one step
PARALLEL_LINES = 8                        # of them at a time
FILE_LIMIT_BYTES = 64 * 1024 * 1024       # of input; a body of the bus
ANSWER_LIMIT_S = 600.0
HOUR_S = 3600.0
TIMEOUT_HOURS = 24                        # where the request names none

_MISSING = "Could not find the model invocation job {}."
_KEPT = ("modelId", "roleArn", "inputDataConfig", "outputDataConfig", "vpcConfig", "clientRequestToken",
         "modelInvocationType")
_COUNTS = ("processedRecordCount", "successRecordCount", "errorRecordCount")

Request = Mapping[str, Any]
Answer = dict[str, Any]


def create(book: Book, models: Models, context: Context, request: Request) -> Answer:
    def made() -> Answer:
        model = request["modelId"]
        known = any(book.find(kind, model) for kind in (PROFILE, PROVISIONED, IMPORTED))
        if not known and models.find(model) is None:
            raise ValidationException(foundation.INVALID)
        if "s3InputDataConfig" not in request["inputDataConfig"]:
            raise ValidationException("The inputDataConfig must have an s3InputDataConfig.")
        hours = request.get("timeoutDurationInHours") or TIMEOUT_HOURS
        shown = {member: request[member] for member in _KEPT if request.get(member)}
        shown |= {"status": "Submitted", "timeoutDurationInHours": hours, **dict.fromkeys(_COUNTS, 0),
                  "totalRecordCount": 0}
        name = request["jobName"]
        record = book.create(
            INVOCATION_JOB, name, shown, f"A model invocation job with the name {name} already exists.",
            modified=book.now(), expires=book.now() + hours * HOUR_S, principal=context.identity.principal)
        record["tags"] = tagging.as_map(request.get("tags"))
        book.save(record)
        book.start_job(JOB, {"id": record["id"]})
        return {"jobArn": record["arn"]}

    return once(book, context, request, made)


def get(book: Book, identifier: str) -> Answer:
    record = book.get(INVOCATION_JOB, identifier, _MISSING)
    return {**_summary(record), **{count: record["shown"][count] for count in (*_COUNTS, "totalRecordCount")}}


def listed(book: Book, request: Request) -> Answer:
    return page("invocationJobSummaries", book.rows(INVOCATION_JOB), request, _summary)


def _summary(record: Record) -> Answer:
    shown = {name: value for name, value in record["shown"].items() if not name.endswith("RecordCount")}
    told = {**shown, "jobArn": record["arn"], "jobName": record["name"], "submitTime": moment(record["created"]),
            "lastModifiedTime": moment(record["modified"]), "jobExpirationTime": moment(record["expires"])}
    return {**told, "endTime": moment(record["modified"])} if shown["status"] in ENDED else told


def stop(book: Book, identifier: str) -> Answer:
    record = book.get(INVOCATION_JOB, identifier, _MISSING)
    if record["shown"]["status"] in ENDED:
        raise ConflictException(f"The job {record['name']} has the status {record['shown']['status']} and cannot be "
                                "stopped.")
    _set(book, record, status="Stopping")
    return {}


def _set(book: Book, record: Record, **shown: Any) -> None:
    record["shown"] |= shown
    record["modified"] = book.now()
    book.save(record)


# The work

class _Work:
    """One job, in steps. What stands in the job's state: id, scope, files (keys), file and line: where it is."""

    def __init__(self, surroundings: Surroundings, state: Answer, record: Record) -> None:
        self.surroundings, self.state, self.record = surroundings, state, record
        self.scope: Scope = tuple(state["scope"])
        self.objects = Objects(surroundings, *self.scope, record["principal"])
        shown = record["shown"]
        self.source = Location.of(shown["inputDataConfig"]["s3InputDataConfig"]["s3Uri"])
        self.target = Location.of(shown["outputDataConfig"]["s3OutputDataConfig"]["s3Uri"])

    async def begin(self) -> Answer | None:
        """Which files there are, and how many records: Validating."""
        sizes = await self.objects.sizes(self.source)
        files = {key: size for key, size in sizes.items() if key.endswith(".jsonl")}
        if not files:
            raise Unreachable(f"no .jsonl file at s3://{self.source.bucket}/{self.source.key}")
        total = 0
        for key, size in files.items():
            total += len(await self._lines(key, size))
        await self._change(status="InProgress", totalRecordCount=total)
        return {**self.state, "files": files, "file": 0, "line": 0}

    async def advance(self) -> Answer | None:
        """The next lines; after the last of all, the manifest."""
        files = list(self.state["files"].items())
        place, line = self.state["file"], self.state["line"]
        if place == len(files):
            await self._finish()
            return None
        key, size = files[place]
        lines = await self._lines(key, size)
        found = await self._answers(lines[line:line + STEP_LINES])
        await self._keep(found, place, line)
        if line + STEP_LINES < len(lines):
            return {**self.state, "line": line + STEP_LINES}
        output = self._output(f"{key.rpartition('/')[2]}.out")
        await self.objects.write(output, self._collected(place), "application/jsonl")
        await self._forget(place, range(0, len(lines), STEP_LINES))
        return {**self.state, "file": place + 1, "line": 0}

    async def _lines(self, key: str, size: int) -> list[bytes]:
        if size > FILE_LIMIT_BYTES:
            raise Unreachable(f"{key} is larger than {FILE_LIMIT_BYTES} bytes")
        content = await self.objects.whole(self.source.at(key), size)
        return [line for line in content.splitlines() if line.strip()]

    async def _answers(self, lines: list[bytes]) -> list[Answer]:
        gate = asyncio.Semaphore(PARALLEL_LINES)

        async def one(line: bytes) -> Answer:
            async with gate:
                return await self._answer(line)

        return list(await asyncio.gather(*(one(line) for line in lines)))

    async def _answer(self, line: bytes) -> Answer:
        """The output's line; a BusError ends the step, which is then tried again."""
        try:
            record = orjson.loads(line)
            given = record["modelInput"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return {"error": {"errorCode": 400, "errorMessage": "The record is no JSON object with a modelInput."}}
        told = {"modelInput": given, **({"recordId": record["recordId"]} if "recordId" in record else {})}
        try:
            return {**told, "modelOutput": await self._ask(given)}
        except AwsError as error:
            if error.error_code in TRY_AGAIN:
                raise                     # the whole step is tried again later
            return {**told, "error": {"errorCode": 400, "errorMessage": error.message}}

    async def _ask(self, given: Answer) -> Any:
        converse = self.record["shown"].get("modelInvocationType") == "Converse"
        model = {"modelId": self.record["shown"]["modelId"]}
        operation, params = ("Converse", {**given, **model}) if converse else (
            "InvokeModel", {**model, "body": orjson.dumps(given)})
        answer = await self.surroundings.client.call(
            "bedrock-runtime", operation, params, identity=on_behalf(self.scope[0], self.record["principal"]),
            region=self.scope[1], timeout_s=ANSWER_LIMIT_S)
        return answer if converse else orjson.loads(answer["body"])

    async def _keep(self, answers: list[Answer], place: int, line: int) -> None:
        """The step's answers and counts, in one commit; asked again after a crash, they are counted once."""
        content = b"".join(orjson.dumps(answer) + b"\n" for answer in answers)
        failed = sum("error" in answer for answer in answers)

        def kept(transaction: Transaction) -> None:
            book = Book(transaction, self.scope)
            record = book.row(INVOCATION_JOB, self.state["id"])
            if record is None or book.row(*self._row(place, line)) is not None:
                return
            book.put({"lines": content}, *self._row(place, line))
            shown = record["shown"]
            _set(book, record, processedRecordCount=shown["processedRecordCount"] + len(answers),
                 successRecordCount=shown["successRecordCount"] + len(answers) - failed,
                 errorRecordCount=shown["errorRecordCount"] + failed)

        await self._transact(kept)

    def _row(self, place: int, line: int) -> tuple[str, ...]:
        return "lines", self.state["id"], f"{place:06}", f"{line:010}"

    def _collected(self, place: int) -> bytes:
        rows: list[Record] = self.surroundings.shard.read(
            lambda snapshot: list(Book(snapshot, self.scope).rows("lines", self.state["id"], f"{place:06}")))
        return b"".join(row["lines"] for row in rows)

    async def _forget(self, place: int, begins: Sequence[int]) -> None:
        """What of a file was kept, once it is written."""
        for start in range(0, len(begins), JOB_STEP_ROWS):
            part = begins[start:start + JOB_STEP_ROWS]

            def dropped(transaction: Transaction, part: Sequence[int] = part) -> None:
                for line in part:
                    Book(transaction, self.scope).drop(*self._row(place, line))

            await self._transact(dropped)

    def _output(self, name: str) -> Location:
        folder = self.target.key.rstrip("/")
        return self.target.at("/".join(part for part in (folder, self.state["id"], name) if part))

    async def _finish(self) -> None:
        shown = self.record["shown"]
        counts = {count: shown[count] for count in ("totalRecordCount", *_COUNTS)}
        await self.objects.write(self._output("manifest.json.out"), orjson.dumps(counts), "application/json")
        await self.end("PartiallyCompleted" if shown["errorRecordCount"] else "Completed")

    async def end(self, status: str, message: str = "") -> None:
        """What is left of a file that was not finished goes too."""
        await self._change(status=status, **({"message": message} if message else {}))
        if "file" in self.state:
            await self._forget(self.state["file"], range(0, self.state["line"] + STEP_LINES, STEP_LINES))

    async def _change(self, **shown: Any) -> None:
        def changed(transaction: Transaction) -> None:
            book = Book(transaction, self.scope)
            record = book.row(INVOCATION_JOB, self.state["id"])
            if record is not None and (record["shown"]["status"] != "Stopping" or shown.get("status") in ENDED):
                _set(book, record, **shown)

        await self._transact(changed)

    async def _transact(self, evaluate: Any) -> None:
        await self.surroundings.shard.transact(evaluate)


async def step(surroundings: Surroundings, now: float, state: Answer) -> Answer | None:
    scope: Scope = tuple(state["scope"])
    record = surroundings.shard.read(lambda snapshot: Book(snapshot, scope).row(INVOCATION_JOB, state["id"]))
    if record is None or record["shown"]["status"] in ENDED:
        return None
    work = _Work(surroundings, state, record)
    try:
        if record["shown"]["status"] == "Stopping":
            await work.end("Stopped")
        elif now > record["expires"]:
            await work.end("Expired", "The job did not end before its time was over.")
        else:
            return await (work.advance() if "files" in state else work.begin())
    except Unreachable as error:
        await work.end("Failed", str(error))
    return None


