"""The compiled models say what botocore's say: botocore's own loader and model classes are the oracle."""

import marshal
import os
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, ServiceModel, StructureShape

from schemas import cache, models
from schemas.extras import EXTRAS

SAMPLE = ("cloudwatch", "dynamodb", "ec2", "iam", "rds", "route53", "s3", "s3control", "secretsmanager", "sqs")


@pytest.fixture
def fresh_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(cache, "folder", lambda: tmp_path / "models")
    return tmp_path / "models"


def description(name: str) -> dict[str, Any]:
    model: dict[str, Any] = Loader(include_default_search_paths=False, extra_search_paths=[
        Loader.BUILTIN_DATA_PATH]).load_service_model(name, "service-2")
    if name in EXTRAS:
        cache.merge(model, EXTRAS[name]())
    return model


def code_of(error: Any) -> str:
    code: str = error.error_code
    return code


def same_shape(ours: models.Shape, theirs: Any, seen: set[str]) -> None:
    """Kind, members in order, required, items and every serialisation trait, through the whole graph."""
    assert (ours.name, ours.kind) == (theirs.name, theirs.type_name)
    if ours.name in seen:
        return
    seen.add(ours.name)
    if isinstance(theirs, StructureShape):
        assert list(ours.members) == list(theirs.members)
        assert ours.required == set(theirs.required_members)
        pairs: list[tuple[Any, Any]] = [(ours.members[name], member) for name, member in theirs.members.items()]
    elif isinstance(theirs, MapShape):
        pairs = [(ours.key, theirs.key), (ours.item, theirs.value)]
    else:
        pairs = [(ours.item, theirs.member)] if isinstance(theirs, ListShape) else []
    for member, other in pairs:
        for trait, value in {**other.serialization, **other.metadata}.items():
            if trait != "required":
                assert member.trait("locationName" if trait == "name" else trait) == value
        same_shape(member.shape, other, seen)


# Every shape, member, trait, error and operation of services of each protocol; extras (s3, rds) included.
@pytest.mark.parametrize("name", SAMPLE)
def test_models_equal_botocores(name: str) -> None:
    ours, theirs = models.load(name), ServiceModel(description(name), name)
    assert ours.metadata == theirs.metadata
    assert list(ours.operations) == theirs.operation_names
    seen: set[str] = set()
    for operation, other in ((ours.operations[each], theirs.operation_model(each)) for each in theirs.operation_names):
        http = other.http
        assert (operation.method, operation.uri) == (http["method"], http["requestUri"])
        assert operation.status == http.get("responseCode", 200)
        assert bool(operation.event_stream_in) == other.has_event_stream_input
        assert bool(operation.event_stream_out) == other.has_event_stream_output
        for shape, expected in ((operation.input, other.input_shape), (operation.output, other.output_shape)):
            assert (shape is None) == (expected is None)
            if shape is not None:
                same_shape(shape, expected, seen)
        assert set(operation.errors) == {code_of(error) for error in other.error_shapes}
    for error in theirs.error_shapes:
        found = ours.error(code_of(error))
        assert found is not None
        assert found.code == code_of(error)
        assert ours.errors[error.name].code == code_of(error)


# The index knows every service botocore lists, and finds each by each of its names.
def test_index_lists_every_service() -> None:
    index = models.index()
    assert sorted(index.entries) == Loader().list_available_services("service-2")
    for entry in index.entries.values():
        assert entry in index.by_signing_name(entry.signing_name)
        assert entry in index.by_endpoint_prefix(entry.endpoint_prefix)
        assert entry in index.by_service_id(entry.service_id.replace(" ", "-").lower())
        assert not entry.target_prefix or entry in index.by_target_prefix(entry.target_prefix)


def test_index_puts_the_likeliest_first() -> None:
    index = models.index()
    assert [entry.name for entry in index.by_signing_name("dynamodb")] == ["dynamodb", "dynamodbstreams"]
    assert index.by_signing_name("rds")[0].name == "rds"
    assert [entry.name for entry in index.by_target_prefix("DynamoDB_20120810")] == ["dynamodb"]
    assert "RunInstances" in index.entries["ec2"].operations
    assert index.by_signing_name("nothing") == ()


@pytest.mark.parametrize("name", ["", ".", "..", "../data/s3", "nothing", "s3/2006-03-01", "_index"])
def test_unknown_services(name: str, fresh_cache: Path) -> None:
    with pytest.raises(models.UnknownService):
        cache.read_compact(name)
    assert not fresh_cache.exists()


# A damaged cache file is as good as a missing one, and is mended.
@pytest.mark.parametrize("damage", [b"", b"\x00garbage", b"[\x04\x00\x00\x00N"])
def test_damaged_cache_is_rebuilt(damage: bytes, fresh_cache: Path) -> None:
    whole = cache.read_compact("sts")
    stored = fresh_cache / "sts.bin"
    good = marshal.loads(stored.read_bytes())
    stored.write_bytes(damage)
    assert cache.read_compact("sts") == whole
    assert marshal.loads(stored.read_bytes()) == good    # the bytes differ: marshal shares what happens to be interned


# Where the environment is read-only everything works from memory.
def test_unwritable_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(cache, "folder", lambda: tmp_path / "file" / "models")
    assert "GetCallerIdentity" in cache.read_compact("sts").operations


def test_failed_write_leaves_no_temporary(fresh_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: object, target: object) -> None:
        raise OSError("no space")

    monkeypatch.setattr(os, "replace", refuse)
    assert cache.store("sts", ("x",)) is False
    assert list(fresh_cache.iterdir()) == []
