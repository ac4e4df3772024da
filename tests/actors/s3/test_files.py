"""Files of objects: when they come, when they go, and what is found of those that should not be there."""

import asyncio
import base64
import os
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from actors.runtime.context import Context
from actors.runtime.store.environment import Durability
from actors.runtime.store.errors import StoreUnavailable
from actors.runtime.store.shard import open_shard
from actors.runtime.surroundings import Surroundings
from actors.runtime.vault import KEY_FILE
from actors.s3 import collecting, contents, resealing
from actors.s3.contents import Content, stretch
from actors.s3.engine.blobs import SETTLED_AFTER_S, SHELVES, Blobs, Rotten
from actors.s3.service import S3
from bus.codec import pack
from bus.files import CRC, FOLDER, INCOMING, LocalSink, OpenFile, Piece, path_of
from schemas import checksums
from schemas.envelope import Identity
from schemas.models import load
from tests.actors.s3.caller import JOBS

LARGE = 40_000


class Lone:
    """An S3 actor on a shard with a real loop: what waits for the disk can be awaited."""

    def __init__(self, directory: Path) -> None:
        self.shard = open_shard(
            directory / "000", asyncio.get_running_loop(), durability=Durability.OS, jobs=JOBS)
        self.actor = S3()
        self.actor.attach(Surroundings(cast("Any", None), self.shard, directory))
        self.blobs = self.actor.blobs

    async def call(self, name: str, **request: Any) -> Any:
        definition = self.actor.operations[name].chosen(request)
        context = Context(Identity("gw", "0" * 12, "test"), "us-east-1", load("s3").operations[name], "r", 0.0, 0.0)
        if asyncio.iscoroutinefunction(definition.method):
            return await definition.method(self.actor, context, request)
        return await self.shard.transact(lambda view: definition.method(self.actor, context, view, request))

    def files(self) -> list[str]:
        return sorted(path.name for path in self.blobs.folder.glob("??/*"))

    async def put(self, key: str, body: bytes) -> str:
        """The name of the new object's file."""
        before = set(self.files())
        await self.call("PutObject", Bucket="bucket", Key=key, Body=body)
        [name] = set(self.files()) - before
        return name


def run(directory: Path, test: "Any") -> None:
    async def scene() -> None:
        lone = Lone(directory)
        await lone.call("CreateBucket", Bucket="bucket")
        try:
            await cast("Coroutine[Any, Any, None]", test(lone))
        finally:
            await lone.shard.close()

    asyncio.run(scene())


# What is overwritten or deleted goes once its grace is over and nobody reads it any more, and not before.
def test_an_ended_file_goes_after_its_last_reader(tmp_path: Path) -> None:
    async def test(s3: Lone) -> None:
        old = await s3.put("k", b"1" * LARGE)
        new = await s3.put("k", b"2" * LARGE)
        assert s3.files() == sorted([old, new])
        await collecting.sweep(s3.shard, s3.blobs, time.time() + contents.GRACE_S - 5)
        assert s3.files() == sorted([old, new])
        later = time.time() + contents.GRACE_S + 5
        reading = OpenFile(s3.blobs.folder, old)
        again = await collecting.sweep(s3.shard, s3.blobs, later)
        assert again is not None
        assert s3.files() == sorted([old, new])
        reading.close()
        assert await collecting.sweep(s3.shard, s3.blobs, later) is None
        assert s3.files() == [new]
        assert os.stat(path_of(s3.blobs.folder, new)).st_size == LARGE
        await s3.call("DeleteObject", Bucket="bucket", Key="k")
        assert await collecting.sweep(s3.shard, s3.blobs, later + contents.GRACE_S) is None
        assert s3.files() == []

    run(tmp_path, test)


def test_a_refused_body_leaves_no_file(tmp_path: Path) -> None:
    async def test(s3: Lone) -> None:
        for more in ({"ContentMD5": "1B2M2Y8AsgTpgAmY7PhCfg=="}, {"Bucket": "none"}, {"IfMatch": "x"}):
            with pytest.raises(Exception, match=r"BadDigest|NoSuchBucket|NoSuchKey"):
                await s3.call("PutObject", **{"Bucket": "bucket", "Key": "k", "Body": b"1" * LARGE, **more})
        assert s3.files() == []

    run(tmp_path, test)


