"""What a SigV4 signature is made over: the canonical request.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html and, for S3's paths,
https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple
from urllib.parse import quote, unquote_to_bytes

FORMS_REMEMBERED = 1024
FORM_LIMIT_HEADERS = 64                             # of a form that is remembered; SDKs sign five to fifteen

_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~")
_IS_PATH_SAFE = re.compile(r"[A-Za-z0-9_.~/-]*").fullmatch
_BINDING_HEADERS = ("x-amz-target", "x-amz-date", "x-amz-security-token")   # they change what a request means


class Form(NamedTuple):
    """What a list of signed headers says before there is a request: clients repeat theirs all day."""

    values: Callable[[Mapping[str, str]], tuple[str, ...]]     # KeyError when one of them is missing
    lines: str                                      # a template of these values, a line each
    names: str                                      # as the canonical request ends
    signed: frozenset[str]
    loose: tuple[str, ...]                          # headers that change what a request means, and are not signed


def form_of(signed_headers: tuple[str, ...]) -> Form:
    return _remembered(signed_headers) if len(signed_headers) <= FORM_LIMIT_HEADERS else _form(signed_headers)


def _form(signed_headers: tuple[str, ...]) -> Form:
    values = itemgetter(*signed_headers) if len(signed_headers) > 1 else \
        lambda headers: tuple(headers[name] for name in signed_headers)
    lines = "".join(f"{name.replace('%', '%%')}:%s\n" for name in signed_headers)
    loose = tuple(name for name in _BINDING_HEADERS if name not in signed_headers)
    return Form(values, lines, ";".join(signed_headers), frozenset(signed_headers), loose)


_remembered = lru_cache(FORMS_REMEMBERED)(_form)


def canonical_request(
    form: Form, method: str, path: str, query: str, headers: Mapping[str, str], payload: str, *, s3: bool,
    presigned: bool,
) -> bytes:
    """`path` and `query` as sent, `payload` the last line. `s3`: the path is encoded once and never normalised."""
    if path != "/" or s3:
        path = encoded_once(path) if s3 else encoded_twice(path)
    if query:
        query = canonical_query(query, presigned)
    try:
        values = form.values(headers)
    except KeyError:                                # a header that was signed and not sent has no value
        values = tuple(headers.get(name, "") for name in form.names.split(";"))
    lines = form.lines % values
    if (" " in lines and "  " in lines) or "\t" in lines:      # one is found in a quarter of the time of two
        lines = form.lines % tuple(_trimmed(value) for value in values)
    return f"{method}\n{path}\n{query}\n{lines}\n{form.names}\n{payload}".encode("utf-8", "surrogateescape")


def _trimmed(value: str) -> str:
    return " ".join(value.split()) if "  " in value or "\t" in value else value


def encoded_once(path: str) -> str:
    """S3's canonical path: every byte of the key encoded exactly once, nothing normalised."""
    if _IS_PATH_SAFE(path):
        return path or "/"
    return "/".join([_recoded(segment, plus=b"+") for segment in path.split("/")])


def encoded_twice(path: str) -> str:
    """Everyone else's: dot segments and doubled slashes removed from the path as sent, which is then encoded again."""
    segments: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            if segments:
                segments.pop()
        elif segment and segment != ".":
            segments.append(segment)
    normal = "/" + "/".join(segments) + ("/" if path.endswith("/") and segments else "")
    if _IS_PATH_SAFE(normal):
        return normal
    return quote(normal.encode("utf-8", "surrogateescape"), safe="/-_.~")


def canonical_query(query: str, presigned: bool) -> str:
    pairs = []
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        if (presigned and name == "X-Amz-Signature") or not pair:
            continue
        pairs.append((_recoded(name), _recoded(value)))
    pairs.sort()
    return "&".join([f"{name}={value}" for name, value in pairs])


def _recoded(text: str, plus: bytes = b" ") -> str:
    """Percent-encoded as SigV4 wants it, whatever the client's encoder left plain or wrote in lower case. `plus` is
    what a plain + stands for."""
    if _UNRESERVED.issuperset(text):
        return text
    return quote(unquote_to_bytes(text.encode("utf-8", "surrogateescape").replace(b"+", plus)), safe="-_.~")
