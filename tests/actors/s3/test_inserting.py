"""Replicas among a bucket's own versions: in whatever order they come, each is found by its id, and all stand in the
order of their times."""

from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from actors.s3 import state
from actors.s3.state import Record
from tests.actors.s3.caller import open_caller

BASE = 10**18


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.sampled_from(["insert", "again", "remove"]), st.integers(0, 6)), max_size=20))
def test_versions_stand_by_time(tmp_path_factory: Any, plan: list[tuple[str, int]]) -> None:
    directory: Path = tmp_path_factory.mktemp("inserting")
    ids = [state.version_id(BASE + number) for number in range(7)]
    known: dict[int, Record] = {}
    with open_caller(directory) as s3:
        s3.call("CreateBucket", Bucket="bucket")
        s3.call("PutBucketVersioning", Bucket="bucket", VersioningConfiguration={"Status": "Enabled"})

        def act(view: Any, what: str, number: int, turn: int) -> None:
            bucket = state.get_bucket(view, "bucket")
            record: Record = {"seq": BASE + number, "id": ids[number], "turn": turn}
            if what == "remove":
                if number in known:
                    bucket.remove("k", known[number])
                return
            assert bucket.has_place_for("k", record)
            bucket.insert("k", record)
            stranger = {**record, "id": state.version_id(BASE + number)}
            assert not bucket.has_place_for("k", stranger)

        for turn, (what, number) in enumerate(plan):
            s3.store.transact(lambda view: act(view, what, number, turn))  # noqa: B023 - called here
            if what == "remove":
                known.pop(number, None)
            else:
                known[number] = {"seq": BASE + number, "id": ids[number], "turn": turn}

            def check(view: Any) -> None:
                bucket = state.get_bucket(view, "bucket")
                current = bucket.current("k")
                stand = ([] if current is None else [current]) + list(bucket.older("k"))
                assert [each["turn"] for each in stand] == [known[each]["turn"] for each in sorted(known, reverse=True)]
                for each, id_ in enumerate(ids):
                    found = bucket.version("k", id_)
                    assert (None if found is None else found["turn"]) == known.get(each, {}).get("turn")

            s3.store.read(check)
