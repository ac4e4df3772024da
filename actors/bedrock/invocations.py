"""Asynchronous invocations: what bedrock-runtime's StartAsyncInvoke keeps, a job asks InvokeModel, answers go to S3.

The rows stand here because the shard is this service's; the operations are bedrock-runtime's. The answer stands at
`<s3Uri>/<id>/output.json`, as InvokeModel gives it.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from actors.bedrock import tagging
from actors.bedrock.objects import Location, Objects, Unreachable
from actors.bedrock.paging import page
from actors.bedrock.state import ASYNC_INVOKE, Book, Record, Scope, moment
from actors.bedrock.tokens import once
from actors.runtime.context import Context
from actors.runtime.store.transaction import Transaction
from actors.runtime.surroundings import Surroundings, on_behalf
from schemas.errors import AwsError, ValidationException

JOB = "async_invoke"
ANSWER_LIMIT_S = 3600.0
TRY_AGAIN = ("ThrottlingException", "ModelNotReadyException", "ServiceUnavailable")
_RUNNING = "InProgress"

Request = Mapping[str, Any]
Answer = dict[str, Any]


def create(book: Book, context: Context, request: Request, model_arn: str) -> Answer:
    """`model_arn`: of the model that the request's modelId means."""
    def made() -> Answer:
        shown = {"modelArn": model_arn, "status": _RUNNING, "outputDataConfig": request["outputDataConfig"]}
        if request.get("clientRequestToken"):
            shown["clientRequestToken"] = request["clientRequestToken"]
        record = book.create(ASYNC_INVOKE, "", shown, "", modified=book.now(), principal=context.identity.principal,
                             model=request["modelId"], input=request["modelInput"])
        record["tags"] = tagging.as_map(request.get("tags"))
        book.save(record)
        book.start_job(JOB, {"id": record["id"]})
        return {"invocationArn": record["arn"]}

    return once(book, context, request, made)


def get(book: Book, arn: str) -> Answer:
    """ValidationException for one that is not there: the operation has no ResourceNotFoundException."""
    record = book.find(ASYNC_INVOKE, arn)
    if record is None:
        raise ValidationException(f"The async invocation {arn} could not be found.")
    return _shown(record)


def listed(book: Book, request: Request) -> Answer:
    return page("asyncInvokeSummaries", book.rows(ASYNC_INVOKE), request, _shown)


def _shown(record: Record) -> Answer:
    told = {**record["shown"], "invocationArn": record["arn"], "submitTime": moment(record["created"]),
            "lastModifiedTime": moment(record["modified"])}
    return told if record["shown"]["status"] == _RUNNING else {**told, "endTime": moment(record["modified"])}


async def step(surroundings: Surroundings, now: float, state: Answer) -> Answer | None:
    """All of it; what a crash cuts off is asked again. AwsError and BusError that pass are tried again by the shard."""
    scope: Scope = tuple(state["scope"])
    record = surroundings.shard.read(lambda snapshot: Book(snapshot, scope).row(ASYNC_INVOKE, state["id"]))
    if record is None or record["shown"]["status"] != _RUNNING:
        return None
    ended: Answer = {"status": "Completed"}
    try:
        answer = await surroundings.client.call(
            "bedrock-runtime", "InvokeModel", {"modelId": record["model"], "body": orjson.dumps(record["input"])},
            identity=on_behalf(scope[0], record["principal"]), region=scope[1], timeout_s=ANSWER_LIMIT_S)
        target = Location.of(record["shown"]["outputDataConfig"]["s3OutputDataConfig"]["s3Uri"])
        key = "/".join(part for part in (target.key.rstrip("/"), record["id"], "output.json") if part)
        objects = Objects(surroundings, *scope, record["principal"])
        await objects.write(target.at(key), bytes(answer["body"]), "application/json")
    except AwsError as error:
        if error.error_code in TRY_AGAIN:
            raise
        ended = {"status": "Failed", "failureMessage": error.message}
    except Unreachable as error:
        ended = {"status": "Failed", "failureMessage": str(error)}

    def end(transaction: Transaction) -> None:
        book = Book(transaction, scope)
        found = book.row(ASYNC_INVOKE, state["id"])
        if found is not None:
            book.save({**found, "shown": {**found["shown"], **ended}, "modified": book.now()})

    await surroundings.shard.transact(end)
    return None
