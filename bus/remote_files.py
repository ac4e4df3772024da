"""Bodies as files of another host: what files.py does in a folder, in chunks over the bus.

Who owns the folder says where it hears (`sys.files`), and is asked there, in msgpack maps:

    {"receive": service}                    -> {"held", "file"}   a new file, to be written under that handle
    {"open": service, "file"}               -> {"held"}           one of the service's, to be read
    {"held", "offset", "data"}              -> {}                 written; CHUNK_BYTES at most
    {"held", "offset", "size"}              -> {"data"}           read; CHUNK_BYTES at most
    {"held", "done": true}                     no answer          let go

{"gone": true}: there is no such file, or handle; {"busy": true}: HELD_LIMIT_COUNT of them are held; {"error": text}:
what the disk said. What is not answered is asked again, which does no harm. A file is encrypted before it comes here,
and a handle is known to who was given it alone. A chunk is answered once it is with the kernel: durable it becomes when
the service takes the file over.
"""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from bus.bodies import CHUNK_BYTES, PULL_TIMEOUT_S, PULLS_LIMIT
from bus.codec import MalformedEnvelope, pack, unpack
from bus.files import LocalSink, OpenFile, Sink, Source, is_name
from bus.subjects import is_inbox
from bus.system import Answer, ask
from bus.transport import BusError, Disconnected, Inbox, Message, NoResponders, Overloaded, RequestTimeout, Transport

HELD_LIMIT_COUNT = 64                     # files that are being written or read by gateways elsewhere
WAITING_LIMIT_COUNT = 512                 # chunks that wait for the disk; more are dropped, and asked for again
IDLE_LIMIT_S = 900.0                      # more than a gateway gives a client for a block; then nobody is there
FIND_LIMIT_S = 5.0

_log = structlog.get_logger()


class FileServer:
    """Serves folders of this process, by service, to gateways elsewhere. One thread does what waits for the disk."""

    def __init__(self, transport: Transport, folders: Mapping[str, Path]) -> None:
        self._transport = transport
        self._folders = folders
        self._loop = asyncio.get_running_loop()
        self._disk = ThreadPoolExecutor(1, "remote-files")
        self._held: dict[str, _Held] = {}               # the thread's own
        self._waiting = 0
        self._sweep: asyncio.TimerHandle | None = None
        self._inbox: Inbox | None = None

    def answers(self) -> dict[str, Answer]:
        """For SystemAnswers; none where there is no folder."""
        return {"files": self._tell} if self._folders else {}

    def close(self) -> None:
        if self._inbox is not None:
            self._inbox.close()
        if self._sweep is not None:
            self._sweep.cancel()
        self._disk.submit(self._release_all)
        self._disk.shutdown()

    def _tell(self, question: dict[str, Any]) -> dict[str, Any]:
        """Where to ask for a service's files."""
        if question.get("service") not in self._folders:
            return {}
        if self._inbox is None:
            self._inbox = self._transport.listen(self._take, _unheard)
        return {"inbox": self._inbox.subject}

    def _take(self, message: Message) -> None:
        try:
            question = unpack(message.data)
        except MalformedEnvelope:
            question = None
        if type(question) is not dict or self._waiting >= WAITING_LIMIT_COUNT:
            return
        self._waiting += 1
        self._loop.run_in_executor(self._disk, self._answer, question).add_done_callback(
            partial(self._reply, message.reply))
        if self._sweep is None:
            self._sweep = self._loop.call_later(IDLE_LIMIT_S, self._tidy)

    def _reply(self, subject: str, work: "asyncio.Future[dict[str, Any]]") -> None:
        self._waiting -= 1
        if not is_inbox(subject):
            return
        try:
            self._transport.publish(subject, pack(work.result()))
        except BusError as error:
            _log.warning("file_answer_lost", error=type(error).__name__)

    def _tidy(self) -> None:
        self._sweep = self._loop.call_later(IDLE_LIMIT_S, self._tidy)
        self._disk.submit(self._release_idle, self._loop.time() - IDLE_LIMIT_S)

    # In the thread

    def _answer(self, question: dict[str, Any]) -> dict[str, Any]:
        try:
            if "held" in question:
                return self._work(question)
            if len(self._held) >= HELD_LIMIT_COUNT:
                return {"busy": True}
            return self._hold(question)
        except FileNotFoundError:
            return {"gone": True}
        except OSError as error:
            return {"error": str(error)}
        except (KeyError, TypeError, ValueError) as error:
            return {"error": f"malformed: {error}"}

    def _hold(self, question: dict[str, Any]) -> dict[str, Any]:
        """A file anew."""
        handle = secrets.token_hex(16)
        if "receive" in question:
            sink = LocalSink(self._folders[question["receive"]])
            self._held[handle] = _Held(sink, self._loop.time())
            return {"held": handle, "file": sink.name}
        name = question["file"]
        if not is_name(name):
            raise FileNotFoundError(name)
        self._held[handle] = _Held(OpenFile(self._folders[question["open"]], name), self._loop.time())
        return {"held": handle}

    def _work(self, question: dict[str, Any]) -> dict[str, Any]:
        handle = question["held"]
        if question.get("done") is True:
            held = self._held.pop(handle, None)
            if held is not None:
                held.file.close()
            return {}
        held = self._held.get(handle)
        if held is None:
            return {"gone": True}
        held.used_at = self._loop.time()
        return held.work(question)

    def _release_idle(self, before: float) -> None:
        for handle, held in list(self._held.items()):
            if held.used_at < before:
                held.file.close()
                del self._held[handle]

    def _release_all(self) -> None:
        self._release_idle(float("inf"))


