"""Our key is replaced while objects come and go: nothing is left under the old one (resealing.py)."""

import tempfile
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

from hypothesis import event, example, given
from hypothesis import strategies as st

from actors.runtime.vault import KEY_BYTES, KEY_FILE
from actors.s3 import resealing
from actors.s3.contents import INLINE_LIMIT_BYTES
from tests.actors.runtime.store.faults import MEMORY_DIRECTORY
from tests.actors.s3.caller import Caller, open_caller

BUCKET = "bucket"
KEYS = ["a", "b", "c"]
SIZES = [0, 1, INLINE_LIMIT_BYTES, INLINE_LIMIT_BYTES + 1]
PUT = st.tuples(st.just("put"), st.sampled_from(KEYS), st.sampled_from(SIZES))
DEED = st.one_of(
    PUT,
    st.tuples(st.just("remove"), st.sampled_from(KEYS), st.just(0)),
    st.tuples(st.just("delete"), st.sampled_from(KEYS), st.just(0)),
    st.tuples(st.just("tag"), st.sampled_from(KEYS), st.just(0)),
    st.tuples(st.just("copy"), st.sampled_from(KEYS), st.integers(0, len(KEYS) - 1)),
    st.tuples(st.just("versioning"), st.sampled_from(["Enabled", "Suspended"]), st.just(0)),
)


class Scene:
    """One bucket, and the body of every version it must have."""

    def __init__(self, s3: Caller) -> None:
        self.s3 = s3
        self.bodies: dict[tuple[str, str], bytes] = {}
        self._count = 0
        s3.call("CreateBucket", Bucket=BUCKET)

    def versions(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.s3.call("ListObjectVersions", Bucket=BUCKET).get("Versions", [])
        return found

    def current(self, key: str) -> str:
        """Its version id; "": there is none, or a delete marker."""
        return next((each["VersionId"] for each in self.versions() if each["Key"] == key and each["IsLatest"]), "")

    def do(self, name: str, key: str, number: int) -> None:
        current = "" if name == "versioning" else self.current(key)
        if name == "versioning":
            self.s3.call("PutBucketVersioning", Bucket=BUCKET, VersioningConfiguration={"Status": key})
        elif name == "put":
            self._count += 1
            body = b"%d " % self._count * number
            answer = self.s3.call("PutObject", Bucket=BUCKET, Key=key, Body=body[:number])
            self.bodies[key, answer.get("VersionId", "null")] = body[:number]
        elif name == "delete":
            answer = self.s3.call("DeleteObject", Bucket=BUCKET, Key=key)
            if answer.get("VersionId", "null") == "null":
                self.bodies.pop((key, "null"), None)
        elif current and name == "remove":
            self.s3.call("DeleteObject", Bucket=BUCKET, Key=key, VersionId=current)
            del self.bodies[key, current]
        elif current and name == "tag":
            self.s3.call("PutObjectTagging", Bucket=BUCKET, Key=key, Tagging={"TagSet": [{"Key": "k", "Value": "v"}]})
        elif current:
            other = KEYS[number]
            answer = self.s3.call("CopyObject", Bucket=BUCKET, Key=other, CopySource=f"{BUCKET}/{key}",
                                  StorageClass="GLACIER_IR")
            self.bodies[other, answer.get("VersionId", "null")] = self.bodies[key, current]

    def check(self) -> None:
        assert {(each["Key"], each["VersionId"]) for each in self.versions()} == set(self.bodies)
        for (key, version), body in self.bodies.items():
            answer = self.s3.call("GetObject", Bucket=BUCKET, Key=key, VersionId=version)
            assert self.s3.body(answer) == body, (key, version)


class Meanwhile:
    """A shard for the rotation, before each of whose steps something happens."""

    def __init__(self, scene: Scene, deeds: Iterator[tuple[str, str, int]]) -> None:
        self._scene = scene
        self._deeds = deeds

    async def transact(self, evaluate: Any) -> Any:
        deed = next(self._deeds, None)
        if deed is not None:
            event(f"meanwhile: {deed[0]}")
            self._scene.do(*deed)
        return self._scene.s3.store.transact(evaluate)


def at_once(work: Coroutine[Any, Any, object]) -> None:
    """Runs what waits for nothing, outside of any loop: copies have one of their own."""
    try:
        work.send(None)
    except StopIteration:
        return
    raise AssertionError("it waits")


NOTHING = ("versioning", "Enabled", 0)


# Whatever is put, copied, tagged and removed between the steps of a rotation, whether versions are kept or not: it all
# opens afterwards, under the new key alone. The example: what becomes the current version was an older one until then.
@example(True, [("put", "a", 1), ("put", "a", 1)], [NOTHING, NOTHING, ("remove", "a", 0)], 1)
@given(st.booleans(), st.lists(PUT, min_size=2, max_size=8), st.lists(DEED, min_size=1, max_size=16), st.integers(1, 3))
def test_nothing_is_left_under_the_old_key(
    versioned: bool, before: list[Any], meanwhile: list[Any], step_rows: int
) -> None:
    with tempfile.TemporaryDirectory(dir=MEMORY_DIRECTORY) as scratch, open_caller(Path(scratch)) as s3:
        scene = Scene(s3)
        if versioned:
            scene.do("versioning", "Enabled", 0)
        for deed in before:
            scene.do(*deed)
        vault = s3.actor.vault
        vault.seal(b"", b"")
        old = (Path(scratch) / KEY_FILE).read_bytes()[-KEY_BYTES:]
        deeds = iter(meanwhile)
        with patch.object(resealing, "STEP_ROWS", step_rows):
            at_once(resealing.rotate(cast("Any", Meanwhile(scene, deeds)), vault))
        assert old not in (Path(scratch) / KEY_FILE).read_bytes()
        scene.check()
        for deed in deeds:
            scene.do(*deed)
        scene.check()
