"""What the store answers when it cannot do its work. AwsErrors where a caller gets them, plain ones at start."""

from schemas.errors import AwsError, ServiceUnavailable


class StoreUnavailable(AwsError):
    """The disk refused: nothing of the write happened, reads go on. 500, which SDKs retry."""

    code = "InternalServerError"

    def __init__(self, message: str = "The storage of this service is not available.") -> None:
        super().__init__(message, status=500)


class Overloaded(ServiceUnavailable):
    """A bound of the shard is reached (its message says which): 503, which SDKs retry."""


class StoreError(Exception):
    """A data directory that cannot be served. The message is meant for the operator."""


class ShardInUse(StoreError):
    """Another process serves this directory."""


class DataTooNew(StoreError):
    """A newer program wrote this directory."""


class NotDurable(StoreError):
    """Written with durability = os, and the operating system has restarted since."""
