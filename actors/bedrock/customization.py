"""Customization jobs: adapters (LoRA) that are trained over a model of the catalogue, and the custom models they make.

    InProgress -> Completed, Failed, or Stopping -> Stopped

Training data comes from S3, and the losses go there, in AWS's files; the trainer is a process of its own
(runtime/inference/training). After a crash a job fetches and trains once more from the beginning. Where the extra
`train` is not installed, or the model is none it can train, a job is taken and Failed, with a message that says so.
"""

import asyncio
import shutil
from collections.abc import Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Any

from actors.bedrock import foundation, tagging
from actors.bedrock.catalogue import Models
from actors.bedrock.custom_models import enter
from actors.bedrock.errors import ConflictException
from actors.bedrock.objects import Location, Objects, Unreachable
from actors.bedrock.paging import page
from actors.bedrock.state import CUSTOM, CUSTOMIZATION_JOB, ENDED, Book, Record, Scope, moment, new_id
from actors.bedrock.tokens import once
from actors.runtime.context import Context
from actors.runtime.inference.protocol import UnknownModel
from actors.runtime.inference.training import trainer
from actors.runtime.store.jobs import WAKE_AT
from actors.runtime.store.transaction import Transaction
from actors.runtime.surroundings import Surroundings
from schemas.errors import ValidationException

JOB = "customize_model"
FOLDER = "custom"                         # in the service's directory; a folder per model's id
DATA_LIMIT_BYTES = 64 * 1024 * 1024       # of training data, and of each validation data
TRAININGS_MAX = 1                         # at a time; the others wait
WAIT_S = 1.0                              # for those, and until a stop is noticed
NO_TRAINER = ("Skybus has no trainer installed: models cannot be customized here. Install the extra `train`, or "
              "import a model that was trained elsewhere.")
NOT_TRAINABLE = "The model {} cannot be customized here: the trainer knows GGUF files of text models."
# hyperParameters -> Course's member, its type, its least and its most
HYPER_PARAMETERS: dict[str, tuple[str, type, float, float]] = {
    "epochCount": ("epochs", int, 1, 100), "batchSize": ("batch", int, 1, 64),
    "learningRate": ("learning_rate", float, 0.0, 0.1), "learningRateWarmupSteps": ("warmup_steps", int, 0, 1000),
    "loraRank": ("rank", int, 1, 128), "maxTokens": ("tokens_max", int, 16, 8192),
}
_MISSING = "Could not find the model customization job {}."
_KEPT = ("hyperParameters", "trainingDataConfig", "outputDataConfig", "vpcConfig", "customizationConfig", "roleArn",
         "clientRequestToken")

Request = Mapping[str, Any]
Answer = dict[str, Any]


def create(book: Book, models: Models, context: Context, request: Request) -> Answer:
    def made() -> Answer:
        base = foundation.find(models, request["baseModelIdentifier"])
        if base is None:
            raise ValidationException(foundation.INVALID)
        if book.row("name", CUSTOM, request["customModelName"]) is not None:
            raise ConflictException(f"A custom model with the name {request['customModelName']} already exists.")
        course_of(request.get("hyperParameters") or {})
        identity, now = new_id(), book.now()
        shown = {member: request[member] for member in _KEPT if request.get(member)}
        shown |= {"baseModelArn": foundation.arn(base, book.region), "outputModelName": request["customModelName"],
                  "customizationType": request.get("customizationType") or "FINE_TUNING", "status": "InProgress",
                  "validationDataConfig": request.get("validationDataConfig") or {"validators": []}}
        name = request["jobName"]
        record = book.create(CUSTOMIZATION_JOB, name, shown, f"A job with the name {name} already exists.",
                             identity=identity, arn=book.arn(CUSTOMIZATION_JOB, f"{base.id}/{identity}"), modified=now,
                             principal=context.identity.principal, engine=base.engine, base=base.id, model=new_id(),
                             model_tags=tagging.as_map(request.get("customModelTags")))
        record["tags"] = tagging.as_map(request.get("jobTags"))
        book.save(record)
        book.start_job(JOB, {"id": identity})
        return {"jobArn": record["arn"]}

    return once(book, context, request, made)


