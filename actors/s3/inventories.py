"""Inventory configurations: checked, and when their reports are due. What a report holds: inventory_rows.py; the job
that writes it: inventory_reports.py.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-inventory.html; the order of the checks and the
errors: LocalStack's, which it holds against AWS.
"""

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from actors.runtime.store.transaction import Transaction
from actors.s3.errors import MalformedXML, S3Error
from actors.s3.inventory_rows import OPTIONAL
from actors.s3.state import Bucket

MEMBER = "InventoryConfiguration"
RUN = "inventory"                         # the kind of configuration that says which job is of now: inventory/<Id>
INVENTORY_JOB = "inventory"
FREQUENCIES = ("Daily", "Weekly")
FORMATS = ("CSV", "ORC", "Parquet")
DAY_S = 24 * 3600
_SUNDAY = 6                               # weekly reports are of Sundays

Content = Mapping[str, Any]


class IdMismatch(S3Error):
    code, words = "IdMismatch", "Document ID does not match the specified configuration ID."


class InvalidDestination(S3Error):
    code, words = "InvalidS3DestinationBucket", "Invalid bucket ARN."


def check(content: Content) -> None:
    """MalformedXML, IdMismatch, InvalidS3DestinationBucket."""
    target = (content.get("Destination") or {}).get("S3BucketDestination") or {}
    if not content.get("Id") or content.get("IsEnabled") is None \
            or content.get("IncludedObjectVersions") not in ("All", "Current") \
            or (content.get("Schedule") or {}).get("Frequency") not in FREQUENCIES \
            or target.get("Format") not in FORMATS or not target.get("Bucket") \
            or not OPTIONAL.keys() >= set(content.get("OptionalFields") or ()):
        raise MalformedXML
    if not target["Bucket"].startswith("arn:aws:s3:::") or not target["Bucket"].rpartition(":")[2]:
        raise InvalidDestination


def changed(transaction: Transaction, bucket: Bucket, name: str, content: Content | None) -> None:
    """Begins a job of its own; that of the configuration before it ends."""
    kind = f"{RUN}/{name}"
    if content is None or not content["IsEnabled"]:
        bucket.configure(kind, None)
        return
    run = secrets.token_hex(8)
    bucket.configure(kind, run)
    transaction.start_job(INVENTORY_JOB, {
        "bucket": bucket.name, "id": name, "run": run, "wake_at": due_after(transaction.now(), content)})


def due_after(now: float, content: Content) -> float:
    """The next midnight, UTC, of a day that has a report."""
    midnight = (now // DAY_S + 1) * DAY_S
    if content["Schedule"]["Frequency"] == "Weekly":
        midnight += (_SUNDAY - datetime.fromtimestamp(midnight, UTC).weekday()) % 7 * DAY_S
    return midnight
