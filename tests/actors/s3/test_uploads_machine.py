"""Multipart uploads and copies against a model, on buckets with every history that test_state_machine.py gives them:
parts sent, copied and replaced, completed by a list that is right or wrong, on conditions, or aborted."""

import hashlib
from typing import Any
from unittest.mock import patch
from urllib.parse import quote

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from actors.s3 import multipart
from tests.actors.s3.test_state_machine import KEYS, NULL, Buckets, Version

LEAST_PART_BYTES = 4                      # in the place of AWS's 5 MiB
NUMBERS = st.integers(1, 4)
BODIES = st.binary(min_size=LEAST_PART_BYTES, max_size=12) | st.binary(max_size=LEAST_PART_BYTES)


class Joined(Version):
    """By an upload, out of parts."""

    def __init__(self, id_: str, parts: list[bytes], upload: str) -> None:
        super().__init__(id_, b"".join(parts))
        self.parts, self.upload = parts, upload

    def etag(self) -> str:
        digests = b"".join(hashlib.md5(part, usedforsecurity=False).digest() for part in self.parts)
        return f'"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(self.parts)}"'


class Upload:
    def __init__(self, id_: str, key: str) -> None:
        self.id, self.key = id_, key
        self.parts: dict[int, bytes] = {}
        self.disturbed = False            # has anything become of the key since it began?

    @property
    def named(self) -> dict[str, Any]:
        return {"Bucket": "bucket", "Key": self.key, "UploadId": self.id}

    def listed(self, numbers: list[int]) -> list[dict[str, Any]]:
        return [{"PartNumber": number, "ETag": etag_of(self.parts[number])} for number in numbers]


def etag_of(body: bytes) -> str:
    return f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'


