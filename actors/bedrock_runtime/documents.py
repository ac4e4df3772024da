"""Documents in conversations, as text: what is text already, and what can be taken out of PDF and Word files.

A model reads the name and the text. Pictures in documents are not looked at. What strangers' files do to a parser, they
do to a process of its own (extraction.py).
"""

from collections.abc import Mapping
from typing import Any

from actors.bedrock_runtime import extraction
from actors.bedrock_runtime.asking import Ask, Block
from actors.runtime.bounded.process import Bounds, Ended, Full, Workers
from schemas.errors import ThrottlingException, ValidationException

TEXTS = ("txt", "md", "csv", "html")
FILES_LIMIT = 4                           # read at a time
WAITING_LIMIT = 64                        # files that wait for their turn; the next one is told to come again
BOUNDS = Bounds(memory_bytes=1024**3, processor_s=20, file_bytes=0, wait_s=60.0,
                frame_bytes=4 * extraction.TEXT_LIMIT_CHARACTERS + 1024)
_COMMAND = ("-m", "actors.bedrock_runtime.extraction")
_UNREADABLE = "The document {} could not be read: it is no {} file, or a damaged one."
_EXCESSIVE = "The document {} could not be read: that takes too much time or memory."
_BUSY = "Too many documents are being read, please wait before trying again."


def is_readable(block: Mapping[str, Any]) -> bool:
    document = block.get("document")
    return document is not None and (
        "bytes" not in document["source"] or document.get("format") in (*TEXTS, *extraction.KINDS))


class Documents:
    """Those that are being read."""

    def __init__(self, bounds: Bounds = BOUNDS) -> None:
        self._workers = Workers(_COMMAND, bounds, FILES_LIMIT, WAITING_LIMIT)

    async def opened(self, ask: Ask) -> Ask:
        """Documents become texts. ValidationException for what cannot be read, ThrottlingException."""
        blocks = [(message["content"], place) for message in ask.messages for place in range(len(message["content"]))]
        for content, place in blocks:
            if is_readable(content[place]):
                content[place] = await self._opened(content[place]["document"])
        return ask

    async def _opened(self, document: Mapping[str, Any]) -> Block:
        source = document["source"]
        if "bytes" not in source:
            told = source.get("text") or "\n".join(part.get("text", "") for part in source.get("content", ()))
        elif document.get("format") in extraction.KINDS:
            told = await self._extracted(document["name"], document["format"], bytes(source["bytes"]))
        else:
            try:
                told = bytes(source["bytes"]).decode()
            except UnicodeDecodeError as error:
                raise ValidationException("The document could not be read as text: it is no UTF-8.") from error
        return {"text": f"{document['name']}:\n{told}"}

    async def _extracted(self, name: str, kind: str, data: bytes) -> str:
        """Out of a file of another kind. ValidationException, ThrottlingException."""
        try:
            async with self._workers.ask({"kind": kind, "data": data}) as worker:
                frame = await worker.frame()
        except Ended as error:
            raise ValidationException(_EXCESSIVE.format(name)) from error
        except Full as error:
            raise ThrottlingException(_BUSY) from error
        assert frame is not None, "patience has no end here"
        if "unreadable" in frame:
            raise ValidationException(_UNREADABLE.format(name, kind))
        text: str = frame["text"]
        if not text.strip():
            raise ValidationException(f"There is no text in the document {name}.")
        return text
