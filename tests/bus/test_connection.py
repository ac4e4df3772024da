"""bus/connection.py alone: what only a real socket and a real broker can do to it."""

import asyncio
import os
import signal
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from bus import link
from bus.connection import OUT_LIMIT_BYTES, NatsTransport, open_connection
from bus.transport import Disconnected, Message, Overloaded
from tests.bus.worlds import until_connected
from tests.nats_server import OPEN_CONFIG, NatsServer, running

INBOX = "_INBOX.000000000000.test."


async def connect(server: NatsServer) -> NatsTransport:
    return await open_connection(server.url, "", "", INBOX, "test")


# A broker that takes nothing: publishes are accepted up to the bound, then refused; when it goes on, all arrive.
def test_what_waits_to_go_out_is_bounded() -> None:
    async def main(server: NatsServer) -> None:
        sender, receiver = await connect(server), await connect(server)
        got = 0

        def count(message: Message) -> None:
            nonlocal got
            got += len(message.data)

        receiver.subscribe("flood", count)
        await receiver.flush()
        os.kill(server.pid, signal.SIGSTOP)
        chunk, accepted, refused = bytes(256 * 1024), 0, False
        try:
            while not refused and accepted < 4 * OUT_LIMIT_BYTES:
                try:
                    sender.publish("flood", chunk)
                    accepted += len(chunk)
                except Overloaded:
                    refused = True
                await asyncio.sleep(0)
        finally:
            os.kill(server.pid, signal.SIGCONT)
        assert refused
        assert OUT_LIMIT_BYTES <= accepted < 2 * OUT_LIMIT_BYTES
        await sender.flush()
        await receiver.flush()
        assert got == accepted
        await sender.close()
        await receiver.close()

    with running() as server:
        asyncio.run(main(server))


# A broker that is silent, its socket open: given up after the pings, and found again when it speaks.
def test_a_silent_broker_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "PING_INTERVAL_S", 0.05)

    async def main(server: NatsServer) -> None:
        transport = await connect(server)
        transport.subscribe("echo", lambda message: transport.publish(message.reply, message.data))
        transport.subscribe("silent", lambda _: None)
        await transport.flush()
        future = transport.request("silent", b"", 60.0)
        os.kill(server.pid, signal.SIGSTOP)
        try:
            with pytest.raises(Disconnected):
                await future
        finally:
            os.kill(server.pid, signal.SIGCONT)
        await until_connected(transport)
        assert (await transport.request("echo", b"again", 60.0)).data == b"again"
        await transport.close()

    with running() as server:
        asyncio.run(main(server))


# Whoever answers on that port and is no broker: Disconnected within the time given, whatever it says.
@pytest.mark.parametrize("said", [
    b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"INFO not json\r\n", b"INFO {}\r\n", b"\x00" * 100_000,
    b"INFO {}\r\nPONG\r\nMSG\r\n",
])
def test_no_broker_at_all(said: bytes) -> None:
    async def main() -> None:
        async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(said)
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(Disconnected):
            await open_connection(f"nats://127.0.0.1:{port}", "", "", INBOX, "test", wait_s=0.3)
        server.close()
        await server.wait_closed()

    asyncio.run(main())


def test_a_broker_of_small_messages_is_refused() -> None:
    async def main(server: NatsServer) -> None:
        with pytest.raises(Disconnected, match="max_payload"):
            await connect(server)

    with running(OPEN_CONFIG.replace("1MB", "64KB")) as server:
        asyncio.run(main(server))


# TLS, as nats-py negotiates it: the same transport behind it, and a certificate nobody vouches for is refused.
def test_tls() -> None:
    certificate = Path(__file__).with_name("certificate.pem")
    config = f'tls {{ cert_file: "{certificate}", key_file: "{certificate}" }}'

    async def main(server: NatsServer) -> None:
        trusting = ssl.create_default_context(cafile=str(certificate))
        transport = await open_connection(server.url, "", "", INBOX, "test", tls=trusting)
        transport.subscribe("echo", lambda message: transport.publish(message.reply, message.data))
        data = bytes(300_000)
        assert (await transport.request("echo", data, 60.0)).data == data
        await transport.close()
        with pytest.raises(Disconnected):
            await open_connection(server.url, "", "", INBOX, "test", wait_s=0.5, tls=ssl.create_default_context())

    with running(config) as server:
        asyncio.run(main(server))


# An actor's process must not carry aiohttp and JetStream's client; who wants them later gets them.
def test_the_import_stays_light() -> None:
    program = (
        "import sys, bus.connection\n"
        "assert not {'aiohttp', 'multidict', 'nats.js', 'botocore'} & set(sys.modules)\n"
        "import aiohttp, nats.js\n"
        "assert nats.js.JetStreamContext and aiohttp.ClientSession\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
