"""User metadata in headers, which hold ASCII: other text travels there as encoded words (RFC 2047), both ways.

What is sent as it is, S3 reads as Latin-1, whatever it was. What cannot be printed is not told, but counted.
Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html. Whether an answer's word is Q or B,
its example shows and ceph/s3-tests: by what most characters are, as JavaMail has it.
"""

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from typing import Any

_PREFIX = "x-amz-meta-"
_WORD_LIMIT_CHARACTERS = 75
_SPECIAL = frozenset(b"=_?")


def read(metadata: Mapping[str, str]) -> dict[str, str]:
    """Of headers: the text they stand for."""
    return {name: _decoded(text) for name, text in metadata.items()}


def told(metadata: Mapping[str, str]) -> dict[str, Any]:
    """Members of an answer: Metadata, for headers, and MissingMeta."""
    shown = {name: encoded(text) for name, text in metadata.items() if not _has_controls(text)}
    missing = len(metadata) - len(shown)
    return {"Metadata": shown, **({"MissingMeta": missing} if missing else {})}


def as_header(name: str, text: str) -> str:
    """What a form or a URL says in Unicode, for a header of this name."""
    return encoded(text) if name.startswith(_PREFIX) else text


def encoded(text: str) -> str:
    if text.isascii() and not _has_controls(text):
        return text
    plain = sum(1 for character in text if " " <= character <= "~")
    return " ".join(_words(text, _q if plain > len(text) - plain else _b))


def _decoded(text: str) -> str:
    if not text.isascii():
        text = text.encode("utf-8", "surrogateescape").decode("latin-1")
    if "=?" not in text:
        return text
    try:
        return str(make_header(decode_header(text)))
    except (HeaderParseError, LookupError, ValueError):
        return text                       # no encoded word after all


def _has_controls(text: str) -> bool:
    return any(character < " " or character == "\x7f" for character in text)


def _words(text: str, word: Callable[[bytes], str]) -> Iterator[str]:
    """As few as hold it; no character is cut."""
    part = b""
    for character in text:
        raw = character.encode("utf-8", "surrogateescape")
        if len(word(part + raw)) > _WORD_LIMIT_CHARACTERS:
            yield word(part)
            part = b""
        part += raw
    yield word(part)


def _q(part: bytes) -> str:
    coded = "".join("_" if byte == 0x20 else chr(byte) if 0x20 < byte < 0x7f and byte not in _SPECIAL
                    else f"={byte:02X}" for byte in part)
    return f"=?UTF-8?Q?{coded}?="


def _b(part: bytes) -> str:
    return f"=?UTF-8?B?{b64encode(part).decode()}?="
