"""Streaming bodies into files, for services of this host that keep some (bus/files.py); and out of them.

What comes from the socket is decoded, digested and written in a worker thread, a block behind the reader: memory stays
two blocks an upload whatever its size. Nothing is made of a body before all of it has come and been verified.
"""

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import structlog

from bus import files
from bus.files import Files, IncomingFile, LocalFiles, Sink
from bus.remote_files import RemoteFiles, find
from bus.transport import Transport
from gateway import bodies
from gateway.codings import TRAILER, chunked_form
from gateway.connection import BODY_LIMIT_S, BodyReader, Incoming, gathered
from gateway.metrics import Metrics
from gateway.s3.forms import FormDecoder
from gateway.s3.post_policies import Policy
from gateway.sigv4 import UNSIGNED_PAYLOAD, Claim, Reason, Refusal, SigningKey
from schemas import checksums
from schemas.checksums import Buffer
from schemas.errors import AwsError

INLINE_LIMIT_BYTES = 16 * 1024            # a smaller body travels in its envelope
SIZE_LIMIT_BYTES = 5 * 1024**3            # of one body: S3's own
WORKERS = 4                               # threads of all uploads that decode and digest, and as many that write
APART_LEAST_BYTES = 64 * 1024             # fewer are written where they are digested
FORM_LIMIT_S = 3600.0                     # for the whole of an upload by form, whose size nobody states
LEAST_RATE_BYTES_S = 16 * 1024            # a body may take BODY_LIMIT_S and as long as it would need at this rate


log = structlog.get_logger(__name__)


class EntityTooLarge(AwsError):
    code = "EntityTooLarge"

    def __init__(self, proposed: int) -> None:
        super().__init__("Your proposed upload exceeds the maximum allowed size", status=400,
                         ProposedSize=str(proposed), MaxSizeAllowed=str(SIZE_LIMIT_BYTES))


class UploadFailed(AwsError):
    """The disk did not take it. SDKs try again."""

    code = "InternalError"

    def __init__(self) -> None:
        super().__init__("We encountered an internal error. Please try again.", status=500)


class Uploads:
    """`state`: where services keep their folders; None: none is on this host."""

    def __init__(self, transport: Transport, state: Path | None, reader: BodyReader, metrics: Metrics) -> None:
        self._transport = transport
        self._state = state
        self._reader = reader
        self._metrics = metrics
        self._local: dict[str, LocalFiles] = {}
        self._remote: dict[str, RemoteFiles] = {}
        self._workers: ThreadPoolExecutor | None = None
        self._writers: ThreadPoolExecutor | None = None

    async def files(self, service: str) -> Files | None:
        """Where this service takes bodies; None: it does not. BusError."""
        local = self._local.get(service)
        if local is not None:
            return local
        if self._state is not None:
            folder = self._state / service / files.FOLDER
            if (folder / files.INCOMING).is_dir():
                self._local[service] = local = LocalFiles(folder)
                return local
        remote = self._remote.get(service)
        if remote is None or remote.lost:
            remote = await find(self._transport, service)
            if remote is not None:
                self._remote[service] = remote
        return remote

    async def receive(
        self, incoming: Incoming, headers: Mapping[str, str], claim: Claim | None, key: SigningKey | None,
        files: Files,
    ) -> "Upload":
        """The body, written and verified against what its claim says. AwsError, Refusal."""
        kind = Chunked if chunked_form(claim, headers) else Plain
        length = kind.stated_length(headers)
        if length > SIZE_LIMIT_BYTES:
            raise EntityTooLarge(length)
        upload = await self._begin(files, partial(kind, headers, claim, key))
        blocks = self._reader.blocks(incoming, BODY_LIMIT_S + length / LEAST_RATE_BYTES_S)
        return await self._fill(incoming, blocks, upload)

    async def begin_form(self, incoming: Incoming, form: FormDecoder) -> tuple[AsyncIterator[bytes], bytes]:
        """Reads the fields of a form: what is to come of it, and what has come of its file. AwsError."""
        pieces = self._reader.pieces(incoming, FORM_LIMIT_S)
        try:
            async for piece in pieces:
                first = b"".join(form.feed(piece))
                if form.has_fields:
                    return pieces, first
            form.finish()
        except AwsError:
            incoming.close = True
            raise
        raise AssertionError("a form that ends without fields does not finish")

    async def receive_form(
        self, incoming: Incoming, pieces: AsyncIterator[bytes], form: FormDecoder, first: bytes, policy: Policy | None,
        headers: Mapping[str, str], files: Files,
    ) -> "Upload":
        """A form's file, of which `first` has come already. AwsError."""
        upload = await self._begin(files, partial(Form, headers, form, policy))
        return await self._fill(incoming, gathered(pieces), upload, first)

    async def _begin(self, files: Files, make: "Callable[[Place], Upload]") -> "Upload":
        """With a file of its own. AwsError, and none of it stays."""
        if self._writers is None:
            self._writers = ThreadPoolExecutor(WORKERS, "write")
        try:
            sink = await files.receive()
        except OSError as error:
            log.warning("upload_failed", error=str(error))
            raise UploadFailed from error
        try:
            return make(Place(sink, self._writers))
        except BaseException:
            sink.close()
            raise

    async def _fill(
        self, incoming: Incoming, blocks: AsyncGenerator[Buffer, None], upload: "Upload", first: bytes = b""
    ) -> "Upload":
        """`first`: of the payload, decoded already. AwsError, Refusal."""
        loop = asyncio.get_running_loop()
        if self._workers is None:
            self._workers = ThreadPoolExecutor(WORKERS, "upload")
        running: asyncio.Future[None] | None = None
        try:
            if first:
                await loop.run_in_executor(self._workers, upload.write, first)
            async with aclosing(blocks):
                async for block in blocks:
                    if running is not None:
                        await running
                    running = loop.run_in_executor(self._workers, upload.feed, block)
            if running is not None:
                await running
            upload.finish()
        except BaseException as error:
            incoming.close = True                   # what is left of the body is not worth reading
            await loop.run_in_executor(None, upload.close)
            if isinstance(error, OSError):
                log.warning("upload_failed", error=str(error))
                raise UploadFailed from error
            raise
        self._metrics.body_bytes_in += upload.size
        return upload


