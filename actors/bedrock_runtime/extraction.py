"""Text out of PDF and Word files, in a bounded process: {"kind", "data"} in, {"text"} or {"unreadable": why} out."""

import io
import logging
import zipfile
from xml.etree import ElementTree

from actors.runtime.bounded.worker import Frame, Tell, serve

KINDS = ("pdf", "docx")
PAGES_LIMIT = 1000                        # of a PDF
TEXT_LIMIT_CHARACTERS = 4 * 1024 * 1024   # taken out of one file
XML_LIMIT_BYTES = 64 * 1024 * 1024        # of a Word file's text, unpacked
_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


def answer(request: Frame, tell: Tell) -> None:
    logging.disable()                     # what a stranger's file makes a parser say is no news of ours
    try:
        text = (_pdf if request["kind"] == "pdf" else _docx)(request["data"])
    except MemoryError:
        raise
    except Exception as error:            # whatever a parser makes of what is none of its files
        tell({"unreadable": type(error).__name__})
    else:
        tell({"text": text[:TEXT_LIMIT_CHARACTERS].encode("utf-8", "replace").decode()})


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


if __name__ == "__main__":
    serve(answer)
