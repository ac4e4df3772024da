"""S3's own paths: large bodies into files, uploads by form, answers out of files.

An object's body is too large to be read whole, so who asks is proven before its first byte is taken, and what the bus
carries is a reference to a file (bus/files.py).
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bus.files import Files, Piece
from gateway import codings
from gateway.answers import Answers, Outgoing
from gateway.asking import Asking
from gateway.callers import NOBODY, Callers, identity_of
from gateway.connection import Answer
from gateway.exchange import Exchange
from gateway.protocols import HttpRequest
from gateway.route import Route, Router
from gateway.s3 import posts, regions
from gateway.s3.forms import FormDecoder
from gateway.s3.post_policies import Policy, claim_of, verify
from gateway.sigv4 import S3_LIKE, Claim
from gateway.uploads import Uploads
from schemas.envelope import Identity
from schemas.errors import AwsError, NotImplementedByUs, ServiceUnavailable


class S3Door:
    """What the gateway's path asks first: is this one of S3's own?"""

    def __init__(
        self, router: Router, callers: Callers, asking: Asking, answers: Answers, uploads: Uploads
    ) -> None:
        self._router = router
        self._callers = callers
        self._asking = asking
        self._answers = answers
        self._uploads = uploads

    async def streams(self, request: HttpRequest, claim: Claim | None) -> Route | None:
        """The route of a large body that goes into a file; None: it is read whole. BusError."""
        if not (claim.signer.service in S3_LIKE if claim is not None else request.method == "PUT"):
            return None
        route = self._router.route(request, claim)
        streams = route.operation.streams_in and route.service.name == "s3"
        return route if streams and await self._uploads.files("s3") is not None else None

    async def receive(self, exchange: Exchange, route: Route) -> Answer:
        """The path of a body that passes into a file. AwsError, Refusal, BusError."""
        claim, request = exchange.claim, exchange.request
        identity, secret = await self._callers.identify(claim, request, None)
        exchange.admit(route)
        upload = await self._uploads.receive(
            exchange.incoming, route.request.headers, claim, codings.chunk_key(claim, secret), await self._files())
        try:
            headers = codings.without_chunked(upload.headers)
            params = route.protocol.parse(route.operation, replace(route.request, headers=headers))
            params[route.operation.payload] = upload.reference()
            result = await self._asking.reply(exchange, identity, route, params)
        finally:
            await asyncio.to_thread(upload.close)
        return self._answers.answer(exchange, route.protocol.serialise(route.operation, result, exchange.id))

    async def follow(
        self, exchange: Exchange, identity: Identity, route: Route, params: dict[str, Any], error: AwsError
    ) -> dict[str, Any]:
        """To a bucket in another region, who neither signs for one nor goes to one's host. AwsError, BusError."""
        if error.error_code != regions.ELSEWHERE or exchange.claim is not None or \
                self._router.host(exchange.request).region:
            raise error
        return await self._asking.reply(exchange, identity, route._replace(region=regions.of(error)), params)

    async def give(self, exchange: Exchange, route: Route, result: dict[str, Any], status: int = 0) -> Outgoing:
        """An object, out of files where its body is in some; `status`: other than the operation's own. OSError when
        the files are gone; BusError."""
        body = result.get("Body")
        pieces = [Piece(*piece) for piece in body["files"]] if type(body) is dict else None
        shown = result if pieces is None else {**result, "Body": None}
        head = route.protocol.serialise(route.operation, shown, exchange.id)
        head.status = status or head.status
        if pieces is None:
            return self._answers.answer(exchange, head)
        return await self._answers.files(exchange, head, await self._files(), pieces)

    # Forms

    async def post(self, exchange: Exchange) -> Answer:
        """A form's upload: its policy proves who asks, and what it may hold. AwsError, Refusal, BusError."""
        incoming, request = exchange.incoming, exchange.request
        posts.check_query(request.query)
        form = FormDecoder(request.headers["content-type"])
        if await self._uploads.files("s3") is None:
            raise NotImplementedByUs("s3", "PostObject")
        pieces, first = await self._uploads.begin_form(incoming, form)
        posts.check(form.fields)
        exchange.claim = claim = claim_of(form.fields)
        identity, policy = await self._permitted(claim, form.fields)
        put = posts.put_of(request.path, form.fields)
        put.headers = {**put.headers, "host": request.headers.get("host", "")}
        route = self._router.route(put, claim)
        exchange.admit(route)
        params = route.protocol.parse(route.operation, route.request)
        if policy is not None:
            policy.check(form.fields, form.sent, params["Bucket"])
        upload = await self._uploads.receive_form(
            incoming, pieces, form, first, policy, route.request.headers, await self._files())
        try:
            params[route.operation.payload] = upload.reference()
            result = await self._asking.reply(exchange, identity, route, params)
        finally:
            await asyncio.to_thread(upload.close)
        response = route.protocol.serialise(route.operation, result, exchange.id)
        url = f"http://{request.headers.get('host', '')}{request.path}"
        return self._answers.answer(exchange, posts.answer(form.fields, url, params["Bucket"], response))

    async def _permitted(
        self, claim: Claim | None, fields: Mapping[str, str]
    ) -> tuple[Identity, Policy | None]:
        if claim is None:
            return NOBODY, None
        credential = await self._callers.credential(claim)
        verify(claim, credential.secret, fields["policy"])
        return identity_of(credential), Policy(fields["policy"], self._callers.clock())

    async def _files(self) -> Files:
        files = await self._uploads.files("s3")
        if files is None:                          # it had them a moment ago
            raise ServiceUnavailable
        return files


def is_form(request: HttpRequest) -> bool:
    """An upload by form, which its policy proves; one with a signature of its own is a request like others."""
    headers = request.headers
    return request.method == "POST" and "authorization" not in headers and \
        headers.get("content-type", "").lower().startswith("multipart/form-data")
