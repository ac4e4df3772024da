"""Custom models: a model of the catalogue with an adapter that a customization job trained.

Each stands in the catalogue under its ARN, as its base with that adapter on, once this process knows it.
"""

import asyncio
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import structlog

from actors.bedrock.errors import ConflictException
from actors.bedrock.paging import page
from actors.bedrock.state import CUSTOM, DEPLOYMENT, EVERYWHERE, PROVISIONED, Book, Record, moment
from actors.runtime.inference.protocol import UnknownModel
from actors.runtime.surroundings import Surroundings

JOB = "forget_custom_model"
ADAPTER = "custom"                        # its name among those of the base
_MISSING = "Could not find the custom model {}."
_OF_JOB = ("baseModelArn", "customizationType", "hyperParameters", "trainingDataConfig", "outputDataConfig",
           "validationDataConfig", "trainingMetrics", "validationMetrics")

log = structlog.get_logger()
Request = Mapping[str, Any]
Answer = dict[str, Any]


def enter(book: Book, job: Record, arn: str, adapter: str) -> None:
    """The model of a job that is done."""
    shown = {member: job["shown"][member] for member in _OF_JOB if member in job["shown"]}
    shown |= {"jobName": job["name"], "jobArn": job["arn"], "modelStatus": "Active"}
    name = job["shown"]["outputModelName"]
    model = book.create(CUSTOM, name, shown, f"A custom model with the name {name} already exists.", arn=arn,
                        identity=job["model"], path=adapter)
    model["tags"] = job["model_tags"]
    book.save(model)
    row = {"arn": arn, "path": adapter, "name": name, "engine": job["engine"]}
    book.at(EVERYWHERE).put(row, "adapter", model["id"])


def get(book: Book, identifier: str) -> Answer:
    record = book.get(CUSTOM, identifier, _MISSING)
    return {**record["shown"], "modelArn": record["arn"], "modelName": record["name"],
            "creationTime": moment(record["created"])}


def listed(book: Book, request: Request) -> Answer:
    base = request.get("baseModelArnEquals") or request.get("foundationModelArnEquals")
    rows = (record for record in book.rows(CUSTOM)
            if (not base or record["shown"]["baseModelArn"] == base) and request.get("isOwned", True)
            and request.get("modelStatus", "Active") == record["shown"]["modelStatus"])
    return page("modelSummaries", rows, request, lambda record: {
        "modelArn": record["arn"], "modelName": record["name"], "creationTime": moment(record["created"]),
        "baseModelArn": record["shown"]["baseModelArn"], "ownerAccountId": book.account,
        "baseModelName": record["shown"]["baseModelArn"].rpartition("/")[2],
        "customizationType": record["shown"]["customizationType"], "modelStatus": record["shown"]["modelStatus"]})


def delete(book: Book, identifier: str) -> Answer:
    """The files go in a job. ConflictException while it is deployed, or throughput provisioned for it."""
    record = book.get(CUSTOM, identifier, _MISSING)
    for kind, what in ((PROVISIONED, "provisioned throughput"), (DEPLOYMENT, "a deployment")):
        if any(each["shown"]["modelArn"] == record["arn"] for each in book.rows(kind)):
            raise ConflictException(f"The custom model {record['name']} has {what}; delete that first.")
    book.remove(record)
    book.at(EVERYWHERE).drop("adapter", record["id"])
    book.start_job(JOB, {"arn": record["arn"], "folder": str(Path(record["path"]).parent)})
    return {}


async def forget(surroundings: Surroundings, now: float, state: Answer) -> Answer | None:
    if any(entry.id == state["arn"] for entry in surroundings.models.catalogue):
        surroundings.models.catalogue.remove(state["arn"])
    await asyncio.to_thread(shutil.rmtree, state["folder"], True)
    return None


def register(surroundings: Surroundings) -> None:
    """Puts those that are not there yet into the catalogue; not those whose base the operator has taken out of it."""
    catalogue = surroundings.models.catalogue
    known = {entry.id for entry in catalogue}
    for row in surroundings.shard.read(lambda snapshot: list(Book(snapshot, EVERYWHERE).rows("adapter"))):
        if row["arn"] in known:
            continue
        try:
            base = catalogue.resolve(row["engine"])
        except UnknownModel:
            log.warning("custom_model_without_base", model=row["arn"], base=row["engine"])
            continue
        catalogue.add(replace(
            base, id=row["arn"], name=row["name"], provider="Custom", aliases=(), min_replicas=0,
            adapters={**base.adapters, ADAPTER: row["path"]}, adapter=ADAPTER))
