"""DynamoDB Streams' own errors. Wording: the API's reference, and what its clients report of the service."""

from schemas.errors import AwsError


class StreamNotFound(AwsError):
    code = "ResourceNotFoundException"

    def __init__(self, arn: str) -> None:
        super().__init__(f"Requested resource not found: Stream: {arn} not found")


class ShardNotFound(AwsError):
    code = "ResourceNotFoundException"

    def __init__(self) -> None:
        super().__init__("Requested resource not found: Shard does not exist")


class ExpiredIteratorException(AwsError):
    code = "ExpiredIteratorException"

    def __init__(self) -> None:
        super().__init__("The shard iterator has expired and can no longer be used to retrieve stream records")


class TrimmedDataAccessException(AwsError):
    code = "TrimmedDataAccessException"

    def __init__(self) -> None:
        super().__init__("The data you are trying to access has been trimmed")
