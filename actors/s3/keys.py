"""What a key of an object may be, whatever is asked of it.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
"""

from actors.s3.errors import InvalidURI, KeyTooLong

LIMIT_BYTES = 1024


def check(key: str) -> None:
    """KeyTooLong; InvalidURI for a path that leads out of the bucket: read from left to right, it may not go up more
    often than it has gone down."""
    size = len(key) if key.isascii() else len(key.encode())
    if size > LIMIT_BYTES:
        raise KeyTooLong(Size=str(size), MaxSizeAllowed=str(LIMIT_BYTES))
    if ".." in key:
        depth = 0
        for segment in key.split("/"):
            depth += -1 if segment == ".." else segment not in ("", ".")
            if depth < 0:
                raise InvalidURI(URI=key)
