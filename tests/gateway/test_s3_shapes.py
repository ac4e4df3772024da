"""What the router remembers of S3's plain requests says the same as the whole way does."""

from hypothesis import example, given
from hypothesis import strategies as st

from gateway.protocols import HttpRequest
from gateway.route import Router
from gateway.sigv4 import Claim, Signer
from schemas.errors import AwsError

SEGMENTS = st.sampled_from(["", "bucket", "a", "b+c", "..", "WriteGetObjectResponse", "v20180820", "%61", "schlüssel"])
METHODS = st.sampled_from(["GET", "PUT", "HEAD", "DELETE", "POST", "PATCH", "OPTIONS"])
QUERIES = st.sampled_from(["", "", "", "acl", "uploads", "x-id=PutObject"])
HEADERS = st.sampled_from([{}, {}, {"x-amz-copy-source": "a/b"}, {"x-amz-target": "T.Op"}, {"x-amz-account-id": "1"},
                           {"host": "bucket.s3.localhost:4566"}])


def claim(presigned: bool) -> Claim:
    scope = "20260101/us-east-1/s3/aws4_request"
    return Claim(Signer("AKIA", "20260101", "us-east-1", "s3", scope), ("host",), "0" * 64, "20260101T000000Z",
                 presigned=presigned)


def outcome(router: Router, request: HttpRequest, presigned: bool) -> object:
    """Operation, region, path and what of it the protocol parses, or the refusal."""
    try:
        route = router.route(request, claim(presigned))
        return (route.operation.name, route.region, route.request.path,
                route.protocol.parse(route.operation, route.request))
    except AwsError as error:
        return error.error_code, error.message


# Seed: Hypothesis prints it. Expected: the answer of a router that has seen nothing, which tests/gateway/test_route.py
# compares with the models. The first request fills the memory, of a shape that the second often has.
@given(METHODS, st.lists(SEGMENTS, min_size=1, max_size=4), QUERIES, HEADERS, st.booleans())
@example("PUT", ["bucket", "", ""], "", {}, False)
@example("GET", ["bucket", "a", ""], "", {}, False)
@example("PUT", ["", "bucket", "a"], "", {}, False)
def test_as_the_whole_way(
    method: str, segments: list[str], query: str, headers: dict[str, str], presigned: bool
) -> None:
    def request(path: str) -> HttpRequest:
        return HttpRequest(method, path, query, {"host": "127.0.0.1:4566", **headers}, None)

    path = "/" + "/".join(segments)
    warm = Router({"s3"})
    outcome(warm, request("/bucket/key"), presigned=False)
    outcome(warm, request("/other/key/more"), presigned=False)
    assert outcome(warm, request(path), presigned) == outcome(Router({"s3"}), request(path), presigned)
