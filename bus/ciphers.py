"""How bodies lie in files: AES-256 in counter mode, each file under a key of its own that encrypts nothing else, which
is why the counter may begin at zero. Any stretch can be read by itself. That bytes are still those that were stored is
what sums are for (files.py); where keys are kept is the service's affair.
"""

import os
from collections.abc import Callable

from schemas.checksums import Buffer

KEY_BYTES = 32
_BLOCK_BYTES = 16
_SPARE_BYTES = _BLOCK_BYTES - 1           # of room that the cipher asks for behind its output


def new_key() -> bytes:
    return os.urandom(KEY_BYTES)


class Keystream:
    """Encrypts what passes, or decrypts it: in this mode the two are one. `offset`: where in the file it begins."""

    __slots__ = ("_into", "apply")

    def __init__(self, key: bytes, offset: int = 0) -> None:
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes  # late: 30 ms, some megabytes

        block, skipped = divmod(offset, _BLOCK_BYTES)
        counter = modes.CTR(block.to_bytes(_BLOCK_BYTES, "big"))
        context = Cipher(algorithms.AES(key), counter).encryptor()
        self.apply: Callable[[Buffer], bytes] = context.update
        self._into = context.update_into
        self.apply(bytes(skipped))

    def apply_into(self, data: Buffer, room: memoryview) -> memoryview:
        """The same, in the front of a `room`."""
        return room[:self._into(data, room)]


def room(size: int) -> memoryview:
    """For that many bytes, again and again: what is used again costs no page faults."""
    return memoryview(bytearray(size + _SPARE_BYTES))
