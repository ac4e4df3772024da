"""Customization jobs, around a trainer that is none: data from S3, losses to S3, a custom model, what fails and stops.

That the real one trains: tests/actors/runtime/inference/test_training.py; all of it: tests/sdk/test_bedrock.py.
https://docs.aws.amazon.com/bedrock/latest/userguide/model-customization-submit.html
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from actors.bedrock.catalogue import Models
from actors.bedrock.state import Book
from actors.bedrock_runtime.models import resolve
from actors.runtime.inference.catalogue import TINY_ID
from actors.runtime.inference.training import trainer
from tests.actors.bedrock.objects import FakeS3
from tests.actors.bedrock_runtime.caller import ECHO, Caller, in_world
from tests.world import ACCOUNT

ROLE = "arn:aws:iam::000000000000:role/r"
RUNNING = ("InProgress", "Stopping")
DATA = {"bucket/train.jsonl": b'{"prompt": "a", "completion": "b"}\n', "bucket/look.jsonl": b"{}"}


def job(**changed: Any) -> dict[str, Any]:
    return {"jobName": "j", "customModelName": "m", "roleArn": ROLE, "baseModelIdentifier": TINY_ID,
            "trainingDataConfig": {"s3Uri": "s3://bucket/train.jsonl"}, "outputDataConfig": {"s3Uri": "s3://bucket/o"},
            "hyperParameters": {"epochCount": "3", "learningRate": "0.001"}, **changed}


async def ended(caller: Caller, arn: str) -> dict[str, Any]:
    while True:
        got = await caller.control("GetModelCustomizationJob", jobIdentifier=arn)
        if got["status"] not in RUNNING:
            return got
        await asyncio.sleep(0.1)


@pytest.fixture
def courses(monkeypatch: pytest.MonkeyPatch) -> list[trainer.Course]:
    """What was trained, by a trainer that takes a second a step and writes a word."""
    found: list[trainer.Course] = []

    async def train(course: trainer.Course) -> AsyncIterator[dict[str, Any]]:
        found.append(course)
        for step in range(3):
            await asyncio.sleep(1)
            yield {"step": step, "epoch": step, "loss": 3.0 - step}
        if course.validation:
            yield {"validation_loss": 0.5}
        await asyncio.to_thread(Path(course.adapter).write_text, "an adapter")

    monkeypatch.setattr(trainer, "available", lambda: True)
    monkeypatch.setattr(trainer, "train", train)
    return found


def test_a_model_is_made(tmp_path: Path, courses: list[trainer.Course]) -> None:
    store = FakeS3(DATA)

    async def test(caller: Caller) -> None:
        arn = (await caller.control("CreateModelCustomizationJob", **job(
            validationDataConfig={"validators": [{"s3Uri": "s3://bucket/look.jsonl"}]},
            customModelTags=[{"key": "k", "value": "v"}])))["jobArn"]
        assert (await caller.control("GetModelCustomizationJob", jobIdentifier="j"))["status"] == "InProgress"
        got = await ended(caller, arn)
        assert (got["status"], got["trainingMetrics"], got["validationMetrics"]) == (
            "Completed", {"trainingLoss": 1.0}, [{"validationLoss": 0.5}])
        [course] = courses
        assert (course.epochs, course.learning_rate, course.batch) == (3, 0.001, 4)
        folder = f"bucket/o/model-customization-job-{arn.rpartition('/')[2]}"
        assert store.objects[f"{folder}/training_artifacts/step_wise_training_metrics.csv"].splitlines()[:2] == [
            b"step_number,epoch_number,training_loss", b"0,0,3.000000"]
        assert f"{folder}/validation_artifacts/post_fine_tuning_validation/validation_metrics.csv" in store.objects

        [model] = (await caller.control("ListCustomModels", baseModelArnEquals=got["baseModelArn"]))["modelSummaries"]
        assert (model["modelArn"], model["modelName"]) == (got["outputModelArn"], "m")
        shown = await caller.control("GetCustomModel", modelIdentifier="m")
        assert (shown["jobArn"], shown["modelStatus"]) == (arn, "Active")
        tags = await caller.control("ListTagsForResource", resourceARN=model["modelArn"])
        assert tags["tags"] == [{"key": "k", "value": "v"}]
        for _ in range(2):                    # and again after a restart
            entry = caller.world.models.resolve(model["modelArn"])
            assert (entry.adapter, entry.adapters["custom"]) == ("custom", course.adapter)
            await caller.world.restart()
        code, _ = await caller.error("CreateModelCustomizationJob", "bedrock", **job(jobName="again"))
        assert code == "ConflictException"
        await deployed(caller, model["modelArn"])

        await caller.control("DeleteCustomModel", modelIdentifier=model["modelArn"])
        assert (await caller.control("ListCustomModels"))["modelSummaries"] == []
        await asyncio.sleep(1)
        assert files(tmp_path) == []
        code, _ = await caller.error("Converse", modelId=model["modelArn"], messages=[])
        assert code == "ResourceNotFoundException"

    in_world(tmp_path, test, [store])


async def deployed(caller: Caller, model: str) -> None:
    """A deployment is one more name of the model, which it keeps from being deleted."""
    made = await caller.control("CreateCustomModelDeployment", modelDeploymentName="d", modelArn=model)
    got = await caller.control("GetCustomModelDeployment", customModelDeploymentIdentifier="d")
    assert got["customModelDeploymentArn"] == made["customModelDeploymentArn"]
    assert (got["modelArn"], got["status"], got["modelDeploymentName"]) == (model, "Active", "d")
    found = caller.world.shards["bedrock"].read(lambda view: resolve(
        Book(view, (ACCOUNT, "us-east-1")), Models(caller.world.models.catalogue), made["customModelDeploymentArn"]))
    assert (found.engine, found.id) == (model, TINY_ID)
    listed = await caller.control("ListCustomModelDeployments", modelArnEquals=model)
    assert [each["customModelDeploymentName"] for each in listed["modelDeploymentSummaries"]] == ["d"]
    await caller.control("UpdateCustomModelDeployment", customModelDeploymentIdentifier="d", modelArn=model)
    code, _ = await caller.error("DeleteCustomModel", "bedrock", modelIdentifier=model)
    assert code == "ConflictException"
    await caller.control("DeleteCustomModelDeployment", customModelDeploymentIdentifier="d")
    code, _ = await caller.error("GetCustomModelDeployment", "bedrock", customModelDeploymentIdentifier="d")
    assert code == "ResourceNotFoundException"


def files(directory: Path) -> list[Path]:
    """What of trainings lies on the disk."""
    return [*directory.rglob("training.jsonl"), *directory.rglob("adapter.gguf")]


def test_what_fails(tmp_path: Path, courses: list[trainer.Course]) -> None:
    async def test(caller: Caller) -> None:
        wrong: list[tuple[dict[str, Any], str]] = [
            ({"baseModelIdentifier": ECHO}, "GGUF"), ({"trainingDataConfig": {"s3Uri": "s3://bucket/no"}}, "no object")]
        for place, (changed, why) in enumerate(wrong):
            request = job(jobName=f"j{place}", **changed)
            arn = (await caller.control("CreateModelCustomizationJob", **request))["jobArn"]
            got = await ended(caller, arn)
            assert (got["status"], why in got["failureMessage"]) == ("Failed", True)
        listed = await caller.control("ListModelCustomizationJobs", statusEquals="Failed")
        assert len(listed["modelCustomizationJobSummaries"]) == 2
        for given, name in (({"epochCount": "many"}, "epochCount"), ({"epochCount": "0"}, "epochCount"),
                            ({"colour": "1"}, "colour")):
            code, message = await caller.error("CreateModelCustomizationJob", "bedrock", **job(hyperParameters=given))
            assert (code, name in message) == ("ValidationException", True)
        assert courses == []

    in_world(tmp_path, test, [FakeS3(DATA)])


def test_a_stop(tmp_path: Path, courses: list[trainer.Course]) -> None:
    async def test(caller: Caller) -> None:
        arn = (await caller.control("CreateModelCustomizationJob", **job()))["jobArn"]
        await asyncio.sleep(1.5)
        await caller.control("StopModelCustomizationJob", jobIdentifier=arn)
        assert (await ended(caller, arn))["status"] == "Stopped"
        code, _ = await caller.error("StopModelCustomizationJob", "bedrock", jobIdentifier="j")
        assert code == "ConflictException"
        assert (await caller.control("ListCustomModels"))["modelSummaries"] == []
        assert files(tmp_path) == []

    in_world(tmp_path, test, [FakeS3(DATA)])


# Where there is no trainer, a job says so as a job that failed says it.
def test_without_a_trainer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "available", lambda: False)

    async def test(caller: Caller) -> None:
        arn = (await caller.control("CreateModelCustomizationJob", **job()))["jobArn"]
        got = await ended(caller, arn)
        assert (got["status"], "no trainer" in got["failureMessage"]) == ("Failed", True)
        code, _ = await caller.error("GetCustomModel", "bedrock", modelIdentifier="m")
        assert code == "ResourceNotFoundException"

    in_world(tmp_path, test, [FakeS3(DATA)])