class Uploads(Buckets):
    def __init__(self) -> None:
        super().__init__()
        self.least = patch.object(multipart, "LEAST_PART_BYTES", LEAST_PART_BYTES)
        self.least.start()
        self.under_way: list[Upload] = []            # in the order in which they began
        self.ended: list[Upload] = []

    def teardown(self) -> None:
        self.least.stop()
        super().teardown()

    def _add(self, key: str, version: Version) -> None:
        super()._add(key, version)
        self._disturb(key)

    def _remove(self, key: str, version: Version) -> None:
        super()._remove(key, version)
        self._disturb(key)

    def _disturb(self, key: str) -> None:
        for upload in self.under_way:
            upload.disturbed |= upload.key == key

    # Uploads

    @precondition(lambda self: len(self.under_way) < 3)
    @rule(key=st.sampled_from(KEYS[:4]), bodies=st.lists(BODIES, max_size=3))
    def begin(self, key: str, bodies: list[bytes]) -> None:
        self.s3.store.loop.now += 1                  # so that it comes behind what is there
        answer = self.s3.call("CreateMultipartUpload", Bucket="bucket", Key=key)
        self.s3.store.loop.now += 1
        upload = Upload(answer["UploadId"], key)
        self.under_way.append(upload)
        for number, body in enumerate(bodies, 1):
            self._send(upload, number, body)

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), number=NUMBERS, body=BODIES)
    def send_part(self, data: st.DataObject, number: int, body: bytes) -> None:
        self._send(data.draw(st.sampled_from(self.under_way)), number, body)

    def _send(self, upload: Upload, number: int, body: bytes) -> None:
        answer = self.s3.call("UploadPart", **upload.named, PartNumber=number, Body=body)
        assert answer["ETag"] == etag_of(body)
        upload.parts[number] = body

    @precondition(lambda self: self.under_way and self.model)
    @rule(data=st.data(), number=NUMBERS, is_range=st.booleans())
    def copy_part(self, data: st.DataObject, number: int, is_range: bool) -> None:
        upload = data.draw(st.sampled_from(self.under_way))
        key, version = self._any_version(data)
        request: dict[str, Any] = {**upload.named, "PartNumber": number, "CopySource": source(key, version)}
        body = version.body
        if body is None:
            assert self.s3.error("UploadPartCopy", **request) == "InvalidRequest"
            return
        if is_range and body:
            first = data.draw(st.integers(0, len(body) - 1))
            last = data.draw(st.integers(first, len(body) - 1))
            request["CopySourceRange"], body = f"bytes={first}-{last}", body[first:last + 1]
        assert self.s3.call("UploadPartCopy", **request)["CopyPartResult"]["ETag"] == etag_of(body)
        upload.parts[number] = body

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), condition=st.sampled_from(["", "", "absent", "there"]))
    def complete(self, data: st.DataObject, condition: str) -> None:
        upload = data.draw(st.sampled_from(self.under_way))
        numbers = data.draw(st.lists(st.sampled_from(sorted(upload.parts)), unique=True, min_size=1).map(sorted)) \
            if upload.parts else []
        request: dict[str, Any] = {**upload.named, "MultipartUpload": {"Parts": upload.listed(numbers)}}
        current = self._current(upload.key)
        if condition:
            request |= {"IfNoneMatch": "*"} if condition == "absent" else {
                "IfMatch": current.etag() if current else '"other"'}
        expected = self._refusal(upload, numbers, condition)
        if expected:
            assert self.s3.error("CompleteMultipartUpload", **request) == expected
            return
        answer = self.s3.call("CompleteMultipartUpload", **request)
        joined = Joined(answer.get("VersionId", NULL), [upload.parts[number] for number in numbers], upload.id)
        assert answer["ETag"] == joined.etag()
        assert ("VersionId" in answer) == (self.versioning == "Enabled")
        self._add(upload.key, joined)
        self._end(upload)

    def _refusal(self, upload: Upload, numbers: list[int], condition: str) -> str:
        """The code; "": it is completed."""
        current = self._current(upload.key)
        if condition == "absent" and current is not None:
            return "PreconditionFailed"
        if condition == "there" and current is None:
            return "NoSuchKey"
        if condition and upload.disturbed:
            return "ConditionalRequestConflict"
        if not numbers:
            return "MalformedXML"
        is_small = any(len(upload.parts[number]) < LEAST_PART_BYTES for number in numbers[:-1])
        return "EntityTooSmall" if is_small else ""

    @precondition(lambda self: any(upload.parts for upload in self.under_way))
    @rule(data=st.data(), wrong=st.sampled_from(["etag", "number", "order", "twice"]))
    def complete_by_a_wrong_list(self, data: st.DataObject, wrong: str) -> None:
        upload = data.draw(st.sampled_from([each for each in self.under_way if each.parts]))
        listed = upload.listed(sorted(upload.parts))
        if wrong == "etag":
            data.draw(st.sampled_from(listed))["ETag"] = etag_of(b"of no part")
        elif wrong == "number":
            listed.append({"PartNumber": 5, "ETag": listed[-1]["ETag"]})
        elif wrong == "twice":
            listed.append(listed[-1])
        else:
            listed = [*listed[1:], listed[0]] if len(listed) > 1 else listed * 2
        expected = "InvalidPart" if wrong in ("etag", "number") else "InvalidPartOrder"
        request = {**upload.named, "MultipartUpload": {"Parts": listed}}
        assert self.s3.error("CompleteMultipartUpload", **request) == expected

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def abort(self, data: st.DataObject) -> None:
        upload = data.draw(st.sampled_from(self.under_way))
        self.s3.call("AbortMultipartUpload", **upload.named)
        self._end(upload)

    @precondition(lambda self: self.ended)
    @rule(data=st.data())
    def ask_of_an_ended_one(self, data: st.DataObject) -> None:
        """It is not there, but for who completes again, by the same list, what still stands."""
        upload = self.ended.pop(data.draw(st.integers(0, len(self.ended) - 1)))
        for name, more in (("ListParts", {}), ("AbortMultipartUpload", {}), ("UploadPart", {"PartNumber": 1})):
            assert self.s3.error(name, **upload.named, **more) == "NoSuchUpload"
        request = {**upload.named, "MultipartUpload": {"Parts": upload.listed(sorted(upload.parts))}}
        current, parts = self._current(upload.key), [body for _, body in sorted(upload.parts.items())]
        if isinstance(current, Joined) and (current.upload, current.parts) == (upload.id, parts):
            assert self.s3.call("CompleteMultipartUpload", **request)["ETag"] == current.etag()
        else:
            assert self.s3.error("CompleteMultipartUpload", **request) == "NoSuchUpload"

    def _end(self, upload: Upload) -> None:
        self.under_way.remove(upload)
        self.ended.append(upload)

    # Copies

    @precondition(lambda self: self.model)
    @rule(data=st.data(), key=st.sampled_from(KEYS))
    def copy(self, data: st.DataObject, key: str) -> None:
        origin, version = self._any_version(data)
        request = {"Bucket": "bucket", "Key": key, "CopySource": source(origin, version), "Metadata": {"a": "b"},
                   "MetadataDirective": "REPLACE"}
        if version.body is None:
            assert self.s3.error("CopyObject", **request) == "InvalidRequest"
            return
        answer = self.s3.call("CopyObject", **request)
        copy = Version(answer.get("VersionId", NULL), version.body)
        assert answer["CopyObjectResult"]["ETag"] == copy.etag()
        self._add(key, copy)

    def _any_version(self, data: st.DataObject) -> tuple[str, Version]:
        key = data.draw(st.sampled_from(sorted(self.model)))
        return key, data.draw(st.sampled_from(self.model[key]))

    # What is told

    @invariant()
    def uploads_are_listed(self) -> None:
        listed = self.s3.call("ListMultipartUploads", Bucket="bucket")["Uploads"]
        expected = sorted(self.under_way, key=lambda upload: upload.key.encode())
        assert [(each["Key"], each["UploadId"]) for each in listed] == [(each.key, each.id) for each in expected]
        for upload in self.under_way:
            parts = self.s3.call("ListParts", **upload.named)["Parts"]
            assert [(each["PartNumber"], each["ETag"], each["Size"]) for each in parts] == [
                (number, etag_of(body), len(body)) for number, body in sorted(upload.parts.items())]

    @invariant()
    def parts_are_read_alone(self) -> None:
        for key, versions in self.model.items():
            for version in versions:
                if isinstance(version, Joined):
                    number = len(version.parts)
                    assert self._body(Key=key, VersionId=version.id, PartNumber=number) == version.parts[-1]


def source(key: str, version: Version) -> str:
    return f"bucket/{quote(key)}?versionId={version.id}"


class LockedUploads(Uploads):
    LOCKED = True


TestUploads = Uploads.TestCase
TestUploads.settings = settings(max_examples=20, stateful_step_count=30, deadline=None)
TestLockedUploads = LockedUploads.TestCase
TestLockedUploads.settings = settings(max_examples=10, stateful_step_count=30, deadline=None)
