"""Who is behind a key, remembered: asked once, forgotten when told, never remembered as it no longer is."""

import asyncio
from typing import Any

import pytest

from actors.runtime import principals as module
from actors.runtime.principal import NOBODY, STRANGER, Principal
from actors.runtime.principals import Principals
from bus.subjects import DIRECT, GATEWAY, SERVICE
from bus.transport import NoResponders
from schemas.envelope import ANONYMOUS, Identity

ACCOUNT = "111111111111"


def record(name: str = "alice") -> dict[str, Any]:
    return {"kind": "user", "account": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:user/{name}", "id": "AIDA",
            "name": name, "tags": {}, "policies": []}


def root_of(account: str) -> dict[str, Any]:
    return {"kind": "root", "account": account, "arn": f"arn:aws:iam::{account}:root", "id": account, "name": ""}


class Iam:
    def __init__(self) -> None:
        self.answers: dict[str, dict[str, Any] | None] = {"AKIA": record(), "OLD": {}}
        self.asked = 0
        self.begun, self.gate = asyncio.Event(), asyncio.Event()
        self.gate.set()

    async def __call__(self, account: str, access_key: str) -> dict[str, Any] | None:
        self.asked += 1
        self.begun.set()
        answer = root_of(account) if access_key == account else self.answers.get(access_key)
        await self.gate.wait()
        return answer


async def who(known: Principals, key: str, door: str = GATEWAY, account: str = ACCOUNT) -> Principal:
    identity = Identity(door, account, key)
    return known.known(identity) or await known.find(identity)


def test_who_is_who() -> None:
    async def main() -> None:
        iam = Iam()
        for open_mode in (True, False):
            known = Principals(iam, open_mode=open_mode)
            assert (await who(known, "AKIA")).name == "alice"
            assert await who(known, "OLD") is STRANGER
            nobody = await who(known, "NOBODY")
            assert nobody.arn.endswith(":root") if open_mode else nobody is STRANGER
            assert await who(known, ANONYMOUS) is NOBODY
            assert (await who(known, "test", account="000000000000")).unbounded
            assert (await who(known, ACCOUNT)).unbounded
            # a service's own principal is one at the services' door alone
            assert (await who(known, "service-lambda", SERVICE)).arn == "lambda.amazonaws.com"
            assert (await who(known, "service-lambda", DIRECT)).arn != "lambda.amazonaws.com"
        assert await who(Principals(open_mode=False), "AKIA") is STRANGER

    asyncio.run(main())


def test_asked_once_and_again_when_told() -> None:
    async def main() -> None:
        iam = Iam()
        known = Principals(iam, open_mode=False)
        await asyncio.gather(*(who(known, "AKIA") for _ in range(50)))
        assert iam.asked == 1
        known.forget("222222222222")
        await who(known, "AKIA")
        assert iam.asked == 1
        for account in (ACCOUNT, ""):
            known.forget(account)
            await who(known, "AKIA")
        assert iam.asked == 3

    asyncio.run(main())


# The answer on its way says alice may; she no longer may when it arrives.
def test_a_change_meanwhile() -> None:
    async def main() -> None:
        iam = Iam()
        known = Principals(iam, open_mode=False)
        iam.gate.clear()
        asking = asyncio.create_task(who(known, "AKIA"))
        await iam.begun.wait()
        iam.answers["AKIA"] = {}
        known.forget(ACCOUNT)
        iam.gate.set()
        assert await asking is STRANGER
        assert iam.asked == 2

    asyncio.run(main())


# Nobody is let in, and nothing remembered, when IAM cannot be asked; who gives up waiting does not take others along.
def test_without_an_answer() -> None:
    async def main() -> None:
        async def nobody_there(account: str, access_key: str) -> None:
            raise NoResponders("nobody")

        known = Principals(nobody_there, open_mode=True)
        for _ in range(2):
            with pytest.raises(NoResponders):
                await who(known, "AKIA")
        iam = Iam()
        known = Principals(iam, open_mode=False)
        iam.gate.clear()
        one, other = (asyncio.create_task(who(known, "AKIA")) for _ in range(2))
        await iam.begun.wait()
        one.cancel()
        iam.gate.set()
        assert (await other).name == "alice"

    asyncio.run(main())


def test_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REMEMBERED_LIMIT", 16)

    async def main() -> None:
        known = Principals(Iam(), open_mode=True)
        for number in range(100):
            await who(known, f"KEY{number}")
            assert len(known._remembered) <= 16

    asyncio.run(main())
