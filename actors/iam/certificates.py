"""Server certificates of the account, and signing certificates of users: read, checked, kept as written.

Sources: https://docs.aws.amazon.com/IAM/latest/APIReference/API_UploadServerCertificate.html,
…/API_UploadSigningCertificate.html; sentences: localstack's captures of IAM's.
"""

import os
from base64 import b32encode
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from actors.iam import shapes, tagging
from actors.iam.errors import (
    DuplicateCertificate,
    KeyPairMismatch,
    MalformedCertificate,
    quota,
)
from actors.iam.owned import Owned
from actors.iam.paging import Answer, after, page
from actors.iam.state import CERTIFICATE, Book, Record, checked_path
from actors.iam.vault import Vault
from actors.runtime.context import Context

if TYPE_CHECKING:
    from cryptography import x509

CERTIFICATES_LIMIT = 20                       # server certificates of an account
SIGNING_LIMIT = 2                             # of a user
ID_CHANCE_BYTES = 20                          # 32 characters
SIGNING = Owned("signing", "CertificateId", "The Certificate with id {} cannot be found.")
_CHAIN = ("Unable to validate certificate chain. The certificate chain must start with the immediate signing "
          "certificate, followed by any intermediaries in order.")

Request = Mapping[str, Any]


def _read(text: str, what: str = "Certificate") -> "x509.Certificate":
    """MalformedCertificate."""
    from cryptography import x509  # late: 30 ms, rarely needed

    try:
        return x509.load_pem_x509_certificate(text.encode())
    except ValueError as error:
        raise MalformedCertificate(f"{what} {text} is malformed.") from error


# Server certificates

def upload(book: Book, vault: Vault, context: Context, request: Request) -> Answer:
    """What stands around the texts is dropped: terraform's provider, which AWS's answers satisfy, compares them so."""
    body, name = request["CertificateBody"].strip(), request["ServerCertificateName"]
    expires = _checked(body, request["PrivateKey"], request.get("CertificateChain"))
    tags = tagging.read(request.get("Tags"))
    if sum(1 for _ in book.rows(CERTIFICATE)) >= CERTIFICATES_LIMIT:
        raise quota("ServerCertificatesPerAccount", CERTIFICATES_LIMIT)
    record = book.create(CERTIFICATE, name, request.get("Path") or "/", context.now, body=body, expires=expires,
                         chain=(request.get("CertificateChain") or "").strip())
    record |= {"tags": tags, "secret": vault.seal_text(request["PrivateKey"], record["id"])}
    book.save(record)
    _point(book, record)
    return {"ServerCertificateMetadata": metadata(book, record), **shapes.tagged(record)}


def _point(book: Book, record: Record) -> None:
    """Says where the private key stands sealed; again where its name is another."""
    book.elsewhere("").put(
        {"account": book.account, "parts": [CERTIFICATE, record["name"].lower()]}, "sealed", record["id"])


def _checked(body: str, private_key: str, chain: str | None) -> float:
    """When it expires. MalformedCertificate, KeyPairMismatch."""
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    certificate = _read(body)
    try:
        key = load_pem_private_key(private_key.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise MalformedCertificate("Unable to parse key; must be PEM encoded and without a password.") from error
    if key.public_key() != certificate.public_key():
        raise KeyPairMismatch("Public key certificate and private key doesn't match.")
    if chain is not None:
        try:
            x509.load_pem_x509_certificates(chain.encode())
        except ValueError as error:
            raise MalformedCertificate(_CHAIN) from error
    return certificate.not_valid_after_utc.timestamp()


def metadata(book: Book, record: Record) -> Answer:
    return {"Path": record["path"], "ServerCertificateName": record["name"], "ServerCertificateId": record["id"],
            "Arn": book.arn(record), "UploadDate": shapes.moment(record["created"]),
            "Expiration": shapes.moment(record["expires"])}


def get(book: Book, request: Request) -> Record:
    return book.get(CERTIFICATE, request["ServerCertificateName"])


def shown(book: Book, request: Request) -> Answer:
    record = get(book, request)
    answer = {"ServerCertificateMetadata": metadata(book, record), "CertificateBody": record["body"],
              "Tags": shapes.tags(record)}
    return {"ServerCertificate": {**answer, "CertificateChain": record["chain"]} if record["chain"] else answer}


def update(book: Book, request: Request) -> Answer:
    record = get(book, request)
    record["path"] = checked_path(CERTIFICATE, request.get("NewPath") or record["path"])
    book.rename(record, request.get("NewServerCertificateName") or record["name"])
    _point(book, record)
    return {}


def delete(book: Book, request: Request) -> Answer:
    record = get(book, request)
    book.elsewhere("").drop("sealed", record["id"])
    book.remove(record)
    return {}


# Signing certificates

def upload_signing(book: Book, user: Record, request: Request, now: float) -> Answer:
    body = request["CertificateBody"]
    _read(body)
    rows = [row for _, row in SIGNING.rows(book, user)]
    if any(row["body"] == body for row in rows):
        raise DuplicateCertificate("The specified certificate already exists.")
    if len(rows) >= SIGNING_LIMIT:
        raise quota("CertificatesPerUser", SIGNING_LIMIT)
    row = {"id": b32encode(os.urandom(ID_CHANCE_BYTES)).decode(), "status": "Active", "created": now, "body": body}
    SIGNING.put(book, user, row)
    return {"Certificate": _signing(user, row)}


def _signing(user: Record, row: Record) -> Answer:
    return {"UserName": user["name"], "CertificateId": row["id"], "CertificateBody": row["body"],
            "Status": row["status"], "UploadDate": shapes.moment(row["created"])}


def list_signing(book: Book, user: Record, request: Request) -> Answer:
    rows = SIGNING.rows(book, user, after(request))
    return page("Certificates", rows, request, lambda row: _signing(user, row))


def update_signing(book: Book, user: Record, request: Request) -> Answer:
    return SIGNING.set_status(book, user, request)


def delete_signing(book: Book, user: Record, request: Request) -> Answer:
    SIGNING.remove(book, user, request)
    return {}
