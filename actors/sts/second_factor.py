"""A code of the caller's MFA device, with which a session may be asked for.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa_configure-api-require.html; the sentences
are those that users report.
"""

from collections.abc import Mapping
from typing import Any

from actors.iam import mfa
from actors.iam.state import USER, Book
from actors.iam.vault import Vault
from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot, Transaction
from actors.sts.errors import AccessDenied

PRESENT = "aws:multifactorauthpresent"        # the condition key; its Age is told by actors/runtime/circumstances.py
_INCOMPLETE = "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code."
_NO_DEVICE = ("MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is "
              "valid and associated with this user.")
_NO_CODE = "MultiFactorAuthentication failed with invalid MFA one time pass code."

Request = Mapping[str, Any]
Keys = dict[str, str]


def check(view: Snapshot, vault: Vault, context: Context, request: Request) -> Keys:
    """The condition keys that a good code gives; none where none was sent. AccessDenied."""
    found = _verified(view, vault, context, request)
    return {} if found is None else {PRESENT: "true", "aws:multifactorauthage": "0"}


def spend(transaction: Transaction, vault: Vault, context: Context, request: Request) -> Keys:
    """The same, as the session keeps them: a code is good once."""
    counter = _verified(transaction, vault, context, request)
    if counter is None:
        return {}
    mfa.used(Book(transaction, context.identity.account), request["SerialNumber"], counter)
    return {PRESENT: "true"}


def _verified(view: Snapshot, vault: Vault, context: Context, request: Request) -> int | None:
    serial, given = request.get("SerialNumber"), request.get("TokenCode")
    if not serial and not given:
        return None
    if not serial or not given:
        raise AccessDenied(_INCOMPLETE)
    book = Book(view, context.identity.account)
    user = book.find(USER, context.principal.name) if context.principal.name else None
    if user is None or mfa.find_of_user(book, user, serial) is None:
        raise AccessDenied(_NO_DEVICE)
    counter = mfa.verified(book, vault, user, serial, given, context.now)
    if counter is None:
        raise AccessDenied(_NO_CODE)
    return counter
