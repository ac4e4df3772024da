"""Which local model a modelId means: a model, an inference profile, throughput that was provisioned, an import."""

from dataclasses import replace

from actors.bedrock import state
from actors.bedrock.catalogue import Model, Models
from actors.bedrock.state import Book, Record
from actors.bedrock_runtime.errors import INVALID_MODEL, ModelNotReadyException, ResourceNotFoundException
from schemas.errors import ValidationException

HOPS_LIMIT = 4                            # a throughput of a profile of a model is two


def resolve(book: Book, models: Models, identifier: str) -> Model:
    """ValidationException, ResourceNotFoundException, ModelNotReadyException."""
    record: Record | None = None
    for _ in range(HOPS_LIMIT):
        kind = identifier.partition("/")[0].rpartition(":")[2] if identifier.startswith("arn:") else ""
        if kind not in (state.PROFILE, state.PROVISIONED, state.DEPLOYMENT, state.IMPORTED, state.CUSTOM):
            break
        record = book.find(kind, identifier)
        if record is None:
            raise ResourceNotFoundException(f"Could not find the model with identifier {identifier}.")
        if kind in (state.IMPORTED, state.CUSTOM):
            break
        shown = record["shown"]
        if kind == state.PROVISIONED and shown["status"] in ("Creating", "Failed"):
            raise ModelNotReadyException
        identifier = shown["modelArn"] if "modelArn" in shown else shown["models"][0]["modelArn"]
    found = models.find(identifier)
    if found is None and kind in (state.IMPORTED, state.CUSTOM):
        raise ModelNotReadyException          # there, and not yet in this process's catalogue
    if found is None:
        raise ValidationException(INVALID_MODEL)
    if kind == state.CUSTOM and record is not None:       # it speaks as its base does
        return replace(found, id=record["shown"]["baseModelArn"].rpartition("/")[2])
    return found
