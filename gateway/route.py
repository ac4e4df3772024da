"""Which service, operation and protocol does a request mean, and in which region?

The signals, strongest first: a smithy rpc-v2 path, X-Amz-Target, the credential scope, the host, Action and Version,
the SDK's user agent; S3 only for what looks like nothing else, and only where S3 exists. A signing name that several
services share (bedrock, ses, rds …) is settled by the operation that the bytes name. The service's protocol says which
operation that is; nothing here reads a body except to look for Action.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote_plus

from bus.subjects import is_token
from gateway import doors
from gateway.hosts import Host, host_of
from gateway.protocols import HttpRequest, Protocol, protocol_for
from gateway.s3 import presigned, regions, shapes, words
from gateway.sigv4 import Claim, Reason, Refusal
from schemas.envelope import DEFAULT_REGION
from schemas.errors import AwsError, NotImplementedByUs
from schemas.index import Entry
from schemas.models import Operation, Service, index, load

TARGETS_REMEMBERED = 4096
SCOPES_REMEMBERED = 1024
FORM = "x-www-form-urlencoded"
ACTION_SEARCH_BYTES = 64 * 1024           # how far into a form Action and Version are looked for

_SDK_HEADERS = frozenset({"amz-sdk-invocation-id", "authorization"})

# Signing names that are no service's own.
_ALIASES = {"s3express": "s3", "s3-object-lambda": "s3", "s3-outposts": "s3"}


class UnknownService(AwsError):
    """Nothing in the request names a service of AWS."""

    code = "UnknownService"

    def __init__(self, message: str) -> None:
        super().__init__(message, status=501)


class Route(NamedTuple):
    """`request` is what the protocol reads: a virtual-hosted bucket has moved into its path."""

    service: Service
    operation: Operation
    protocol: Protocol
    region: str
    request: HttpRequest


class Router:
    """`installed` are the services that have an actor; the others are known, and answered 501."""

    def __init__(self, installed: Collection[str], region: str = DEFAULT_REGION) -> None:
        self.installed = frozenset(installed)
        self._index = index()
        self._region = region
        self._targets: dict[tuple[str, str, str], tuple[Service, Operation, Protocol]] = {}
        self._shapes: dict[shapes.Shape, tuple[Service, Operation, Protocol, str]] = {}

    def route(self, request: HttpRequest, claim: Claim | None) -> Route:
        """AwsError: UnknownService, UnknownOperation in the service's words, NotImplementedByUs. Refusal: scope."""
        shape = shapes.shape_of(request, claim)
        if shape is None:
            return self._route(request, claim)
        known = self._shapes.get(shape)
        if known is not None:
            service, operation, protocol, region = known
            shapes.name(request, operation)
            return Route(service, operation, protocol, region, request)
        found = self._route(request, claim)
        if found.request is request:                # its host names no bucket
            if len(self._shapes) >= TARGETS_REMEMBERED:
                self._shapes.clear()
            self._shapes[shape] = found[:-1]
        return found

    def _route(self, request: HttpRequest, claim: Claim | None) -> Route:
        headers = request.headers
        target = headers.get("x-amz-target", "")
        memorable = bool(target) and claim is not None and "smithy-protocol" not in headers
        if memorable and claim is not None:
            key = (target, headers.get("content-type", ""), claim.signer.service)
            found = self._targets.get(key)
            if found is not None:
                service, operation, protocol = found
                return Route(service, operation, protocol, self.region(claim, headers), request)
        door = doors.find(request.path) if _may_be_door(claim) else None
        if door is not None:
            service, protocol = load(door[0]), door[1]
            operation = protocol.operation(service, request)
        else:
            candidates = self._candidates(request, claim)
            if candidates and candidates[0].name == "s3":
                words.check_path(request.path)
                host = self.host(request)
                regions.check(host, claim, request)
                request = presigned.with_headers(self.path_style(request) if host.bucket else request, claim)
            service, operation, protocol = self._resolve(request, claim, candidates)
        if service.name not in self.installed:
            raise NotImplementedByUs(service.name, operation.name)
        if memorable and protocol.name == "json":     # to the others a target says nothing
            if len(self._targets) >= TARGETS_REMEMBERED:
                self._targets.clear()
            self._targets[key] = service, operation, protocol
        return Route(service, operation, protocol, self.region(claim, headers), request)

    def likely(self, request: HttpRequest, claim: Claim | None) -> Service | None:
        """The service in whose words an error is told when no operation is known; None: nothing names one."""
        candidates = self._by_prefix(request) or self._candidates(request, claim)
        return load(candidates[0].name) if candidates else None

    def region(self, claim: Claim | None, headers: Mapping[str, str]) -> str:
        """From the scope, else the host, else the default. Refusal when the scope's could not stand in a subject."""
        if claim is not None and claim.signer.region:   # version 2 of S3's signatures names none
            region = claim.signer.region
            if region == DEFAULT_REGION or is_token(region):
                return region
            raise Refusal(Reason.SCOPE, "Credential should be scoped to a valid region.")
        return host_of(headers).region or self._region

    def host(self, request: HttpRequest) -> Host:
        """What the host of a request to S3 says."""
        return host_of(request.headers, s3=True)

    def path_style(self, request: HttpRequest) -> HttpRequest:
        """Of a request to S3: a virtual-hosted bucket moves from the host into the path, as the model has it."""
        bucket = self.host(request).bucket
        return replace(request, path=f"/{bucket}{request.path}", named=None) if bucket else request

    def _resolve(
        self, request: HttpRequest, claim: Claim | None, candidates: Sequence[Entry]
    ) -> tuple[Service, Operation, Protocol]:
        if not candidates:
            raise UnknownService(
                "Nothing in this request names a service of AWS." if claim is None else
                f"AWS has no service with the signing name '{claim.signer.service}'.")
        if len(candidates) == 1:
            service = load(candidates[0].name)
            protocol = protocol_for(service, request)
            return service, protocol.operation(service, request), protocol
        matches: list[tuple[Service, Operation, Protocol]] = []
        refusal: AwsError | None = None
        for entry in candidates:
            service = load(entry.name)
            protocol = protocol_for(service, request)
            try:
                matches.append((service, protocol.operation(service, request), protocol))
            except AwsError as error:
                refusal = refusal or error
        if not matches:
            assert refusal is not None, "every candidate matched or refused"
            raise refusal
        # False sorts first: an actor here, then a template that ends as the path does (lex-models, lexv2-models).
        slash = request.path.endswith("/")
        service, operation, protocol = min(matches, key=lambda match: (
            match[0].name not in self.installed, match[1].uri.partition("?")[0].endswith("/") != slash))
        protocol.operation(service, request)        # leaves in the request what parse needs of this one's match
        return service, operation, protocol

    # Candidates

    def _candidates(self, request: HttpRequest, claim: Claim | None) -> tuple[Entry, ...]:
        """The services a request may mean, the likeliest first. Refusal: signed for another service."""
        named = self._by_prefix(request)
        if named:
            if claim is None:
                return named
            signed = tuple(entry for entry in named if _signs(entry, claim.signer.service))
            if not signed:
                raise Refusal(Reason.SCOPE, "Credential should be scoped to correct service: "
                                            f"'{named[0].signing_name}'.")
            return signed
        if claim is not None:
            return self._narrowed(_by_scope(claim.signer.service, _is_s3_control(request)), request)
        return self._unsigned(request)

    def _by_prefix(self, request: HttpRequest) -> tuple[Entry, ...]:
        """By X-Amz-Target's prefix, or that of `/service/<prefix>/operation/<name>`."""
        target = request.headers.get("x-amz-target")
        if target:
            return self._index.by_target_prefix(target.rpartition(".")[0])
        if "smithy-protocol" in request.headers and request.path.startswith("/service/"):
            prefix = request.path[len("/service/"):].partition("/")[0]
            return self._index.by_target_prefix(prefix) or self._index.by_service_id(prefix)
        return ()

    def _narrowed(self, entries: tuple[Entry, ...], request: HttpRequest) -> tuple[Entry, ...]:
        """Of several services, those that have the Action in that Version; all when that leaves none."""
        if len(entries) < 2 or not any(entry.operations for entry in entries):
            return entries
        action, version = _action(request)
        if not action:
            return tuple(entry for entry in entries if not entry.operations) or entries
        return tuple(_with_action(entries, action, version)) or entries

    def _unsigned(self, request: HttpRequest) -> tuple[Entry, ...]:
        host = host_of(request.headers)
        if host.entries:
            return self._narrowed(host.entries, request)
        action, version = _action(request)
        if action:
            return tuple(_with_action(self._index.entries.values(), action, version))
        hinted = self._by_user_agent(request.headers.get("user-agent", ""))
        if hinted:
            return hinted
        if "s3" in self.installed and (request.path != "/" or self.host(request).bucket or lists_buckets(request)):
            return (self._index.entries["s3"],)
        return ()

    def _by_user_agent(self, agent: str) -> tuple[Entry, ...]:
        """`… api/s3#2.20.1`, as the Java, JavaScript, Go and Rust SDKs write; only of services that are here."""
        for word in agent.split():
            if word.startswith("api/"):
                name = word[len("api/"):].partition("#")[0].partition("/")[0]
                return tuple(entry for entry in self._index.by_service_id(name) if entry.name in self.installed)
        return ()


