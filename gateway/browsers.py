"""Which web pages may talk to us, and what a preflight is answered.

AWS's APIs answer any origin, because a page would need secret keys. In open mode the keys are no secret, so that any
site a developer visits could read and erase the local cloud; there, only pages served from this machine are answered,
and a request that another page's script sends is refused before it does anything. So is one to a host name that the
public DNS may lead here from anywhere: its pages would count as our own (DNS rebinding).
"""

from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import urlsplit

from gateway.hosts import DOMAINS, LIMIT_CHARACTERS, REMEMBERED

PREFLIGHT_AGE_S = 172_800                 # what AWS's JSON services answer
UNKNOWN_HOST = ("In open mode Skybus does not answer under the name {}, which may be another site's: ask localhost, or "
                "name it in the setting `hosts` (SKYBUS_HOSTS).")
REFUSED = b"In open mode only pages of this machine may ask.\n"

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1", "localhost.localstack.cloud"})
# Below these nobody can have a name of the public DNS: RFC 6762, ICANN's resolution of 2024-07-29, RFC 6761, RFC 8375.
_PRIVATE = ("local", "internal", "test", "home.arpa")
_ALLOWED_HEADERS = (
    "authorization,content-type,content-length,content-md5,content-encoding,cache-control,x-amz-content-sha256,"
    "x-amz-date,x-amz-security-token,x-amz-target,x-amz-user-agent,x-amzn-trace-id,amz-sdk-invocation-id,"
    "amz-sdk-request,smithy-protocol,accept"
)
_EXPOSED_HEADERS = "x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,x-amz-request-id,x-amz-id-2,Date,ETag"


def is_loopback_name(host: str) -> bool:
    """`localhost`, `127.0.0.1`, `[::1]`, anything below localhost or localhost.localstack.cloud; a port may follow."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    return name in _LOOPBACK or name.endswith((".localhost", ".localhost.localstack.cloud"))


def is_known(host: str, more: tuple[str, ...] = ()) -> bool:
    """A Host under which open mode answers: an address, a name without a dot (containers', of services in CI), one of
    ours, AWS's or a private network's, or one below them; or of `more`, as somebody configured it."""
    return len(host) <= LIMIT_CHARACTERS and _is_known(host, more)


@lru_cache(REMEMBERED)
def _is_known(host: str, more: tuple[str, ...]) -> bool:
    try:
        name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return False
    if ":" in name or name.rpartition(".")[2].isdigit() or "." not in name:
        return True
    return any(name == domain or name.endswith(f".{domain}") for domain in (*DOMAINS, *_PRIVATE, *more))


def may_ask(origin: str, open_mode: bool) -> bool:
    """May a page of this origin (the Origin header) be answered? `null` and extensions are not this machine's."""
    if not open_mode:
        return True
    scheme, separator, host = origin.partition("://")
    return bool(separator) and scheme in ("http", "https") and is_loopback_name(host)


def cors_headers(origin: str, open_mode: bool) -> dict[str, str]:
    """For every answer to a page that may ask."""
    allowed = {"access-control-allow-origin": origin, "vary": "Origin"} if open_mode else \
        {"access-control-allow-origin": "*"}
    return {**allowed, "access-control-expose-headers": _EXPOSED_HEADERS}


def preflight_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Beside those, to what a page asks before it sends its request; headers are granted as AWS does, by name."""
    asked = headers.get("access-control-request-headers", "")
    return {
        "access-control-allow-methods": "GET,POST,PUT,PATCH,DELETE,HEAD,OPTIONS",
        "access-control-allow-headers": asked or _ALLOWED_HEADERS,
        "access-control-max-age": str(PREFLIGHT_AGE_S),
    }
