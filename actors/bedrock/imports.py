"""Imported models: weights from S3 into a directory of ours, then a model like those of the catalogue.

A GGUF file, or a folder as Hugging Face has them (config.json and *.safetensors). Files are read in ranges, a step for
each, so a crash continues where it was; a model is there once all its files are and say what they are.
"""

import asyncio
import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import orjson

from actors.bedrock import tagging
from actors.bedrock.engine import gguf
from actors.bedrock.errors import ConflictException
from actors.bedrock.objects import RANGE_BYTES, Location, Objects, Unreachable
from actors.bedrock.paging import page
from actors.bedrock.state import EVERYWHERE, IMPORT_JOB, IMPORTED, Book, Record, Scope, moment, new_id
from actors.bedrock.tokens import once
from actors.runtime.context import Context
from actors.runtime.inference.catalogue import Entry
from actors.runtime.store.transaction import Transaction
from actors.runtime.surroundings import Surroundings

JOB = "import_model"
FOLDER = "imported"                       # in the service's directory; a folder per model's id
SIZE_LIMIT_BYTES = 200 * 1024**3          # of a model's files together: AWS's limit for models of text
BESIDE_LIMIT_BYTES = 64 * 1024 * 1024     # of a file that holds no weights
WEIGHTS = (".gguf", ".safetensors")
BESIDE = ("config.json", "tokenizer.json", "tokenizer_config.json", "tokenizer.model", "generation_config.json",
          "special_tokens_map.json", "chat_template.jinja", "model.safetensors.index.json", "vocab.json", "merges.txt")

_MISSING = "Could not find the model import job {}."
_NO_MODEL = "Could not find the imported model {}."

Request = Mapping[str, Any]
Answer = dict[str, Any]


def create(book: Book, context: Context, request: Request) -> Answer:
    def made() -> Answer:
        name, model = request["jobName"], request["importedModelName"]
        shown = {member: request[member] for member in ("roleArn", "modelDataSource", "vpcConfig", "importedModelName")
                 if request.get(member)}
        taken = f"An imported model with the name {model} already exists."
        if book.row("name", IMPORTED, model) is not None:
            raise ConflictException(taken)
        record = book.create(
            IMPORT_JOB, name, {**shown, "status": "InProgress"}, f"A job with the name {name} already exists.",
            modified=book.now(), principal=context.identity.principal, model=new_id(),
            model_tags=tagging.as_map(request.get("importedModelTags")))
        record["tags"] = tagging.as_map(request.get("jobTags"))
        book.save(record)
        book.start_job(JOB, {"id": record["id"]})
        return {"jobArn": record["arn"]}

    return once(book, context, request, made)


def get_job(book: Book, identifier: str) -> Answer:
    record = book.get(IMPORT_JOB, identifier, _MISSING)
    return {**_job_summary(book, record), **record["shown"]}


def list_jobs(book: Book, request: Request) -> Answer:
    return page("modelImportJobSummaries", book.rows(IMPORT_JOB), request, lambda record: _job_summary(book, record))


def _job_summary(book: Book, record: Record) -> Answer:
    shown = record["shown"]
    told = {"jobArn": record["arn"], "jobName": record["name"], "status": shown["status"],
            "importedModelName": shown["importedModelName"], "creationTime": moment(record["created"]),
            "lastModifiedTime": moment(record["modified"])}
    if shown["status"] == "Completed":
        told["importedModelArn"] = book.arn(IMPORTED, record["model"])
    return told if shown["status"] == "InProgress" else {**told, "endTime": moment(record["modified"])}


def get(book: Book, identifier: str) -> Answer:
    record = book.get(IMPORTED, identifier, _NO_MODEL)
    return {**_model_summary(record), **record["shown"]}


def listed(book: Book, request: Request) -> Answer:
    return page("modelSummaries", book.rows(IMPORTED), request, _model_summary)


def _model_summary(record: Record) -> Answer:
    shown = record["shown"]
    return {"modelArn": record["arn"], "modelName": record["name"], "creationTime": moment(record["created"]),
            "instructSupported": shown["instructSupported"], "modelArchitecture": shown["modelArchitecture"]}


def delete(book: Book, identifier: str) -> Answer:
    """The files go in a job of their own."""
    record = book.get(IMPORTED, identifier, _NO_MODEL)
    book.remove(record)
    book.at(EVERYWHERE).drop("path", record["id"])
    book.start_job(JOB, {"id": "", "remove": record["id"], "arn": record["arn"]})
    return {}


# The work

