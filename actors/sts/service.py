"""STS: who is asking. Stateless: any actor of the service answers."""

from collections.abc import Mapping
from typing import Any, ClassVar

from actors.runtime.actor import ServiceActor, query
from actors.runtime.context import Context


class STS(ServiceActor):
    service: ClassVar[str] = "sts"

    @query("GetCallerIdentity")
    def get_caller_identity(self, context: Context, snapshot: None, request: Mapping[str, Any]) -> dict[str, str]:
        """Every principal is its account's root until IAM has users."""
        return {"UserId": context.account, "Account": context.account, "Arn": f"arn:aws:iam::{context.account}:root"}
