"""One request as far as it is understood, and what only its operation tells of it."""

from dataclasses import dataclass

from gateway import protocols as wire
from gateway.bearer import SIGNING_NAME
from gateway.connection import Incoming
from gateway.route import Route
from gateway.sigv4 import S3_LIKE, UNSIGNED_PAYLOAD, Claim, Reason, Refusal
from schemas.errors import NotImplementedByUs
from schemas.models import Operation, Service


@dataclass(slots=True)
class Exchange:
    """What an error needs to be told in the right words."""

    id: str
    incoming: Incoming
    request: wire.HttpRequest
    claim: Claim | None = None
    service: Service | None = None
    operation: Operation | None = None
    protocol: wire.Protocol | None = None
    bearer: str = ""                      # of which kind an API key was that came in place of a signature
    grants: dict[str, str] | None = None  # the headers that let a page read the answer

    def admit(self, route: Route) -> None:
        """What is meant is known: may it be asked unsigned, with an unsigned body, over HTTP/1.1? Refusal, AwsError."""
        operation, claim = route.operation, self.claim
        self.service, self.operation, self.protocol = route.service, operation, route.protocol
        if self.bearer and route.service.metadata.get("signingName") != SIGNING_NAME:
            raise Refusal(Reason.BEARER)
        if claim is None:
            if operation.traits.get("authtype") != "none" and route.service.name != "s3":
                raise Refusal(Reason.MISSING)
        elif claim.content_hash == UNSIGNED_PAYLOAD and claim.signer.service not in S3_LIKE \
                and not operation.traits.get("unsignedPayload"):
            raise Refusal(Reason.MISMATCH)
        if operation.event_stream_in:               # events in need HTTP/2
            raise NotImplementedByUs(route.service.name, operation.name)
