"""Uploads from HTML forms: which PUT a form stands for, and how it wants to be answered.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html, …/sigv4-HTTPPOSTForms.html; answers as S3
gave them in LocalStack's snapshots (TestS3PresignedPost), scality/cloudserver's tests and issues of libraries that
send forms.
"""

from collections.abc import Mapping
from urllib.parse import quote, urlencode

from gateway.protocols.wire import HttpRequest, HttpResponse
from gateway.protocols.xml_shapes import escape, local_name, parse_xml
from gateway.s3 import metadata
from gateway.s3.post_policies import invalid, missing
from schemas.errors import AwsError

# Fields that are headers of the PUT under the same name.
_HEADERS = frozenset({
    "cache-control", "content-type", "content-disposition", "content-encoding", "content-language", "content-md5",
    "expires"})
_RENAMED = {"acl": "x-amz-acl"}
_SIGNING = frozenset({"x-amz-signature", "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-security-token"})


def check_query(query: str) -> None:
    """A form has all it says in its fields. InvalidArgument."""
    if query:
        first = query.split("&")[0].split("=")[0]
        raise invalid("Query String Parameters not allowed on POST requests.", first, "null")


def check(fields: Mapping[str, str]) -> None:
    """InvalidArgument without a key."""
    if "key" not in fields:
        raise missing("key")
    if not fields["key"]:
        raise invalid("User key must have a length greater than 0.", "key", "")


def put_of(path: str, fields: Mapping[str, str]) -> HttpRequest:
    """The PUT that a form to `/bucket` stands for. MalformedXML."""
    headers = {name: metadata.as_header(name, value) for name, value in fields.items()
               if name in _HEADERS or (name.startswith("x-amz-") and name not in _SIGNING)}
    headers |= {header: fields[name] for name, header in _RENAMED.items() if name in fields}
    if "tagging" in fields:
        headers["x-amz-tagging"] = _tags(fields["tagging"])
    return HttpRequest("PUT", f"{path.rstrip('/')}/{quote(fields['key'])}", "", headers, None)


def _tags(text: str) -> str:
    """The form's XML as the header has it. MalformedXML."""
    try:
        root = parse_xml(text.encode())
    except AwsError as error:
        raise AwsError("The XML you provided was not well-formed or did not validate against our published schema",
                       code="MalformedXML", status=400) from error
    pairs = [{local_name(child.tag): child.text or "" for child in tag}
             for tag in root.iter() if local_name(tag.tag) == "Tag"]
    return "&".join(f"{quote(pair.get('Key', ''))}={quote(pair.get('Value', ''))}" for pair in pairs)


def answer(fields: Mapping[str, str], url: str, bucket: str, put: HttpResponse) -> HttpResponse:
    """As the form asked for, with the headers of the `put`. `url`: the bucket's."""
    key, etag = fields["key"], put.headers["ETag"]
    location = f"{url.rstrip('/')}/{quote(key, safe='')}"
    headers = {**put.headers, "Location": location}
    headers.pop("content-type", None)
    redirect = fields.get("success_action_redirect") or fields.get("redirect", "")
    if redirect.startswith(("http://", "https://")) and redirect.isprintable():
        told = urlencode([("bucket", bucket), ("key", key), ("etag", etag)])
        headers["Location"] = f"{redirect}{'&' if '?' in redirect else '?'}{told}"
        return HttpResponse(303, headers, b"")
    status = fields.get("success_action_status", "")
    if status != "201":
        return HttpResponse(200 if status == "200" else 204, headers, b"")
    told = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in [
        ("Location", location), ("Bucket", bucket), ("Key", key), ("ETag", etag)])
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<PostResponse>{told}</PostResponse>'
    return HttpResponse(201, {**headers, "content-type": "application/xml"}, body.encode())
