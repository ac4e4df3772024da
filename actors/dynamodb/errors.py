"""DynamoDB's own errors. Status and fault come from the model, the wording from AWS.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
"""

from typing import Any

from schemas.errors import AwsError


class ResourceNotFoundException(AwsError):
    code = "ResourceNotFoundException"


class ResourceInUseException(AwsError):
    code = "ResourceInUseException"


class ConditionalCheckFailedException(AwsError):
    """`item`: what stood there, told only to a caller who asked (ReturnValuesOnConditionCheckFailure=ALL_OLD)."""

    code = "ConditionalCheckFailedException"

    def __init__(self, item: dict[str, Any] | None = None) -> None:
        fields: dict[str, Any] = {} if item is None else {"Item": item}
        super().__init__("The conditional request failed", **fields)


class DuplicateItemException(AwsError):
    code = "DuplicateItemException"

    def __init__(self) -> None:
        super().__init__("Duplicate primary key exists in table")


class TransactionCanceledException(AwsError):
    """`reasons`: AWS's CancellationReason for each action in order, {"Code": "None"} where nothing was wrong."""

    code = "TransactionCanceledException"

    def __init__(self, reasons: list[dict[str, Any]]) -> None:
        codes = ", ".join(reason["Code"] for reason in reasons)
        super().__init__(
            f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]",
            CancellationReasons=reasons,
        )


class TransactionConflictException(AwsError):
    code = "TransactionConflictException"

    def __init__(self) -> None:
        super().__init__("Transaction is ongoing for the item")


class IdempotentParameterMismatchException(AwsError):
    code = "IdempotentParameterMismatchException"

    def __init__(self) -> None:
        super().__init__(
            "DynamoDB rejected the request because you retried a request with a different payload but with an "
            "idempotent token that was already used."
        )


class LimitExceededException(AwsError):
    code = "LimitExceededException"


class ItemCollectionSizeLimitExceededException(AwsError):
    code = "ItemCollectionSizeLimitExceededException"

    def __init__(self) -> None:
        super().__init__("Collection size exceeded.")


class NotImplementedMember(AwsError):
    """The honest 501 for a member of a request that AWS has and Skybus does not have yet."""

    code = "NotImplemented"

    def __init__(self, operation: str, member: str) -> None:
        super().__init__(f"Skybus does not implement {member} of dynamodb:{operation}.", status=501)


class TableNotFoundException(AwsError):
    code = "TableNotFoundException"


class TableAlreadyExistsException(AwsError):
    code = "TableAlreadyExistsException"


class TableInUseException(AwsError):
    code = "TableInUseException"


class BackupNotFoundException(AwsError):
    code = "BackupNotFoundException"


class BackupInUseException(AwsError):
    code = "BackupInUseException"


class InvalidRestoreTimeException(AwsError):
    code = "InvalidRestoreTimeException"


class PointInTimeRecoveryUnavailableException(AwsError):
    code = "PointInTimeRecoveryUnavailableException"


class ExportNotFoundException(AwsError):
    code = "ExportNotFoundException"


class ExportConflictException(AwsError):
    code = "ExportConflictException"


class InvalidExportTimeException(AwsError):
    code = "InvalidExportTimeException"


class ImportNotFoundException(AwsError):
    code = "ImportNotFoundException"


class ImportConflictException(AwsError):
    code = "ImportConflictException"


class PolicyNotFoundException(AwsError):
    code = "PolicyNotFoundException"


class GlobalTableNotFoundException(AwsError):
    code = "GlobalTableNotFoundException"


class ProvisionedThroughputExceededException(AwsError):
    code = "ProvisionedThroughputExceededException"
