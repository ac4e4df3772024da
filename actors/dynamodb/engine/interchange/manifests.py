"""The files an export leaves in a bucket, as AWS names and fills them.

    <prefix>/AWSDynamoDB/<export id>/_started
    <prefix>/AWSDynamoDB/<export id>/data/<name>.json.gz            lines of items
    <prefix>/AWSDynamoDB/<export id>/manifest-files.json, .md5      a line for each data file
    <prefix>/AWSDynamoDB/<export id>/manifest-summary.json, .md5
    <prefix>/AWSDynamoDB/data/<name>.json.gz                        lines of changes, of incremental exports

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport.Output.html. It has checksums in
`.checksum`; what exports really leave, and their readers look for, is `.md5`.
"""

import hashlib
import json
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

FULL, INCREMENTAL = "FULL_EXPORT", "INCREMENTAL_EXPORT"


def folder(prefix: str, export_id: str) -> str:
    return f"{prefix.rstrip('/')}/AWSDynamoDB/{export_id}" if prefix else f"AWSDynamoDB/{export_id}"


def data_folder(export: Mapping[str, Any], export_id: str) -> str:
    """Incremental exports share one. `export`: ExportDescription's members."""
    prefix = export.get("S3Prefix", "")
    return f"{folder(prefix, export_id)}/data" if export["ExportType"] == FULL else folder(prefix, "data")


def md5(content: bytes) -> str:
    return b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()


def data_file(key: str, items: int, content_md5: str, etag: str) -> dict[str, Any]:
    """A line of manifest-files.json."""
    return {"itemCount": items, "md5Checksum": content_md5, "etag": etag, "dataFileS3Key": key}


def files(entries: list[dict[str, Any]]) -> bytes:
    return b"".join(_json(entry) + b"\n" for entry in entries)


def summary(export: Mapping[str, Any], *, ended: float, items: int, size: int, key_of_files: str) -> bytes:
    """manifest-summary.json. `export`: ExportDescription's members, times as seconds since the epoch."""
    spec = export.get("IncrementalExportSpecification")
    if spec is None:
        window = {"exportTime": when(export["ExportTime"])}
    else:
        window = {"exportFromTime": when(spec["ExportFromTime"]), "exportToTime": when(spec["ExportToTime"])}
    return _json({
        "version": "2020-06-30" if spec is None else "2023-08-01",
        "exportArn": export["ExportArn"], "startTime": when(export["StartTime"]),
        "endTime": when(ended), "tableArn": export["TableArn"], "tableId": export["TableId"],
        **window, "s3Bucket": export["S3Bucket"],
        "s3Prefix": export.get("S3Prefix"), "s3SseAlgorithm": export.get("S3SseAlgorithm", "AES256"),
        "s3SseKmsKeyId": export.get("S3SseKmsKeyId"), "manifestFilesS3Key": key_of_files, "billedSizeBytes": size,
        "itemCount": items, "outputFormat": export["ExportFormat"],
        **({} if spec is None else {"outputView": spec["ExportViewType"]}), "exportType": export["ExportType"],
    })


def when(seconds: float) -> str:
    """`2020-11-04T07:28:34.028Z`"""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
