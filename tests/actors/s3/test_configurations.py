"""What a bucket is remembered to be configured with, by its row's bytes (state.py), is always what its rows say.

Configurations come and go in transactions that are kept or given up, some together with the bucket itself; before and
after each, within it and outside, every kind is asked for and compared with a dict.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from actors.s3 import state
from actors.s3.state import Bucket
from tests.actors.s3.caller import open_caller

KINDS = ["policy", "encryption", "inventory/a"]
DOCUMENTS = st.none() | st.sampled_from(["text", {"Rules": [1]}, "x" * (state.REMEMBERED_LIMIT_BYTES + 1)])
STEP = st.tuples(st.lists(st.tuples(st.sampled_from(KINDS), DOCUMENTS), max_size=3), st.booleans(), st.booleans())


class GivenUp(Exception):
    """The transaction's, not a failure."""


def told(view: Any) -> dict[str, Any]:
    bucket = state.get_bucket(view, "bucket")
    return {kind: bucket.configuration(kind) for kind in KINDS}


def made_anew(transaction: Any) -> None:
    bucket = state.get_bucket(transaction, "bucket")
    for kind in KINDS:
        bucket.configure(kind, None)
    Bucket(transaction, {name: value for name, value in bucket.record.items() if name != "v"}).save()


@given(st.lists(STEP, max_size=8))
def test_what_is_remembered_is_what_stands(steps: list[tuple[list[tuple[str, Any]], bool, bool]]) -> None:
    with TemporaryDirectory() as folder, open_caller(Path(folder)) as s3:
        s3.call("CreateBucket", Bucket="bucket")
        model: dict[str, Any] = dict.fromkeys(KINDS)
        for changes, anew, kept in steps:
            expected = dict.fromkeys(KINDS) if anew else dict(model)
            expected.update(changes)

            def change(transaction: Any, changes: Any = changes, anew: bool = anew, kept: bool = kept) -> Any:
                early = state.get_bucket(transaction, "bucket")
                if anew:
                    made_anew(transaction)
                for kind, document in changes:
                    state.get_bucket(transaction, "bucket").configure(kind, document)
                for kind in KINDS:
                    early.configuration(kind)
                seen = told(transaction)
                if not kept:
                    raise GivenUp(seen)
                return seen

            try:
                seen = s3.store.transact(change)
            except GivenUp as given_up:
                seen = given_up.args[0]
            assert seen == expected
            model = expected if kept else model
            assert s3.store.read(told) == model
