"""IAM's secrets at rest, and access key ids: they end in a mark made with a secret of the vault's file
(actors/runtime/vault.py), so that one of ours is known as such when its row is gone.
"""

import os
from base64 import b32encode
from hmac import compare_digest
from hmac import digest as hmac_digest

from actors.runtime import vault

KEY_ID_CHARACTERS, CHANCE_CHARACTERS, MARK_CHARACTERS = 20, 10, 6    # 4 say of what kind it is


class Vault(vault.Vault):
    """Seals text under an access key."""

    def new_key_id(self, kind: str) -> str:
        """`kind` is AKIA or ASIA; 50 bits of chance and 30 of the mark."""
        chance = kind + b32encode(os.urandom(CHANCE_CHARACTERS)).decode()[:CHANCE_CHARACTERS]
        return chance + self._mark_of(chance)

    def made(self, access_key: str) -> bool:
        """Is this an id of our making? One in a thousand million others passes for one."""
        chance, mark = access_key[:-MARK_CHARACTERS], access_key[-MARK_CHARACTERS:]
        return len(access_key) == KEY_ID_CHARACTERS and compare_digest(self._mark_of(chance).encode(), mark.encode())

    def marked(self, chance: str) -> str:
        """A text that `is_marked` tells from others: the mark is its end."""
        return chance + self._mark_of(chance).lower()

    def is_marked(self, text: str) -> bool:
        chance, mark = text[:-MARK_CHARACTERS], text[-MARK_CHARACTERS:]
        return compare_digest(self._mark_of(chance).lower().encode(), mark.encode())

    def _mark_of(self, chance: str) -> str:
        return b32encode(hmac_digest(self.mark, chance.encode(), "sha256")).decode()[:MARK_CHARACTERS]

    def seal_text(self, text: str, name: str) -> bytes:
        return self.seal(text.encode(), name.encode())

    def open_text(self, sealed: bytes, name: str) -> str:
        """As `open`."""
        return self.open(sealed, name.encode()).decode()
