"""What DynamoDB's endpoint does beside its protocol: a health page, a strict head, answers that are compressed.

Sources: the public dynalite suite (test/connection.js) for the head and the health page, Scylla's Alternator suite
(test_compressed_response.py, test_crc.py) for compression, both measured on AWS.
"""

import zlib
from collections.abc import Mapping

from gateway.bodies import RequestEntityTooLarge
from gateway.connection import Answer
from gateway.protocols import HttpRequest, HttpResponse
from schemas.errors import AwsError, SerializationException

SERVICES = frozenset({"dynamodb", "dynamodbstreams"})
BODY_LIMIT_BYTES = 16 * 1024 * 1024       # of a request as it is sent: a compressed one may hold more
COMPRESSED_FROM_BYTES = 4096              # a body of more than this is compressed for who accepts it
_LEVEL = 1                                # zlib's: the loop waits for it, 1 MB takes 10 ms
_JSON_10, _JSON = "application/x-amz-json-1.0", "application/json"
_WBITS = {"gzip": 31, "deflate": 15}      # as zlib wants them; the order is our preference


class NotJson(AwsError):
    """A request that is not POSTed as JSON: answered 404, with a body that is no JSON either."""

    code = "UnknownOperationException"
    body = b"<UnknownOperationException/>\n"

    def response(self) -> HttpResponse:
        return HttpResponse(404, {"x-amz-crc32": str(zlib.crc32(self.body))}, self.body)


def health(host: str, request_id: str) -> Answer:
    """What GET / answers, whoever asks; the space at its end is AWS's."""
    body = f"healthy: {host} ".encode()
    headers = {"content-type": "text/plain", "x-amzn-RequestId": request_id, "x-amz-crc32": str(zlib.crc32(body))}
    return Answer(200, headers, body)


def check_head(request: HttpRequest, sent_bytes: int) -> None:
    """NotJson; SerializationException for a body that is missing or in a coding nobody knows; RequestEntityTooLarge."""
    headers = request.headers
    if sent_bytes > BODY_LIMIT_BYTES:
        raise RequestEntityTooLarge(BODY_LIMIT_BYTES)
    if request.method != "POST":
        raise NotJson
    if request.body and headers.get("content-type") != _JSON_10 and _media_type(headers) not in (_JSON_10, _JSON):
        raise NotJson
    if not request.body or headers.get("content-encoding", "identity") != "identity":
        raise SerializationException


def _media_type(headers: Mapping[str, str]) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def finish(response: HttpResponse, headers: Mapping[str, str]) -> None:
    """Answers in the type that was asked in, and compressed if that was asked for; the checksum is of what is sent."""
    if headers.get("content-type") != _JSON_10 and "content-type" in response.headers:
        response.headers["content-type"] = _JSON_10 if _media_type(headers) == _JSON_10 else _JSON
    if "accept-encoding" not in headers or len(response.body) <= COMPRESSED_FROM_BYTES:
        return
    coding = chosen_coding(headers["accept-encoding"])
    if coding:
        packer = zlib.compressobj(_LEVEL, wbits=_WBITS[coding])
        response.body = packer.compress(response.body) + packer.flush()
        response.headers["content-encoding"] = coding
        response.headers["x-amz-crc32"] = str(zlib.crc32(response.body))


def chosen_coding(accepted: str) -> str:
    """gzip, deflate or "" for an Accept-Encoding, read as AWS reads it: identity counts for nothing, of two equals the
    first named wins, and a weight that is none is 1."""
    weights: dict[str, float] = {}
    for entry in accepted.split(","):
        coding, *parameters = (part.strip() for part in entry.split(";"))
        coding = coding.lower()
        weights[coding] = max(weights.get(coding, 0.0), _weight(parameters))
    anything = weights.pop("*", 0.0)
    named = {coding: weight for coding, weight in weights.items() if coding in _WBITS}
    candidates = {**named, **{coding: anything for coding in _WBITS if coding not in named}}
    best = max(candidates, key=candidates.__getitem__)
    return best if candidates[best] > 0 else ""


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, text = parameter.partition("=")
        if name.strip().lower() == "q":
            try:
                return min(float(text), 1.0)
            except ValueError:
                return 1.0
    return 1.0