# A commit may fail after it has come to stand: what it names stays, and is read.
def test_a_commit_that_fails_and_stands_keeps_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(s3: Lone) -> None:
        transact = s3.shard.transact

        async def stands(evaluate: Any) -> Any:
            await transact(evaluate)
            raise StoreUnavailable

        with monkeypatch.context() as patched:
            patched.setattr(s3.shard, "transact", stands)
            for name, request in (("PutObject", {"Body": b"1" * LARGE}), ("CopyObject", {"CopySource": "bucket/k"})):
                with pytest.raises(StoreUnavailable):
                    await s3.call(name, Bucket="bucket", Key="k" if name == "PutObject" else "copy", **request)
        assert len(s3.files()) == 2
        assert s3.shard.read(lambda view: [contents.is_known(view, name) for name in s3.files()]) == [True, True]

    run(tmp_path, test)



# What a crash left between a file and its record is removed once it is surely nobody's; rot is told, and nothing else.
def test_tending(tmp_path: Path) -> None:
    async def test(s3: Lone) -> None:
        kept = await s3.put("k", b"1" * LARGE)
        rotten = await s3.put("r", b"2" * LARGE)
        young, orphan = s3.blobs.store(b"x").name, s3.blobs.store(b"y").name
        old = time.time() - SETTLED_AFTER_S - 60
        for name in (kept, rotten, orphan):
            os.utime(path_of(s3.blobs.folder, name), (old, old))
        with path_of(s3.blobs.folder, rotten).open("r+b") as file:
            file.write(b"3")
        os.utime(path_of(s3.blobs.folder, rotten), (old, old))
        left, held = s3.blobs.folder / INCOMING / ("a" * 32), LocalSink(s3.blobs.folder)
        left.write_bytes(b"")
        for path in (left, s3.blobs.folder / INCOMING / held.name):
            os.utime(path, (old, old))
        with capture_logs() as logs:
            state: dict[str, Any] = {"shelf": 0}
            for _ in range(SHELVES):
                state = await collecting.tend(s3.shard, s3.blobs, s3.actor.scrubber, 0.0, state)
        assert state["shelf"] == 0
        assert s3.files() == sorted([kept, rotten, young])
        assert [(log["event"], log["file"]) for log in logs if log["log_level"] == "error"] == [
            ("object_rotten", rotten)]
        assert [path.name for path in (s3.blobs.folder / INCOMING).iterdir()] == [held.name]
        held.close()

    run(tmp_path, test)


# Rot is told with the objects it is in, stays in an operator's sight, and is forgotten once it is gone. What was stored
# before there was encryption is verified by its MD5, and read as it is.
def test_scrubbing(tmp_path: Path) -> None:
    async def test(s3: Lone) -> None:
        scrubber = s3.actor.scrubber
        rotten = await s3.put("r", b"2" * LARGE)
        await s3.call("CopyObject", Bucket="bucket", Key="copy", CopySource="bucket/r")
        assert (await scrubber.answer({}))["rotten"] == []
        assert scrubber.finding() == ""
        path = path_of(s3.blobs.folder, rotten)
        whole = path.read_bytes()
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        told = (await scrubber.answer({}))["rotten"]
        assert sorted(name for each in told for name in each["objects"]) == ["bucket/copy", "bucket/r"]
        assert scrubber.finding().startswith("2 files are not what was stored")
        assert ("skybus_s3_rotten_files", {}, 2) in scrubber.samples()
        path.write_bytes(whole)
        assert await scrubber.answer({}) == {"files": 2, "bytes": 2 * LARGE, "rotten": []}
        assert scrubber.finding() == ""

    run(tmp_path, test)