def course_of(given: Mapping[str, str]) -> dict[str, Any]:
    """Members of a Course. ValidationException, in the order of the request."""
    found: dict[str, Any] = {}
    for name, text in given.items():
        if name not in HYPER_PARAMETERS:
            raise ValidationException(f"The hyperparameter {name} is not supported for the model.")
        member, kind, least, most = HYPER_PARAMETERS[name]
        try:
            value = kind(text)
        except ValueError as error:
            raise ValidationException(f"The hyperparameter {name} has the invalid value {text}.") from error
        if not least <= value <= most:
            raise ValidationException(f"The hyperparameter {name} must be between {least:g} and {most:g}.")
        found[member] = value
    return found


def get(book: Book, identifier: str) -> Answer:
    record = book.get(CUSTOMIZATION_JOB, identifier, _MISSING)
    told = {**record["shown"], "jobArn": record["arn"], "jobName": record["name"], **_times(record)}
    if record["shown"]["status"] == "Completed":
        told["outputModelArn"] = model_arn(book, record)
    return told


def model_arn(book: Book, record: Record) -> str:
    return book.arn(CUSTOM, f"{record['base']}/{record['model']}")


def listed(book: Book, request: Request) -> Answer:
    return page("modelCustomizationJobSummaries", book.rows(CUSTOMIZATION_JOB), request,
                lambda record: _summary(book, record))


def _summary(book: Book, record: Record) -> Answer:
    shown = record["shown"]
    told = {"jobArn": record["arn"], "jobName": record["name"], "baseModelArn": shown["baseModelArn"],
            "status": shown["status"], "customModelName": shown["outputModelName"],
            "customizationType": shown["customizationType"], **_times(record)}
    return {**told, "customModelArn": model_arn(book, record)} if shown["status"] == "Completed" else told


def _times(record: Record) -> Answer:
    """Records of the first days had `ended` alone."""
    modified = moment(record.get("modified") or record["ended"])
    told = {"creationTime": moment(record["created"]), "lastModifiedTime": modified}
    return {**told, "endTime": modified} if record["shown"]["status"] in ENDED else told


def stop(book: Book, identifier: str) -> Answer:
    record = book.get(CUSTOMIZATION_JOB, identifier, _MISSING)
    if record["shown"]["status"] != "InProgress":
        raise ConflictException(
            f"The job {record['name']} cannot be stopped: it has the status {record['shown']['status']}.")
    record["shown"]["status"], record["modified"] = "Stopping", book.now()
    book.save(record)
    return {}


# The work

