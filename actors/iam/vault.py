"""Secrets at rest: AES-256-GCM under a key that stands in a file of its own, readable by its owner alone.

Also access key ids: they end in a mark made with the key, so that one of ours is known as such when its row is gone.
"""

import os
from base64 import b32encode
from hashlib import sha256
from hmac import compare_digest
from hmac import digest as hmac_digest
from pathlib import Path

KEY_FILE = "secrets.key"
KEY_BYTES, NONCE_BYTES = 32, 12
KEY_ID_CHARACTERS, CHANCE_CHARACTERS, MARK_CHARACTERS = 20, 10, 6    # 4 say of what kind it is


class Vault:
    """Seals text for a name; what was sealed opens under that name only."""

    def __init__(self, directory: Path) -> None:
        """Makes the key where there is none. OSError, ValueError (a damaged key: never replaced, secrets need it)."""
        path = directory / KEY_FILE
        if not path.exists():
            _write(path, os.urandom(KEY_BYTES))
        self._key = path.read_bytes()
        if len(self._key) != KEY_BYTES:
            raise ValueError(f"{path} is no key of {KEY_BYTES} bytes")

    def new_key_id(self, kind: str) -> str:
        """`kind` is AKIA or ASIA; 50 bits of chance and 30 of the mark."""
        chance = kind + b32encode(os.urandom(CHANCE_CHARACTERS)).decode()[:CHANCE_CHARACTERS]
        return chance + self._mark(chance)

    def made(self, access_key: str) -> bool:
        """Is this an id of our making? One in a thousand million others passes for one."""
        chance, mark = access_key[:-MARK_CHARACTERS], access_key[-MARK_CHARACTERS:]
        return len(access_key) == KEY_ID_CHARACTERS and compare_digest(self._mark(chance).encode(), mark.encode())

    def _mark(self, chance: str) -> str:
        mac = hmac_digest(sha256(b"access key ids" + self._key).digest(), chance.encode(), "sha256")
        return b32encode(mac).decode()[:MARK_CHARACTERS]

    def seal(self, text: str, name: str) -> bytes:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # late: 30 ms and some megabytes, rarely needed

        nonce = os.urandom(NONCE_BYTES)
        return nonce + AESGCM(self._key).encrypt(nonce, text.encode(), name.encode())

    def open(self, sealed: bytes, name: str) -> str:
        """cryptography.exceptions.InvalidTag when it was sealed for another name or under another key."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return AESGCM(self._key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], name.encode()).decode()


def _write(path: Path, key: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = path.with_name(path.name + ".new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(descriptor)
    new.replace(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
