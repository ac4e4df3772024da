"""IAM's operations on identity providers, OpenID Connect's and SAML's: a part of service.py's table of contents."""

from collections.abc import Mapping
from typing import Any

from actors.iam import providers, saml_providers, tagging
from actors.iam.state import Book
from actors.runtime.actor import operation, query
from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot, Transaction

Request = Mapping[str, Any]
Answer = dict[str, Any]


class Federation:
    # OpenID Connect providers

    @operation("CreateOpenIDConnectProvider")
    def create_openid_connect_provider(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return providers.create(Book(transaction, context.account), context, request)

    @query("GetOpenIDConnectProvider")
    def get_openid_connect_provider(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return providers.shown(Book(snapshot, context.account), request)

    @query("ListOpenIDConnectProviders")
    def list_openid_connect_providers(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return providers.listed(Book(snapshot, context.account))

    @operation("DeleteOpenIDConnectProvider")
    def delete_openid_connect_provider(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return providers.delete(Book(transaction, context.account), request)

    @operation("AddClientIDToOpenIDConnectProvider")
    def add_client_id(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return providers.add_client(Book(transaction, context.account), request)

    @operation("RemoveClientIDFromOpenIDConnectProvider")
    def remove_client_id(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return providers.remove_client(Book(transaction, context.account), request)

    @operation("UpdateOpenIDConnectProviderThumbprint")
    def update_thumbprint(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return providers.set_thumbprints(Book(transaction, context.account), request)

    @operation("TagOpenIDConnectProvider")
    def tag_openid_connect_provider(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        book = Book(transaction, context.account)
        return tagging.tag(book, providers.get(book, request), request)

    @operation("UntagOpenIDConnectProvider")
    def untag_openid_connect_provider(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        book = Book(transaction, context.account)
        return tagging.untag(book, providers.get(book, request), request)

    @query("ListOpenIDConnectProviderTags")
    def list_openid_connect_provider_tags(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return tagging.listed(providers.get(Book(snapshot, context.account), request), request)

    # SAML providers

    @operation("CreateSAMLProvider")
    def create_saml_provider(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return saml_providers.create(Book(transaction, context.account), context, request)

    @query("GetSAMLProvider")
    def get_saml_provider(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return saml_providers.shown(Book(snapshot, context.account), request)

    @query("ListSAMLProviders")
    def list_saml_providers(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return saml_providers.listed(Book(snapshot, context.account))

    @operation("UpdateSAMLProvider")
    def update_saml_provider(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return saml_providers.update(Book(transaction, context.account), context, request)

    @operation("DeleteSAMLProvider")
    def delete_saml_provider(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return saml_providers.delete(Book(transaction, context.account), request)

    @operation("TagSAMLProvider")
    def tag_saml_provider(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        book = Book(transaction, context.account)
        return tagging.tag(book, saml_providers.get(book, request), request)

    @operation("UntagSAMLProvider")
    def untag_saml_provider(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        book = Book(transaction, context.account)
        return tagging.untag(book, saml_providers.get(book, request), request)

    @query("ListSAMLProviderTags")
    def list_saml_provider_tags(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return tagging.listed(saml_providers.get(Book(snapshot, context.account), request), request)
