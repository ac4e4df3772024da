"""bus/nkeys.py against the cryptography library; the doorkeeper with a broker, as far as it needs no IAM. The rest:
tests/sdk/test_direct.py, test_malicious.py.
"""

import asyncio
import time
from base64 import b32decode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bus import doorkeeper
from bus.connection import open_connection
from bus.doorkeeper import Connection, Doorkeeper, Grant
from bus.nkeys import SEED_BYTES, Issuer, public_key
from bus.permissions import ACTORS_USER, BrokerSettings, actors, process_inbox, server_config
from bus.simulated import NONE, Network
from bus.subjects import inbox_prefix
from bus.transport import Disconnected
from tests.nats_server import running


@settings(deadline=None, max_examples=20)
@given(st.binary(min_size=SEED_BYTES, max_size=SEED_BYTES))
def test_public_keys(seed: bytes) -> None:
    assert public_key(seed) == Issuer(seed).name
    assert public_key(seed).startswith("A")
    assert len(public_key(seed)) == 56


# The key of RFC 8032's first test vector (section 7.1), in the form nkeys gives it.
def test_a_known_key() -> None:
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    key = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    assert b32decode(public_key(seed) + "=" * (-56 % 8))[1:33] == key


ACCOUNT, KEY = "000000000001", "ASIASESSION"
SEED = bytes(range(SEED_BYTES))


# A session's user JWT ends with it: the broker hangs up, and does not let it in again.
def test_an_expired_session_is_sent_away() -> None:
    expires = float(int(time.time()) + 2)                 # JWTs know whole seconds

    async def main(url: str) -> None:
        keeper = await open_connection(url, ACTORS_USER, "secret", process_inbox(ACTORS_USER), "keeper")
        admitting = Doorkeeper(keeper, SEED, lambda key, _: Grant(ACCOUNT, expires), lambda _: True, lambda _: None)
        keeper.subscribe("aws.*.*.*.polly.any.*", lambda _: None)
        await keeper.flush()
        guest = await open_connection(url, KEY, "any", inbox_prefix(ACCOUNT, KEY), "guest")
        with pytest.raises(Disconnected):                 # while it waits for somebody who is there and says nothing
            await guest.request(f"aws.bus.{ACCOUNT}.{KEY}.polly.any.X", b"", 30.0)
        assert time.time() >= expires
        await guest.close()
        with pytest.raises(Disconnected, match="credentials"):
            await open_connection(url, KEY, "any", inbox_prefix(ACCOUNT, KEY), "guest", wait_s=30.0)
        admitting.close()
        await keeper.close()

    settings = BrokerSettings((actors("secret"),), issuer=public_key(SEED))
    with running(server_config(settings)) as server:
        asyncio.run(asyncio.wait_for(main(server.url), 30.0))


# Whoever connects again and again forgets its own connections first, and no connection outlives its remembrance: when a
# key is taken away, nobody stays because the doorkeeper did not know it any more.
def test_nobody_is_forgotten_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doorkeeper, "CONNECTIONS_REMEMBERED", 8)
    kicked: list[Connection] = []

    async def main() -> None:
        keeper = Doorkeeper(Network(0, NONE).connect("_INBOX.x."), SEED, lambda key, _: Grant(ACCOUNT), lambda _: True,
                            kicked.append)
        keeper._remember(Connection("s", 0), ACCOUNT, "honest")
        for number in range(1, 20):
            keeper._remember(Connection("s", number), ACCOUNT, "eve")
        assert kicked == [Connection("s", number) for number in range(1, 13)]
        for number in range(20, 30):
            keeper._remember(Connection("s", number), ACCOUNT, f"key{number}")
        assert kicked[12:14] == [Connection("s", 0), Connection("s", 13)]
        assert len(keeper._inside) == 8

    asyncio.run(main())
