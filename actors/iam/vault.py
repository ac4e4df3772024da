"""Secrets at rest: AES-256-GCM under a key that stands in a file of its own, readable by its owner alone."""

import os
from pathlib import Path

KEY_FILE = "secrets.key"
KEY_BYTES, NONCE_BYTES = 32, 12


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
