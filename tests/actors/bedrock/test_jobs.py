"""Batch inference and model import: objects in, objects out, states on the way, what fails said plainly."""

import asyncio
import gzip
import json
import struct
from pathlib import Path
from typing import Any

import pytest

from actors.bedrock import imports, state
from actors.bedrock.engine import gguf
from actors.bedrock.state import Book
from tests.actors.bedrock.objects import FakeS3
from tests.actors.bedrock_runtime.caller import ECHO, Caller, in_world, user
from tests.world import ACCOUNT

ROLE = "arn:aws:iam::000000000000:role/r"
WAIT_S, WAITS_LIMIT = 1.0, 200                    # of virtual time


def line(identity: str, text: str) -> bytes:
    body = {"messages": [{"role": "user", "content": text}]}
    return json.dumps({"recordId": identity, "modelInput": body}).encode() + b"\n"


async def ended(caller: Caller, operation: str, arn: str, *running: str) -> dict[str, Any]:
    for _ in range(WAITS_LIMIT):
        got = await caller.control(operation, jobIdentifier=arn)
        if got["status"] not in running:
            return got
        await asyncio.sleep(WAIT_S)
    raise AssertionError(got)


def batch(**changed: Any) -> dict[str, Any]:
    return {"jobName": "j", "roleArn": ROLE, "modelId": ECHO,
            "inputDataConfig": {"s3InputDataConfig": {"s3Uri": "s3://bucket/in/"}},
            "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": "s3://bucket/out/"}}, **changed}


def kept(caller: Caller, arn: str) -> int:
    """Rows of answers that still stand in the shard."""
    scope = ACCOUNT, "us-east-1"
    rows: list[Any] = caller.world.shards["bedrock"].read(
        lambda snapshot: list(Book(snapshot, scope).rows("lines", arn.rpartition("/")[2])))
    return len(rows)


# Of jobs, which nobody can delete, the oldest that has ended makes room.
def test_old_jobs_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "RECORDS_LIMIT", 3)

    async def test(caller: Caller) -> None:
        for number in range(5):
            arn = (await caller.control("CreateModelInvocationJob", **batch(jobName=f"j{number}")))["jobArn"]
            await ended(caller, "GetModelInvocationJob", arn, *RUNNING)
        listed = await caller.control("ListModelInvocationJobs", sortOrder="Ascending")
        assert [each["jobName"] for each in listed["invocationJobSummaries"]] == ["j2", "j3", "j4"]

    in_world(tmp_path, test)


async def until(caller: Caller, arn: str, processed: int) -> None:
    for _ in range(WAITS_LIMIT):
        if (await caller.control("GetModelInvocationJob", jobIdentifier=arn))["processedRecordCount"] >= processed:
            return
        await asyncio.sleep(WAIT_S)
    raise AssertionError(f"{processed} were never processed")


RUNNING = ("Submitted", "Validating", "InProgress", "Stopping", "Scheduled")


