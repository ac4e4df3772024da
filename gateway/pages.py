"""What web pages may ask: preflights, requests that bring an Origin, and those that a page makes a browser send without
one. DESIGN.md: Pages and buckets.

A bucket's own CORS configuration decides about its pages as on AWS; everything else is browsers.py's.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, NoReturn
from urllib.parse import unquote

from gateway import bearer, browsers
from gateway.callers import claim_of
from gateway.exchange import Exchange
from gateway.hosts import LIMIT_CHARACTERS
from gateway.protocols import HttpRequest, HttpResponse
from gateway.route import Router
from gateway.s3 import cors
from gateway.s3.buckets import CORS, Buckets, Told
from gateway.s3.cors import AccessForbidden, BadRequest
from gateway.s3.door import is_form
from gateway.sigv4 import Claim, Refusal
from schemas.dialects import dialect_of
from schemas.errors import AwsError
from schemas.models import Service, load

PREFLIGHT = "OPTIONS"
ELSEWHERE = "cross-site"                  # a Sec-Fetch-Site: https://www.w3.org/TR/fetch-metadata/
_READS = frozenset({"GET", "HEAD"})
_FROM_ELSEWHERE = ("In open mode a page of another site (Sec-Fetch-Site: cross-site) may make a browser ask with a key "
                   "for objects of S3 only.")
_NO_KEYS = ("In open mode a page of another machine may ask with a key only what the bucket's CORS configuration "
            "allows it.")


class Place(NamedTuple):
    """The bucket that a page's request is about. `certain`: S3 is meant, be the bucket there or not."""

    bucket: str
    resource: str                         # BUCKET or OBJECT, in S3's words
    signed: bool
    certain: bool


class Pages:
    def __init__(self, router: Router, buckets: Buckets, *, open_mode: bool, hosts: tuple[str, ...] = ()) -> None:
        self._router = router
        self._buckets = buckets
        self._open_mode = open_mode
        self._hosts = hosts

    def check_host(self, exchange: Exchange) -> None:
        """In open mode. AwsError for a name by which a page of another site may have been led here."""
        host = exchange.request.headers.get("host", "")
        if not browsers.is_known(host, self._hosts):
            self._refuse(exchange, browsers.UNKNOWN_HOST.format(host[:LIMIT_CHARACTERS]))

    async def meet(self, exchange: Exchange) -> HttpResponse | None:
        """The answer to a preflight, or to a page that may not ask; None: the request may go on, with
        `exchange.grants` in its answer. AwsError, BusError."""
        request, place = exchange.request, self._place(exchange.request)
        if place is None:
            return self._in_general(exchange)
        origin = request.headers.get("origin")
        if origin is None:
            raise BadRequest("Insufficient information. Origin request header needed.")
        told = await self._buckets.tell(place.bucket, CORS)
        ours = self._open_mode and browsers.may_ask(origin, self._open_mode)
        if told.document is None and (ours or not (told.region or place.certain)):
            return self._in_general(exchange)
        if request.method == PREFLIGHT:
            exchange.service = load("s3")
            exchange.grants = _preflight(request.headers, place, told)
            return HttpResponse(200, {}, b"")
        exchange.grants = cors.grants(_rules(told), request.method, request.headers)
        if exchange.grants is None and place.signed and self._open_mode and not ours:
            raise AccessForbidden(_NO_KEYS, request.method, place.resource)
        return None

    def check_embedded(self, exchange: Exchange) -> None:
        """A request without an Origin that a page of another site causes: an image, a script, a frame, a link. In open
        mode, where such a page can sign URLs as well as anybody, it may read objects, and ask S3 as nobody. AwsError.
        """
        request = exchange.request
        place = self._place(request)
        reads = place is not None and place.resource == "OBJECT" and request.method in _READS
        if not self._open_mode or (place is not None and (reads or not place.signed)):
            return
        self._refuse(exchange, _FROM_ELSEWHERE)

    def _refuse(self, exchange: Exchange, words: str) -> NoReturn:
        exchange.claim, exchange.service = self._meant(exchange.request)
        code = dialect_of(exchange.service).denied if exchange.service is not None else "AccessDenied"
        raise AwsError(words, code=code, status=403)

    def _in_general(self, exchange: Exchange) -> HttpResponse | None:
        request = exchange.request
        origin = request.headers.get("origin")
        if origin is None:
            return None
        if not browsers.may_ask(origin, self._open_mode):
            return HttpResponse(403, {"content-type": "text/plain"}, browsers.REFUSED)
        exchange.grants = browsers.cors_headers(origin, self._open_mode)
        if request.method != PREFLIGHT:
            return None
        return HttpResponse(200, browsers.preflight_headers(request.headers), b"")

    def _place(self, request: HttpRequest) -> Place | None:
        """None: the request is not about a bucket of S3's."""
        if "s3" not in self._router.installed or bearer.bears(request.headers):
            return None
        claim, service = self._meant(request)
        if service is None or service.name != "s3":
            return None
        path = self._router.path_style(request).path
        bucket, _, key = path[1:].partition("/")
        if not bucket:
            return None
        certain = claim is not None or request.method != PREFLIGHT or bool(self._router.host(request).entries)
        signed = claim is not None or is_form(request)
        return Place(unquote(bucket), "OBJECT" if key else "BUCKET", signed, certain)

    def _meant(self, request: HttpRequest) -> tuple[Claim | None, Service | None]:
        """The claim and the service, as far as they can be read."""
        try:
            claim = claim_of(request)
            return claim, self._router.likely(request, claim)
        except Refusal:                             # told when it is its turn
            return None, None


def _preflight(headers: Mapping[str, str], place: Place, told: Told) -> dict[str, str]:
    """What a bucket grants. AccessForbidden, BadRequest."""
    cors.check_preflight(headers)
    method = headers.get("access-control-request-method", PREFLIGHT)
    if told.document is None:
        raise AccessForbidden(cors.NOT_ENABLED if told.region else cors.NOT_FOUND, method, "BUCKET")
    cors.check_method(headers)
    granted = cors.grants(_rules(told), method, headers)
    if granted is None:
        raise AccessForbidden(cors.NOT_ALLOWED, method, place.resource)
    return granted


def _rules(told: Told) -> Sequence[cors.Rule]:
    return (told.document or {}).get("CORSRules") or ()
