"""SSH public keys of users, for CodeCommit: RSA keys, in SSH's form or as PEM.

Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_UploadSSHPublicKey.html; sentences: localstack's
captures of IAM's.
"""

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from actors.iam import shapes
from actors.iam.errors import (
    DuplicateSSHPublicKey,
    InvalidPublicKey,
    UnrecognizedPublicKeyEncoding,
    quota,
)
from actors.iam.owned import Owned
from actors.iam.paging import Answer, after, page
from actors.iam.state import Book, Record, new_id

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

KEYS_PER_USER_LIMIT = 5
LENGTH_LIMIT_BITS = 2048, 16_384
KEYS = Owned("ssh", "SSHPublicKeyId", "The Public Key with id {} cannot be found.")

Request = Mapping[str, Any]


def upload(book: Book, user: Record, request: Request, now: float) -> Answer:
    key = _read(request["SSHPublicKeyBody"])
    body = _encoded(key, "SSH")
    rows = [row for _, row in KEYS.rows(book, user)]
    if any(row["body"] == body for row in rows):
        raise DuplicateSSHPublicKey("The specified SSH public key already exists.")
    if len(rows) >= KEYS_PER_USER_LIMIT:
        raise quota("SSHPublicKeysPerUser", KEYS_PER_USER_LIMIT)
    written = request["SSHPublicKeyBody"]
    row = {"id": new_id("APKA"), "status": "Active", "created": now, "body": body, "written": written}
    KEYS.put(book, user, row)
    return {"SSHPublicKey": _shown(user, row, written)}


def _read(text: str) -> "RSAPublicKey":
    """InvalidPublicKey, UnrecognizedPublicKeyEncoding."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key, load_ssh_public_key

    begins = text.lstrip()
    if not begins.startswith(("ssh-", "ecdsa-", "sk-", "-----BEGIN")):
        raise UnrecognizedPublicKeyEncoding("The public key encoding format is unsupported or unrecognized.")
    load = load_pem_public_key if begins.startswith("-----BEGIN") else load_ssh_public_key
    try:
        key = load(text.strip().encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InvalidPublicKey("The public key is malformed or otherwise invalid.") from error
    least, most = LENGTH_LIMIT_BITS
    if not isinstance(key, RSAPublicKey) or not least <= key.key_size <= most:
        raise InvalidPublicKey(f"Only RSA keys of {least} to {most} bits are supported.")
    return key


def _encoded(key: "RSAPublicKey", encoding: str) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    forms = {"SSH": (Encoding.OpenSSH, PublicFormat.OpenSSH), "PEM": (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)}
    return key.public_bytes(*forms[encoding]).decode()


def _fingerprint(body: str) -> str:
    """MD5 of the key in SSH's form, as ssh-keygen printed it once."""
    from base64 import b64decode

    made = hashlib.md5(b64decode(body.split()[1]), usedforsecurity=False).hexdigest()
    return ":".join(made[at:at + 2] for at in range(0, len(made), 2))


def _metadata(user: Record, row: Record) -> Answer:
    return {"UserName": user["name"], "SSHPublicKeyId": row["id"], "Status": row["status"],
            "UploadDate": shapes.moment(row["created"])}


def listed(book: Book, user: Record, request: Request) -> Answer:
    rows = KEYS.rows(book, user, after(request))
    return page("SSHPublicKeys", rows, request, lambda row: _metadata(user, row))


def shown(book: Book, user: Record, request: Request) -> Answer:
    row = KEYS.get(book, user, request)
    written = row["written"] if request["Encoding"] == "SSH" and row["written"].startswith("ssh-") else \
        _encoded(_read(row["body"]), request["Encoding"])
    return {"SSHPublicKey": _shown(user, row, written)}


def _shown(user: Record, row: Record, body: str) -> Answer:
    return {**_metadata(user, row), "Fingerprint": _fingerprint(row["body"]), "SSHPublicKeyBody": body}


def update(book: Book, user: Record, request: Request) -> Answer:
    return KEYS.set_status(book, user, request)


def delete(book: Book, user: Record, request: Request) -> Answer:
    KEYS.remove(book, user, request)
    return {}
