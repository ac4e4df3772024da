"""Accounts as S3 tells them: by canonical user id. Who is somebody in an account: by ARN."""

import hashlib
from functools import lru_cache

from actors.runtime.policy.decision import root_arn
from actors.runtime.principal import Principal

_REMEMBERED = 1024


def owner(account: str) -> dict[str, str]:
    return {"DisplayName": account, "ID": canonical_id(account)}


def initiator(principal: Principal, account: str) -> dict[str, str]:
    """Who begins an upload. Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_Initiator.html"""
    if principal.arn in ("", root_arn(account)):
        return owner(account)
    return {"DisplayName": principal.arn.rpartition("/")[2], "ID": principal.arn}


@lru_cache(_REMEMBERED)
def canonical_id(account: str) -> str:
    """64 hex digits that stay the same."""
    return hashlib.sha256(f"canonical user of {account}".encode()).hexdigest()
