"""multipart/form-data (RFC 7578) as it passes: small fields first, then one file, whose pieces are handed on.

Holds no more than the fields and one delimiter's length of the file. Errors are AwsError in S3's words, the only
service that takes forms.
"""

import re
from collections.abc import Iterator

from schemas.checksums import Buffer
from schemas.errors import AwsError

FIELDS_LIMIT_BYTES = 20 * 1024            # of all that stands before the file; S3's own
BOUNDARY_LIMIT_CHARACTERS = 70
FILE = "file"

_BOUNDARY = re.compile(r'(?:^|;)\s*boundary=(?:"([^"]+)"|([^;\s]+))', re.IGNORECASE)
_NAME = re.compile(r'(?:^|;)\s*name="([^"]*)"', re.IGNORECASE)
_FILE_NAME = re.compile(r'(?:^|;)\s*filename="([^"]*)"', re.IGNORECASE)


class MalformedForm(AwsError):
    code = "MalformedPOSTRequest"

    def __init__(self) -> None:
        super().__init__("The body of your POST request is not well-formed multipart/form-data.", status=400)


class FieldsTooLarge(AwsError):
    code = "MaxPostPreDataLengthExceeded"

    def __init__(self) -> None:
        super().__init__("Your POST request fields preceeding the upload file was too large.", status=400)


class FormDecoder:
    """`feed` gives the file's pieces; `fields` (lower-case names) are complete once `has_fields`."""

    def __init__(self, content_type: str) -> None:
        found = _BOUNDARY.search(content_type)
        boundary = (found.group(1) or found.group(2)) if found else ""
        if not 0 < len(boundary) <= BOUNDARY_LIMIT_CHARACTERS:
            raise MalformedForm
        self.fields: dict[str, str] = {}
        self.file_name = ""
        self.file_type = ""
        self.has_fields = False
        self.decoded_bytes = 0
        self._delimiter = b"\r\n--" + boundary.encode("latin-1", "replace")
        self._pending = bytearray(b"\r\n")          # so that the first delimiter is one like the others
        self._fields_bytes = 0
        self._ended = False

    def feed(self, data: Buffer) -> Iterator[bytes]:
        """MalformedForm, FieldsTooLarge."""
        self._pending += data
        while not self.has_fields:
            if not self._field():
                if len(self._pending) + self._fields_bytes > FIELDS_LIMIT_BYTES + len(data):
                    raise FieldsTooLarge
                return
        if not self._ended:
            piece = self._piece()
            if piece:
                self.decoded_bytes += len(piece)
                yield piece

    def finish(self) -> None:
        """MalformedForm when the end has not come; InvalidArgument when there was no file."""
        if not self.has_fields:
            raise AwsError("POST requires exactly one file upload per request.", code="InvalidArgument", status=400,
                           ArgumentName=FILE, ArgumentValue="0")
        if not self._ended:
            raise MalformedForm

    def _field(self) -> bool:
        """Takes one part, or the head of the file. False: it has not all come."""
        start = self._pending.find(self._delimiter)
        if start < 0:
            return False
        begin = start + len(self._delimiter)
        if self._pending[begin:begin + 2] == b"--":
            self.finish()
        end = self._pending.find(b"\r\n\r\n", begin)
        if end < 0:
            return False
        disposition, content_type = _head(bytes(self._pending[begin:end]))
        name = _NAME.search(disposition)
        if name is None:
            raise MalformedForm
        field = name.group(1).lower()
        if field == FILE:
            file_name = _FILE_NAME.search(disposition)
            self.file_name = file_name.group(1).replace("\\", "/").rpartition("/")[2] if file_name else ""
            self.file_type = content_type
            del self._pending[:end + 4]
            self.has_fields = True
            return True
        stop = self._pending.find(self._delimiter, end + 2)
        if stop < 0:
            return False
        try:
            self.fields[field] = bytes(self._pending[end + 4:stop]).decode()
        except UnicodeDecodeError:
            raise MalformedForm from None
        self._fields_bytes += stop
        if self._fields_bytes > FIELDS_LIMIT_BYTES:
            raise FieldsTooLarge
        del self._pending[:stop]
        return True

    def _piece(self) -> bytes:
        """Of the file: all that cannot be the beginning of its delimiter."""
        end = self._pending.find(self._delimiter)
        if end >= 0:
            self._ended = True
        else:
            end = max(0, len(self._pending) - len(self._delimiter))
        piece = bytes(memoryview(self._pending)[:end])
        del self._pending[:end]
        return piece


def _head(raw: bytes) -> tuple[str, str]:
    """Content-Disposition and Content-Type of a part."""
    disposition = content_type = ""
    for line in raw.decode("utf-8", "replace").split("\r\n"):
        name, _, value = line.partition(":")
        if name.strip().lower() == "content-disposition":
            disposition = value
        elif name.strip().lower() == "content-type":
            content_type = value.strip()
    return disposition, content_type
