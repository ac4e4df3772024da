"""How bodies lie in files: AES-256 in counter mode, each file under a key of its own that encrypts nothing else, which
is why the counter may begin at zero. Any stretch can be read by itself. That bytes are still those that were stored is
what sums are for (files.py); where keys are kept is the service's affair.
"""

import os

KEY_BYTES = 32
_BLOCK_BYTES = 16


def new_key() -> bytes:
    return os.urandom(KEY_BYTES)


class Keystream:
    """Encrypts what passes, or decrypts it: in this mode the two are one. `offset`: where in the file it begins."""

    __slots__ = ("apply",)

    def __init__(self, key: bytes, offset: int = 0) -> None:
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes  # late: 30 ms, some megabytes

        block, skipped = divmod(offset, _BLOCK_BYTES)
        counter = modes.CTR(block.to_bytes(_BLOCK_BYTES, "big"))
        self.apply = Cipher(algorithms.AES(key), counter).encryptor().update
        self.apply(bytes(skipped))
