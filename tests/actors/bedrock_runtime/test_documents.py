"""Documents in conversations: what their text is, which are refused, what they may be called."""

import asyncio
import io
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest

from actors.bedrock_runtime.asking import Ask
from actors.bedrock_runtime.documents import BOUNDS, Documents
from schemas.errors import ValidationException
from tests.actors.bedrock_runtime.caller import ECHO, Caller, in_world, user


def pdf(text: str, before: bytes = b"") -> bytes:
    """A page of Helvetica, on which something was drawn before. ISO 32000-1."""
    drawn = zlib.compress(before + f"BT /F1 12 Tf 72 700 Td ({text}) Tj ET".encode())
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Filter/FlateDecode/Length %d>>stream\n%s\nendstream" % (len(drawn), drawn),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    out, places = bytearray(b"%PDF-1.4\n"), []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj" % number + content + b"endobj\n"
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % len(out)
    return bytes(out + b"xref\n0 6\n0000000000 65535 f \n" + table + end)


def docx(*paragraphs: str, head: str = "") -> bytes:
    inner = "".join(f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>" for text in paragraphs)
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    file = io.BytesIO()
    body = f'<w:document xmlns:w="{space}"><w:body>{inner}</w:body></w:document>'
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", head + body)
    return file.getvalue()


def document(kind: str, data: bytes, name: str = "notes") -> dict[str, Any]:
    return {"document": {"format": kind, "name": name, "source": {"bytes": data}}}


@pytest.mark.parametrize(("kind", "data", "text"), [
    ("txt", b"six seven", "six seven"), ("md", b"# six", "# six"), ("csv", b"a,b", "a,b"),
    ("pdf", pdf("six seven"), "six seven"), ("docx", docx("six", "seven"), "six\nseven"),
])
def test_text(kind: str, data: bytes, text: str, tmp_path: Path) -> None:
    async def test(runtime: Caller) -> None:
        answer = await runtime.call("Converse", modelId=ECHO, messages=[user("read", document(kind, data))])
        assert answer["output"]["message"]["content"] == [{"text": f"read\nnotes:\n{text}"}]
        counted = await runtime.call("CountTokens", modelId=ECHO, input={
            "converse": {"messages": [user("read", document(kind, data))]}})
        assert counted["inputTokens"] == answer["usage"]["inputTokens"]

    in_world(tmp_path, test)


BOMB = '<!DOCTYPE a [<!ENTITY a "aaaa">]>'


@pytest.mark.parametrize(("block", "words"), [
    (document("pdf", b"%PDF-1.4 nothing"), "no pdf file"), (document("docx", b"PK"), "no docx file"),
    (document("docx", docx("&a;", head=BOMB)), "no docx file"), (document("txt", b"\xff\xfe"), "no UTF-8"),
    (document("xlsx", b"x"), "document content block"), (document("docx", docx("")), "no text"),
    (document("txt", b"a", "a_b"), "can only contain"), (document("txt", b"a", "a  b"), "consecutive whitespace"),
    (document("txt", b"x" * 4_500_001), "exceeds the limit"),
])
def test_refused(block: dict[str, Any], words: str, tmp_path: Path) -> None:
    async def test(runtime: Caller) -> None:
        code, message = await runtime.error("Converse", modelId=ECHO, messages=[user("read", block)])
        assert (code, words in message) == ("ValidationException", True), message

    in_world(tmp_path, test)


def test_how_many(tmp_path: Path) -> None:
    async def test(runtime: Caller) -> None:
        blocks = [document("txt", b"a", f"a{number}") for number in range(6)]
        await runtime.call("Converse", modelId=ECHO, messages=[user("read", *blocks[:5])])
        for wrong in (blocks, [blocks[0], blocks[0]]):
            code, _ = await runtime.error("Converse", modelId=ECHO, messages=[user("read", *wrong)])
            assert code == "ValidationException"

    in_world(tmp_path, test)


# Small files that keep a parser busy for minutes or want more memory than there is: what bounds their process is told
# as what is wrong with them, and the next document is read.
@pytest.mark.parametrize(("kind", "data", "bounds"), [
    ("pdf", pdf("six", b"1 0 0 1 0 0 cm\n" * 2_000_000), {"processor_s": 1}),
    ("docx", docx("<a/>" * 6_000_000), {"memory_bytes": 256 * 1024**2}),
])
def test_hostile(kind: str, data: bytes, bounds: dict[str, Any]) -> None:
    async def main() -> None:
        documents = Documents(BOUNDS._replace(**bounds))
        with pytest.raises(ValidationException, match="takes too much time or memory"):
            await documents.opened(Ask([user(document(kind, data))]))
        [message] = (await documents.opened(Ask([user(document("docx", docx("six")))]))).messages
        assert message["content"] == [{"text": "notes:\nsix"}]

    assert len(data) < 4_500_000
    asyncio.run(main())
