"""Logging of invocations: where to, and the delivery to S3.

An invocation's record is a job of the shard, so what was answered is logged also after a crash; a job writes one object
`<prefix>/AWSLogs/<account>/BedrockModelInvocationLogs/<region>/<yyyy>/<mm>/<dd>/<hh>/<time>_<id>.json.gz`, as whoever
put the configuration. Source: https://docs.aws.amazon.com/bedrock/latest/userguide/model-invocation-logging.html
"""

import gzip
import time
from collections.abc import Mapping
from typing import Any

import orjson
import structlog

from actors.bedrock.objects import Location, Objects, Unreachable
from actors.bedrock.state import Book, Record, new_id
from actors.runtime.context import Context
from actors.runtime.store.transaction import Transaction
from actors.runtime.surroundings import Surroundings
from schemas.errors import ValidationException

JOB = "log_invocation"
BODY_LIMIT_BYTES = 4 * 1024 * 1024        # of input and output each; a larger one is left out

Answer = dict[str, Any]
log = structlog.get_logger(__name__)


def put(book: Book, context: Context, request: Mapping[str, Any]) -> Answer:
    config = request["loggingConfig"]
    if not config.get("cloudWatchConfig") and not config.get("s3Config"):
        raise ValidationException("At least one of cloudWatchConfig and s3Config is required in loggingConfig.")
    book.put({"config": config, "principal": context.identity.principal}, "logging")
    return {}


def get(book: Book) -> Answer:
    row = book.row("logging")
    return {} if row is None else {"loggingConfig": row["config"]}


def delete(book: Book) -> Answer:
    book.drop("logging")
    return {}


def wanted(book: Book) -> Record | None:
    """The configuration's row, where invocations go to S3."""
    row = book.row("logging")
    return row if row is not None and row["config"].get("s3Config") else None


def record(context: Context, model: str, given: Any, told: Any, tokens: tuple[int, int]) -> Answer:
    """The log's line. `given` and `told`: bodies as JSON values; `tokens`: read and written."""
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(context.now))
    sides = {}
    for side, body, count in (("input", given, tokens[0]), ("output", told, tokens[1])):
        sides[side] = {f"{side}ContentType": "application/json", f"{side}TokenCount": count}
        if len(orjson.dumps(body, default=_plain)) <= BODY_LIMIT_BYTES:
            sides[side][f"{side}BodyJson"] = body
    return {"schemaType": "ModelInvocationLog", "schemaVersion": "1.0", "timestamp": moment,
            "accountId": context.account, "region": context.region, "requestId": context.request_id,
            "identity": {"arn": context.principal.arn}, "operation": context.operation.name, "modelId": model, **sides}


def start(transaction: Transaction, context: Context, line: Answer) -> None:
    book = Book(transaction, context.scope)
    if wanted(book) is not None:
        book.start_job(JOB, {"id": new_id(), "line": orjson.dumps(line, default=_plain)})


def _plain(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


async def step(surroundings: Surroundings, now: float, state: Answer) -> None:
    """Written again after a crash, it is the same object. What S3 refuses is told and lost, as AWS does."""
    account, region = state["scope"]
    row = surroundings.shard.read(lambda snapshot: wanted(Book(snapshot, (account, region))))
    if row is None:
        return
    line = orjson.loads(state["line"])
    config = row["config"]["s3Config"]
    day, _, clock = line["timestamp"].partition("T")
    stamp = f"{day.replace('-', '')}T{clock.replace(':', '')}"
    folder = f"AWSLogs/{account}/BedrockModelInvocationLogs/{region}/{day.replace('-', '/')}/{clock[:2]}"
    key = "/".join(part for part in (config.get("keyPrefix", "").strip("/"), folder, f"{stamp}_{state['id']}.json.gz")
                   if part)
    content = gzip.compress(state["line"] + b"\n", mtime=0)
    try:
        await Objects(surroundings, account, region, row["principal"]).write(
            Location(config["bucketName"], key), content, "application/json")
    except Unreachable as error:
        log.warning("invocation_not_logged", account=account, reason=str(error))
