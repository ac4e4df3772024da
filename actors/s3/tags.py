"""Sets of tags: their limits and the forms they come in.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_plus

from actors.s3.errors import InvalidArgument, InvalidTag, S3Error

OBJECT_TAGS_LIMIT = 10
BUCKET_TAGS_LIMIT = 50
TAG_KEY_LIMIT, TAG_VALUE_LIMIT = 128, 256               # characters

_HALF_ENCODED = re.compile("%(?![0-9A-Fa-f]{2})")
_RESERVED = {
    "Object": "Your TagKey cannot be prefixed with aws:",
    "Bucket": "System tags cannot be added/updated by requester",
    "New bucket": "User-defined tag keys can't start with \"aws:\". This prefix is reserved for system tags. Remove "
                  "\"aws:\" from your tag keys and try again.",
}

Tags = dict[str, str]


class BadRequest(S3Error):
    code = "BadRequest"


def from_header(text: str) -> Tags:
    """x-amz-tagging: `a=b&c=d`, percent-encoded. In the order of keys: S3 promises none, ceph/s3-tests asks for it."""
    tags: Tags = {}
    for pair in filter(None, text.split("&")):
        key, _, value = map(unquote_plus, pair.partition("="))
        if not key or key in tags or pair.count("=") > 1 or _HALF_ENCODED.search(pair):
            raise InvalidArgument(
                "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag "
                "name duplicates.", "x-amz-tagging", text)
        tags[key] = value
    return checked(dict(sorted(tags.items())), OBJECT_TAGS_LIMIT, "Object")


def from_set(tagging: Mapping[str, Any], limit: int, what: str) -> Tags:
    """The TagSet of a request."""
    tags: Tags = {}
    for tag in tagging.get("TagSet") or ():
        if tag["Key"] in tags:
            raise InvalidTag("Cannot provide multiple Tags with the same key", TagKey=tag["Key"])
        tags[tag["Key"]] = tag["Value"]
    return checked(tags, limit, what)


def checked(tags: Tags, limit: int, what: str) -> Tags:
    """BadRequest, InvalidTag."""
    if len(tags) > limit:
        counted = "Object tags" if what == "Object" else "Bucket tag count"
        raise BadRequest(f"{counted} cannot be greater than {limit}")
    for key, value in tags.items():
        if not 0 < len(key) <= TAG_KEY_LIMIT or not _is_plain(key):
            raise InvalidTag("The TagKey you have provided is invalid", TagKey=key)
        if key.lower().startswith("aws:"):
            raise InvalidTag(_RESERVED[what], TagKey=key)
        if len(value) > TAG_VALUE_LIMIT or not _is_plain(value):
            raise InvalidTag("The TagValue you have provided is invalid", TagKey=key, TagValue=value)
    return tags


def to_set(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _is_plain(text: str) -> bool:
    """Letters, digits, blanks and + - = . _ : / @ in any script."""
    return all(character.isalnum() or character.isspace() or character in "+-=._:/@" for character in text)
