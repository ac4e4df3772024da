"""`skybus call`: one operation, straight over the bus, as a direct publisher with the root user's access.

JSON has neither blobs nor timestamps: by the service's model, blobs are base64, timestamps ISO 8601 or epoch seconds.
"""

import base64
import binascii
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bus.client import Client
from bus.subjects import DIRECT
from bus.transport import BusError, Transport
from deploy import control
from deploy.asking import on_bus
from deploy.broker import BusUser, read_bus
from deploy.config import Config
from deploy.failures import CallFailed, UsageError
from schemas.envelope import Identity
from schemas.errors import AwsError
from schemas.models import UnknownService, load

if TYPE_CHECKING:
    from schemas.models import Shape


def call(config: Config, service: str, operation: str, text: str) -> int:
    """Prints the answer as JSON. UsageError, NotRunning, CallFailed."""
    params = _params(service, operation, text)
    control.ask(config.storage.run_dir, "status")          # a killed instance leaves its bus.json behind
    access = read_bus(config.storage.run_dir)
    identity = Identity(DIRECT, access["account"], access["principal"])

    async def work(transport: Transport) -> dict[str, Any]:
        client = Client(transport, identity, region=config.access.region)
        return await client.call(service, operation, params)

    user = BusUser(access["user"], access["password"], access["inbox_prefix"])
    try:
        answer = on_bus(access["url"], user, work)
    except AwsError as error:
        raise CallFailed(f"{error.error_code}: {error.message}") from error
    except BusError as error:
        raise CallFailed(f"No answer from {service}: {error or type(error).__name__}.") from error
    print(json.dumps(answer, indent=1, default=_to_json, ensure_ascii=False))
    return 0


def _params(service: str, operation: str, text: str) -> dict[str, Any]:
    try:
        model = load(service)
    except UnknownService as error:
        raise UsageError(f"AWS has no service {service!r} (names as in `aws help`, e.g. dynamodb).") from error
    described = model.operations.get(operation)
    if described is None:
        raise UsageError(f"{service} has no operation {operation!r} (names as in AWS's reference, e.g. ListTables).")
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"The request is not JSON: {error}.") from error
    if not isinstance(given, dict):
        raise UsageError("The request must be a JSON object.")
    return given if described.input is None else dict(from_json(described.input, given, operation))


def from_json(shape: "Shape", value: Any, where: str) -> Any:
    """`value` with blobs and timestamps as the bus carries them. What does not fit is left for validation to say."""
    match shape.kind, value:
        case "structure", dict():
            members = shape.members
            return {name: from_json(members[name].shape, part, f"{where}.{name}") if name in members else part
                    for name, part in value.items()}
        case "map", dict() if shape.item is not None:
            return {name: from_json(shape.item.shape, part, f"{where}.{name}") for name, part in value.items()}
        case "list", list() if shape.item is not None:
            return [from_json(shape.item.shape, part, f"{where}[{at}]") for at, part in enumerate(value)]
        case "blob", str():
            try:
                return base64.b64decode(value, validate=True)
            except binascii.Error as error:
                raise UsageError(f"{where} is a blob, so base64: {error}.") from error
        case "timestamp", (str() | int() | float()):
            return _time(value, where)
    return value


def _time(value: str | float, where: str) -> datetime:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise UsageError(f"{where} is a timestamp, so ISO 8601 or seconds since the epoch: {error}.") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _to_json(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)
