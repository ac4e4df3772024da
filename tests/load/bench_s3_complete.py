"""What completing a multipart upload costs: its time, and the bytes that all processes write meanwhile.

    python -m tests.load.bench_s3_complete [--mib 10240] [--parts 20] [--json]

The parts are files; CompleteMultipartUpload names them in one row and moves none of their bytes. Needs that much disk.
"""

import argparse
import time
from pathlib import Path
from typing import Any, NamedTuple

from tests import servers
from tests.load.bench_s3 import MIB, put_blocks

BUCKET, KEY = "bench", "multipart"


class Completed(NamedTuple):
    """Bytes written by all processes while the parts came, and while the upload was completed."""

    uploaded_bytes: int
    bytes: int
    seconds: float
    etag: str


def written_bytes(server: servers.Server) -> int:
    """By all processes: what they have made the kernel bring to a disk, and what they have handed to it at all, to
    sockets too. The larger of both: a file system in memory has no disk, and mapped pages are never handed over."""
    disk = handed = 0
    for process in server.processes().values():
        facts = dict(line.split(": ") for line in Path(f"/proc/{process.pid}/io").read_text().splitlines())
        disk += int(facts["write_bytes"])
        handed += int(facts["wchar"])
    return max(disk, handed)


def complete(server: servers.Server, mib: int, parts: int) -> Completed:
    """Uploads `mib` MiB in as many parts, and completes them."""
    client: Any = server.client("s3")
    client.create_bucket(Bucket=BUCKET)
    upload = client.create_multipart_upload(Bucket=BUCKET, Key=KEY)["UploadId"]
    before = written_bytes(server)
    paths = {number: f"/{BUCKET}/{KEY}?partNumber={number}&uploadId={upload}" for number in range(1, parts + 1)}
    made = [{"PartNumber": number, "ETag": put_blocks(server, path, mib // parts)} for number, path in paths.items()]
    began, started = written_bytes(server), time.perf_counter()
    answer = client.complete_multipart_upload(
        Bucket=BUCKET, Key=KEY, UploadId=upload, MultipartUpload={"Parts": made})
    took = time.perf_counter() - started
    return Completed(began - before, written_bytes(server) - began, took, answer["ETag"])


def main() -> None:
    wants = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    wants.add_argument("--mib", type=int, default=10 * 1024)
    wants.add_argument("--parts", type=int, default=20)
    wants.add_argument("--json", action="store_true")
    options = wants.parse_args()
    with servers.skybus() as server:
        done = complete(server, options.mib, options.parts)
        size = server.client("s3").head_object(Bucket=BUCKET, Key=KEY)["ContentLength"]  # type: ignore[attr-defined]
    servers.show([{
        "MiB": size // MIB, "parts": options.parts, "MiB written by the parts": done.uploaded_bytes // MIB,
        "KiB written by Complete": done.bytes // 1024, "ms": done.seconds * 1e3,
    }], options.json)


if __name__ == "__main__":
    main()
