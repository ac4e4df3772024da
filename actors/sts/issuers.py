"""The keys of OpenID Connect providers, fetched over HTTPS from where their discovery document says, and remembered.

A provider's certificate is trusted as everyone's is, or because its SHA-1 is among the thumbprints registered with it.
Sources: https://openid.net/specs/openid-connect-discovery-1_0.html,
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc_verify-thumbprint.html.
"""

import asyncio
import json
import ssl
from collections.abc import Callable, Sequence
from hashlib import sha1
from http.client import HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from actors.sts.errors import IDPCommunicationError, InvalidIdentityToken

DISCOVERY = "/.well-known/openid-configuration"
FETCH_LIMIT_S = 5.0
FETCH_LIMIT_BYTES = 1024 * 1024
KEYS_GOOD_S = 300.0                           # then they are fetched again
UNKNOWN_KEY_WAIT_S = 10.0                     # between fetches for the sake of a key that was not there
ISSUERS_REMEMBERED = 256
_NO_KEY = ("Couldn't retrieve verification key from your identity provider,  please reference "
           "AssumeRoleWithWebIdentity documentation for requirements")

Key = dict[str, Any]
Fetch = Callable[[str, Sequence[str]], Any]   # JSON from a URL. OSError, HTTPException, ValueError


class Issuers:
    def __init__(self, fetch: Fetch | None = None) -> None:
        self._fetch = fetch or fetch_json
        self._known: dict[str, tuple[float, list[Key]]] = {}

    async def key(self, issuer: str, thumbprints: Sequence[str], key_id: str, now: float) -> Key:
        """The issuer's key of that id (its only one where the token names none). InvalidIdentityToken,
        IDPCommunicationError."""
        fetched, keys = self._known.get(issuer, (0.0, []))
        found = _find(keys, key_id)
        if found is None or fetched + KEYS_GOOD_S < now:
            if found is None and fetched + UNKNOWN_KEY_WAIT_S > now:
                raise InvalidIdentityToken(_NO_KEY)
            keys = await self._keys(issuer, thumbprints)
            if len(self._known) >= ISSUERS_REMEMBERED:
                self._known.clear()
            self._known[issuer] = now, keys
            found = _find(keys, key_id)
        if found is None:
            raise InvalidIdentityToken(_NO_KEY)
        return found

    async def _keys(self, issuer: str, thumbprints: Sequence[str]) -> list[Key]:
        try:
            about = await asyncio.to_thread(self._fetch, f"https://{issuer}{DISCOVERY}", thumbprints)
            answer = await asyncio.to_thread(self._fetch, str(about["jwks_uri"]), thumbprints)
            return [key for key in answer["keys"] if isinstance(key, dict)]
        except (OSError, HTTPException, ValueError, KeyError, TypeError) as error:
            raise IDPCommunicationError(_NO_KEY) from error


def _find(keys: list[Key], key_id: str) -> Key | None:
    if not key_id:
        return keys[0] if len(keys) == 1 else None
    return next((key for key in keys if key.get("kid") == key_id), None)


def fetch_json(url: str, thumbprints: Sequence[str]) -> Any:
    """Follows nothing and waits FETCH_LIMIT_S at each step. OSError, HTTPException, ValueError."""
    try:
        return _fetch(url, ssl.create_default_context(), ())
    except ssl.SSLCertVerificationError:
        if not thumbprints:
            raise
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE               # the thumbprint takes its place
        return _fetch(url, context, [each.lower() for each in thumbprints])


def _fetch(url: str, context: ssl.SSLContext, thumbprints: Sequence[str]) -> Any:
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        raise ValueError(f"not an https URL: {url}")
    connection = HTTPSConnection(parts.hostname, parts.port, timeout=FETCH_LIMIT_S, context=context)
    try:
        connection.connect()
        if thumbprints:
            certificate = connection.sock.getpeercert(binary_form=True)
            if not certificate or sha1(certificate, usedforsecurity=False).hexdigest() not in thumbprints:
                raise ssl.SSLCertVerificationError("the certificate is none of the registered thumbprints")
        connection.request("GET", f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}")
        answer = connection.getresponse()
        body = answer.read(FETCH_LIMIT_BYTES + 1)
        if answer.status != 200 or len(body) > FETCH_LIMIT_BYTES:
            raise ValueError(f"{url} answers {answer.status}, {len(body)} bytes")
        return json.loads(body)
    finally:
        connection.close()
