"""Public-access blocks of accounts: each holds for all buckets of its account, together with the bucket's own.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_PutPublicAccessBlock.html and its neighbours
"""

from collections.abc import Mapping
from typing import Any

from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot, Transaction
from actors.s3 import publicity
from actors.s3.errors import AccessDenied

Request = Mapping[str, Any]
Answer = dict[str, Any]


def get(context: Context, snapshot: Snapshot, request: Request) -> Answer:
    account = account_of(context, request)
    found = publicity.of_account(snapshot, account)
    if not found:
        raise publicity.NoSuchPublicAccessBlock(AccountId=account)
    return {"PublicAccessBlockConfiguration": dict(found)}


def put(context: Context, transaction: Transaction, request: Request) -> Answer:
    block = publicity.checked(request["PublicAccessBlockConfiguration"])
    publicity.set_of_account(transaction, account_of(context, request), block)
    return {}


def delete(context: Context, transaction: Transaction, request: Request) -> Answer:
    publicity.set_of_account(transaction, account_of(context, request), None)
    return {}


def account_of(context: Context, request: Request) -> str:
    """AccessDenied of another than the caller's."""
    account: str = request["AccountId"]
    if account != context.account:
        raise AccessDenied
    return account
