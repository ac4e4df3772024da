"""Websites of buckets: index and error documents, redirects, errors as pages. Nobody in particular asks here, so that a
page is what policies and ACLs let everybody read.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/userguide/WebsiteEndpoints.html, …/IndexDocumentSupport.html,
…/CustomErrorDocSupport.html, …/how-to-page-redirect.html.
"""

from collections.abc import Mapping
from html import escape
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

from gateway.answers import Answers, Outgoing
from gateway.asking import Asking
from gateway.callers import NOBODY
from gateway.exchange import Exchange
from gateway.protocols import HttpRequest, HttpResponse
from gateway.protocols.wire import error_status, find_error
from gateway.route import Router
from gateway.s3 import routing
from gateway.s3.buckets import WEBSITE, Buckets
from gateway.s3.door import S3Door
from gateway.s3.routing import Redirect
from schemas.errors import AwsError, NotImplementedByUs
from schemas.models import load

MARK = "s3-website"                       # in the name of every host of websites
ABOUT_S3 = "https://aws.amazon.com/s3/"   # where who names no bucket is sent
_METHODS = ("GET", "HEAD")
_ABSENT = (403, 404)                      # what a key that is not there is answered, by who may list the bucket
# What a browser may say of the object it wants; everything else it sends means nothing here.
_CONDITIONS = ("range", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since")


class Site(NamedTuple):
    """A bucket that is one. `host`: as it was asked for, with its port."""

    bucket: str
    region: str
    host: str
    document: Mapping[str, Any]

    @property
    def rules(self) -> Any:
        return self.document.get("RoutingRules") or ()

    def index_of(self, key: str) -> str:
        """The key of what stands for a folder."""
        suffix: str = self.document["IndexDocument"]["Suffix"]
        return key + suffix

    @property
    def error_key(self) -> str:
        """"": errors have no document of their own."""
        key: str = (self.document.get("ErrorDocument") or {}).get("Key") or ""
        return key


class Websites:
    def __init__(self, router: Router, buckets: Buckets, asking: Asking, answers: Answers, door: S3Door) -> None:
        self._router = router
        self._buckets = buckets
        self._asking = asking
        self._answers = answers
        self._door = door

    async def answer(self, exchange: Exchange) -> Outgoing:
        """What stands at this path of the site, or a page that says what is wrong. BusError."""
        if "s3" not in self._router.installed:
            raise NotImplementedByUs("s3", "GetObject")
        exchange.service = load("s3")
        try:
            found = await self._serve(exchange)
        except AwsError as error:
            if error.status == HTTPStatus.NOT_MODIFIED:
                return self._answers.refuse(exchange, error)
            return self._answers.answer(exchange, _page(exchange, error))
        if isinstance(found, Redirect):
            return self._answers.answer(exchange, HttpResponse(found.status, {"Location": found.location}, b""))
        return found

    async def _serve(self, exchange: Exchange) -> Outgoing | Redirect:
        request = exchange.request
        host = self._router.host(request)
        if not host.bucket:
            return Redirect(routing.MOVED_PERMANENTLY, ABOUT_S3)
        if request.method not in _METHODS:
            raise AwsError("The specified method is not allowed against this resource.", code="MethodNotAllowed",
                           status=405, Method=request.method, ResourceType="OBJECT")
        site = await self._site(host.bucket, host.region, request.headers["host"])
        target = site.document.get("RedirectAllRequestsTo")
        if target:
            return routing.everything(target, request.path, request.query)
        key = unquote(request.path[1:])
        moved = routing.find(site.rules, key, site.host)
        if moved is not None:
            return moved
        is_folder = not key or key.endswith("/")
        try:
            return await self._object(exchange, site, site.index_of(key) if is_folder else key)
        except AwsError as error:
            status = _status(exchange, error)
            if status < 400:
                raise
            if not is_folder and status in _ABSENT and await self._is_there(exchange, site, site.index_of(f"{key}/")):
                return Redirect(302, f"/{quote(key)}/")
            return routing.find(site.rules, key, site.host, status) or await self._error(exchange, site, error)

    async def _site(self, bucket: str, region: str, host: str) -> Site:
        """AwsError: it is none, or elsewhere."""
        told = await self._buckets.tell(bucket, WEBSITE)
        if not told.region:
            raise AwsError("The specified bucket does not exist", code="NoSuchBucket", status=404, BucketName=bucket)
        if region and region != told.region:
            raise AwsError(
                "The specified bucket exists in another region. Please direct requests to the specified endpoint.",
                code="IncorrectEndpoint", status=400, Endpoint=f"{bucket}.{MARK}-{told.region}.amazonaws.com")
        if told.document is None:
            raise AwsError("The specified bucket does not have a website configuration",
                           code="NoSuchWebsiteConfiguration", status=404, BucketName=bucket)
        return Site(bucket, told.region, host, told.document)

    async def _error(self, exchange: Exchange, site: Site, error: AwsError) -> Outgoing | Redirect:
        """The site's own document for it. The error, where it has none, that cannot be read, or its headers alone are
        asked for: these tell of the error, as S3's do (scality/cloudserver, websiteHead.js)."""
        if not site.error_key or exchange.request.method == "HEAD":
            raise error
        try:
            return await self._object(exchange, site, site.error_key, _status(exchange, error))
        except AwsError as second:
            error.fields = {**error.fields, _SECOND: second}
            raise error from second

    async def _object(self, exchange: Exchange, site: Site, key: str, status: int = 0) -> Outgoing | Redirect:
        """What is there, or where it sends to. `status`: it is the document of that error. AwsError."""
        headers = {} if status else {
            name: value for name, value in exchange.request.headers.items() if name in _CONDITIONS}
        route = self._router.route(_request(exchange.request.method, site, key, headers), None)
        route = route._replace(region=site.region)
        exchange.admit(route)
        params = route.protocol.parse(route.operation, route.request)
        result = await self._asking.reply(exchange, NOBODY, route, params)
        location = result.get("WebsiteRedirectLocation")
        if location:
            return Redirect(routing.MOVED_PERMANENTLY, location)
        return await self._door.give(exchange, route, result, status)

    async def _is_there(self, exchange: Exchange, site: Site, key: str) -> bool:
        """May everybody see that it is?"""
        route = self._router.route(_request("HEAD", site, key, {}), None)._replace(region=site.region)
        try:
            await self._asking.reply(exchange, NOBODY, route, route.protocol.parse(route.operation, route.request))
        except AwsError:
            return False
        return True


def _request(method: str, site: Site, key: str, headers: Mapping[str, str]) -> HttpRequest:
    return HttpRequest(method, f"/{site.bucket}/{quote(key)}", "", {"host": "s3.amazonaws.com", **headers}, b"")


def _status(exchange: Exchange, error: AwsError) -> int:
    assert exchange.service is not None, "websites are S3's"
    return error_status(error, find_error(exchange.service, exchange.operation, error))


# Pages of errors

_HEADERS = {"Code": "x-amz-error-code", "Message": "x-amz-error-message"}
_SECOND = "Second"                        # the field of an error that holds what became of its document


def _page(exchange: Exchange, error: AwsError) -> HttpResponse:
    """HTML of AWS's form, and what is wrong in headers."""
    status = _status(exchange, error)
    title = f"{status} {HTTPStatus(status).phrase}"
    second = error.fields.get(_SECOND)
    about = "" if second is None else (
        f"<h3>An Error Occurred While Attempting to Retrieve a Custom Error Document</h3>\n{_list(_facts(second))}")
    facts = _facts(error)
    own = _list({**facts, "RequestId": exchange.id, "HostId": exchange.id})
    body = (f"<html>\n<head><title>{title}</title></head>\n<body>\n<h1>{title}</h1>\n{own}{about}<hr/>\n</body>\n"
            "</html>\n")
    headers = {"content-type": "text/html; charset=utf-8"}
    for name, value in facts.items():
        if value.isprintable():
            headers[_HEADERS.get(name, f"x-amz-error-detail-{name}")] = value
    return HttpResponse(status, headers, body.encode())


def _facts(error: AwsError) -> dict[str, str]:
    more = {name: value for name, value in error.fields.items() if isinstance(value, str)}
    return {"Code": error.error_code, "Message": error.message, **more}


def _list(facts: Mapping[str, str]) -> str:
    lines = "".join(f"<li>{name}: {escape(value)}</li>\n" for name, value in facts.items())
    return f"<ul>\n{lines}</ul>\n"
