"""The credential report: one line of CSV for the root and each user, made when asked for and good for four hours.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html.
"""

import asyncio
import csv
import io
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from operator import itemgetter
from typing import Any

from actors.iam import managed, passwords, shapes, usage
from actors.iam.errors import ReportExpired, ReportNotPresent
from actors.iam.paging import Answer
from actors.iam.state import USER, Book, Record
from actors.runtime.context import Context
from actors.runtime.policy.decision import root_arn
from actors.runtime.store.shard import Shard
from actors.runtime.store.transaction import Snapshot

GOOD_S = 4 * 3600
SLICE_USERS = 128                             # read at once; others have their turn in between
KEYS = CERTIFICATES = 2

COLUMNS = (
    "user", "arn", "user_creation_time", "password_enabled", "password_last_used", "password_last_changed",
    "password_next_rotation", "mfa_active",
    *(f"access_key_{number}_{what}" for number in (1, 2)
      for what in ("active", "last_rotated", "last_used_date", "last_used_region", "last_used_service")),
    *(f"cert_{number}_{what}" for number in (1, 2) for what in ("active", "last_rotated")),
)
_STARTED = "No report exists. Starting a new report generation task"

Request = Mapping[str, Any]


async def generate(shard: Shard, context: Context) -> Answer:
    """The report is there when STARTED is answered; COMPLETE while there is one that is good."""
    row = shard.read(lambda view: Book(view, context.account).row("report"))
    if row is not None and context.now < row["generated"] + GOOD_S:
        return {"State": "COMPLETE"}
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(COLUMNS)
    lines.writerow(shard.read(lambda view: _root(Book(view, context.account))))
    after: str | None = ""
    while after is not None:
        rows, after = shard.read(partial(_slice, context.account, after))
        lines.writerows(rows)
        await asyncio.sleep(0)
    report = {"generated": context.now, "content": text.getvalue().rstrip("\n").encode()}
    await shard.transact(lambda transaction: Book(transaction, context.account).put(report, "report"))
    return {"State": "STARTED", "Description": _STARTED}


def get(book: Book, context: Context) -> Answer:
    row = book.row("report")
    if row is None:
        raise ReportNotPresent
    if context.now >= row["generated"] + GOOD_S:
        raise ReportExpired
    return {"Content": row["content"], "ReportFormat": "text/csv", "GeneratedTime": shapes.moment(row["generated"])}


def _slice(account: str, after: str, view: Snapshot) -> tuple[list[list[str]], str | None]:
    """Some users' lines, and the last of them; None: there are no more."""
    book = Book(view, account)
    found = list(islice(book.rows(USER, after=after), SLICE_USERS))
    return [_user(book, record) for _, record in found], found[-1][0] if len(found) == SLICE_USERS else None


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).isoformat()


def _root(book: Book) -> list[str]:
    return ["<root_account>", root_arn(book.account), _moment(managed.CREATED_S), "not_supported", "no_information",
            "not_supported", "not_supported", "false", *_credentials(book, book.account)]


def _user(book: Book, user: Record) -> list[str]:
    return [user["name"], book.arn(user), _moment(user["created"]), *_password(book, user),
            _truth(book.any("device", user["id"])), *_credentials(book, user["id"])]


def _credentials(book: Book, owner: str) -> list[str]:
    line: list[str] = []
    keys = _eldest_first(book, "key", owner)
    for key in (*keys, *[None] * (KEYS - len(keys))):
        line += _key(book, key)
    certificates = _eldest_first(book, "signing", owner)
    for row in (*certificates, *[None] * (CERTIFICATES - len(certificates))):
        line += ["false", "N/A"] if row is None else [_truth(row["status"] == "Active"), _moment(row["created"])]
    return line


def _eldest_first(book: Book, kind: str, owner: str) -> list[Record]:
    return sorted((row for _, row in book.rows(kind, owner)), key=itemgetter("created"))


def _password(book: Book, user: Record) -> list[str]:
    """password_enabled, _last_used (nobody signs in with one), _last_changed, _next_rotation."""
    profile = passwords.find(book, user)
    if profile is None:
        return ["false", "N/A", "N/A", "N/A"]
    days = (passwords.policy(book) or {}).get("MaxPasswordAge")
    rotation = _moment(profile["changed"] + days * 86_400) if days else "N/A"
    return ["true", "no_information", _moment(profile["changed"]), rotation]


def _key(book: Book, key: Record | None) -> list[str]:
    if key is None:
        return ["false", *["N/A"] * 4]
    use = usage.of_key(book, key["id"])
    used = ["N/A"] * 3 if use is None else [_moment(use["at"]), use["region"], use["service"]]
    return [_truth(key["status"] == "Active"), _moment(key["created"]), *used]


def _truth(value: bool) -> str:
    return "true" if value else "false"
