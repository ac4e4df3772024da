"""Virtual MFA devices: made with a seed that is shown once and kept sealed, enabled for a user with two codes in a row.

Whoever asks for a session with a code is checked by `verified` and, where the session is made, `used`: a code is good
once. Sources: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa_enable_virtual.html,
https://docs.aws.amazon.com/IAM/latest/APIReference/API_EnableMFADevice.html; sentences: localstack's captures of IAM's.
"""

import base64
import io
import os
from collections.abc import Iterator, Mapping
from typing import Any

from actors.iam import shapes, tagging, totp
from actors.iam.errors import (
    DeleteConflict,
    EntityAlreadyExists,
    InvalidAuthenticationCode,
    NoSuchEntity,
    ValidationError,
    quota,
)
from actors.iam.paging import Answer, after, page
from actors.iam.state import MFA, USER, Book, Record, checked_path
from actors.iam.vault import Vault
from actors.runtime.context import Context

SEED_BYTES = 40                               # 64 characters of base32
DEVICES_PER_USER_LIMIT = 8
_NOT_VALID = "Authentication code for device is not valid."

Request = Mapping[str, Any]


def create(book: Book, vault: Vault, context: Context, request: Request) -> Answer:
    """Path and name are unique together, so they are the record's name; elder records have their path apart."""
    label, path = request["VirtualMFADeviceName"], checked_path(MFA, request.get("Path") or "/")
    name, tags = path[1:] + label, tagging.read(request.get("Tags"))
    seed = base64.b32encode(os.urandom(SEED_BYTES)).decode()
    serial = book.arn({"kind": MFA, "path": path, "name": label})
    if book.find_arn(MFA, serial) is not None:
        raise EntityAlreadyExists("MFA device already exists.")
    record = book.create(MFA, name, "/", context.now, user="", enabled=0.0, last=0)
    record |= {"tags": tags, "secret": vault.seal_text(seed, serial)}
    book.save(record)
    book.elsewhere("").put({"account": book.account, "parts": [MFA, name.lower()]}, "sealed", serial)
    return {"VirtualMFADevice": {"SerialNumber": serial, "Base32StringSeed": seed.encode(),
                                 "QRCodePNG": _picture(label, book.account, seed), **shapes.tagged(record)}}


def _picture(name: str, account: str, seed: str) -> bytes:
    """What an authenticator app reads, as AWS's pictures have it."""
    import segno  # late: rarely needed

    picture = io.BytesIO()
    text = f"otpauth://totp/Amazon%20Web%20Services:{name}@{account}?secret={seed}&issuer=Amazon%20Web%20Services"
    segno.make(text, error="m", micro=False).save(picture, kind="png", scale=4)
    return picture.getvalue()


def enable(book: Book, vault: Vault, context: Context, request: Request) -> Answer:
    user = book.get(USER, request["UserName"])
    record = book.get_arn(MFA, request["SerialNumber"])
    if record["user"]:
        raise EntityAlreadyExists("MFA Device is already in use.")
    if sum(1 for _ in book.rows("device", user["id"])) >= DEVICES_PER_USER_LIMIT:
        raise quota("MfaDevicesPerUser", DEVICES_PER_USER_LIMIT)
    _synchronise(book, vault, record, context.now, request)
    record |= {"user": user["id"], "enabled": context.now}
    book.save(record)
    book.put({"name": record["name"]}, "device", user["id"], record["id"])
    return {}


def resync(book: Book, vault: Vault, context: Context, request: Request) -> Answer:
    record = of_user(book, book.get(USER, request["UserName"]), request["SerialNumber"])
    _synchronise(book, vault, record, context.now, request)
    book.save(record)
    return {}


def _synchronise(book: Book, vault: Vault, record: Record, now: float, request: Request) -> None:
    found = totp.synchronised(_seed(book, vault, record), request["AuthenticationCode1"],
                              request["AuthenticationCode2"], now)
    if found is None or found <= record["last"]:
        raise InvalidAuthenticationCode(_NOT_VALID)
    record["last"] = found


def _seed(book: Book, vault: Vault, record: Record) -> bytes:
    return base64.b32decode(vault.open_text(record["secret"], book.arn(record)))


def deactivate(book: Book, user: Record, request: Request) -> Answer:
    record = of_user(book, user, request["SerialNumber"])
    record |= {"user": "", "enabled": 0.0}
    book.save(record)
    book.drop("device", user["id"], record["id"])
    return {}


def delete(book: Book, request: Request) -> Answer:
    record = book.get_arn(MFA, request["SerialNumber"])
    if record["user"]:
        raise DeleteConflict("Cannot delete entity, must deactivate MFA device first.")
    book.elsewhere("").drop("sealed", book.arn(record))
    book.remove(record)
    return {}


def find_of_user(book: Book, user: Record, serial: str) -> Record | None:
    record = book.find_arn(MFA, serial)
    return record if record is not None and record["user"] == user["id"] else None


def of_user(book: Book, user: Record, serial: str) -> Record:
    record = find_of_user(book, user, serial)
    if record is None:
        raise NoSuchEntity(f"MFA Device with serial number {serial} does not exist.")
    return record


# Shown

def _devices(book: Book, user: Record, start: str = "") -> Iterator[tuple[str, Record]]:
    return ((key, book.by_id(key)) for key, _ in book.rows("device", user["id"], after=start))


def listed(book: Book, user: Record, request: Request) -> Answer:
    return page("MFADevices", _devices(book, user, after(request)), request, lambda record: {
        "UserName": user["name"], "SerialNumber": book.arn(record), "EnableDate": shapes.moment(record["enabled"])})


def shown(book: Book, user: Record | None, request: Request) -> Answer:
    """GetMFADevice: of a user, or whosever it is."""
    serial = request["SerialNumber"]
    record = book.get_arn(MFA, serial) if user is None else of_user(book, user, serial)
    answer: Answer = {"SerialNumber": serial}
    if record["user"]:
        answer |= {"UserName": book.by_id(record["user"])["name"], "EnableDate": shapes.moment(record["enabled"])}
    return answer


def all_listed(book: Book, request: Request) -> Answer:
    """ListVirtualMFADevices; its markers are the rows' names, so one of nobody's is refused."""
    wanted, start = request.get("AssignmentStatus") or "Any", after(request)
    if start and book.row(MFA, start) is None:
        raise ValidationError("Invalid Marker.")
    rows = ((key, record) for key, record in book.rows(MFA, after=start)
            if wanted == "Any" or bool(record["user"]) == (wanted == "Assigned"))
    return page("VirtualMFADevices", rows, request, lambda record: _listed(book, record))


def _listed(book: Book, record: Record) -> Answer:
    answer: Answer = {"SerialNumber": book.arn(record)}
    if record["user"]:
        answer |= {"User": shapes.listed_user(book, book.by_id(record["user"])),
                   "EnableDate": shapes.moment(record["enabled"])}
    return answer


# For sessions

def verified(book: Book, vault: Vault, user: Record, serial: str, given: str, now: float) -> int | None:
    """The counter of a code that is good now; None: no device of the user's, or not its code."""
    record = find_of_user(book, user, serial)
    return None if record is None else totp.matching(_seed(book, vault, record), given, now, record["last"])


def used(book: Book, serial: str, counter: int) -> None:
    record = book.get_arn(MFA, serial)
    record["last"] = counter
    book.save(record)
