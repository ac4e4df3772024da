"""What data keys and small contents are sealed under: our own vault's key, or one that only a customer has.

Sealed means encrypted with AES-256-GCM and bound to a name; it opens under the same key and name only.
"""

import hmac
import os
from typing import Protocol

from actors.runtime.vault import Vault

SALT_BYTES = 16
_NONCE_BYTES = 12


class Broken(Exception):
    """What was sealed is not what is to be opened, or it was sealed for another name or under another key."""


class Sealer(Protocol):
    def seal(self, data: bytes, name: bytes) -> bytes: ...

    def open(self, sealed: bytes, name: bytes) -> bytes:
        """Broken."""


class OurKey:
    """The vault's, which is ours to use for everyone."""

    def __init__(self, vault: Vault) -> None:
        self.seal = vault.seal
        self._open = vault.open

    def open(self, sealed: bytes, name: bytes) -> bytes:
        from cryptography.exceptions import InvalidTag

        try:
            return self._open(sealed, name)
        except InvalidTag as error:
            raise Broken(name.hex()) from error


class CustomerKey:
    """One that comes with each request and is never kept. With a salt of the object's it makes two others: one seals,
    the other's only use is to recognise it."""

    def __init__(self, key: bytes, salt: bytes) -> None:
        self._sealing = hmac.digest(key, salt + b"seal", "sha256")
        self.salt = salt
        self.proof = hmac.digest(key, salt + b"recognise", "sha256")

    def is_of(self, proof: bytes) -> bool:
        """Was it this key that such a proof is kept of?"""
        return hmac.compare_digest(self.proof, proof)

    def seal(self, data: bytes, name: bytes) -> bytes:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = os.urandom(_NONCE_BYTES)
        return nonce + AESGCM(self._sealing).encrypt(nonce, data, name)

    def open(self, sealed: bytes, name: bytes) -> bytes:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        try:
            return AESGCM(self._sealing).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], name)
        except InvalidTag as error:
            raise Broken(name.hex()) from error
