"""A gateway on another host: it has no folder in common with S3, and large bodies travel in chunks over the bus. Here
it is one without a state directory, on the broker of a running Skybus as its own gateways are."""

import asyncio
import json
from collections.abc import Callable
from hashlib import md5
from pathlib import Path
from typing import Any

import pytest
import urllib3
from botocore.exceptions import ClientError

from bus.client import Client
from bus.connection import open_connection
from bus.files import FOLDER, INCOMING
from gateway.app import Gateway, serve
from gateway.callers import NOBODY
from gateway.credentials import StaticCredentials
from gateway.settings import Settings
from schemas.envelope import DEFAULT_REGION
from tests import servers

BYTES = bytes(range(256)) * 4096 * 11     # 11 MiB


def elsewhere(data: Path, use: Callable[[Any], None]) -> None:
    """Hands over a client of such a gateway."""
    run = json.loads((data / "run/run.json").read_text())
    user = run["users"]["gateway"]

    async def main() -> None:
        transport = await open_connection(
            run["url"], user["user"], user["password"], user["inbox_prefix"] + "elsewhere.", "elsewhere")
        credentials = StaticCredentials("test", "test", open_mode=True)
        bus = Client(transport, NOBODY, region=DEFAULT_REGION)
        server = await serve(Gateway(transport, bus, credentials, Settings(("s3",), open_mode=True)))
        try:
            await asyncio.to_thread(use, servers.client(f"http://127.0.0.1:{server.port}", "s3"))
        finally:
            await server.close()
            await transport.close()

    asyncio.run(main())


def put_status(client: Any) -> int:
    """503 while the service starts anew."""
    try:
        status: int = client.put_object(Bucket="far", Key="after", Body=BYTES)["ResponseMetadata"]["HTTPStatusCode"]
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    assert status in (200, 503)
    return status


def test_bodies_between_hosts(tmp_path: Path) -> None:
    with servers.skybus(data_dir=tmp_path / "data") as server:
        here: Any = server.client("s3")
        here.create_bucket(Bucket="far")
        folder = tmp_path / "data/state/s3" / FOLDER

        def use(there: Any) -> None:
            put = there.put_object(Bucket="far", Key="put", Body=BYTES)
            assert put["ETag"] == f'"{md5(BYTES).hexdigest()}"'
            assert not list((folder / INCOMING).iterdir())
            for client in (there, here):
                assert client.get_object(Bucket="far", Key="put")["Body"].read() == BYTES
            part = there.get_object(Bucket="far", Key="put", Range="bytes=300000-2400001")["Body"].read()
            assert part == BYTES[300_000:2_400_002]
            small = there.get_object(Bucket="far", Key="put", Range="bytes=5-9")["Body"].read()
            assert small == BYTES[5:10]

            upload = {"Bucket": "far", "Key": "parts"}
            upload["UploadId"] = there.create_multipart_upload(**upload)["UploadId"]
            parts = [{"PartNumber": number, "ETag": there.upload_part(**upload, PartNumber=number, Body=body)["ETag"]}
                     for number, body in ((1, BYTES), (2, b"end" * 10_000))]
            there.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
            assert there.get_object(Bucket="far", Key="parts")["Body"].read() == BYTES + b"end" * 10_000

            with pytest.raises(ClientError, match="BadDigest"):
                there.put_object(Bucket="far", Key="lie", Body=BYTES, ContentMD5="1B2M2Y8AsgTpgAmY7PhCfg==")
            form = there.generate_presigned_post("far", "form")
            posted = urllib3.request("POST", form["url"], fields={**form["fields"], "file": ("f", BYTES)})
            assert posted.status == 204, posted.data
            assert here.get_object(Bucket="far", Key="form")["Body"].read() == BYTES
            keys = [each["Key"] for each in there.list_objects_v2(Bucket="far")["Contents"]]
            assert keys == ["form", "parts", "put"]

            server.processes()["actors"].kill()                  # and it finds the files of the next one
            while put_status(there) != 200:
                pass
            assert there.get_object(Bucket="far", Key="after")["Body"].read() == BYTES

        elsewhere(tmp_path / "data", use)