async def step(surroundings: Surroundings, now: float, state: Answer) -> Answer | None:
    """The listing, a range of a file, or, after the last of all, the model."""
    root = surroundings.directory / FOLDER
    if state.get("remove"):
        if any(entry.id == state["arn"] for entry in surroundings.models.catalogue):
            surroundings.models.catalogue.remove(state["arn"])
        await asyncio.to_thread(shutil.rmtree, root / state["remove"], True)
        return None
    scope: Scope = tuple(state["scope"])
    record = surroundings.shard.read(lambda snapshot: Book(snapshot, scope).row(IMPORT_JOB, state["id"]))
    if record is None or record["shown"]["status"] != "InProgress":
        return None
    objects = Objects(surroundings, *scope, record["principal"])
    source = Location.of(record["shown"]["modelDataSource"]["s3DataSource"]["s3Uri"])
    folder = root / record["model"]
    try:
        if "files" not in state:
            return {**state, "files": _wanted(await objects.sizes(source)), "file": 0, "at": 0}
        files = list(state["files"].items())
        if state["file"] < len(files):
            return await _fetch(objects, source, folder, files, state)
        about = await asyncio.to_thread(_examine, folder)
    except (Unreachable, gguf.NotGguf, ValueError, OSError) as error:
        await asyncio.to_thread(shutil.rmtree, folder, True)
        message = str(error)
        await surroundings.shard.transact(lambda transaction: _end(transaction, scope, state["id"], message=message))
        return None
    await surroundings.shard.transact(lambda transaction: _end(transaction, scope, state["id"], about=about))
    register(surroundings)
    return None


def register(surroundings: Surroundings) -> None:
    """Puts what was imported and is not there yet into the catalogue, under its ARN."""
    known = {entry.id for entry in surroundings.models.catalogue}
    for row in surroundings.shard.read(lambda snapshot: list(Book(snapshot, EVERYWHERE).rows("path"))):
        if row["arn"] not in known:
            engine = "llama" if row["path"].endswith(".gguf") else "vllm"
            surroundings.models.catalogue.add(
                Entry(row["arn"], engine, row["path"], row["name"], provider="Imported"))


def _wanted(sizes: Mapping[str, int]) -> dict[str, int]:
    """Unreachable where there are no weights, or too much of them."""
    found = {key: size for key, size in sizes.items()
             if key.endswith(WEIGHTS) or PurePosixPath(key).name in BESIDE}
    if not any(key.endswith(WEIGHTS) for key in found):
        raise Unreachable("There is no .gguf or .safetensors file at the model data source.")
    if sum(found.values()) > SIZE_LIMIT_BYTES:
        raise Unreachable(f"The files at the model data source exceed the limit of {SIZE_LIMIT_BYTES} bytes.")
    for key, size in found.items():
        if size > BESIDE_LIMIT_BYTES and not key.endswith(WEIGHTS):
            raise Unreachable(f"{key} exceeds the limit of {BESIDE_LIMIT_BYTES} bytes.")
    return found


async def _fetch(
    objects: Objects, source: Location, folder: Path, files: list[tuple[str, int]], state: Answer
) -> Answer:
    """The job after one more range."""
    key, size = files[state["file"]]
    start = state["at"]
    stop = min(start + RANGE_BYTES, size)
    content = await objects.read(source.at(key), start, stop) if stop > start else b""
    if len(content) != stop - start:
        raise Unreachable(f"S3 gave {len(content)} bytes of {key} where {stop - start} were asked for.")
    await asyncio.to_thread(_write, folder / PurePosixPath(key).name, start, content)
    following = {"file": state["file"] + 1, "at": 0} if stop >= size else {"at": stop}
    return {**state, **following}


def _write(path: Path, start: int, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("r+b" if path.exists() else "w+b") as file:
        file.seek(start)
        file.write(content)


def _examine(folder: Path) -> Answer:
    """What the files say of themselves. NotGguf, ValueError, OSError."""
    [*weights] = sorted(folder.glob("*.gguf"))
    if weights:
        header = gguf.read(weights[0])
        return {"path": str(weights[0]), "architecture": str(header.get("general.architecture", "")),
                "instruct": "tokenizer.chat_template" in header}
    config = orjson.loads((folder / "config.json").read_bytes())
    tokenizer = folder / "tokenizer_config.json"
    instruct = (folder / "chat_template.jinja").exists() or (
        tokenizer.exists() and "chat_template" in orjson.loads(tokenizer.read_bytes()))
    return {"path": str(folder), "architecture": str(config.get("model_type", "")), "instruct": instruct}


def _end(transaction: Transaction, scope: Scope, job: str, *, about: Answer | None = None, message: str = "") -> None:
    book = Book(transaction, scope)
    record = book.row(IMPORT_JOB, job)
    if record is None:
        return
    name = record["shown"]["importedModelName"]
    if about is not None and book.row("name", IMPORTED, name) is not None:
        about, message = None, f"An imported model with the name {name} already exists."
    record["shown"] |= {"status": "Completed"} if about else {"status": "Failed", "failureMessage": message}
    record["modified"] = book.now()
    book.save(record)
    if about is None:
        return
    shown = {"jobName": record["name"], "jobArn": record["arn"], "modelDataSource": record["shown"]["modelDataSource"],
             "modelArchitecture": about["architecture"], "instructSupported": about["instruct"],
             "customModelUnits": {"customModelUnitsPerModelCopy": 1, "customModelUnitsVersion": "v1.0"}}
    model = book.create(IMPORTED, name, shown, message, identity=record["model"], path=about["path"])
    model["tags"] = record["model_tags"]
    book.save(model)
    book.at(EVERYWHERE).put({"arn": model["arn"], "path": about["path"], "name": name}, "path", model["id"])
