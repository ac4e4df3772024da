"""Bedrock's API keys: bearer tokens in place of a signature.

Short-term keys are `bedrock-api-key-` and a presigned request in base64, signed for CallWithBearerToken: whoever
verifies that signature has verified the key. Long-term keys are `ABSK` and, in base64, `<name>:<secret>` of a
service-specific credential of IAM. Clients of OpenAI and Anthropic send them the same way, or as x-api-key.
https://docs.aws.amazon.com/bedrock/latest/userguide/api-keys.html
"""

import base64
import binascii
from collections.abc import Mapping
from typing import NamedTuple

from gateway.sigv4 import Claim, Reason, Refusal, Signer, format_time, read_claim, same, verify

SHORT_TERM, LONG_TERM = "bedrock-api-key-", "ABSK"
SIGNING_NAME = "bedrock"
SERVICE = "bedrock-runtime"                # in whose words a key is refused
HOST = "bedrock.amazonaws.com"
TOKEN_LIMIT_CHARACTERS = 8192
NAME_LIMIT_CHARACTERS = 64
LIFETIME_LIMIT_S = 12 * 3600              # of a short-term key
INVALID = "Authentication failed: Please make sure your API Key is valid."

_UNSIGNED = "Version=1"                   # stands behind the signature


class ApiKey(NamedTuple):
    """A key as it was sent. `claim`: whose it says it is, in the form the router and the credentials read."""

    claim: Claim
    secret: str                           # of a long-term key; "" for a presigned one
    query: str                            # of a short-term key, as it was signed; ""

    @property
    def kind(self) -> str:
        """As the condition key bedrock:BearerTokenType has it."""
        return "SHORT_TERM" if self.query else "LONG_TERM"


def read_key(headers: Mapping[str, str], region: str, *, any_form: bool, now: float) -> ApiKey | None:
    """None where the request bears no key of Bedrock's. `any_form`: other texts are taken for one, as the name alone.

    Refusal for a key that cannot be one.
    """
    token = _token(headers)
    if not token:
        return None
    if token.startswith(SHORT_TERM):
        return _short(token[len(SHORT_TERM):])
    if token.startswith(LONG_TERM):
        name, secret = _long(token[len(LONG_TERM):])
    elif any_form:
        name, secret = _name(token), token
    else:
        return None
    timestamp = format_time(now)
    scope = f"{timestamp[:8]}/{region}/{SIGNING_NAME}/aws4_request"
    return ApiKey(Claim(Signer(name, timestamp[:8], region, SIGNING_NAME, scope), (), "", timestamp), secret, "")


def bears(headers: Mapping[str, str]) -> bool:
    """Does the request bear any token at all?"""
    return bool(_token(headers))


def is_key(headers: Mapping[str, str]) -> bool:
    """Does the request bear what looks like a key of Bedrock's?"""
    return _token(headers).startswith((SHORT_TERM, LONG_TERM))


def prove(key: ApiKey, secret: str | None, now: float) -> None:
    """Returns when the credential with `secret` is this key's; None: it is taken unverified (open mode). Refusal."""
    if key.query:
        try:
            verify(key.claim, secret, "POST", "/", key.query, {"host": HOST}, b"", now)
        except Refusal as refusal:
            expired = refusal.reason is Reason.PRESIGN_EXPIRED
            raise Refusal(Reason.BEARER, "Bearer Token has expired" if expired else INVALID) from refusal
    elif secret is not None and not same(secret, key.secret):
        raise Refusal(Reason.BEARER, INVALID)


def _token(headers: Mapping[str, str]) -> str:
    authorization = headers.get("authorization", "")
    if authorization.startswith("AWS4-") and "x-api-key" not in headers:    # nearly all there are
        return ""
    token = authorization[len("Bearer "):] if authorization[:7].lower() == "bearer " else ""
    token = (token or headers.get("x-api-key", "")).strip()
    return token if len(token) <= TOKEN_LIMIT_CHARACTERS else ""


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode("ascii")
    except (binascii.Error, ValueError) as error:
        raise Refusal(Reason.BEARER, INVALID) from error


def _short(text: str) -> ApiKey:
    url = _decoded(text).removeprefix("https://")
    host, _, query = url.partition("/?")
    query = "&".join(pair for pair in query.split("&") if pair != _UNSIGNED)
    if host != HOST or "Action=CallWithBearerToken" not in query.split("&"):
        raise Refusal(Reason.BEARER, INVALID)
    try:
        claim = read_claim(query, {})
    except Refusal as refusal:
        raise Refusal(Reason.BEARER, INVALID) from refusal
    if claim is None or claim.signer.service != SIGNING_NAME or not 0 < (claim.expires_s or 0) <= LIFETIME_LIMIT_S:
        raise Refusal(Reason.BEARER, INVALID)
    return ApiKey(claim, "", query)


def _long(text: str) -> tuple[str, str]:
    name, colon, secret = _decoded(text).partition(":")
    if not colon or not name or not secret:
        raise Refusal(Reason.BEARER, INVALID)
    return name, secret


def _name(token: str) -> str:
    """A key of no form of Bedrock's, as a token of a subject: what it is made of that may stand in one."""
    kept = [letter for letter in token if letter.isascii() and (letter.isalnum() or letter in "-_")]
    return "".join(kept)[:NAME_LIMIT_CHARACTERS] or "key"