class Place(NamedTuple):
    """Where a body goes, and the threads that write it."""

    sink: Sink
    writers: ThreadPoolExecutor


class Upload:
    """One body on its way into a file. `feed` runs in a worker, one at a time, `finish` after the last; `close` at any
    time."""

    def __init__(self, headers: Mapping[str, str], place: Place) -> None:
        self.headers = dict(headers)      # from `finish` on with the trailers
        self._file = IncomingFile(place.sink, (checksums.MD5, *bodies.algorithms(headers)))
        self._writers = place.writers
        self._lock = threading.Lock()     # between a worker and who gives up
        self._closed = False

    @property
    def size(self) -> int:
        return self._file.size

    def reference(self) -> dict[str, Any]:
        """What stands for the body in the envelope."""
        return files.refer(self._file.reference())

    def feed(self, block: Buffer) -> None:
        """AwsError when the framing or a chunk's signature is wrong."""
        with self._lock:
            if not self._closed:
                for piece in self._decoded(block):
                    self.write(piece)

    def write(self, piece: Buffer) -> None:
        """Of the payload: digested here while it is written elsewhere."""
        if len(piece) < APART_LEAST_BYTES:
            self._file.digest(piece)
            self._file.write(piece)
            return
        writing = self._writers.submit(self._file.write, piece)
        try:
            self._file.digest(piece)
        finally:
            writing.result()

    def finish(self) -> None:
        """All of it has been fed. AwsError, Refusal when it is not what was signed or announced."""
        self._check()

    def close(self) -> None:
        """The service has taken the file, or nobody will."""
        with self._lock:
            self._closed = True
            self._file.close()

    def _decoded(self, block: Buffer) -> Iterable[Buffer]:
        raise NotImplementedError

    def _check(self) -> None:
        """Was that all, and what was meant?"""
        raise NotImplementedError


class Plain(Upload):
    """As it is, of a stated length and perhaps a stated SHA-256."""

    def __init__(
        self, headers: Mapping[str, str], claim: Claim | None, key: SigningKey | None, place: Place
    ) -> None:
        super().__init__(headers, place)
        if TRAILER in headers:
            self.close()
            bodies.refuse_trailers(headers)
        self._length = self.stated_length(headers)
        self._stated = claim.content_hash if claim is not None else ""
        self._hash = sha256() if self._stated not in ("", UNSIGNED_PAYLOAD) and key is not None else None

    @staticmethod
    def stated_length(headers: Mapping[str, str]) -> int:
        """MissingContentLength, UnstatedLength."""
        text = headers.get("content-length", "")
        if not text and "transfer-encoding" in headers:
            raise bodies.UnstatedLength
        if not (text.isascii() and text.isdigit()):
            raise bodies.MissingContentLength
        return int(text)

    def _decoded(self, block: Buffer) -> Iterable[Buffer]:
        if self._hash is not None:
            self._hash.update(block)
        return (block,)

    def _check(self) -> None:
        if self.size != self._length:
            raise bodies.IncompleteBody
        if self._hash is not None and self._hash.hexdigest() != self._stated.lower():
            bodies.check_md5(self.headers)
            raise Refusal(Reason.CONTENT_MISMATCH, ClientComputedContentSHA256=self._stated,
                          S3ComputedContentSHA256=self._hash.hexdigest())


class Chunked(Upload):
    """In aws-chunked, whose trailers become headers."""

    def __init__(
        self, headers: Mapping[str, str], claim: Claim | None, key: SigningKey | None, place: Place
    ) -> None:
        super().__init__(headers, place)
        self._decoder = bodies.decoder(chunked_form(claim, headers), claim, key, SIZE_LIMIT_BYTES)

    @staticmethod
    def stated_length(headers: Mapping[str, str]) -> int:
        """MissingContentLength."""
        return bodies.decoded_length(headers)

    def _decoded(self, block: Buffer) -> Iterable[Buffer]:
        return self._decoder.feed(block)

    def _check(self) -> None:
        self._decoder.finish()
        bodies.check_length(self.headers, self._decoder.decoded_bytes)
        self.headers = bodies.with_trailers(self.headers, self._decoder.trailers)


class Form(Upload):
    """In multipart/form-data, of a size that a policy bounds."""

    def __init__(
        self, headers: Mapping[str, str], form: FormDecoder, policy: Policy | None, place: Place
    ) -> None:
        super().__init__(headers, place)
        self._form = form
        self._policy = policy

    def _decoded(self, block: Buffer) -> Iterable[Buffer]:
        return self._form.feed(block)

    def write(self, piece: Buffer) -> None:
        super().write(piece)
        if self._policy is not None:
            self._policy.check_size(self.size, whole=False)

    def _check(self) -> None:
        self._form.finish()
        if self._policy is not None:
            self._policy.check_size(self.size, whole=True)


def is_large(headers: Mapping[str, str]) -> bool:
    """Is this body one for a file? By its Content-Length, or because it has none."""
    length = headers.get("content-length", "")
    if length:
        return length.isdigit() and int(length) > INLINE_LIMIT_BYTES
    return "transfer-encoding" in headers
