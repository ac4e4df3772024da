"""What a request needs to be allowed, and what stands around a resource: the two halves of authorisation a service
brings. Who asks is principal.py, the decision is policy/, putting them together is chain/authorise.py.
"""

from collections.abc import Mapping
from typing import NamedTuple

from actors.runtime.policy import Policy

_NOTHING: Mapping[str, str | tuple[str, ...]] = {}


class Access(NamedTuple):
    """One action on one resource; a request may need several, all of them."""

    action: str                           # "s3:GetObject"
    resource: str = "*"                   # an ARN, or "*" where AWS has no resource
    keys: Mapping[str, str | tuple[str, ...]] = _NOTHING   # this access's own condition keys, in lower case
    called: str = ""                      # the resource in the words of a denial, where these are not its ARN


class Guard(NamedTuple):
    """Whose a resource is and what its owner says about it."""

    account: str = ""                     # "": the one in the ARN, else the caller's
    policy: Policy | None = None          # the resource's own, compiled with Use.RESOURCE or Use.TRUST
    granted: bool = False                 # to this caller, by other means than the policy: an access control list
    decides: bool = False                 # nobody gets in without it: roles, KMS keys
