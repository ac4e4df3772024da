"""The rules of a bucket's website configuration: which request is sent elsewhere, and where.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/how-to-page-redirect.html; expected locations are those of
ceph/s3-tests (test_s3_website.py, ROUTING_RULES_TESTS).
"""

from collections.abc import Iterable, Mapping
from string import printable
from typing import Any, NamedTuple
from urllib.parse import quote

MOVED_PERMANENTLY = 301
# What a configuration says is taken as it stands (`resize?key=`), but for what could not stand in a header.
_LITERAL = "".join(sorted(set(printable) - set(" \t\n\r\x0b\x0c")))

Rule = Mapping[str, Any]


class Redirect(NamedTuple):
    status: int
    location: str


def everything(target: Mapping[str, Any], path: str, query: str) -> Redirect:
    """RedirectAllRequestsTo: path and query, as they were sent, of another host."""
    asked = f"{path}?{query}" if query else path
    return Redirect(MOVED_PERMANENTLY, f"{target.get('Protocol') or 'http'}://{target['HostName']}{asked}")


def find(rules: Iterable[Rule], key: str, host: str, status: int | None = None) -> Redirect | None:
    """By the first rule that matches; `status`: of the error met, None: before the key is looked for."""
    for rule in rules:
        condition = rule.get("Condition") or {}
        expected = condition.get("HttpErrorCodeReturnedEquals")
        prefix = condition.get("KeyPrefixEquals") or ""
        if key.startswith(prefix) and expected == (None if status is None else str(status)):
            return _redirect(rule["Redirect"], key, prefix, host)
    return None


def _redirect(redirect: Mapping[str, Any], key: str, prefix: str, host: str) -> Redirect:
    if "ReplaceKeyWith" in redirect:
        target = quote(redirect["ReplaceKeyWith"], _LITERAL)
    elif "ReplaceKeyPrefixWith" in redirect:
        target = quote(redirect["ReplaceKeyPrefixWith"], _LITERAL) + quote(key[len(prefix):])
    else:
        target = quote(key)
    location = f"{redirect.get('Protocol') or 'http'}://{redirect.get('HostName') or host}/{target}"
    return Redirect(int(redirect.get("HttpRedirectCode") or MOVED_PERMANENTLY), location)