# Under a new key of ours everything opens, what a customer's key seals too, and under the old one nothing.
def test_rotation(tmp_path: Path) -> None:
    async def test(s3: Lone) -> None:
        key = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": base64.b64encode(b"k" * 32).decode(),
               "SSECustomerKeyMD5": base64.b64encode(checksums.of(checksums.MD5, b"k" * 32)).decode()}
        for number in range(resealing.STEP_ROWS + 1):
            await s3.call("PutObject", Bucket="bucket", Key=f"small{number}", Body=b"small")
        await s3.call("PutObject", Bucket="bucket", Key="small", Body=b"theirs", **key)
        await s3.put("large", b"1" * LARGE)
        before = (tmp_path / KEY_FILE).read_bytes()
        assert await s3.actor.system_answers()["reseal"]({}) == {"sealed": resealing.STEP_ROWS + 2}
        assert before not in (tmp_path / KEY_FILE).read_bytes()
        assert (await s3.call("GetObject", Bucket="bucket", Key="small7"))["Body"] == b"small"
        assert (await s3.call("GetObject", Bucket="bucket", Key="small", **key))["Body"] == b"theirs"
        [piece] = (await s3.call("GetObject", Bucket="bucket", Key="large"))["Body"]["files"]
        assert s3.blobs.read([Piece(*piece)]) == b"1" * LARGE

    run(tmp_path, test)


def test_what_was_stored_before_encryption(tmp_path: Path) -> None:
    async def test(s3: Lone) -> None:
        old = await s3.put("old", b"1" * LARGE)
        path_of(s3.blobs.folder, old).write_bytes(b"o" * LARGE)
        fact = {"size": LARGE, "md5": checksums.of(checksums.MD5, b"o" * LARGE)}
        await s3.shard.transact(lambda transaction: transaction.put(b"f" + old.encode(), pack(fact)))
        assert (await s3.actor.scrubber.answer({}))["rotten"] == []
        [piece] = (await s3.call("GetObject", Bucket="bucket", Key="old"))["Body"]["files"]
        assert s3.blobs.read([Piece(*piece)]) == b"o" * LARGE
        await s3.call("CopyObject", Bucket="bucket", Key="new", CopySource="bucket/old")
        [copied] = (await s3.call("GetObject", Bucket="bucket", Key="new"))["Body"]["files"]
        assert path_of(s3.blobs.folder, copied[0]).read_bytes() != b"o" * LARGE
        assert s3.blobs.read([Piece(*copied)]) == b"o" * LARGE

    run(tmp_path, test)


# A copy shares its bytes with its source and outlives it.
def test_links(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path / FOLDER, durable=True)
    file = blobs.store(b"abc")
    other = blobs.link(file)
    assert path_of(blobs.folder, file.name).samefile(path_of(blobs.folder, other.name))
    assert blobs.remove([file.name])
    assert blobs.read([other]) == b"abc"
    assert blobs.read(stretch([other], 1, 3)) == b"bc"
    blobs.verify(other.name, CRC, other.crc)
    with pytest.raises(Rotten):
        blobs.verify(other.name, CRC, checksums.of(CRC, b"abd"))
    with pytest.raises(Rotten):
        blobs.read([other._replace(size=4)])
    with pytest.raises(FileNotFoundError):
        blobs.read([file])


# What lies on the disk is not what was stored; any stretch of it is read as what it was.
@given(data=st.binary(min_size=1, max_size=100), start=st.integers(0, 100), length=st.integers(1, 100))
def test_encrypted(tmp_path_factory: pytest.TempPathFactory, data: bytes, start: int, length: int) -> None:
    blobs = Blobs(tmp_path_factory.getbasetemp() / FOLDER, durable=False)
    file = blobs.store(data)
    assert len(data) < 16 or path_of(blobs.folder, file.name).read_bytes() != data
    assert blobs.read(stretch([file], start, start + length)) == data[start:start + length]
    blobs.remove([file.name])


# A byte that has changed on the disk is noticed once all of its file has been read.
def test_rot(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path / FOLDER, durable=False)
    file = blobs.store(b"abc")
    path = path_of(blobs.folder, file.name)
    path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:])
    assert blobs.read(stretch([file], 1, 3)) == b"bc"
    with pytest.raises(Rotten):
        blobs.read([file])


# Any stretch of any list of files is what that stretch of their bytes is.
@given(sizes=st.lists(st.integers(0, 5), min_size=1, max_size=5), start=st.integers(0, 20), length=st.integers(0, 20))
def test_stretches(sizes: list[int], start: int, length: int) -> None:
    files = {str(number): bytes([number]) * size for number, size in enumerate(sizes)}
    whole = b"".join(files.values())
    content = Content(b"", [Piece(name, 0, len(data)) for name, data in files.items()])
    cut = content.between(start, start + length)
    assert b"".join(files[name][at:at + size] for name, at, size, _, _ in cut.pieces) == whole[start:start + length]