def lists_buckets(request: HttpRequest) -> bool:
    """The root is got as an SDK would or with what should prove who asks: an operation of S3's alone, ListBuckets."""
    return request.method == "GET" and request.path == "/" and not _SDK_HEADERS.isdisjoint(request.headers)


@lru_cache(SCOPES_REMEMBERED)
def _by_scope(signing_name: str, control: bool) -> tuple[Entry, ...]:
    """`control`: the request is one of S3 Control's, if it is S3's."""
    known = index()
    entries = known.by_signing_name(signing_name) or known.by_endpoint_prefix(signing_name)
    alias = _ALIASES.get(signing_name)
    if alias is not None:
        entries += known.by_signing_name(alias)
    if len(entries) > 1 and any(entry.name == "s3control" for entry in entries):
        return tuple(entry for entry in entries if (entry.name == "s3control") == control)
    return entries


def _may_be_door(claim: Claim | None) -> bool:
    """A request signed for another service has that service's path."""
    return claim is None or claim.signer.service == "bedrock"


def _is_s3_control(request: HttpRequest) -> bool:
    """S3 Control signs as s3; its paths begin with its version, and it always names the account."""
    return request.path.startswith("/v20180820/") and (
        "x-amz-account-id" in request.headers or "s3-control" in request.headers.get("host", ""))


def _signs(entry: Entry, signing_name: str) -> bool:
    return signing_name in (entry.signing_name, entry.endpoint_prefix)


def _with_action(entries: Iterable[Entry], action: str, version: str) -> Iterable[Entry]:
    found = [entry for entry in entries if action in entry.operations]
    return [entry for entry in found if entry.api_version == version] or ([] if version else found)


def _action(request: HttpRequest) -> tuple[str, str]:
    """Action and Version of the query string or the form; ("", "") when there are none."""
    form = request.query
    if request.body and FORM in request.headers.get("content-type", ""):
        form = request.body[:ACTION_SEARCH_BYTES].decode("latin-1")
    found = {"Action": "", "Version": ""}
    for pair in form.split("&"):
        name, _, value = pair.partition("=")
        if name in found:
            found[name] = unquote_plus(value)
    return found["Action"], found["Version"]
