"""Secrets at rest: AES-256-GCM under a key that stands in a file of its own, readable by its owner alone.

Also access key ids: they end in a mark made with a secret from the same file, so that one of ours is known as such when
its row is gone. The file holds 32 bytes, the key, until it is rotated for the first time; from then on the marks'
secret, then the keys, the newest first: one, or two while secrets are sealed anew (rotation.py).
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
    """Seals text for a name; what was sealed opens under that name only. Several may share a directory: each looks
    whether the file has changed."""

    def __init__(self, directory: Path) -> None:
        """Makes the key where there is none. OSError, ValueError (a damaged key: never replaced, secrets need it)."""
        self._path = directory / KEY_FILE
        if not self._path.exists():
            _write(self._path, os.urandom(KEY_BYTES))
        self._seen = (0, 0, 0)
        self._marks = b""
        self._keys: list[bytes] = []
        self._read()

    def new_key_id(self, kind: str) -> str:
        """`kind` is AKIA or ASIA; 50 bits of chance and 30 of the mark."""
        chance = kind + b32encode(os.urandom(CHANCE_CHARACTERS)).decode()[:CHANCE_CHARACTERS]
        return chance + self._mark(chance)

    def made(self, access_key: str) -> bool:
        """Is this an id of our making? One in a thousand million others passes for one."""
        chance, mark = access_key[:-MARK_CHARACTERS], access_key[-MARK_CHARACTERS:]
        return len(access_key) == KEY_ID_CHARACTERS and compare_digest(self._mark(chance).encode(), mark.encode())

    def _mark(self, chance: str) -> str:
        return b32encode(hmac_digest(self._marks, chance.encode(), "sha256")).decode()[:MARK_CHARACTERS]

    def seal(self, text: str, name: str) -> bytes:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # late: 30 ms and some megabytes, rarely needed

        self._read()
        nonce = os.urandom(NONCE_BYTES)
        return nonce + AESGCM(self._keys[0]).encrypt(nonce, text.encode(), name.encode())

    def open(self, sealed: bytes, name: str) -> str:
        """cryptography.exceptions.InvalidTag when it was sealed for another name or under another key."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._read()
        for key in self._keys[:-1]:
            try:
                return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], name.encode()).decode()
            except InvalidTag:
                continue
        return AESGCM(self._keys[-1]).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], name.encode()).decode()

    # Rotation

    def rotate(self) -> None:
        """From now on what is sealed is sealed under a new key; what was opens still. Twice in a row is once: the key
        before it may not be forgotten yet."""
        self._read()
        if len(self._keys) == 1:
            _write(self._path, self._marks + os.urandom(KEY_BYTES) + self._keys[0])
            self._read()

    def forget(self) -> None:
        """The newest key alone is left, once everything is sealed under it."""
        self._read()
        _write(self._path, self._marks + self._keys[0])
        self._read()

    def _read(self) -> None:
        status = self._path.stat()
        seen = status.st_ino, status.st_mtime_ns, status.st_size
        if seen == self._seen:
            return
        content = self._path.read_bytes()
        parts = [content[at:at + KEY_BYTES] for at in range(0, len(content), KEY_BYTES)]
        if len(content) % KEY_BYTES or not 1 <= len(parts) <= 3:
            raise ValueError(f"{self._path} is no file of keys of {KEY_BYTES} bytes")
        self._marks = parts[0] if len(parts) > 1 else sha256(b"access key ids" + parts[0]).digest()
        self._keys = parts[1:] or parts
        self._seen = seen


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
