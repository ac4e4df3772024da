"""A bucket through its versioning against a model: a dict of lists. Every key's versions, the listings in all three
forms page by page, and the contents of every version, after any history of puts and deletes, on conditions and under
legal holds."""

import hashlib
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.actors.s3.caller import open_caller

KEYS = ["a", "a/", "a/b", "a/b/c", "a\0b", "b", "b ü", "𝄞", "￿", "z+?"]
NULL = "null"


class Version:
    def __init__(self, id_: str, body: bytes | None) -> None:
        self.id, self.body = id_, body    # None: a delete marker
        self.held = False                 # by a legal hold

    def etag(self) -> str:
        assert self.body is not None, "a delete marker has none"
        return f'"{hashlib.md5(self.body, usedforsecurity=False).hexdigest()}"'


class Buckets(RuleBasedStateMachine):
    LOCKED = False                        # has it an object lock?

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.opening = open_caller(Path(self.folder.name))
        self.s3 = self.opening.__enter__()
        self.s3.call("CreateBucket", Bucket="bucket", ObjectLockEnabledForBucket=self.LOCKED)
        self.versioning = "Enabled" if self.LOCKED else ""
        self.model: dict[str, list[Version]] = {}           # newest first

    def teardown(self) -> None:
        self.opening.__exit__(None, None, None)
        self.folder.cleanup()

    @rule(status=st.sampled_from(["Enabled", "Suspended"]))
    def turn(self, status: str) -> None:
        if self.LOCKED and status == "Suspended":
            asked = {"Bucket": "bucket", "VersioningConfiguration": {"Status": status}}
            assert self.s3.error("PutBucketVersioning", **asked) == "InvalidBucketState"
            return
        self.s3.call("PutBucketVersioning", Bucket="bucket", VersioningConfiguration={"Status": status})
        self.versioning = status

    @rule(key=st.sampled_from(KEYS), body=st.binary(max_size=40))
    def put(self, key: str, body: bytes) -> None:
        answer = self.s3.call("PutObject", Bucket="bucket", Key=key, Body=body)
        self._add(key, Version(answer.get("VersionId", NULL), body))
        assert ("VersionId" in answer) == (self.versioning == "Enabled")

    @rule(key=st.sampled_from(KEYS), body=st.binary(max_size=4), right=st.booleans(), absent=st.booleans())
    def put_on_condition(self, key: str, body: bytes, right: bool, absent: bool) -> None:
        """`absent`: that nothing is there; else that this is, `right` or wrong."""
        current = self._current(key)
        condition = {"IfNoneMatch": "*"} if absent else {
            "IfMatch": current.etag() if current is not None and right else '"other"'}
        expected = "" if (absent and current is None) or (not absent and current is not None and right) else \
            "NoSuchKey" if current is None else "PreconditionFailed"
        request = {"Bucket": "bucket", "Key": key, "Body": body, **condition}
        if expected:
            assert self.s3.error("PutObject", **request) == expected
        else:
            self._add(key, Version(self.s3.call("PutObject", **request).get("VersionId", NULL), body))

    @precondition(lambda self: self.LOCKED and any(self.model.values()))
    @rule(data=st.data(), held=st.booleans())
    def hold(self, data: st.DataObject, held: bool) -> None:
        key = data.draw(st.sampled_from(sorted(self.model)))
        version = data.draw(st.sampled_from(self.model[key]))
        request = {"Bucket": "bucket", "Key": key, "VersionId": version.id,
                   "LegalHold": {"Status": "ON" if held else "OFF"}}
        if version.body is None:
            assert self.s3.error("PutObjectLegalHold", **request) == "MethodNotAllowed"
        else:
            self.s3.call("PutObjectLegalHold", **request)
            version.held = held

    @rule(key=st.sampled_from(KEYS), right=st.booleans())
    def delete_on_condition(self, key: str, right: bool) -> None:
        current = self._current(key)
        request = {"Bucket": "bucket", "Key": key,
                   "IfMatch": current.etag() if current is not None and right else '"other"'}
        if current is None:                             # nor is what a delete marker hides
            assert self.s3.error("DeleteObject", **request) == "NoSuchKey"
        elif not right:
            assert self.s3.error("DeleteObject", **request) == "PreconditionFailed"
        else:
            self._deleted(key, self.s3.call("DeleteObject", **request))

    @rule(key=st.sampled_from(KEYS))
    def delete(self, key: str) -> None:
        self._deleted(key, self.s3.call("DeleteObject", Bucket="bucket", Key=key))

    def _deleted(self, key: str, answer: dict[str, Any]) -> None:
        if self.versioning:
            assert answer["DeleteMarker"] is True
            self._add(key, Version(answer["VersionId"], None))
        else:
            assert answer == {}
            for version in self.model.get(key, [])[:1]:
                self._remove(key, version)

    @precondition(lambda self: any(self.model.values()))
    @rule(data=st.data())
    def delete_version(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.model)))
        version = data.draw(st.sampled_from(self.model[key]))
        if version.held:
            assert self.s3.error("DeleteObject", Bucket="bucket", Key=key, VersionId=version.id) == "AccessDenied"
            return
        answer = self.s3.call("DeleteObject", Bucket="bucket", Key=key, VersionId=version.id)
        assert answer.get("DeleteMarker", False) == (version.body is None)
        self._remove(key, version)

    @rule(key=st.sampled_from(KEYS))
    def delete_the_null_version(self, key: str) -> None:
        self.s3.call("DeleteObject", Bucket="bucket", Key=key, VersionId=NULL)
        for version in [version for version in self.model.get(key, []) if version.id == NULL]:
            self._remove(key, version)

    def _current(self, key: str) -> Version | None:
        """What a GET of the key finds."""
        versions = self.model.get(key)
        return versions[0] if versions and versions[0].body is not None else None

    def _add(self, key: str, version: Version) -> None:
        versions = self.model.setdefault(key, [])
        if version.id == NULL:
            versions[:] = [one for one in versions if one.id != NULL]
        versions.insert(0, version)

    def _remove(self, key: str, version: Version) -> None:
        self.model[key].remove(version)
        if not self.model[key]:
            del self.model[key]

    def _body(self, **request: Any) -> bytes:
        return self.s3.body(self.s3.call("GetObject", Bucket="bucket", **request))

    @invariant()
    def every_version_is_there(self) -> None:
        for key in KEYS:
            versions = self.model.get(key, [])
            if versions and versions[0].body is not None:
                assert self._body(Key=key) == versions[0].body
            else:
                assert self.s3.error("GetObject", Bucket="bucket", Key=key) == "NoSuchKey"
            for version in versions:
                request = {"Bucket": "bucket", "Key": key, "VersionId": version.id}
                if version.body is None:
                    assert self.s3.error("GetObject", **request) == "MethodNotAllowed"
                else:
                    assert self._body(Key=key, VersionId=version.id) == version.body

    @rule(prefix=st.sampled_from(["", "a", "a/", "a/b", "b", "x"]), delimiter=st.sampled_from(["", "/", "b"]),
          limit=st.integers(1, 4))
    def listings(self, prefix: str, delimiter: str, limit: int) -> None:
        asked: dict[str, Any] = {"Bucket": "bucket", "Prefix": prefix, "MaxKeys": limit}
        if delimiter:
            asked["Delimiter"] = delimiter
        current = {key for key, versions in self.model.items() if versions[0].body is not None}
        keys, groups = _grouped(current, prefix, delimiter)
        assert self._pages("ListObjectsV2", asked, "ContinuationToken") == (keys, groups)
        assert self._pages("ListObjects", asked, "Marker") == (keys, groups)
        keys, groups = _grouped(set(self.model), prefix, delimiter)
        expected = [(key, version.id, number == 0)
                    for key in keys for number, version in enumerate(self.model[key])]
        assert self._versions(asked) == (expected, groups)

    def _pages(self, operation: str, asked: dict[str, Any], member: str) -> tuple[list[str], list[str]]:
        keys: list[str] = []
        groups: list[str] = []
        request = dict(asked)
        while True:
            page = self.s3.call(operation, **request)
            told = [each["Key"] for each in page["Contents"]]
            prefixes = [each["Prefix"] for each in page["CommonPrefixes"]]
            keys, groups = keys + told, groups + prefixes
            assert len(told) + len(prefixes) <= asked["MaxKeys"]
            if not page["IsTruncated"]:
                return keys, groups
            assert told or prefixes
            request[member] = page.get("NextContinuationToken") or page.get("NextMarker") or told[-1]

    def _versions(self, asked: dict[str, Any]) -> tuple[list[tuple[str, str, bool]], list[str]]:
        found: list[tuple[str, str, bool]] = []
        groups: list[str] = []
        request = dict(asked)
        while True:
            page = self.s3.call("ListObjectVersions", **request)
            here = [(each["Key"], each["VersionId"], each["IsLatest"])
                    for each in page["Versions"] + page["DeleteMarkers"]]
            found += here
            groups += [each["Prefix"] for each in page["CommonPrefixes"]]
            if not page["IsTruncated"]:
                break
            request["KeyMarker"] = page["NextKeyMarker"]
            request.pop("VersionIdMarker", None)
            if page.get("NextVersionIdMarker"):
                request["VersionIdMarker"] = page["NextVersionIdMarker"]
        order = {(key, version.id): (key.encode(), number) for key, versions in self.model.items()
                 for number, version in enumerate(versions)}
        assert len(found) == len({(key, id_) for key, id_, _ in found}), "told twice"
        return sorted(found, key=lambda one: order[one[0], one[1]]), groups


def _grouped(keys: set[str], prefix: str, delimiter: str) -> tuple[list[str], list[str]]:
    """What a listing says of these keys: keys, and common prefixes, in the order of UTF-8."""
    alone: list[str] = []
    groups: list[str] = []
    for key in sorted(keys, key=str.encode):
        if not key.startswith(prefix):
            continue
        cut = key.find(delimiter, len(prefix)) if delimiter else -1
        if cut < 0:
            alone.append(key)
        elif key[:cut + len(delimiter)] not in groups:
            groups.append(key[:cut + len(delimiter)])
    return alone, groups


class LockedBuckets(Buckets):
    LOCKED = True


TestBuckets = Buckets.TestCase
TestBuckets.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)
TestLockedBuckets = LockedBuckets.TestCase
TestLockedBuckets.settings = settings(max_examples=10, stateful_step_count=25, deadline=None)
