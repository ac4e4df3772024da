"""A request's condition keys, looked up when a policy asks: most policies ask for none.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html. Names come in lower
case, as the engine has them.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from actors.runtime.access import Access, Guard

if TYPE_CHECKING:
    from actors.runtime.actor import ServiceActor
    from actors.runtime.context import Context

Value = str | tuple[str, ...] | None

_LOOPBACK = ("127.", "::1", "::ffff:127.")
_RESOURCE_TAG, _REQUEST_TAG = "resourcetag/", "aws:requesttag/"


class Circumstances:
    """policy.Keys of one access of one request. `asked`: some policy wanted to know one."""

    __slots__ = ("_access", "_actor", "_context", "_guard", "_own", "_request", "_tags", "asked")

    def __init__(
        self, context: "Context", actor: "ServiceActor", access: Access, guard: Guard | None, request: Mapping[str, Any]
    ) -> None:
        self._context = context
        self._actor = actor
        self._access = access
        self._guard = guard
        self._request = request
        self._tags: Mapping[str, str] | None = None
        self._own: Mapping[str, str | tuple[str, ...]] | None = None
        self.asked = False

    def get(self, key: str, /) -> Value:
        self.asked = True
        known: Value = self._access.keys.get(key) or self._context.principal.keys.get(key)
        if known is not None:
            return known
        prefix, _, name = key.partition(":")
        if name.startswith(_RESOURCE_TAG):                 # aws:ResourceTag/…, and the services' own form of it
            return self._tag(name[len(_RESOURCE_TAG):])
        if prefix == "aws":
            return self._general(key)
        if self._own is None:
            self._own = self._actor.condition_keys(self._context, self._access, self._request)
        return self._own.get(key)

    def _tag(self, name: str) -> Value:
        if self._tags is None:
            self._tags = {tag.lower(): value for tag, value in self._actor.tags(self._context, self._access).items()}
        return self._tags.get(name)

    def _general(self, key: str) -> Value:
        context = self._context
        match key:
            case "aws:sourceip":
                return context.source.get("ip")
            case "aws:useragent":
                return context.source.get("user_agent")
            case "aws:referer":
                return context.source.get("referer")
            case "aws:multifactorauthage":         # of a session made with a code: since when
                principal = context.principal
                present = principal.keys.get("aws:multifactorauthpresent") == "true"
                return str(int(context.now - principal.record["issued"])) if present else None
            case "aws:sourcearn":                  # of what a service asks for: a bucket, for its notifications
                return context.source.get("arn")
            case "aws:sourceaccount":
                return context.source.get("account")
            case "aws:requestedregion":
                return context.region
            case "aws:currenttime":
                return datetime.fromtimestamp(context.now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            case "aws:epochtime":
                return str(int(context.now))
            case "aws:securetransport":            # what never leaves the machine is as safe as TLS makes it
                return "true" if context.source.get("ip", "127.").startswith(_LOOPBACK) else "false"
            case "aws:viaawsservice":
                return "true" if context.identity.door == "svc" else "false"
            case "aws:resourceaccount":
                return owner_of(self._access, self._guard) or context.principal.account
            case "aws:resourceorgid" | "aws:resourceorgpaths":      # of one's own account; nobody here knows others'
                principal = context.principal
                own = owner_of(self._access, self._guard) in ("", principal.account)
                return principal.keys.get(key.replace("resource", "principal")) if own else None
            case "aws:tagkeys":
                return tuple(request_tags(self._request)) + tuple(self._request.get("TagKeys") or ()) or None
        if key.startswith(_REQUEST_TAG):
            wanted = key[len(_REQUEST_TAG):]
            return next((value for tag, value in request_tags(self._request).items() if tag.lower() == wanted), None)
        return None


def owner_of(access: Access, guard: Guard | None) -> str:
    """The account a resource belongs to, "" when neither its guard nor its ARN says, or it is AWS's for everybody."""
    if guard is not None and guard.account:
        return guard.account
    parts = access.resource.split(":", 5)
    return parts[4] if len(parts) == 6 and parts[4] != "aws" else ""


def request_tags(request: Mapping[str, Any]) -> dict[str, str]:
    """The tags a request brings, in the forms AWS's services have: [{Key, Value}], {key: value}, [{key, value}]."""
    tags: dict[str, str] = {}
    for member in ("Tags", "tags", "TagList"):
        given = request.get(member)
        if isinstance(given, Mapping):
            tags |= {str(key): str(value) for key, value in given.items() if isinstance(value, str)}
        elif isinstance(given, list):
            for tag in given:
                key = tag.get("Key", tag.get("key", tag.get("TagKey")))
                if key is not None:
                    tags[str(key)] = str(tag.get("Value", tag.get("value", tag.get("TagValue", ""))) or "")
    for specification in request.get("TagSpecifications") or ():
        tags |= request_tags(specification)
    return tags