class _Held:
    """A file under a handle. `used_at`: loop time."""

    __slots__ = ("file", "used_at")

    def __init__(self, file: LocalSink | OpenFile, used_at: float) -> None:
        self.file = file
        self.used_at = used_at

    def work(self, question: dict[str, Any]) -> dict[str, Any]:
        """OSError; KeyError, TypeError, ValueError when it is malformed."""
        offset = question["offset"]
        if type(offset) is not int or offset < 0:
            raise ValueError("offset")
        if isinstance(self.file, LocalSink):
            self.file.write_at(memoryview(question["data"]), offset)
            return {}
        size = question["size"]
        if type(size) is not int or not 0 < size <= CHUNK_BYTES:
            raise ValueError("size")
        room = bytearray(size)
        return {"data": bytes(memoryview(room)[:self.file.read(memoryview(room), offset)])}


class RemoteFiles:
    """A service's folder on another host (files.Files). `lost`: who served it has gone; find it anew."""

    def __init__(self, transport: Transport, service: str, inbox: str) -> None:
        self.lost = False
        self._transport = transport
        self._service = service
        self._inbox = inbox
        self._loop = asyncio.get_running_loop()

    async def receive(self) -> Sink:
        answer = await self._ask({"receive": self._service})
        return _RemoteSink(self, answer["held"], answer["file"])

    async def open(self, name: str) -> Source:
        return _RemoteSource(self, (await self._ask({"open": self._service, "file": name}))["held"])

    def wait_for(self, questions: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """For threads: the answers, asked for at once."""
        return asyncio.run_coroutine_threadsafe(self._ask_all(questions), self._loop).result()

    def let_go(self, handle: str) -> None:
        """For threads and the loop."""
        self._loop.call_soon_threadsafe(self._tell, {"held": handle, "done": True})

    async def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        [answer] = await self._ask_all([question])
        return answer

    async def _ask_all(self, questions: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        asked: list[asyncio.Future[Message]] = []
        try:
            asked.extend(map(self._send, questions))
            return [await self._answer(question, first) for question, first in zip(questions, asked, strict=True)]
        except (NoResponders, Disconnected):
            self.lost = True
            raise
        finally:
            for one in asked:
                if not one.cancel() and not one.cancelled():
                    one.exception()        # looked at: asyncio complains of errors nobody has seen

    async def _answer(self, question: dict[str, Any], asked: "asyncio.Future[Message]") -> dict[str, Any]:
        for _ in range(PULLS_LIMIT - 1):
            try:
                return _checked(await asked)
            except RequestTimeout:
                asked = self._send(question)
        return _checked(await asked)

    def _send(self, question: dict[str, Any]) -> "asyncio.Future[Message]":
        return self._transport.request(self._inbox, pack(question), PULL_TIMEOUT_S)

    def _tell(self, news: dict[str, Any]) -> None:
        """Best effort: what is held for nobody is let go when it is idle."""
        try:
            self._transport.publish(self._inbox, pack(news))
        except BusError as error:
            _log.info("file_not_let_go", reason=str(error))


async def find(transport: Transport, service: str) -> RemoteFiles | None:
    """A service's files, wherever they are; None: it has none, or does not run. BusError."""
    try:
        inbox = (await ask(transport, "files", {"service": service}, FIND_LIMIT_S)).get("inbox")
    except NoResponders:
        return None
    return RemoteFiles(transport, service, inbox) if inbox else None


class _RemoteSink:
    def __init__(self, files: RemoteFiles, handle: str, name: str) -> None:
        self.name = name
        self._files = files
        self._handle = handle
        self._offset = 0

    def write(self, data: memoryview) -> None:
        chunks = (data[at:at + CHUNK_BYTES] for at in range(0, len(data), CHUNK_BYTES))
        questions = []
        for chunk in chunks:
            questions.append({"held": self._handle, "offset": self._offset, "data": bytes(chunk)})
            self._offset += len(chunk)
        self._files.wait_for(questions)

    def close(self) -> None:
        self._files.let_go(self._handle)


class _RemoteSource:
    descriptor: int | None = None

    def __init__(self, files: RemoteFiles, handle: str) -> None:
        self._files = files
        self._handle = handle

    def read(self, into: memoryview, offset: int) -> int:
        answers = self._files.wait_for([
            {"held": self._handle, "offset": offset + at, "size": min(CHUNK_BYTES, len(into) - at)}
            for at in range(0, len(into), CHUNK_BYTES)])
        filled = 0
        for answer in answers:
            data = answer["data"]
            into[filled:filled + len(data)] = data
            filled += len(data)
            if len(data) < CHUNK_BYTES:
                break
        return filled

    def close(self) -> None:
        self._files.let_go(self._handle)


def _checked(message: Message) -> dict[str, Any]:
    """OSError, FileNotFoundError, Overloaded, as the other side says; BusError for what is no answer."""
    try:
        answer: Any = unpack(message.data)
    except MalformedEnvelope as error:
        raise BusError("the answer about a file is malformed") from error
    if type(answer) is not dict:
        raise BusError("the answer about a file is no map")
    if answer.get("gone"):
        raise FileNotFoundError("the file, or who held it, is gone")
    if answer.get("busy"):
        raise Overloaded(f"{HELD_LIMIT_COUNT} files are open for gateways of other hosts")
    if "error" in answer:
        raise OSError(answer["error"])
    return answer


def _unheard(error: BusError) -> None:
    """An answer that found nobody: who asked has gone, and its file is let go when it is idle."""
