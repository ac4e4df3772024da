"""What was configured before anything was done about it works after an upgrade; once, and not what has been ended."""

from pathlib import Path
from typing import Any

from actors.s3 import inventories, replication, state, upgrades
from tests.actors.s3.caller import open_caller

INVENTORY = {"Id": "i", "IsEnabled": True, "IncludedObjectVersions": "All", "Schedule": {"Frequency": "Daily"},
             "Destination": {"S3BucketDestination": {"Bucket": "arn:aws:s3:::reports", "Format": "CSV"}}}


def test_kept_configurations_begin_to_work(tmp_path: Path) -> None:
    def before(view: Any) -> None:
        """As the version before this one left them."""
        bucket = state.get_bucket(view, "bucket")
        bucket.configure(replication.KIND, {"Role": "r", "Rules": []})
        bucket.configure(f"{inventories.MEMBER}/i", INVENTORY)
        view.delete(upgrades._DONE)

    def told(view: Any) -> tuple[Any, Any]:
        bucket = state.get_bucket(view, "bucket")
        return bucket.record.get(replication.FLAG), bucket.configuration(f"{inventories.RUN}/i")

    with open_caller(tmp_path) as s3:
        s3.call("CreateBucket", Bucket="bucket")
        s3.store.transact(before)
        assert s3.store.read(told) == (None, None)
        s3.store.transact(upgrades.begin)
        flag, run = s3.store.read(told)
        assert flag
        assert run
        s3.call("DeleteBucketReplication", Bucket="bucket")
        s3.store.transact(upgrades.begin)
        assert s3.store.read(told) == (False, run)
