"""A gateway on a real socket with a fake bus, and clients: a plain HTTP one, and botocore's."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import botocore.session
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from gateway.app import Gateway, GatewayServer, serve
from gateway.connection import HEAD_LIMIT_S, BodyReader
from gateway.credentials import StaticCredentials
from gateway.metrics import Metrics
from gateway.settings import Settings
from schemas.envelope import Reply
from tests.gateway.fakes import Answerer, FakeBus, FakeTransport, answer_nothing

SERVICES = ("bedrock-runtime", "cloudwatch", "dynamodb", "ec2", "lambda", "s3", "sqs", "sts")


@dataclass
class Running:
    metrics: Metrics
    server: GatewayServer
    bus: FakeBus
    transport: FakeTransport

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(test())


@asynccontextmanager
async def running(
    answer: Answerer = answer_nothing, *, events: list[Reply] | None = None, body_reader: BodyReader | None = None,
    clock: Callable[[], float] = time.time, head_limit_s: float = HEAD_LIMIT_S, services: tuple[str, ...] = SERVICES,
    open_mode: bool = True, **settings: Any,
) -> AsyncIterator[Running]:
    bus, transport = FakeBus(answer, events), FakeTransport()
    credentials = StaticCredentials("test", "test", open_mode=open_mode)
    gateway = Gateway(
        transport, bus, credentials, Settings(services, open_mode, **settings), body_reader=body_reader, clock=clock)
    server = await serve(gateway, head_limit_s=head_limit_s)
    try:
        yield Running(gateway.metrics, server, bus, transport)
    finally:
        await server.close()


@dataclass
class Response:
    status: int
    headers: dict[str, str]
    body: bytes


class Connection:
    """HTTP/1.1 by hand, so that anything can be sent."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, gateway: Running) -> "Connection":
        return cls(*await asyncio.open_connection("127.0.0.1", gateway.server.port))

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def response(self, method: str = "GET") -> Response:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        status, *lines = head.rstrip().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        length = 0 if method == "HEAD" else int(headers.get("content-length", 0))
        return Response(int(status.split(" ")[1]), headers, await self.reader.readexactly(length))

    async def closed(self) -> bytes:
        """Everything until the other side closes."""
        try:
            return await self.reader.read()
        except ConnectionError:
            return b""

    async def close(self) -> None:
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except ConnectionError:
            return


async def ask(gateway: Running, request: bytes, method: str = "GET") -> Response:
    connection = await Connection.open(gateway)
    try:
        connection.send(request)
        return await connection.response(method)
    finally:
        await connection.close()


def http(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    given = {"host": "localhost", "content-length": str(len(body)), **headers}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items())]
    return "\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + body


def signed(service: str, method: str, path: str, headers: dict[str, str], body: bytes = b"", *,
           keys: tuple[str, str] = ("test", "test"), token: str | None = None) -> bytes:
    request = AWSRequest(method, f"http://localhost{path}", headers=dict(headers), data=body)
    signer = S3SigV4Auth if service == "s3" else SigV4Auth
    signer(Credentials(*keys, token), service, "us-east-1").add_auth(request)
    return http(method, path, dict(request.headers.items()), body)


def dynamodb(operation: str, body: bytes = b"{}", **options: Any) -> bytes:
    headers = {"x-amz-target": f"DynamoDB_20120810.{operation}", "content-type": "application/x-amz-json-1.0"}
    return signed("dynamodb", "POST", "/", headers, body, **options)


@contextmanager
def client(
    gateway: Running, service: str, access_key: str = "test", secret: str = "test", **config: Any
) -> Iterator[Any]:
    session = botocore.session.Session()
    made = session.create_client(
        service, "us-east-1", endpoint_url=gateway.url, aws_access_key_id=access_key, aws_secret_access_key=secret,
        config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, **config))
    try:
        yield made
    finally:
        made.close()
