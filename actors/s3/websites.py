"""A bucket's website configuration as it may be put. What serves the site is at the edge (gateway/s3/websites.py).

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketWebsite.html; the messages are those that
LocalStack's snapshots and versitygw's integration tests hold, and the codes that S3 takes those it found.
"""

from collections.abc import Mapping
from typing import Any

from actors.s3.errors import InvalidArgument, InvalidRequest, MalformedXML

ROUTING_RULES_LIMIT = 50
_REDIRECTS = frozenset({301, 302, 303, 304, 305, 307, 308})
_ERRORS = frozenset({*range(400, 418), *range(500, 506)})

Content = Mapping[str, Any]


def check(content: Content) -> None:
    """InvalidArgument, InvalidRequest, MalformedXML."""
    everything, index = content.get("RedirectAllRequestsTo"), content.get("IndexDocument")
    if everything:
        if index or content.get("ErrorDocument") or content.get("RoutingRules"):
            raise InvalidArgument("RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules.",
                                  "RedirectAllRequestsTo", "not null")
        if not everything.get("HostName"):
            raise MalformedXML
        _check_protocol(everything)
        return
    if not index:
        raise InvalidArgument("A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty",
                              "IndexDocument", "null")
    if not index.get("Suffix") or "/" in index["Suffix"]:
        raise InvalidArgument("The IndexDocument Suffix is not well formed", "IndexDocument", index.get("Suffix"))
    if "ErrorDocument" in content and not (content["ErrorDocument"] or {}).get("Key"):
        raise InvalidArgument("The ErrorDocument Key is not well formed", "ErrorDocument", "")
    rules = content.get("RoutingRules") or []
    if "RoutingRules" in content and not rules:
        raise MalformedXML
    if len(rules) > ROUTING_RULES_LIMIT:
        raise InvalidRequest(f"{len(rules)} routing rules provided, the number of routing rules in a website "
                             f"configuration is limited to {ROUTING_RULES_LIMIT}.")
    for rule in rules:
        _check_redirect(rule.get("Redirect"))
        if "Condition" in rule:
            _check_condition(rule["Condition"] or {})


def _check_redirect(redirect: Content | None) -> None:
    if not redirect:
        raise MalformedXML
    if "ReplaceKeyWith" in redirect and "ReplaceKeyPrefixWith" in redirect:
        raise InvalidRequest("You can only define ReplaceKeyPrefix or ReplaceKey but not both.")
    _check_protocol(redirect)
    code = redirect.get("HttpRedirectCode")
    if code is not None and _number(code) not in _REDIRECTS:
        raise InvalidRequest(f"The provided HTTP redirect code ({code}) is not valid. Valid codes are 3XX except 300.")


def _check_condition(condition: Content) -> None:
    if not condition:
        raise InvalidRequest("Condition cannot be empty. To redirect all requests without a condition, the condition "
                             "element shouldn't be present.")
    code = condition.get("HttpErrorCodeReturnedEquals")
    if code is not None and _number(code) not in _ERRORS:
        raise InvalidRequest(f"The provided HTTP error code ({code}) is not valid. Valid codes are 4XX or 5XX.")


def _check_protocol(redirect: Content) -> None:
    if redirect.get("Protocol") not in (None, "http", "https"):
        raise InvalidRequest("Invalid protocol, protocol can be http or https. If not defined the protocol will be "
                             "selected automatically.")


def _number(text: str) -> int:
    """MalformedXML: it is none."""
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise MalformedXML
    return int(text)
