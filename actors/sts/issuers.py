"""The keys of OpenID Connect providers, fetched over HTTPS from where their discovery document says, and remembered.

A provider's certificate is trusted as everyone's is, or because its SHA-1 is among the thumbprints registered with it.
Sources: https://openid.net/specs/openid-connect-discovery-1_0.html,
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc_verify-thumbprint.html.
"""

import json
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from hashlib import sha1
from http.client import HTTPException, HTTPSConnection
from threading import Timer
from typing import Any
from urllib.parse import urlsplit

from actors.runtime.bounded.threads import Threads
from actors.sts.errors import IDPCommunicationError, InvalidIdentityToken

DISCOVERY = "/.well-known/openid-configuration"
STEP_LIMIT_S, FETCH_LIMIT_S = 5.0, 10.0       # of each wait for the provider, of a fetch as a whole
FETCHES_LIMIT, WAITING_LIMIT = 8, 56          # at a time, and that wait
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
        self._threads = Threads("issuers", FETCHES_LIMIT, WAITING_LIMIT)
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
            about = await self._threads.run(self._fetch, f"https://{issuer}{DISCOVERY}", thumbprints)
            answer = await self._threads.run(self._fetch, str(about["jwks_uri"]), thumbprints)
            return [key for key in answer["keys"] if isinstance(key, dict)]
        except (OSError, HTTPException, ValueError, KeyError, TypeError) as error:
            raise IDPCommunicationError(_NO_KEY) from error


def _find(keys: list[Key], key_id: str) -> Key | None:
    if not key_id:
        return keys[0] if len(keys) == 1 else None
    return next((key for key in keys if key.get("kid") == key_id), None)


def fetch_json(url: str, thumbprints: Sequence[str]) -> Any:
    """Follows nothing. OSError, HTTPException, ValueError."""
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
    connection = HTTPSConnection(parts.hostname, parts.port, timeout=STEP_LIMIT_S, context=context)
    try:
        connection.connect()
        with _ended_in_time(connection.sock):
            _check_thumbprint(connection.sock, thumbprints)
            connection.request("GET", f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}")
            answer = connection.getresponse()
            body = answer.read(FETCH_LIMIT_BYTES + 1)
        if answer.status != 200 or len(body) > FETCH_LIMIT_BYTES:
            raise ValueError(f"{url} answers {answer.status}, {len(body)} bytes")
        return json.loads(body)
    finally:
        connection.close()


def _check_thumbprint(connection: ssl.SSLSocket, thumbprints: Sequence[str]) -> None:
    certificate = connection.getpeercert(binary_form=True) if thumbprints else b""
    if thumbprints and (not certificate or sha1(certificate, usedforsecurity=False).hexdigest() not in thumbprints):
        raise ssl.SSLCertVerificationError("the certificate is none of the registered thumbprints")


@contextmanager
def _ended_in_time(connection: socket.socket) -> Iterator[None]:
    """Who sends a byte now and then keeps within STEP_LIMIT_S for as long as it likes: then the connection is ended."""
    def end() -> None:
        with suppress(OSError):           # it has ended
            socket.socket.shutdown(connection, socket.SHUT_RDWR)

    timer = Timer(FETCH_LIMIT_S, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