# More records than one step takes, in two files, one of them broken: all answered in order, the broken one told.
def test_batch(tmp_path: Path) -> None:
    many = b"".join(line(f"r{number}", f"say {number}") for number in range(70))
    s3 = FakeS3({"bucket/in/a.jsonl": many, "bucket/in/b.jsonl": b"{}\n" + line("x", "hi"), "bucket/in/c.txt": b"no"})

    async def test(caller: Caller) -> None:
        arn = (await caller.control("CreateModelInvocationJob", **batch()))["jobArn"]
        got = await ended(caller, "GetModelInvocationJob", arn, *RUNNING)
        assert got["status"] == "PartiallyCompleted"
        counts = {name: value for name, value in got.items() if name.endswith("RecordCount")}
        assert counts == {"totalRecordCount": 72, "processedRecordCount": 72, "successRecordCount": 71,
                          "errorRecordCount": 1}
        folder = f"bucket/out/{arn.rpartition('/')[2]}"
        lines = [json.loads(each) for each in s3.objects[f"{folder}/a.jsonl.out"].splitlines()]
        assert [each["recordId"] for each in lines] == [f"r{number}" for number in range(70)]
        assert lines[69]["modelOutput"]["choices"][0]["message"]["content"] == "say 69"
        broken, fine = [json.loads(each) for each in s3.objects[f"{folder}/b.jsonl.out"].splitlines()]
        assert (broken["error"]["errorCode"], fine["recordId"]) == (400, "x")
        assert json.loads(s3.objects[f"{folder}/manifest.json.out"]) == counts
        assert s3.askers == {"test"}
        assert kept(caller, arn) == 0
        listed = await caller.control("ListModelInvocationJobs", statusEquals="PartiallyCompleted")
        assert [each["jobArn"] for each in listed["invocationJobSummaries"]] == [arn]
        code, _ = await caller.error("StopModelInvocationJob", "bedrock", jobIdentifier=arn)
        assert code == "ConflictException"

    in_world(tmp_path, test, [s3])


# A process that dies on the way: the job goes on with what it has, and every record is answered once.
def test_batch_goes_on(tmp_path: Path) -> None:
    many = b"".join(line(f"r{number}", f"!pause 200\nsay {number}") for number in range(130))
    s3 = FakeS3({"bucket/in/a.jsonl": many})

    async def test(caller: Caller) -> None:
        arn = (await caller.control("CreateModelInvocationJob", **batch()))["jobArn"]
        await until(caller, arn, 64)
        await caller.world.restart()
        got = await ended(caller, "GetModelInvocationJob", arn, *RUNNING)
        assert (got["status"], got["successRecordCount"]) == ("Completed", 130)
        lines = s3.objects[f"bucket/out/{arn.rpartition('/')[2]}/a.jsonl.out"].splitlines()
        assert [json.loads(each)["recordId"] for each in lines] == [f"r{number}" for number in range(130)]

    in_world(tmp_path, test, [s3])


def test_batch_stops_and_fails(tmp_path: Path) -> None:
    s3 = FakeS3({"bucket/in/a.jsonl": b"".join(line(str(number), "!pause 5000\nx") for number in range(200))})

    async def test(caller: Caller) -> None:
        arn = (await caller.control("CreateModelInvocationJob", **batch()))["jobArn"]
        await until(caller, arn, 64)
        await caller.control("StopModelInvocationJob", jobIdentifier=arn)
        assert (await ended(caller, "GetModelInvocationJob", arn, *RUNNING))["status"] == "Stopped"
        await asyncio.sleep(WAIT_S)
        assert kept(caller, arn) == 0
        nothing = {"s3InputDataConfig": {"s3Uri": "s3://empty/in/"}}
        another = batch(jobName="k", inputDataConfig=nothing)
        arn = (await caller.control("CreateModelInvocationJob", **another))["jobArn"]
        got = await ended(caller, "GetModelInvocationJob", arn, *RUNNING)
        assert (got["status"], got["message"]) == ("Failed", "no .jsonl file at s3://empty/in/")
        code, _ = await caller.error("CreateModelInvocationJob", "bedrock", **batch(modelId="no.such-v1"))
        assert code == "ValidationException"

    in_world(tmp_path, test, [s3])


# Where there is no S3, jobs end Failed and say so.
def test_without_s3(tmp_path: Path) -> None:
    async def test(caller: Caller) -> None:
        arn = (await caller.control("CreateModelInvocationJob", **batch()))["jobArn"]
        got = await ended(caller, "GetModelInvocationJob", arn, *RUNNING)
        assert got["status"] == "Failed"
        assert "S3 could not be reached" in got["message"]

    in_world(tmp_path, test)


