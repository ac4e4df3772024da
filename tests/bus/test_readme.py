"""bus/README.md says what is so: its bytes decode, its program runs, its numbers are the constants'."""

import asyncio
import re
import sys
from pathlib import Path

from bus import bodies, client, codec, connection, doorkeeper, link, mux, permissions, subjects
from bus.bodies import Bodies
from bus.connection import open_connection
from bus.endpoint import Endpoint
from bus.permissions import BrokerSettings, actors, direct_publisher, process_inbox, server_config
from bus.transport import Message
from schemas.envelope import INLINE_LIMIT_BYTES, Reply, Request
from schemas.routing import slot
from tests.nats_server import running

README = (Path(bodies.__file__).parent / "README.md").read_text()
ACCOUNT, KEY = "000000000001", "AKIAALICE"
ASKED = {"TableName": "users", "Key": {"pk": {"S": "1"}}}
ITEM = {"Item": {"pk": {"S": "1"}}}


def block(opening: str) -> str:
    found = re.search(rf"^```{opening}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


def hex_bytes(opening: str) -> bytes:
    rows = (re.match(r"(?:[0-9a-f]{2} ?)+(?=  |$)", line) for line in block(opening).splitlines())
    return bytes.fromhex("".join(row[0] for row in rows if row is not None))


def test_the_bytes_are_what_the_codec_writes() -> None:
    assert hex_bytes("hex request") == codec.encode_request(Request(ASKED))
    assert hex_bytes("hex reply") == codec.encode_reply(Reply(ok=ITEM))
    assert f"{len(hex_bytes('hex request'))} bytes" in README
    assert f"slot `{slot('dynamodb', ACCOUNT, 'us-east-1', ASKED)}`" in README


# The ten lines, run as they stand by a process of its own, under the generated permissions.
def test_the_program_runs() -> None:
    users = (actors("actors-password"), direct_publisher(ACCOUNT, KEY, "SECRETKEY"))

    async def main() -> str:
        with running(server_config(BrokerSettings(users))) as server:
            transport = await open_connection(
                server.url, "actors", "actors-password", process_inbox("actors"), "actors"
            )
            endpoint = Endpoint(transport, Bodies(transport))

            def answer(message: Message) -> None:
                identity = subjects.parse(message.subject).identity
                request = endpoint.receive(message, identity)
                assert isinstance(request, Request)
                assert request.params == ASKED
                endpoint.respond(message, identity, Reply(request.id, ITEM))

            transport.subscribe(subjects.anywhere("dynamodb"), answer, "dynamodb")
            await transport.flush()
            program = block("python").replace("nats://127.0.0.1:4222", server.url)
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
            )
            output, _ = await process.communicate()
            await transport.close()
            return output.decode()

    assert asyncio.run(main()).strip() == str({"ok": ITEM})


def test_the_numbers_are_the_constants() -> None:
    mebi = 1024 * 1024
    for text, figure in [
        (f"{INLINE_LIMIT_BYTES // 1024} KiB ({INLINE_LIMIT_BYTES:,} bytes)", INLINE_LIMIT_BYTES),
        (f"at most {bodies.CHUNK_BYTES:,} bytes from there", bodies.CHUNK_BYTES),
        (f"up to {bodies.WINDOW_CHUNKS} under way", bodies.WINDOW_CHUNKS),
        (f"One body has at most {bodies.BODY_LIMIT_BYTES // mebi} MiB", bodies.BODY_LIMIT_BYTES),
        (f"forgotten {bodies.OFFER_IDLE_S:.0f} s after the last pull", bodies.OFFER_IDLE_S),
        (f"{bodies.BODY_LIMIT_BYTES // mebi} MiB; {bodies.OFFERED_LIMIT_BYTES // mebi} MiB; "
         f"{bodies.RECEIVER_LIMIT_BYTES // mebi} MiB; {bodies.FETCHED_LIMIT_BYTES // mebi} MiB; "
         f"{bodies.SENDER_LIMIT_BYTES // mebi} MiB", bodies.FETCHED_LIMIT_BYTES),
        (f"from one direct publisher | {bodies.HELD_LIMIT_COUNT} |", bodies.HELD_LIMIT_COUNT),
        (f"more than {doorkeeper.CONNECTIONS_REMEMBERED:,} connections", doorkeeper.CONNECTIONS_REMEMBERED),
        (f"{connection.OUT_LIMIT_BYTES // mebi} MiB, then `Overloaded`", connection.OUT_LIMIT_BYTES),
        (f"{mux.REQUESTS_LIMIT:,} each", mux.INBOXES_LIMIT),
        (f"{client.STREAM_BUFFER_EVENTS:,}, then `Overloaded` and a cancel", client.STREAM_BUFFER_EVENTS),
        (f"{mux.SWEEP_INTERVAL_S * 1000:.0f} ms", mux.SWEEP_INTERVAL_S),
        (f"than {codec.NESTING_LIMIT}.", codec.NESTING_LIMIT),
        (f"at most {codec.NAME_LIMIT_CHARS} characters", codec.NAME_LIMIT_CHARS),
        (f"every {link.RECONNECT_WAIT_S} s a new attempt", link.RECONNECT_WAIT_S),
    ]:
        assert text in README, (text, figure)
    given_up_after_s = link.PING_INTERVAL_S * (link.PINGS_UNANSWERED_LIMIT + 1)
    assert f"given up after {given_up_after_s} s" in README
    assert mebi == permissions.MAX_PAYLOAD_BYTES
    for user in (permissions.gateway("x"), permissions.actors("x"), permissions.models("x"), permissions.admin("x")):
        row = next(line for line in README.splitlines() if line.startswith(f"| `{user.name}` |"))
        _, _, publishes, hears, _ = (cell.strip() for cell in row.split("|"))
        assert publishes == ", ".join(f"`{subject}`" for subject in user.publish)
        assert hears == ", ".join(f"`{subject}`" for subject in user.subscribe)
