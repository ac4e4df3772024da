"""Central access to the roots of an organization's members: what of it the organization has switched on.

Kept with the management account: master \\0 rootaccess {features}. STS's AssumeRoot asks here. Source:
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_root-user.html#id_root-user-access-management.
"""

from actors.iam.errors import (
    AccountNotManagementOrDelegatedAdministrator,
    CallerIsNotManagementAccount,
    OrganizationNotFound,
    ServiceAccessNotEnabled,
)
from actors.iam.paging import Answer
from actors.iam.state import Book

CREDENTIALS, SESSIONS = "RootCredentialsManagement", "RootSessions"
IAM = "iam.amazonaws.com"


def enable(book: Book, feature: str) -> Answer:
    master, identity = _organization(book)
    if master.account != book.account:
        raise CallerIsNotManagementAccount
    return _save(master, identity, sorted({*_features(master), feature}))


def disable(book: Book, feature: str) -> Answer:
    master, identity = _administered(book)
    return _save(master, identity, [each for each in _features(master) if each != feature])


def features(book: Book) -> Answer:
    master, identity = _administered(book)
    return {"OrganizationId": identity, "EnabledFeatures": _features(master)}


def may_assume(book: Book, account: str) -> bool:
    """May the book's account have sessions of that account's root?"""
    member, own = book.elsewhere("").row("member", account), book.elsewhere("").row("member", book.account)
    if member is None or own is None or member["master"] != own["master"] or account == own["master"]:
        return False
    master = book.elsewhere(own["master"])
    return SESSIONS in _features(master) and _administers(master, book.account)


def _features(master: Book) -> list[str]:
    return list((master.row("rootaccess") or {}).get("features", ()))


def _save(master: Book, identity: str, enabled: list[str]) -> Answer:
    master.put({"features": enabled}, "rootaccess")
    return {"OrganizationId": identity, "EnabledFeatures": enabled}


def _organization(book: Book) -> tuple[Book, str]:
    """The management account's book, and the organization's id; IAM must be trusted there."""
    member = book.elsewhere("").row("member", book.account)
    if member is None:
        raise OrganizationNotFound
    master = book.elsewhere(member["master"])
    if master.row("trusted", IAM) is None:
        raise ServiceAccessNotEnabled
    return master, str(member["organization"])


def _administered(book: Book) -> tuple[Book, str]:
    master, identity = _organization(book)
    if not _administers(master, book.account):
        raise AccountNotManagementOrDelegatedAdministrator
    return master, identity


def _administers(master: Book, account: str) -> bool:
    return account == master.account or master.row("delegate", account, IAM) is not None
