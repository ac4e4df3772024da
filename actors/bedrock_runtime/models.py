"""Which local model a modelId means: a model, an inference profile, throughput that was provisioned, an import."""

from actors.bedrock import state
from actors.bedrock.catalogue import Model, Models
from actors.bedrock.state import Book
from actors.bedrock_runtime.errors import INVALID_MODEL, ModelNotReadyException, ResourceNotFoundException
from schemas.errors import ValidationException

HOPS_LIMIT = 4                            # a throughput of a profile of a model is two


def resolve(book: Book, models: Models, identifier: str) -> Model:
    """ValidationException, ResourceNotFoundException."""
    for _ in range(HOPS_LIMIT):
        found = models.find(identifier)
        if found is not None:
            return found
        identifier = _behind(book, identifier)
    raise ValidationException(INVALID_MODEL)


def _behind(book: Book, identifier: str) -> str:
    """What an account's own resource stands for."""
    kind = identifier.partition("/")[0].rpartition(":")[2] if identifier.startswith("arn:") else ""
    if kind not in (state.PROFILE, state.PROVISIONED, state.IMPORTED):
        raise ValidationException(INVALID_MODEL)
    record = book.find(kind, identifier)
    if record is None:
        raise ResourceNotFoundException(f"Could not find the model with identifier {identifier}.")
    if kind == state.PROFILE:
        return str(record["shown"]["models"][0]["modelArn"])
    if kind == state.PROVISIONED:
        return str(record["shown"]["modelArn"])
    raise ModelNotReadyException              # imported, and not yet in the catalogue of this process
