"""A bucket's CORS configuration as a browser meets it."""

from typing import Any

import urllib3

from tests import servers

ORIGIN = "https://app.example"


def allowed(answer: urllib3.BaseHTTPResponse) -> tuple[int, str | None]:
    return answer.status, answer.headers.get("access-control-allow-origin")


# Also that a change counts at once, and that errors can be read by the page (ceph/s3-tests, test_cors_origin_response).
def test_a_page_and_a_bucket(skybus: servers.Server, s3: Any, bucket: str) -> None:
    url = f"{skybus.endpoint}/{bucket}/k"
    asking = {"Origin": ORIGIN, "Access-Control-Request-Method": "PUT",
              "Access-Control-Request-Headers": "x-amz-meta-a"}
    assert allowed(urllib3.request("OPTIONS", url, headers=asking)) == (403, None)
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [{
        "AllowedOrigins": ["https://*.example"], "AllowedMethods": ["PUT"], "AllowedHeaders": ["x-amz-meta-*"]}]})
    assert allowed(urllib3.request("OPTIONS", url, headers=asking)) == (200, ORIGIN)
    put = s3.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "k", "Metadata": {"a": "b"}})
    sent = urllib3.request("PUT", put, headers={"Origin": ORIGIN, "x-amz-meta-a": "b"}, body=b"hello")
    assert allowed(sent) == (200, ORIGIN)
    large = urllib3.request("PUT", put, headers={"Origin": ORIGIN, "x-amz-meta-a": "b"}, body=bytes(100_000))
    assert allowed(large) == (200, ORIGIN)
    assert allowed(urllib3.request("PUT", url, headers={"Origin": ORIGIN}, body=b"")) == (403, ORIGIN)
    get = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "k"})
    assert allowed(urllib3.request("GET", get, headers={"Origin": ORIGIN})) == (403, None)
    s3.delete_bucket_cors(Bucket=bucket)
    assert allowed(urllib3.request("OPTIONS", url, headers=asking)) == (403, None)
