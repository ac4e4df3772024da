"""What the gateway knows of keys: asked once, remembered until IAM says that something changed, refused if in doubt."""

import asyncio
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest

from bus.simulated import Network, SimulatedTransport
from bus.system import SystemAnswers, tell
from bus.transport import BusError
from bus.virtual_time import run
from gateway import credentials
from gateway.credentials import Credential, IamCredentials, StaticCredentials
from gateway.sigv4 import Reason, Refusal

ALICE = {"account": "111111111111", "secret": "s"}
SESSION = {**ALICE, "token": sha256(b"token").hexdigest(), "expires": 1000.0}


class Iam:
    """Answers for the keys in `known`, counts what it is asked."""

    def __init__(self, transport: SimulatedTransport) -> None:
        self.transport = transport
        self.known: dict[str, Any] = {"AKIAALICE": ALICE, "AKIAOLD": {"refused": True}, "ASIA1": SESSION}
        self.asked: list[str] = []
        self.before_answering: Callable[[], None] = lambda: None
        self.answers = SystemAnswers(transport, "iam", {"credential": self.answer})

    def answer(self, question: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(question["access_key"])
        found = self.known.get(question["access_key"], {"unknown": True})
        self.before_answering()
        return dict(found)

    def change(self, account: str = "111111111111") -> None:
        tell(self.transport, "identities", {"account": account})


async def set_up(*, open_mode: bool = False) -> tuple[Network, SimulatedTransport, Iam, IamCredentials]:
    network = Network(0)
    gateway = network.connect("_INBOX.gateway.")
    iam = Iam(network.connect("_INBOX.actors."))
    made = IamCredentials(StaticCredentials("test", "root's", open_mode=open_mode), gateway, clock=lambda: 500.0)
    await gateway.flush()
    await iam.transport.flush()
    return network, gateway, iam, made


async def look(known: IamCredentials, key: str) -> Credential | None:
    return known.known(key) or await known.find(key)


def test_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        _, _, iam, known = await set_up()
        found = await asyncio.gather(*(look(known, "AKIAALICE") for _ in range(50)))
        assert {each.secret for each in found if each} == {"s"}
        assert await look(known, "test") == Credential("test", "000000000000", "root's")
        for _ in range(3):
            for key in ("AKIANOBODY", "AKIAOLD", "anonymous", "no.token", "111111111111"):
                assert await look(known, key) is None, key
        assert sorted(iam.asked) == ["111111111111", "AKIAALICE", "AKIANOBODY", "AKIAOLD"]

    run(main())


# Open mode is about keys nobody ever made: those that were and are no good stay refused.
def test_open_mode() -> None:
    async def main() -> None:
        _, _, iam, known = await set_up(open_mode=True)
        nobody = await look(known, "AKIANOBODY")
        assert nobody == Credential("AKIANOBODY", "000000000000", None)
        assert await look(known, "222222222222") == Credential("222222222222", "222222222222", None)
        assert await look(known, "AKIAOLD") is None
        found = await look(known, "AKIAALICE")
        assert found is not None
        assert found.secret == "s"
        assert "222222222222" not in iam.asked

    run(main())


# News of an account, of another, of all; a new key that was unknown a moment ago; a lost connection.
def test_changes() -> None:
    async def main() -> None:
        network, gateway, iam, known = await set_up()
        assert await look(known, "AKIAALICE")
        assert await look(known, "AKIANEW") is None
        iam.change("222222222222")
        await asyncio.sleep(1)
        assert known.known("AKIAALICE")
        iam.known |= {"AKIAALICE": {"refused": True}, "AKIANEW": ALICE}
        iam.change()
        await asyncio.sleep(1)
        assert await look(known, "AKIAALICE") is None
        assert await look(known, "AKIANEW")
        network.lose(gateway)
        assert known.known("AKIANEW") is None
        with pytest.raises(BusError):
            await known.find("AKIANEW")
        network.restore(gateway)
        await gateway.flush()
        assert await look(known, "AKIANEW")

    run(main())


# What changes while the answer is on its way is not remembered as it was.
def test_a_change_meanwhile() -> None:
    async def main() -> None:
        _, _, iam, known = await set_up()

        def revoke() -> None:
            iam.before_answering = lambda: None
            iam.known["AKIAALICE"] = {"refused": True}
            iam.change()

        iam.before_answering = revoke
        assert await look(known, "AKIAALICE") is None
        assert iam.asked == ["AKIAALICE", "AKIAALICE"]

    run(main())


def test_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "REMEMBERED_LIMIT", 16)

    async def main() -> None:
        _, _, iam, known = await set_up()
        for number in range(100):
            iam.known[f"AKIA{number}"] = ALICE
            assert await look(known, f"AKIA{number}")
            assert await look(known, f"AKIAX{number}") is None
        assert len(known._remembered) <= 16
        assert len(known._unknown) <= 16

    run(main())


@pytest.mark.parametrize(("token", "now", "reason"), [
    ("token", 999.0, None), ("", 999.0, Reason.UNKNOWN_KEY), ("other", 999.0, Reason.INVALID_TOKEN),
    ("token\udc80", 999.0, Reason.INVALID_TOKEN), ("token", 1000.0, Reason.EXPIRED_TOKEN),
    ("other", 1000.0, Reason.INVALID_TOKEN),
])
def test_tokens(token: str, now: float, reason: Reason | None) -> None:
    credential = Credential("ASIA1", "111111111111", "s", sha256(b"token").hexdigest(), 1000.0, static=False)
    if reason is None:
        credential.check(token, now)
        return
    with pytest.raises(Refusal) as caught:
        credential.check(token, now)
    assert caught.value.reason is reason
