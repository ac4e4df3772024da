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
FILE_NAME = "${filename}"                 # stands for the file's name in every field

_SIGNED = frozenset({"policy", "signature", "x-amz-signature"})

_BOUNDARY = re.compile(r'(?:^|;)\s*boundary=(?:"([^"]+)"|([^;\s]+))', re.IGNORECASE)
# RFC 2183: a value is quoted or a token.
_UNQUOTED = "[!#$%&'*+.^_`|~0-9a-z-]+"
_PARAMETER = re.compile(rf'(?:^|;)\s*([a-z*-]+)=(?:"([^"]*)"|({_UNQUOTED})(?=\s*(?:;|$)))', re.IGNORECASE)


class MalformedForm(AwsError):
    code = "MalformedPOSTRequest"

    def __init__(self) -> None:
        super().__init__("The body of your POST request is not well-formed multipart/form-data.", status=400)


class FieldsTooLarge(AwsError):
    code = "MaxPostPreDataLengthExceeded"

    def __init__(self) -> None:
        super().__init__("Your POST request fields preceeding the upload file was too large.", status=400,
                         MaxPostPreDataLengthBytes=str(FIELDS_LIMIT_BYTES))


class FormDecoder:
    """`feed` gives the file's pieces; `fields` (lower-case names) are complete once `has_fields`, with the file's name
    put in where they ask for it. `sent`: their names as they came."""

    def __init__(self, content_type: str) -> None:
        found = _BOUNDARY.search(content_type)
        boundary = (found.group(1) or found.group(2)) if found else ""
        if not 0 < len(boundary) <= BOUNDARY_LIMIT_CHARACTERS:
            raise MalformedForm
        self.fields: dict[str, str] = {}
        self.sent: dict[str, str] = {}
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
        disposition = _disposition(bytes(self._pending[begin:end]))
        parameters = _parameters(disposition)
        name = parameters.get("name")
        if name is None:
            raise MalformedForm
        if name.lower() == FILE and disposition.strip().lower().startswith("form-data"):
            self._name_file(parameters.get("filename"))
            del self._pending[:end + 4]
            self.has_fields = True
            return True
        stop = self._pending.find(self._delimiter, end + 2)
        if stop < 0:
            return False
        self._take(name, bytes(self._pending[end + 4:stop]))
        self._fields_bytes += stop
        if self._fields_bytes > FIELDS_LIMIT_BYTES:
            raise FieldsTooLarge
        del self._pending[:stop]
        return True

    def _take(self, name: str, raw: bytes) -> None:
        """One field; what has the same name is one field, as with headers."""
        try:
            value = raw.decode()
        except UnicodeDecodeError:
            raise MalformedForm from None
        field = name.lower()
        self.fields[field] = f"{self.fields[field]},{value}" if field in self.fields else value
        self.sent[field] = name

    def _name_file(self, given: str | None) -> None:
        """Every field may hold the file's name, without its folders; a file without a name leaves them as they are."""
        if given is not None:
            file_name = given.replace("\\", "/").rpartition("/")[2]
            self.fields = {field: value if field in _SIGNED else value.replace(FILE_NAME, file_name)
                           for field, value in self.fields.items()}

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


def _disposition(raw: bytes) -> str:
    """Content-Disposition of a part; its Content-Type means nothing to S3."""
    found = ""
    for line in raw.decode("utf-8", "replace").split("\r\n"):
        name, _, value = line.partition(":")
        if name.strip().lower() == "content-disposition":
            found = value
    return found


def _parameters(disposition: str) -> dict[str, str]:
    """By name, in lower case: the first of each. What stands inside of quotes is no parameter."""
    found: dict[str, str] = {}
    for name, quoted, token in _PARAMETER.findall(disposition):
        found.setdefault(name.lower(), token or quoted)
    return found
