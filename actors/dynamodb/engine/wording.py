"""Two wordings of one refusal. AWS checks attribute values and parameters in an older layer and in a current one.

Which operation speaks how, measured on AWS in October 2026 by the public dynamodb-conformance suite
(tier3/error-messages/valueLayers, deleteItem, putItem):

    current, in an envelope   PutItem, UpdateItem, DeleteItem
    current, bare             GetItem, BatchGetItem, Query
    older, bare               BatchWriteItem, Scan, transactions, PartiQL
"""

from schemas.errors import ValidationException

ENVELOPE = "1 validation error detected: "


class Reworded(ValidationException):
    """What the two layers word differently. `message`: the older layer's; `current`: the current one's."""

    def __init__(self, older: str, current: str) -> None:
        super().__init__(older)
        self.current = current


def current_words(error: ValidationException) -> str:
    return error.current if isinstance(error, Reworded) else error.message


def in_current_words(error: ValidationException) -> ValidationException:
    return ValidationException(current_words(error))


def enveloped(error: ValidationException) -> ValidationException:
    return ValidationException(ENVELOPE + current_words(error))
