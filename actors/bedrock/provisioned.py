"""Provisioned throughput: a model under an ARN of its own, of which so many replicas (model units) stay loaded.

    Creating -> InService or Failed; InService -> Updating -> InService

How many are kept of an engine's model is the sum over everyone's throughput (rows `units`); a job watches them come.
What cannot be kept beside the rest within the hosts' memory is refused at once.
"""

from collections.abc import Mapping
from typing import Any

from actors.bedrock import foundation, tagging
from actors.bedrock.catalogue import Models
from actors.bedrock.errors import ConflictException, ServiceQuotaExceededException
from actors.bedrock.paging import page
from actors.bedrock.state import CUSTOM, EVERYWHERE, IMPORTED, PROVISIONED, Book, Record, Scope, moment
from actors.bedrock.tokens import once
from actors.runtime.context import Context
from actors.runtime.inference.models import Models as Hosts
from actors.runtime.inference.protocol import ModelFailed, UnknownModel
from actors.runtime.store.jobs import WAKE_AT
from actors.runtime.store.transaction import Transaction
from actors.runtime.surroundings import Surroundings
from schemas.errors import ValidationException

JOB = "provision_throughput"
LOAD_LIMIT_S = 1800.0                     # until all replicas of a new one are there; then it has Failed
LOOK_INTERVAL_S = 0.25
MONTH_S = 30 * 24 * 3600.0
_COMMITMENTS = {"OneMonth": MONTH_S, "SixMonths": 6 * MONTH_S}
_MISSING = "The provisioned model throughput {} could not be found."
_TAKEN = "A provisioned model throughput with the name {} already exists."
_NO_ROOM = ("The requested number of model units exceeds the capacity available for the model. Request fewer model "
            "units or delete other Provisioned Throughputs.")
_NOT_LOADED = "The replicas of the model could not all be loaded."

Request = Mapping[str, Any]
Answer = dict[str, Any]


def create(book: Book, models: Models, hosts: Hosts, context: Context, request: Request) -> Answer:
    def made() -> Answer:
        model, base, engine = _model(book, models, request["modelId"])
        name, units = request["provisionedModelName"], request["modelUnits"]
        shown = {"modelUnits": units, "desiredModelUnits": units, "modelArn": model, "desiredModelArn": model,
                 "foundationModelArn": base, "status": "Creating"}
        commitment = request.get("commitmentDuration")
        if commitment:
            shown["commitmentDuration"] = commitment
            shown["commitmentExpirationTime"] = book.now() + _COMMITMENTS[commitment]
        record = book.create(PROVISIONED, name, shown, _TAKEN.format(name), modified=book.now(), engine=engine)
        record["tags"] = tagging.as_map(request.get("tags"))
        book.save(record)
        _keep(book, hosts, record)
        return {"provisionedModelArn": record["arn"]}

    return once(book, context, request, made)


def _keep(book: Book, hosts: Hosts, record: Record) -> None:
    """Its units are wanted from the commit on. ServiceQuotaExceededException where there is no room for them."""
    everywhere = book.at(EVERYWHERE)
    everywhere.put({"engine": record["engine"], "units": record["shown"]["modelUnits"]}, "units", record["id"])
    wanted = units_of(everywhere)
    kept = [(entry, max(entry.min_replicas, wanted.get(entry.id, 0))) for entry in hosts.catalogue]
    try:
        if not hosts.fleet.affords(kept):
            raise ServiceQuotaExceededException(_NO_ROOM)
    except ModelFailed as error:
        raise ValidationException(error.message) from error
    book.start_job(JOB, {"id": record["id"], "engine": record["engine"], "until": book.now() + LOAD_LIMIT_S})


def units_of(everywhere: Book) -> dict[str, int]:
    """Of each engine's model, over all accounts."""
    found: dict[str, int] = {}
    for row in everywhere.rows("units"):
        found[row["engine"]] = found.get(row["engine"], 0) + row["units"]
    return found


def _model(book: Book, models: Models, identifier: str) -> tuple[str, str, str]:
    """The ARNs of the model and of the foundation model it is of, and its engine's name. ValidationException."""
    found = foundation.find(models, identifier)
    if found is not None:
        base = foundation.arn(found, book.region)
        return base, base, found.engine
    for kind in (CUSTOM, IMPORTED):
        record = book.find(kind, identifier)
        if record is not None:
            return record["arn"], record["shown"].get("baseModelArn", record["arn"]), record["arn"]
    raise ValidationException(foundation.INVALID)


def get(book: Book, identifier: str) -> Answer:
    return _shown(book.get(PROVISIONED, identifier, _MISSING))


