"""Secrets at rest: AES-256-GCM under a key that stands in a file of its own, readable by its owner alone.

The file holds 32 bytes, the key, until it is rotated for the first time; from then on the mark, then the keys, the
newest first: one, or two while what is sealed is sealed anew. The mark is a secret that rotation does not change.
"""

import os
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from actors.runtime import private_files

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_FILE = "secrets.key"
KEY_BYTES, NONCE_BYTES = 32, 12


class Vault:
    """Seals bytes for a name; what was sealed opens under that name only. Several may share a directory: each looks
    whether the file has changed, each time, unless it is told that it is not `shared`."""

    def __init__(self, directory: Path, *, shared: bool = True) -> None:
        """Makes the key where there is none. OSError, ValueError (a damaged key: never replaced, secrets need it)."""
        self._shared = shared
        self._path = directory / KEY_FILE
        if not self._path.exists():
            _make(self._path, os.urandom(KEY_BYTES))
        self._file = str(self._path)
        self._seen = (0, 0, 0)
        self._mark = b""
        self._keys: list[bytes] = []
        self._ciphers: list[AESGCM] = []
        self._read()

    @property
    def mark(self) -> bytes:
        return self._mark

    def seal(self, data: bytes, name: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._current()[0].encrypt(nonce, data, name)

    def open(self, sealed: bytes, name: bytes) -> bytes:
        """cryptography.exceptions.InvalidTag when it was sealed for another name or under another key."""
        from cryptography.exceptions import InvalidTag

        nonce, rest = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        for cipher in self._current():
            try:
                return cipher.decrypt(nonce, rest, name)
            except InvalidTag as error:
                refused = error
        raise refused

    # Rotation

    def rotate(self) -> None:
        """From now on what is sealed is sealed under a new key; what was opens still. Twice in a row is once: the key
        before it may not be forgotten yet."""
        self._read()
        if len(self._keys) == 1:
            private_files.write(self._path, self._mark + os.urandom(KEY_BYTES) + self._keys[0])
            self._read()

    def forget(self) -> None:
        """The newest key alone is left, once everything is sealed under it."""
        self._read()
        private_files.write(self._path, self._mark + self._keys[0])
        self._read()

    def _current(self) -> "list[AESGCM]":
        """One for each key, the newest first."""
        if self._shared:
            self._read()
        if not self._ciphers:
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # late: 30 ms, some megabytes, rarely needed

            self._ciphers = [AESGCM(key) for key in self._keys]
        return self._ciphers

    def _read(self) -> None:
        status = os.stat(self._file)
        seen = status.st_ino, status.st_mtime_ns, status.st_size
        if seen == self._seen:
            return
        content = self._path.read_bytes()
        parts = [content[at:at + KEY_BYTES] for at in range(0, len(content), KEY_BYTES)]
        if len(content) % KEY_BYTES or not 1 <= len(parts) <= 3:
            raise ValueError(f"{self._path} is no file of keys of {KEY_BYTES} bytes")
        self._mark = parts[0] if len(parts) > 1 else sha256(b"access key ids" + parts[0]).digest()
        self._keys = parts[1:] or parts
        self._ciphers = []
        self._seen = seen


def _make(path: Path, key: bytes) -> None:
    """Unless somebody else has made one meanwhile, which then is everyone's."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = path.with_name(f"{path.name}.{os.getpid()}")
    private_files.write(made, key)
    with suppress(FileExistsError):
        path.hardlink_to(made)
    made.unlink()
    private_files.sync(path.parent)