class Customizing:
    """What the jobs of a process share: how many train."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._training = 0

    async def step(self, now: float, state: Answer) -> Answer | None:
        """All of it, or, where another trains, later."""
        scope: Scope = tuple(state["scope"])
        if self._training >= TRAININGS_MAX:
            return {**state, WAKE_AT: now + WAIT_S}
        self._training += 1
        try:
            await _Work(self._surroundings, scope, state["id"]).run()
        finally:
            self._training -= 1
        return None


class _Work:
    """One job."""

    def __init__(self, surroundings: Surroundings, scope: Scope, identity: str) -> None:
        self._surroundings, self._scope, self._identity = surroundings, scope, identity

    async def run(self) -> None:
        record = self._record()
        if record is None or record["shown"]["status"] in ENDED:
            return
        folder = self._surroundings.directory / FOLDER / record["model"]
        try:
            course = await self._prepared(record, folder)
            trained = await self._trained(course, record)
        except (Unreachable, trainer.TrainingFailed) as error:
            await self._end(folder, status="Failed", failureMessage=str(error))
            return
        if not trained:
            await self._end(folder, status="Stopped")
            return
        await self._complete(course, record)

    def _record(self) -> Record | None:
        found: Record | None = self._surroundings.shard.read(
            lambda snapshot: Book(snapshot, self._scope).row(CUSTOMIZATION_JOB, self._identity))
        return found

    async def _prepared(self, record: Record, folder: Path) -> trainer.Course:
        """The data on disk. TrainingFailed, Unreachable."""
        if not trainer.available():
            raise trainer.TrainingFailed(NO_TRAINER)
        try:
            entry = self._surroundings.models.resolve(record["engine"])
        except UnknownModel as error:
            raise trainer.TrainingFailed(foundation.INVALID) from error
        if entry.engine != "llama":
            raise trainer.TrainingFailed(NOT_TRAINABLE.format(record["base"]))
        shown = record["shown"]
        await asyncio.to_thread(folder.mkdir, 0o700, True, True)
        await self._fetch(record, shown["trainingDataConfig"]["s3Uri"], folder / "training.jsonl")
        validators = shown["validationDataConfig"].get("validators") or ()
        for validator in validators[:1]:
            await self._fetch(record, validator["s3Uri"], folder / "validation.jsonl")
        return trainer.Course(
            entry.path, str(folder / "training.jsonl"), str(folder / "adapter.gguf"),
            str(folder / "validation.jsonl") if validators else "", **course_of(shown.get("hyperParameters") or {}))

    async def _fetch(self, record: Record, uri: str, into: Path) -> None:
        objects, at = self._objects(record), Location.of(uri)
        size = (await objects.sizes(at)).get(at.key)
        if size is None:
            raise Unreachable(f"There is no object {uri}.")
        if size > DATA_LIMIT_BYTES:
            raise Unreachable(f"{uri} is larger than {DATA_LIMIT_BYTES} bytes.")
        await asyncio.to_thread(into.write_bytes, await objects.whole(at, size))

    def _objects(self, record: Record) -> Objects:
        return Objects(self._surroundings, *self._scope, record["principal"])

    async def _trained(self, course: trainer.Course, record: Record) -> bool:
        """Writes the losses to S3; False where the job was stopped meanwhile. TrainingFailed, Unreachable."""
        steps: list[Answer] = []
        losses: list[Answer] = []
        async with aclosing(trainer.train(course)) as told:
            async for each in told:
                now = self._record()
                if now is None or now["shown"]["status"] == "Stopping":
                    return False
                (steps if "step" in each else losses).append(each)
        table = "step_number,epoch_number,training_loss\n" + "".join(
            f"{each['step']},{each['epoch']},{each['loss']:.6f}\n" for each in steps)
        await self._write(record, "training_artifacts/step_wise_training_metrics.csv", table)
        shown: Answer = {"trainingMetrics": {"trainingLoss": steps[-1]["loss"]}}
        if losses:
            shown["validationMetrics"] = [{"validationLoss": losses[-1]["validation_loss"]}]
            await self._write(record, "validation_artifacts/post_fine_tuning_validation/validation_metrics.csv",
                              f"validation_loss\n{losses[-1]['validation_loss']:.6f}\n")
        record["shown"] |= shown
        return True

    async def _write(self, record: Record, name: str, content: str) -> None:
        target = Location.of(record["shown"]["outputDataConfig"]["s3Uri"])
        folder = f"model-customization-job-{record['id']}"
        key = "/".join(part for part in (target.key.rstrip("/"), folder, name) if part)
        await self._objects(record).write(target.at(key), content.encode(), "text/csv")

    async def _complete(self, course: trainer.Course, record: Record) -> None:
        """The custom model, and the job that made it, in one commit."""
        def completed(transaction: Transaction) -> str:
            book = Book(transaction, self._scope)
            found = book.row(CUSTOMIZATION_JOB, self._identity)
            if found is None or found["shown"]["status"] in ENDED:
                return "gone"
            if book.row("name", CUSTOM, found["shown"]["outputModelName"]) is not None:
                return "taken"
            found["shown"] |= {**record["shown"], "status": "Completed"}
            found["modified"] = book.now()
            book.save(found)
            enter(book, found, model_arn(book, found), course.adapter)
            return ""

        folder = Path(course.adapter).parent
        failed: str = await self._surroundings.shard.transact(completed)
        if failed == "taken":
            await self._end(folder, status="Failed", failureMessage="A custom model of that name was made meanwhile.")
        elif not failed:
            for name in ("training.jsonl", "validation.jsonl"):
                await asyncio.to_thread((folder / name).unlink, True)

    async def _end(self, folder: Path, **shown: Any) -> None:
        def ended(transaction: Transaction) -> None:
            book = Book(transaction, self._scope)
            record = book.row(CUSTOMIZATION_JOB, self._identity)
            if record is not None:
                record["shown"] |= shown
                record["modified"] = book.now()
                book.save(record)

        await asyncio.to_thread(shutil.rmtree, folder, True)
        await self._surroundings.shard.transact(ended)