# An asynchronous invocation: the answer, as InvokeModel gives it, in S3; the same token starts it once.
def test_async_invoke(tmp_path: Path) -> None:
    s3 = FakeS3({})

    async def test(caller: Caller) -> None:
        request: dict[str, Any] = {
            "modelId": ECHO, "modelInput": {"messages": [{"role": "user", "content": "hi"}]},
            "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": "s3://bucket/out"}}, "clientRequestToken": "once",
        }
        arn = (await caller.call("StartAsyncInvoke", **request))["invocationArn"]
        assert (await caller.call("StartAsyncInvoke", **request))["invocationArn"] == arn
        got = await invoked(caller, arn)
        assert (got["status"], got["modelArn"]) == ("Completed", f"arn:aws:bedrock:us-east-1::foundation-model/{ECHO}")
        answer = json.loads(s3.objects[f"bucket/out/{arn.rpartition('/')[2]}/output.json"])
        assert answer["choices"][0]["message"]["content"] == "hi"
        wrong: dict[str, Any] = {**request, "modelInput": {}, "clientRequestToken": "twice"}
        failed = await invoked(caller, (await caller.call("StartAsyncInvoke", **wrong))["invocationArn"])
        assert failed["status"] == "Failed"
        assert "required key [messages] not found" in failed["failureMessage"]
        listed = await caller.call("ListAsyncInvokes", statusEquals="Completed")
        assert [each["invocationArn"] for each in listed["asyncInvokeSummaries"]] == [arn]
        code, _ = await caller.error("StartAsyncInvoke", **{**wrong, "modelId": "no.such-v1"})
        assert code == "ValidationException"

    in_world(tmp_path, test, [s3])


async def invoked(caller: Caller, arn: str) -> dict[str, Any]:
    for _ in range(WAITS_LIMIT):
        got = await caller.call("GetAsyncInvoke", invocationArn=arn)
        if got["status"] != "InProgress":
            return got
        await asyncio.sleep(WAIT_S)
    raise AssertionError(got)


# Every invocation, of each kind, is a line in the bucket that is configured; none before and none after.
def test_invocations_are_logged(tmp_path: Path) -> None:
    s3 = FakeS3({})

    async def test(caller: Caller) -> None:
        chat = {"messages": [{"role": "user", "content": "one two"}]}
        await caller.call("Converse", modelId=ECHO, messages=[user("before")])
        await caller.control("PutModelInvocationLoggingConfiguration", loggingConfig={
            "s3Config": {"bucketName": "logs", "keyPrefix": "mine"}})
        await caller.call("Converse", modelId=ECHO, messages=[user("one two")])
        await caller.stream("ConverseStream", modelId=ECHO, messages=[user("one two")])
        await caller.invoke(chat)
        await caller.chunks(chat)
        for _ in range(WAITS_LIMIT):
            if len(s3.objects) == 4:
                break
            await asyncio.sleep(WAIT_S)
        await caller.control("DeleteModelInvocationLoggingConfiguration")
        await caller.call("Converse", modelId=ECHO, messages=[user("after")])
        lines = [json.loads(gzip.decompress(content)) for content in s3.objects.values()]
        assert sorted(line["operation"] for line in lines) == [
            "Converse", "ConverseStream", "InvokeModel", "InvokeModelWithResponseStream"]
        assert all((line["input"]["inputTokenCount"], line["output"]["outputTokenCount"]) == (2, 2) for line in lines)
        assert all("one two" in json.dumps(line["input"]["inputBodyJson"]) for line in lines)
        assert all(name.startswith("logs/mine/AWSLogs/000000000000/BedrockModelInvocationLogs/us-east-1/2023/11/14/22/")
                   for name in s3.objects)

    in_world(tmp_path, test, [s3])


def file_of(**members: str) -> bytes:
    """A GGUF file that has metadata and nothing else."""
    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value.encode())) + value.encode()

    entries = b"".join(text(name.replace("__", ".")) + struct.pack("<I", 8) + text(value)
                       for name, value in members.items())
    return b"GGUF" + struct.pack("<IQQ", 3, 0, len(members)) + entries


GGUF = file_of(general__architecture="llama", tokenizer__chat_template="{{ messages }}")


