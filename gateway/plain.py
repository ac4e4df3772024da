"""An error where no service is known, so that there is no protocol to tell it in."""

import orjson

from gateway.protocols import HttpResponse
from schemas.errors import COMMON_STATUS, AwsError


def plain_error(error: AwsError, request_id: str) -> HttpResponse:
    """JSON with the code where every SDK's JSON protocols look for it: header, __type and message."""
    status = error.status or COMMON_STATUS.get(error.error_code, 400)
    body = orjson.dumps({"__type": error.error_code, "message": error.message})
    headers = {
        "content-type": "application/json", "x-amzn-RequestId": request_id, "x-amzn-ErrorType": error.error_code,
    }
    return HttpResponse(status, headers, body)
