"""How a service acts under a role it was given: it assumes it, as itself, like anyone else.

Who may give a service a role is checked when it is given: Access("iam:PassRole", …), see chain/DESIGN.md.
"""

from datetime import datetime
from typing import Any, NamedTuple

from actors.runtime.principals import SERVICE_PREFIX
from bus.client import Client
from bus.subjects import SERVICE
from schemas.envelope import Identity


class Session(NamedTuple):
    """`identity` is for our own requests, the rest for programs that the service runs."""

    identity: Identity
    access_key: str
    secret: str
    token: str
    expires: datetime


async def assume(client: Client, service: str, role_arn: str, session_name: str, **params: Any) -> Session:
    """`service` is the name before .amazonaws.com. For an hour, unless DurationSeconds says otherwise. BusError;
    AwsError: AccessDenied when the role is not there or does not trust the service."""
    account = role_arn.split(":")[4]
    answer = await client.call(
        "sts", "AssumeRole", {"RoleArn": role_arn, "RoleSessionName": session_name, **params},
        identity=Identity(SERVICE, account, f"{SERVICE_PREFIX}{service}"),
    )
    given = answer["Credentials"]
    return Session(Identity(SERVICE, account, given["AccessKeyId"]), given["AccessKeyId"], given["SecretAccessKey"],
                   given["SessionToken"], given["Expiration"])
