"""SAML providers, for AssumeRoleWithSAML: the metadata as it was given, and what is read of it.

Sources: https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateSAMLProvider.html, …/API_GetSAMLProvider.html,
https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_saml.html (the sentences).
"""

import uuid
from collections.abc import Mapping
from typing import Any

from actors.iam import saml, shapes, tagging
from actors.iam.errors import InvalidInput, NotHere, quota
from actors.iam.paging import Answer
from actors.iam.state import SAML, Book, Record
from actors.runtime.context import Context

PROVIDERS_LIMIT = 100
VALID_S = 100 * 365.25 * 86_400               # where the metadata says nothing
_ENCRYPTION = ("AssertionEncryptionMode", "AddPrivateKey", "RemovePrivateKey")

Request = Mapping[str, Any]


def create(book: Book, context: Context, request: Request) -> Answer:
    read = _read(context, request)
    if sum(1 for _ in book.rows(SAML)) >= PROVIDERS_LIMIT:
        raise quota("SAMLProvidersPerAccount", PROVIDERS_LIMIT)
    tags = tagging.read(request.get("Tags"))
    record = book.create(SAML, request["Name"], "/", context.now, uuid=uuid.uuid4().hex.upper(), **read)
    record["tags"] = tags
    book.save(record)
    return {"SAMLProviderArn": book.arn(record), **shapes.tagged(record)}


def _read(context: Context, request: Request) -> Record:
    """{document, entity, certificates, valid_until} of the request's metadata. InvalidInput."""
    if any(request.get(member) for member in _ENCRYPTION):
        raise NotHere(context.operation.name, "with encrypted assertions")
    try:
        read = saml.read_metadata(request["SAMLMetadataDocument"])
    except saml.MalformedSaml as error:
        raise InvalidInput("Could not parse metadata") from error
    return {"document": request["SAMLMetadataDocument"], "entity": read.entity, "valid_until": read.valid_until,
            "certificates": list(read.certificates)}


def get(book: Book, request: Request) -> Record:
    return book.get_arn(SAML, request["SAMLProviderArn"])


def update(book: Book, context: Context, request: Request) -> Answer:
    record = get(book, request)
    if request.get("SAMLMetadataDocument") or any(request.get(member) for member in _ENCRYPTION):
        record |= _read(context, request)
    else:
        raise InvalidInput("Unable to update identity provider. No updates are defined for metadata or encryption "
                           "assertion.")
    book.save(record)
    return {"SAMLProviderArn": book.arn(record)}


def delete(book: Book, request: Request) -> Answer:
    book.remove(get(book, request))
    return {}


def _times(record: Record) -> Answer:
    until = record["valid_until"]
    return {"CreateDate": shapes.moment(record["created"]),
            "ValidUntil": shapes.moment(record["created"] + VALID_S if until is None else until)}


def shown(book: Book, request: Request) -> Answer:
    record = get(book, request)
    return {"SAMLMetadataDocument": record["document"], "SAMLProviderUUID": record["uuid"], **_times(record),
            "AssertionEncryptionMode": "Allowed", "PrivateKeyList": [], "Tags": shapes.tags(record)}


def listed(book: Book) -> Answer:
    return {"SAMLProviderList": [{"Arn": book.arn(record), **_times(record)} for _, record in book.rows(SAML)]}