def listed(book: Book, request: Request) -> Answer:
    model = request.get("modelArnEquals")
    rows = (record for record in book.rows(PROVISIONED) if not model or record["shown"]["modelArn"] == model)
    return page("provisionedModelSummaries", rows, request, _shown)


def update(book: Book, models: Models, hosts: Hosts, request: Request) -> Answer:
    """Another name, or another model of the same base: then the old one's replicas answer until the new one's are
    there."""
    record = book.get(PROVISIONED, request["provisionedModelId"], _MISSING)
    shown = record["shown"]
    if shown["status"] != "InService":
        raise ValidationException(f"The provisioned model throughput {record['name']} has the status {shown['status']} "
                                  "and cannot be updated.")
    name = request.get("desiredProvisionedModelName")
    if name:
        book.rename(record, name, _TAKEN.format(name))
    if request.get("desiredModelId"):
        model, base, engine = _model(book, models, request["desiredModelId"])
        if base != shown["foundationModelArn"]:
            raise ValidationException("The desired model must have the same base model as the provisioned model.")
        if model != shown["modelArn"]:
            before, record["engine"] = record["engine"], engine
            record["shown"] = {**shown, "desiredModelArn": model, "status": "Updating"}
            _keep(book, hosts, record)
            book.start_job(JOB, {"id": "", "engine": before, "until": 0.0})
    record["modified"] = book.now()
    book.save(record)
    return {}


def delete(book: Book, identifier: str) -> Answer:
    """ConflictException while a commitment lasts, as AWS has it."""
    record = book.get(PROVISIONED, identifier, _MISSING)
    if record["shown"].get("commitmentExpirationTime", 0.0) > book.now():
        raise ConflictException("You can't delete a Provisioned Throughput before the commitment term is over.")
    book.remove(record)
    book.at(EVERYWHERE).drop("units", record["id"])
    book.start_job(JOB, {"id": "", "engine": engine_of(record), "until": 0.0})
    return {}


def engine_of(record: Record) -> str:
    """Records of the first days had none, and were of foundation models."""
    engine: str = record.get("engine") or record["shown"]["modelArn"].rpartition("/")[2]
    return engine


def _shown(record: Record) -> Answer:
    told = {**record["shown"], "provisionedModelName": record["name"], "provisionedModelArn": record["arn"],
            "creationTime": moment(record["created"]), "lastModifiedTime": moment(record["modified"])}
    if "commitmentExpirationTime" in told:
        told["commitmentExpirationTime"] = moment(told["commitmentExpirationTime"])
    return told


# Replicas

def register(surroundings: Surroundings) -> None:
    """What is to be kept loaded, from the first moment on."""
    wanted = surroundings.shard.read(lambda snapshot: units_of(Book(snapshot, EVERYWHERE)))
    for engine in wanted:
        _settle(surroundings, engine)


def _settle(surroundings: Surroundings, engine: str) -> tuple[int, int]:
    """Keeps as many as are wanted now, in whoever's name. How many are wanted, and are there."""
    hosts = surroundings.models
    wanted = surroundings.shard.read(lambda snapshot: units_of(Book(snapshot, EVERYWHERE))).get(engine, 0)
    try:
        entry = hosts.resolve(engine)
    except UnknownModel:                  # the operator has taken it out of the catalogue
        return wanted, 0
    hosts.fleet.keep(entry, max(wanted, entry.min_replicas))
    return wanted, hosts.fleet.loaded(entry)


async def step(surroundings: Surroundings, now: float, state: Answer) -> Answer | None:
    """Looks whether the replicas are there."""
    wanted, there = _settle(surroundings, state["engine"])
    if not state["id"]:
        return None
    if there < wanted and now < state["until"]:
        return {**state, WAKE_AT: now + LOOK_INTERVAL_S}
    scope: Scope = tuple(state["scope"])

    def settled(transaction: Transaction) -> None:
        book = Book(transaction, scope)
        record = book.row(PROVISIONED, state["id"])
        if record is None or record["shown"]["status"] not in ("Creating", "Updating"):
            return
        if there >= wanted:
            record["shown"] |= {"status": "InService", "modelArn": record["shown"]["desiredModelArn"]}
        else:
            record["shown"] |= {"status": "Failed", "failureMessage": _NOT_LOADED}
            book.at(EVERYWHERE).drop("units", record["id"])
            book.start_job(JOB, {"id": "", "engine": state["engine"], "until": 0.0})
        record["modified"] = book.now()
        book.save(record)

    await surroundings.shard.transact(settled)
    return None
