"""Encoded authorization messages: why a request was refused, sealed, for those who may know (STS's
DecodeAuthorizationMessage). Which services give them is said in schemas/dialects.py (`encodes`).

Sealed under IAM's key (vault.py) for the caller's account, with the time until which it may be decoded. Source of the
form: https://docs.aws.amazon.com/STS/latest/APIReference/API_DecodeAuthorizationMessage.html.
"""

import json
import zlib
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from actors.runtime.vault import Vault

MESSAGE_LIMIT_CHARACTERS = 10_240         # what DecodeAuthorizationMessage takes
GOOD_FOR_S = 24 * 3600
_UNTIL_BYTES = 8                          # seconds since the epoch, ahead of what is told

Failure = dict[str, Any]


class AuthorizationMessages:
    """`directory`: IAM's, with the key file."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def seal(self, account: str, failure: Failure, now: float) -> str:
        until = int(now + GOOD_FOR_S).to_bytes(_UNTIL_BYTES)
        for told in _shorter(failure):
            packed = until + zlib.compress(json.dumps(told, separators=(",", ":")).encode())
            message = urlsafe_b64encode(self._vault.seal(packed, _name(account))).rstrip(b"=").decode()
            if len(message) <= MESSAGE_LIMIT_CHARACTERS:
                return message
        raise AssertionError("an action and two ARNs fit")

    def open(self, account: str, message: str, now: float) -> str:
        """The JSON. ValueError: not one of ours, another account's, changed, or too old."""
        from cryptography.exceptions import InvalidTag

        try:
            sealed = b64decode(message.encode("ascii") + b"=" * (-len(message) % 4), b"-_", validate=True)
            packed = self._vault.open(sealed, _name(account))
        except InvalidTag as error:
            raise ValueError("sealed by somebody else or for somebody else") from error
        if int.from_bytes(packed[:_UNTIL_BYTES]) < now:
            raise ValueError("too old")
        return zlib.decompress(packed[_UNTIL_BYTES:]).decode()

    @cached_property
    def _vault(self) -> Vault:
        """Late: its key file is IAM's to make, and most processes never need it."""
        return Vault(self._directory)


def _name(account: str) -> bytes:
    return f"authorization message {account}".encode()


def _shorter(failure: Failure) -> Iterator[Failure]:
    """As it is, and with less and less of what has no bound of its own."""
    yield failure
    plain = {**failure, "context": {**failure["context"], "conditions": {"items": []}}}
    yield plain
    yield {**plain, "matchedStatements": {"items": []}}
