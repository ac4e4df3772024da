"""Memory and start with many users who have a policy and a key of their own: `python -m tests.load.bench_users`

    [--users 10000] [--used 100]

A data directory without users is started, they are made, and it is started again: what a start reads of them is how
much of IAM's file is mapped into the actors' memory. Then some of them ask, then all; each must be let in by its own
policy. Private memory is RssAnon.
"""

import argparse
import asyncio
import json
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlencode

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from gateway.sigv4 import ALGORITHM
from schemas.envelope import DEFAULT_REGION
from tests import servers
from tests.load.bench_memory import rss_anon_mib
from tests.load.connections import Connections

CONNECTIONS, ACCOUNTS, CHUNK = 16, 10, 1000
KEY, SECRET = (f"{{*}}CreateAccessKeyResult/{{*}}AccessKey/{{*}}{name}" for name in ("AccessKeyId", "SecretAccessKey"))

Keys = list[tuple[str, str]]


def made_by_root(number: int, action: str, **parameters: str) -> bytes:
    """A request of the root of this user's account, whose key nobody verifies in open mode."""
    body = urlencode({"Action": action, "Version": "2010-05-08", "UserName": f"user-{number}", **parameters})
    credential = f"{number % ACCOUNTS + 1:012d}/20260101/{DEFAULT_REGION}/iam/aws4_request"
    return (f"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-www-form-urlencoded\r\n"
            f"content-length: {len(body)}\r\nx-amz-date: 20260101T000000Z\r\nauthorization: {ALGORITHM} "
            f"Credential={credential}, SignedHeaders=host, Signature=0\r\n\r\n{body}").encode()


def policy(number: int) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": f"arn:aws:dynamodb:*:*:table/of-{number}"}]})


def asked_by(number: int, keys: tuple[str, str]) -> bytes:
    """GetItem on the one table that the user's policy allows, and that is not there."""
    body = json.dumps({"TableName": f"of-{number}", "Key": {"pk": {"S": "1"}}}).encode()
    made = AWSRequest("POST", "http://localhost/", data=body, headers={
        "content-type": "application/x-amz-json-1.0", "x-amz-target": "DynamoDB_20120810.GetItem", "host": "localhost",
        "content-length": str(len(body))})
    SigV4Auth(Credentials(*keys), "dynamodb", DEFAULT_REGION).add_auth(made)
    head = "".join(f"{name}: {value}\r\n" for name, value in made.headers.items())
    return f"POST / HTTP/1.1\r\n{head}\r\n".encode() + body


async def ask(server: servers.Server, requests: Sequence[bytes]) -> list[tuple[int, bytes]]:
    connections = Connections(server.port, CONNECTIONS)
    await connections.start()
    answers = await connections.ask(requests)
    await connections.close()
    return answers


def make(server: servers.Server, users: int) -> Keys:
    keys: Keys = []
    for start in range(0, users, CHUNK):
        numbers = range(start, min(start + CHUNK, users))
        for answers in (
            asyncio.run(ask(server, [made_by_root(number, "CreateUser") for number in numbers])),
            asyncio.run(ask(server, [made_by_root(number, "PutUserPolicy", PolicyName="own", PolicyDocument=policy(
                number)) for number in numbers])),
            asyncio.run(ask(server, [made_by_root(number, "CreateAccessKey") for number in numbers])),
        ):
            assert all(status == 200 for status, _ in answers), next(body for status, body in answers if status != 200)
        found = [ET.fromstring(body) for _, body in answers]
        keys += [(each.findtext(KEY, ""), each.findtext(SECRET, "")) for each in found]
    return keys


def use(server: servers.Server, keys: Keys) -> None:
    for start in range(0, len(keys), CHUNK):
        some = list(enumerate(keys))[start:start + CHUNK]
        for status, body in asyncio.run(ask(server, [asked_by(number, each) for number, each in some])):
            assert status == 400, body
            assert b"ResourceNotFoundException" in body, body          # let in; others are AccessDeniedException


def mapped(pid: int, directory: Path) -> tuple[float, float]:
    """MiB of IAM's file: in the process's memory, and in all."""
    file = next(directory.rglob("iam/**/data.mdb"))
    inside, kib = False, 0
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if "-" in line.partition(" ")[0]:
            inside = line.endswith(str(file))
        elif inside and line.startswith("Rss:"):
            kib += int(line.split()[1])
    return kib / 1024, file.stat().st_blocks * 512 / 2**20


def state(what: str, server: servers.Server, directory: Path) -> dict[str, object]:
    processes = server.processes()
    in_memory, size = mapped(processes["actors"].pid, directory)
    return {"": what, "first call s": server.first_call_s,
            **{f"{name} MiB": rss_anon_mib(processes[name].pid) for name in ("gateway-1", "actors")},
            "IAM's file MiB": size, "of it mapped": in_memory}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--users", type=int, default=10_000)
    parser.add_argument("--used", type=int, default=100)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="skybus-") as scratch:
        directory = Path(scratch) / "data"
        with servers.skybus("--durability", "os", data_dir=directory) as server:
            rows = [state("started without users", server, directory)]
            keys = make(server, given.users)
        with servers.skybus("--durability", "os", data_dir=directory) as server:
            rows.append(state(f"started with {given.users:,}", server, directory))
            for count in (given.used, given.users):
                use(server, keys[:count])
                rows.append(state(f"{count:,} have asked", server, directory))
    servers.show(rows, False)


if __name__ == "__main__":
    main()
