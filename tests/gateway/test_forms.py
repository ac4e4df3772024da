"""A form decodes to what urllib3 encoded, however it is cut on its way; what is no form is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from urllib3 import encode_multipart_formdata

from gateway.s3 import posts
from gateway.s3.forms import FIELDS_LIMIT_BYTES, FormDecoder
from schemas.errors import AwsError

names = st.text("abcdefg-", min_size=1, max_size=8).filter(lambda name: name != "file")


@given(fields=st.dictionaries(names, st.text(max_size=40)), body=st.binary(max_size=300),
       cuts=st.lists(st.integers(1, 50), max_size=40), boundary=st.text("abc-", min_size=1, max_size=20))
def test_round_trip(fields: dict[str, str], body: bytes, cuts: list[int], boundary: str) -> None:
    if f"\r\n--{boundary}".encode() in b"\r\n" + body or any(f"--{boundary}" in value for value in fields.values()):
        return
    encoded, content_type = encode_multipart_formdata({**fields, "file": ("a/b.txt", body, "x/y")}, boundary)
    decoder = FormDecoder(content_type)
    found, at = b"", 0
    for cut in [*cuts, len(encoded)]:
        found += b"".join(decoder.feed(encoded[at:at + cut]))
        at += cut
    decoder.finish()
    assert (decoder.fields, found) == (fields, body)


def test_refused() -> None:
    for content_type in ("multipart/form-data", "multipart/form-data; boundary=" + "x" * 71):
        with pytest.raises(AwsError):
            FormDecoder(content_type)
    encoded, content_type = encode_multipart_formdata({"a": "x" * FIELDS_LIMIT_BYTES, "file": ("f", b"1")})
    with pytest.raises(AwsError) as caught:
        list(FormDecoder(content_type).feed(encoded))
    assert caught.value.error_code == "MaxPostPreDataLengthExceeded"
    encoded, content_type = encode_multipart_formdata({"a": "x"})
    with pytest.raises(AwsError) as caught:
        list(FormDecoder(content_type).feed(encoded))
    assert caught.value.error_code == "InvalidArgument"
    encoded, content_type = encode_multipart_formdata({"file": ("f", b"1" * 100)})
    decoder = FormDecoder(content_type)
    list(decoder.feed(encoded[:-20]))
    with pytest.raises(AwsError) as caught:
        decoder.finish()
    assert caught.value.error_code == "MalformedPOSTRequest"


# Source: RFC 7578 4.2 and RFC 2183 2. What stands inside of quotes is no parameter.
@pytest.mark.parametrize("disposition", [
    "form-data; name={}; filename={}", 'form-data; name="{}"; filename="{}"', "form-data;name={};FileName={}",
    "form-data; filename*=UTF-8''x; filename=\"; name=x; \"; name={}", "form-data; name={} ; filename={} ",
    'form-data; filename="a; name=x; filename=y"; name={}'])
def test_names_without_quotes(disposition: str) -> None:
    decoder = FormDecoder("multipart/form-data; boundary=b")
    parts = [f"--b\r\nContent-Disposition: {disposition.format(name, 'f.txt')}\r\n\r\n{value}\r\n"
             for name, value in (("x-amz-meta-a.b", "1"), ("file", "body"))]
    body = b"".join(decoder.feed(f"{''.join(parts)}--b--\r\n".encode()))
    decoder.finish()
    assert (decoder.fields, body) == ({"x-amz-meta-a.b": "1"}, b"body")


def test_a_file_whose_name_has_no_quotes() -> None:
    decoder = FormDecoder("multipart/form-data; boundary=b")
    list(decoder.feed(b"--b\r\nContent-Disposition: form-data; name=key\r\n\r\nin/${filename}\r\n"
                      b"--b\r\nContent-Disposition: form-data; name=file; filename=f.txt\r\n\r\n1\r\n--b--\r\n"))
    assert decoder.fields == {"key": "in/f.txt"}


@pytest.mark.parametrize("disposition", ["form-data", "form-data; name=", 'form-data; name="a', "form-data; name=a b",
                                         'form-data; filename="; name=x"', "form-data; name=a(b)"])
def test_names_that_are_none(disposition: str) -> None:
    decoder = FormDecoder("multipart/form-data; boundary=b")
    with pytest.raises(AwsError) as caught:
        list(decoder.feed(f"--b\r\nContent-Disposition: {disposition}\r\n\r\n1\r\n--b--\r\n".encode()))
    assert caught.value.error_code == "MalformedPOSTRequest"


# Expected: scality/cloudserver's tests of forms, and what S3 answered to forms that users sent to presigned URLs.
def test_refused_before_the_policy_is_looked_at() -> None:
    for fields, message in (
        ({}, "Bucket POST must contain a field named 'key'.  If it is specified, please check the order of the "
             "fields."),
        ({"key": ""}, "User key must have a length greater than 0."),
    ):
        with pytest.raises(AwsError) as caught:
            posts.check(fields)
        assert (caught.value.error_code, caught.value.message) == ("InvalidArgument", message)
    with pytest.raises(AwsError) as caught:
        posts.check_query("X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=x")
    assert caught.value.message == "Query String Parameters not allowed on POST requests."
    assert caught.value.fields == {"ArgumentName": "X-Amz-Algorithm", "ArgumentValue": "null"}
    posts.check_query("")
    posts.check({"key": "k"})
