"""OpenID Connect providers, for AssumeRoleWithWebIdentity.

Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html
"""

from collections.abc import Mapping
from typing import Any

from actors.iam import shapes, tagging
from actors.iam.errors import InvalidInput, NoSuchEntity, ValidationError, quota
from actors.iam.paging import Answer
from actors.iam.state import OIDC, Book, Record
from actors.runtime.context import Context

CLIENTS_LIMIT = 100
THUMBPRINTS_LIMIT = 5

Request = Mapping[str, Any]


def create(book: Book, context: Context, request: Request) -> Answer:
    url = request["Url"]
    if not url.startswith("https://") or len(url) == len("https://"):
        raise ValidationError("Invalid Open ID Connect Provider URL")
    clients, prints = list(request.get("ClientIDList") or ()), list(request.get("ThumbprintList") or ())
    _check(clients, prints)
    record = book.create(
        OIDC, url.removeprefix("https://").rstrip("/"), "/", context.now, clients=clients, thumbprints=prints,
    )
    record["tags"] = tagging.read(request.get("Tags"))
    book.save(record)
    return {"OpenIDConnectProviderArn": book.arn(record), **shapes.tagged(record)}


def _check(clients: list[str], thumbprints: list[str]) -> None:
    if len(clients) > CLIENTS_LIMIT:
        raise quota("ClientIdsPerOpenIdConnectProvider", CLIENTS_LIMIT)
    if len(thumbprints) > THUMBPRINTS_LIMIT:
        raise InvalidInput("Thumbprint list must contain fewer than 5 entries.")


def get(book: Book, request: Request) -> Record:
    return book.get_arn(OIDC, request["OpenIDConnectProviderArn"])


def shown(book: Book, request: Request) -> Answer:
    record = get(book, request)
    return {"Url": record["name"], "ClientIDList": record["clients"], "ThumbprintList": record["thumbprints"],
            "CreateDate": shapes.moment(record["created"]), "Tags": shapes.tags(record)}


def listed(book: Book) -> Answer:
    return {"OpenIDConnectProviderList": [{"Arn": book.arn(record)} for _, record in book.rows(OIDC)]}


def delete(book: Book, request: Request) -> Answer:
    arn = request["OpenIDConnectProviderArn"]
    record = book.find_arn(OIDC, arn)
    if record is None:
        raise NoSuchEntity(f"OpenId connect Provider {arn} cannot be found.")
    book.remove(record)
    return {}


def add_client(book: Book, request: Request) -> Answer:
    record = get(book, request)
    if request["ClientID"] not in record["clients"]:
        record["clients"].append(request["ClientID"])
    _check(record["clients"], record["thumbprints"])
    book.save(record)
    return {}


def remove_client(book: Book, request: Request) -> Answer:
    record = get(book, request)
    record["clients"] = [client for client in record["clients"] if client != request["ClientID"]]
    book.save(record)
    return {}


def set_thumbprints(book: Book, request: Request) -> Answer:
    record = get(book, request)
    _check([], request["ThumbprintList"])
    record["thumbprints"] = list(request["ThumbprintList"])
    book.save(record)
    return {}
