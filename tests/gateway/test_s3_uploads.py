"""Bodies on their way into files: who sends too slowly is told so, and nothing of it stays."""

import asyncio
from base64 import b64encode
from pathlib import Path
from zlib import crc32

import pytest

from bus.files import FOLDER, INCOMING
from gateway import uploads
from gateway.connection import BodyReader
from gateway.uploads import INLINE_LIMIT_BYTES
from tests.gateway.running import Connection, Response, Running, ask, http, run, running, signed

SIZE = 100_000
FORM = b'--x\r\ncontent-disposition: form-data; name="key"\r\n\r\nk\r\n'
FILE = b'--x\r\ncontent-disposition: form-data; name="file"\r\n\r\n'


def requests() -> dict[str, bytes]:
    """Each with more to come."""
    put = signed("s3", "PUT", "/bucket/k", {}, b"x" * SIZE)
    form = http("POST", "/bucket", {"content-type": "multipart/form-data; boundary=x", "content-length": str(SIZE)})
    file = form + FORM + FILE + b"y" * 100
    return {"put": put[:-SIZE // 2], "nothing": put[:-SIZE], "fields": form + FORM, "file": file}


async def trickle(connection: Connection) -> Response:
    """A byte at a time, until there is an answer."""
    answer = asyncio.create_task(connection.response())
    while not answer.done():
        connection.send(b"z")
        await asyncio.sleep(0.01)
    return answer.result()


# A pause of S3's idle limit, and a body that never pauses but takes longer than its size allows (slowloris): 400
# RequestTimeout, the connection closed. https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
@pytest.mark.parametrize("kind", ["put", "nothing", "fields", "file"])
@pytest.mark.parametrize("pauses", [True, False])
def test_a_body_too_slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, pauses: bool) -> None:
    incoming = tmp_path / "s3" / FOLDER / INCOMING
    incoming.mkdir(parents=True)
    if not pauses:
        monkeypatch.setattr(uploads, "BODY_LIMIT_S", 0.2)
        monkeypatch.setattr(uploads, "FORM_LIMIT_S", 0.2)
        monkeypatch.setattr(uploads, "LEAST_RATE_BYTES_S", SIZE * 1000)

    async def slow(gateway: Running) -> None:
        connection = await Connection.open(gateway)
        connection.send(requests()[kind])
        answer = await (connection.response() if pauses else trickle(connection))
        assert (answer.status, b"<Code>RequestTimeout</Code>" in answer.body) == (400, True)
        assert answer.headers["connection"] == "close"
        await connection.close()

    async def main() -> None:
        reader = BodyReader(idle_limit_s=0.05 if pauses else 5.0)
        async with running(body_reader=reader, state=tmp_path) as gateway:
            await slow(gateway)
            assert not gateway.bus.asked
        assert list(incoming.iterdir()) == []

    run(main)


# Who signs nothing sends aws-chunked too, as AWS's SDKs do without credentials: it is no part of the object.
# gaul/s3proxy, TrailerChecksumTest; https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
@pytest.mark.parametrize("size", [5, SIZE])
@pytest.mark.parametrize("whole", [True, False])
def test_chunks_of_nobody(tmp_path: Path, size: int, whole: bool) -> None:
    (tmp_path / "s3" / FOLDER / INCOMING).mkdir(parents=True)
    payload = b"x" * size
    crc = b64encode(crc32(payload).to_bytes(4, "big")).decode()
    body = b"%x\r\n%b\r\n" % (size, payload) + (f"0\r\nx-amz-checksum-crc32:{crc}\r\n\r\n".encode() if whole else b"")
    request = http("PUT", "/bucket/k", {
        "content-length": str(len(body)), "content-encoding": "aws-chunked", "x-amz-trailer": "x-amz-checksum-crc32",
        "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "x-amz-decoded-content-length": str(size)}, body)

    async def main() -> None:
        async with running(state=tmp_path) as gateway:
            answer = await ask(gateway, request)
            if not whole:
                assert (answer.status, b"<Code>IncompleteBody</Code>" in answer.body) == (400, True)
                return
            assert answer.status == 200
            params = gateway.bus.asked[0].request.params
            assert (params["ChecksumCRC32"], "ContentEncoding" in params) == (crc, False)
            assert size > INLINE_LIMIT_BYTES or params["Body"] == payload

    run(main)


# An object's body says how long it is, and nothing else has to. As ceph/s3-tests have it in test_headers.py:
# test_object_create_bad_contentlength_none, test_bucket_create_contentlength_none, and of ACLs.
@pytest.mark.parametrize(("path", "headers", "status", "code"), [
    ("/bucket/k", {}, 411, "MissingContentLength"),
    ("/bucket/k?partNumber=1&uploadId=u", {}, 411, "MissingContentLength"),
    ("/bucket/k", {"transfer-encoding": "chunked"}, 501, "NotImplemented"),
    ("/bucket/k", {"content-length": "0"}, 200, ""), ("/bucket", {}, 200, ""), ("/bucket/k?acl", {}, 200, ""),
    ("/bucket/k", {"x-amz-copy-source": "a/b"}, 200, ""),
])
def test_no_length(tmp_path: Path, path: str, headers: dict[str, str], status: int, code: str) -> None:
    (tmp_path / "s3" / FOLDER / INCOMING).mkdir(parents=True)
    stated = {"host": "localhost", **headers}
    lines = [f"PUT {path} HTTP/1.1", *(f"{name}: {value}" for name, value in stated.items()), "", ""]
    body = b"0\r\n\r\n" if "transfer-encoding" in headers else b""

    async def main() -> None:
        async with running(state=tmp_path) as gateway:
            answer = await ask(gateway, "\r\n".join(lines).encode() + body)
            assert (answer.status, code.encode() in answer.body) == (status, True)

    run(main)
