"""GetCallerIdentity: the form AWS gives an account's root
(https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html)."""

from typing import cast

from actors.runtime.context import Context
from actors.sts.service import STS
from schemas.envelope import Identity
from schemas.models import Operation


def test_the_root_of_the_callers_account() -> None:
    context = Context(Identity("gw", "123456789012", "AKIA"), "us-east-1", cast("Operation", None), "r", 0.0, 0.0)
    definition = STS.operations["GetCallerIdentity"]
    assert definition.method(STS(), context, None, {}) == {
        "UserId": "123456789012", "Account": "123456789012", "Arn": "arn:aws:iam::123456789012:root",
    }
