"""One load generator for every server: wrk (Debian package) replaying signed requests from a file, in turn.

Each request is signed ahead for its own server, so a server that verifies signatures pays for it and the client does
not. A signature is good for 15 minutes: make the file just before the run.
"""

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

# Records are "<length in 8 digits><request>": requests may hold any byte.
SCRIPT = """
local requests, count, at = {}, 0, 0
function init(args)
  local file = assert(io.open(args[1], "rb"))
  while true do
    local head = file:read(8)
    if not head then break end
    count = count + 1
    requests[count] = file:read(tonumber(head))
  end
  file:close()
end
function request()
  at = at % count + 1
  return requests[at]
end
function done(summary, latency, rates)
  local e = summary.errors
  io.write(string.format(
    '\\n{"requests": %d, "duration_s": %.6f, "p50_ms": %.3f, "p99_ms": %.3f, "bad_status": %d, "broken": %d}\\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    e.status, e.connect + e.read + e.write + e.timeout))
end
"""


@dataclass(frozen=True)
class Result:
    """What one run showed. Rates count answered requests; bad_status those not 2xx or 3xx."""

    requests: int
    duration_s: float
    p50_ms: float
    p99_ms: float
    bad_status: int
    broken: int

    @property
    def per_second(self) -> float:
        return self.requests / self.duration_s


def sign(host: str, target: str, params: dict[str, object], service: str = "dynamodb") -> bytes:
    """A raw HTTP/1.1 request, signed for `host` with the credential test/test, as SDKs sign."""
    body = json.dumps(params, separators=(",", ":")).encode()
    headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": target}
    request = AWSRequest("POST", f"http://{host}/", data=body, headers=headers)
    SigV4Auth(Credentials("test", "test"), service, "us-east-1").add_auth(request)
    lines = [f"{name}: {value}" for name, value in request.headers.items()]
    head = "\r\n".join(["POST / HTTP/1.1", f"Host: {host}", f"Content-Length: {len(body)}", *lines])
    return head.encode() + b"\r\n\r\n" + body


def write_requests(path: Path, requests: Iterable[bytes]) -> None:
    with path.open("wb") as file:
        for request in requests:
            file.write(b"%08d" % len(request))
            file.write(request)


def run(endpoint: str, requests: Path, connections: int, duration_s: int) -> Result:
    """wrk with one thread. RuntimeError with its output when it says nothing usable."""
    if not shutil.which("wrk"):
        raise SystemExit("wrk is not installed: apt-get install wrk")
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(SCRIPT)
        script.flush()
        argv = ["wrk", "-t1", f"-c{connections}", f"-d{duration_s}s", "--timeout", "30s", "-s", script.name, endpoint,
                "--", str(requests)]
        output = subprocess.run(argv, capture_output=True, text=True, check=False)
    found = re.search(r"^\{.*\}$", output.stdout, re.MULTILINE)
    if not found:
        raise RuntimeError(output.stdout + output.stderr)
    return Result(**json.loads(found[0]))
