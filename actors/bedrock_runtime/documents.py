"""Documents in conversations, as text: what is text already, and what can be taken out of PDF and Word files.

A model reads the name and the text. Pictures in documents are not looked at.
"""

import asyncio
import io
import zipfile
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

from actors.bedrock_runtime.asking import Ask, Block
from schemas.errors import ValidationException

TEXTS = ("txt", "md", "csv", "html")
FILES = ("pdf", "docx")
PAGES_LIMIT = 1000                        # of a PDF
TEXT_LIMIT_CHARACTERS = 4 * 1024 * 1024   # taken out of one file
XML_LIMIT_BYTES = 64 * 1024 * 1024        # of a Word file's text, unpacked
_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_UNREADABLE = "The document {} could not be read: it is no {} file, or a damaged one."


def is_readable(block: Mapping[str, Any]) -> bool:
    document = block.get("document")
    return document is not None and (
        "bytes" not in document["source"] or document.get("format") in (*TEXTS, *FILES))


async def opened(ask: Ask) -> Ask:
    """Documents become texts. ValidationException for what cannot be read."""
    blocks = [(message["content"], place) for message in ask.messages for place in range(len(message["content"]))]
    for content, place in blocks:
        if is_readable(content[place]):
            content[place] = await _opened(content[place]["document"])
    return ask


async def _opened(document: Mapping[str, Any]) -> Block:
    source = document["source"]
    if "bytes" not in source:
        told = source.get("text") or "\n".join(part.get("text", "") for part in source.get("content", ()))
    elif document.get("format") in FILES:
        told = await asyncio.to_thread(_taken, document)
    else:
        try:
            told = bytes(source["bytes"]).decode()
        except UnicodeDecodeError as error:
            raise ValidationException("The document could not be read as text: it is no UTF-8.") from error
    return {"text": f"{document['name']}:\n{told}"}


def _taken(document: Mapping[str, Any]) -> str:
    """Out of a file of another kind. ValidationException."""
    data, kind = bytes(document["source"]["bytes"]), document["format"]
    try:
        text = _pdf(data) if kind == "pdf" else _docx(data)
    except Exception as error:            # whatever a parser makes of what is none of its files
        raise ValidationException(_UNREADABLE.format(document["name"], kind)) from error
    if not text.strip():
        raise ValidationException(f"There is no text in the document {document['name']}.")
    return text[:TEXT_LIMIT_CHARACTERS]


def _pdf(data: bytes) -> str:
    import pypdf

    found: list[str] = []
    characters = 0
    for page in pypdf.PdfReader(io.BytesIO(data)).pages[:PAGES_LIMIT]:
        found.append(page.extract_text())
        characters += len(found[-1])
        if characters > TEXT_LIMIT_CHARACTERS:
            break
    return "\n".join(found)


def _docx(data: bytes) -> str:
    """Paragraph by paragraph: ECMA-376, part 1, 17.3."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive, archive.open("word/document.xml") as file:
        content = file.read(XML_LIMIT_BYTES + 1)
    if len(content) > XML_LIMIT_BYTES or b"<!DOCTYPE" in content:
        raise ValueError("too large, or with entities of its own")
    root = ElementTree.fromstring(content)  # noqa: S314  # nothing to expand: there is no DOCTYPE
    return "\n".join("".join(part.text or "" for part in paragraph.iter(f"{_WORD}t"))
                     for paragraph in root.iter(f"{_WORD}p"))
