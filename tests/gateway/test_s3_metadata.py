"""User metadata is text, and headers hold ASCII: what is sent is what is told, in RFC 2047's words where it must be."""

from email.header import decode_header, make_header

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.protocols.rest_xml import RestXml
from gateway.protocols.wire import HttpRequest
from gateway.s3 import metadata
from schemas.models import load

PRINTABLE = st.text(st.characters(codec="utf-8", min_codepoint=0x20, exclude_characters="\x7f"))


# Another implementation of RFC 2047 reads every word, none of which is too long.
@given(PRINTABLE)
def test_what_is_told_is_what_was_said(text: str) -> None:
    told = metadata.encoded(text)
    assert told.isascii()
    if told != text:
        assert all(len(word) <= 75 for word in told.split(" "))
        assert str(make_header(decode_header(told))) == text
        assert metadata.read({"a": told}) == {"a": text}


def sent(raw: bytes) -> str:
    """As the connection hands it on."""
    return raw.decode("utf-8", "surrogateescape")


# The first is AWS's own example (UsingMetadata.html), the second ceph/s3-tests'.
@pytest.mark.parametrize(("given", "told"), [
    (sent("ÄMÄZÕÑ S3".encode()), "=?UTF-8?B?w4PChE3Dg8KEWsODwpXDg8KRIFMz?="),
    (sent(b"Hello World\xe9"), "=?UTF-8?Q?Hello_World=C3=A9?="),
    ("=?UTF-8?Q?a_=C3=A9?=", "=?UTF-8?Q?a_=C3=A9?="),
    ("=?UTF-8?Q?plain?=", "plain"), ("plain =? text", "plain =? text"), ("=?nonsense?Q?a?=", "=?nonsense?Q?a?="),
    ("=?UTF-8?Q?=FF?=", "=?UTF-8?Q?=FF?="), ("AMAZONS3", "AMAZONS3"), ("", ""),
])
def test_there_and_back(given: str, told: str) -> None:
    assert metadata.told(metadata.read({"a": given})) == {"Metadata": {"a": told}}


def test_what_cannot_be_printed_is_counted() -> None:
    read = metadata.read({"a": "=?UTF-8?Q?=04x?=", "b": "y", "c": "=?UTF-8?B?AA==?="})
    assert metadata.told(read) == {"Metadata": {"b": "y"}, "MissingMeta": 2}


# Nobody on the bus meets any of that: S3 hears and tells text.
def test_the_protocol_speaks_it() -> None:
    protocol, operations = RestXml(), load("s3").operations
    put = HttpRequest("PUT", "/bucket/k", "", {"x-amz-meta-a": "=?UTF-8?Q?a_=C3=A9?="}, b"")
    assert protocol.parse(operations["PutObject"], put)["Metadata"] == {"a": "a é"}
    got = protocol.serialise(operations["HeadObject"], {"Metadata": {"a": "a é", "b": "\n"}}, "id").headers
    assert (got["x-amz-meta-a"], got["x-amz-missing-meta"]) == ("=?UTF-8?Q?a_=C3=A9?=", "1")
    assert "x-amz-meta-b" not in got


def test_forms_and_urls_speak_unicode() -> None:
    assert metadata.as_header("x-amz-meta-a", "é") == "=?UTF-8?B?w6k=?="
    assert metadata.as_header("x-amz-storage-class", "é") == "é"
