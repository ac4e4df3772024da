"""How large a document may be that a bucket is configured with.

Sources: the pages of PutBucketCors and PutBucketWebsite in https://docs.aws.amazon.com/AmazonS3/latest/API/.
"""

from gateway.protocols.wire import HttpRequest
from schemas.errors import AwsError
from schemas.models import Operation

BODIES_BYTES = {"PutBucketCors": 64 * 1024, "PutBucketWebsite": 128 * 1024}


class MaxMessageLengthExceeded(AwsError):
    code = "MaxMessageLengthExceeded"

    def __init__(self, limit_bytes: int) -> None:
        super().__init__("Your request was too big.", status=400, MaxMessageLengthBytes=str(limit_bytes))


def check(operation: Operation, request: HttpRequest) -> None:
    """MaxMessageLengthExceeded."""
    if len(request.body or b"") > BODIES_BYTES[operation.name]:
        raise MaxMessageLengthExceeded(BODIES_BYTES[operation.name])
