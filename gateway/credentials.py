"""Which secret and account belong to an access key.

`StaticCredentials` is all there is before IAM answers: the root credential, and what `auth = open` means. The IAM
actor takes its place behind the same protocol: `known` stays the synchronous look into a bounded memory, `find` asks.
"""

from dataclasses import dataclass
from typing import Protocol

from bus.subjects import is_token
from schemas.envelope import ANONYMOUS

DEFAULT_ACCOUNT = "000000000000"


@dataclass(frozen=True, slots=True)
class Credential:
    """One access key. `secret` None: accepted without verification (open mode only)."""

    access_key: str
    account: str                                    # 12 digits
    secret: str | None


class Credentials(Protocol):
    def known(self, access_key: str, token: str) -> Credential | None:
        """From memory alone, never waiting; None: not known here."""

    async def find(self, access_key: str, token: str) -> Credential | None:
        """From whoever knows; None: nobody. Asked only after `known` said None."""


class StaticCredentials:
    """The root credential of the default account; in open mode also any other key, unverified.

    A 12-digit key is root of that account, any other unknown key root of the default account. Their secrets are
    nobody's, so strict mode knows neither. A session token that comes with a static key is carried, not checked.
    """

    def __init__(self, root_access_key: str, root_secret: str, *, open_mode: bool,
                 account: str = DEFAULT_ACCOUNT) -> None:
        assert is_account(account), account
        assert is_token(root_access_key), "the root access key must stand as one token of a subject"
        self._account = account
        self._open = open_mode
        self._root = Credential(root_access_key, account, root_secret)

    def known(self, access_key: str, token: str) -> Credential | None:
        if access_key == self._root.access_key:
            return self._root
        if not self._open or access_key == ANONYMOUS or not is_token(access_key):
            return None
        return Credential(access_key, access_key if is_account(access_key) else self._account, None)

    async def find(self, access_key: str, token: str) -> Credential | None:
        return None


def is_account(text: str) -> bool:
    return len(text) == 12 and text.isascii() and text.isdigit()