def content_of(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def imported(**changed: Any) -> dict[str, Any]:
    return {"jobName": "i", "importedModelName": "m", "roleArn": ROLE,
            "modelDataSource": {"s3DataSource": {"s3Uri": "s3://bucket/model/"}}, **changed}


# Weights come from S3 into the catalogue under the model's ARN, stay after a restart, and go with the model.
def test_import(tmp_path: Path) -> None:
    s3 = FakeS3({"bucket/model/m.gguf": GGUF, "bucket/model/readme.md": b"no"})

    async def test(caller: Caller) -> None:
        arn = (await caller.control("CreateModelImportJob", **imported()))["jobArn"]
        got = await ended(caller, "GetModelImportJob", arn, "InProgress")
        assert got["status"] == "Completed", got
        model = await caller.control("GetImportedModel", modelIdentifier="m")
        assert model["modelArn"] == got["importedModelArn"]
        assert (model["modelArchitecture"], model["instructSupported"]) == ("llama", True)
        assert caller.world.models.resolve(model["modelArn"]).path.endswith("m.gguf")
        await caller.world.restart()
        path = Path(caller.world.models.resolve(model["modelArn"]).path)
        assert content_of(path) == GGUF
        ids = [each["modelId"] for each in (await caller.control("ListFoundationModels"))["modelSummaries"]]
        assert model["modelArn"] not in ids
        await caller.control("DeleteImportedModel", modelIdentifier=model["modelArn"])
        for _ in range(WAITS_LIMIT):
            await asyncio.sleep(WAIT_S)
            if content_of(path) is None:
                break
        assert content_of(path) is None
        code, _ = await caller.error("Converse", modelId=model["modelArn"], messages=[user("hi")])
        assert code == "ResourceNotFoundException"

    in_world(tmp_path, test, [s3])


@pytest.mark.parametrize(("objects", "message"), [
    ({"bucket/model/m.gguf": b"no weights"}, "m.gguf is not a GGUF file."),
    ({"bucket/model/x.txt": b"x"}, "There is no .gguf or .safetensors file at the model data source."),
    ({"bucket/model/m.safetensors": b"x"}, "config.json"),
])
def test_import_fails(tmp_path: Path, objects: dict[str, bytes], message: str) -> None:
    async def test(caller: Caller) -> None:
        arn = (await caller.control("CreateModelImportJob", **imported()))["jobArn"]
        got = await ended(caller, "GetModelImportJob", arn, "InProgress")
        assert got["status"] == "Failed"
        assert message in got["failureMessage"]
        assert (await caller.control("ListImportedModels"))["modelSummaries"] == []

    in_world(tmp_path, test, [FakeS3(objects)])


# What is too large is refused before a byte of it is fetched.
@pytest.mark.parametrize(("limit", "message"), [
    ("SIZE_LIMIT_BYTES", "The files at the model data source exceed the limit of 7 bytes."),
    ("BESIDE_LIMIT_BYTES", "model/config.json exceeds the limit of 7 bytes."),
])
def test_import_of_too_much(limit: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, limit, 7)
    s3 = FakeS3({"bucket/model/m.safetensors": b"x", "bucket/model/config.json": b"12345678"})

    async def test(caller: Caller) -> None:
        arn = (await caller.control("CreateModelImportJob", **imported()))["jobArn"]
        got = await ended(caller, "GetModelImportJob", arn, "InProgress")
        assert (got["status"], got["failureMessage"]) == ("Failed", message)
        assert s3.reads == 0

    in_world(tmp_path, test, [s3])


def test_gguf_that_ends_early(tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    for length in range(4, len(GGUF)):
        path.write_bytes(GGUF[:length])
        with pytest.raises(gguf.NotGguf):
            gguf.read(path)
    path.write_bytes(GGUF)
    assert gguf.read(path) == {"general.architecture": "llama", "tokenizer.chat_template": "{{ messages }}"}
