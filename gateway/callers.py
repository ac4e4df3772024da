"""Who asks: what a request claims, and the proof of it against the credential it names."""

import re
from collections.abc import Callable

from bus.subjects import GATEWAY
from gateway import bearer, protocols, sigv2
from gateway.bodies import check_md5
from gateway.credentials import DEFAULT_ACCOUNT, Credential, Credentials
from gateway.sigv4 import S3_LIKE, Claim, Reason, Refusal, read_claim, verify
from schemas.envelope import ANONYMOUS, Identity

_S3_SCOPE = re.compile(r"(/|%2[Ff])s3(/|%2[Ff])aws4_request")
_TWICE = ("Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter "
          "or the Authorization header should be specified")

_new = tuple.__new__                      # half the time of a named tuple's own constructor
NOBODY = Identity(GATEWAY, DEFAULT_ACCOUNT, ANONYMOUS)


class Callers:
    """`clock` gives seconds since the epoch."""

    def __init__(self, credentials: Credentials, clock: Callable[[], float]) -> None:
        self._credentials = credentials
        self.clock = clock

    async def identify(self, claim: Claim | None, request: protocols.HttpRequest, body: bytes | None
                       ) -> tuple[Identity, str]:
        """Who asks, proven, and the secret that proved it ("" when none did). `body` None: it is yet to come. Refusal,
        InvalidDigest."""
        if claim is None:
            return NOBODY, ""
        credential = self._credentials.known(claim.signer.access_key)
        credential = await self.credential(claim) if credential is None else self._admitted(credential, claim)
        prove = sigv2.verify if claim.signer.scope == sigv2.V2 else verify
        try:
            prove(claim, credential.secret, request.method, request.path, request.query, request.headers, body,
                  self.clock())
        except Refusal as refusal:
            if refusal.reason is Reason.CONTENT_MISMATCH and claim.signer.service in S3_LIKE:
                check_md5(request.headers)         # what cannot be a digest is told first
            raise
        return identity_of(credential), credential.secret or ""

    async def bear(self, key: bearer.ApiKey) -> Identity:
        """Who asks with an API key of Bedrock's. Refusal."""
        try:
            credential = await self.credential(key.claim, bearer=not key.query)
        except Refusal as refusal:
            raise Refusal(Reason.BEARER, bearer.INVALID) from refusal
        bearer.prove(key, credential.secret, self.clock())
        return identity_of(credential)

    async def credential(self, claim: Claim, *, bearer: bool = False) -> Credential:
        """That which a claim names; its signature is not looked at. `bearer`: it is to bear a token, for which IAM has
        credentials of their own, which sign nothing. Refusal."""
        key = claim.signer.access_key
        credential = self._credentials.known(key) or await self._credentials.find(key)
        if credential is None:
            raise Refusal(Reason.UNKNOWN_KEY, AWSAccessKeyId=key)
        return self._admitted(credential, claim, bearer=bearer)

    def _admitted(self, credential: Credential, claim: Claim, *, bearer: bool = False) -> Credential:
        """With the session token that must come with it, and for what it is made. Refusal."""
        if not credential.static:
            if credential.bearer != bearer:
                raise Refusal(Reason.UNKNOWN_KEY, AWSAccessKeyId=credential.access_key)
            credential.check(claim.token, self.clock())
        return credential


def identity_of(credential: Credential) -> Identity:
    return _new(Identity, (GATEWAY, credential.account, credential.access_key))


def claim_of(request: protocols.HttpRequest) -> Claim | None:
    """In whichever version it is signed; None: it is not. Refusal."""
    authorization, query = request.headers.get("authorization", ""), request.query
    in_query = sigv2.is_query(query)
    if authorization and (in_query or ("X-Amz-Algorithm=" in query and _S3_SCOPE.search(query))):
        raise Refusal(Reason.MECHANISM, _TWICE, ArgumentName="Authorization", ArgumentValue=authorization)
    if in_query:
        return sigv2.query_claim(query, request.headers)
    if sigv2.is_header(authorization):
        return sigv2.header_claim(authorization, request.headers)
    return read_claim(query, request.headers)
