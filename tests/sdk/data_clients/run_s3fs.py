"""s3fs, unchanged, as a file system: what it tells of files, folders and buckets, versions, whole trees."""

import os
import sys

import s3fs

# No region: s3fs would name it as the location, which CreateBucket refuses for us-east-1, here and on AWS.
OPTIONS = {"key": "test", "secret": "test", "client_kwargs": {"endpoint_url": sys.argv[1]}}
MIB = 1024 * 1024


def refused(work: object, *words: str) -> None:
    try:
        work(*words)
    except FileNotFoundError:
        return
    raise AssertionError(f"{words} was there")


def tree(fs: s3fs.S3FileSystem, bucket: str) -> None:
    fs.mkdir(bucket)
    fs.pipe({f"{bucket}/d/a.csv": b"a,b\n", f"{bucket}/d/e/b ü+%.csv": b"c", f"{bucket}/z.bin": b"0123456789"})
    assert fs.ls(bucket) == [f"{bucket}/d", f"{bucket}/z.bin"]
    assert fs.glob(f"{bucket}/**/*.csv") == [f"{bucket}/d/a.csv", f"{bucket}/d/e/b ü+%.csv"]
    assert fs.find(bucket, prefix="d/e") == [f"{bucket}/d/e/b ü+%.csv"]
    assert fs.du(bucket) == 15
    file, folder, whole = (fs.info(f"{bucket}{path}") for path in ("/z.bin", "/d", ""))
    listed = fs.ls(bucket, detail=True, refresh=True)
    assert (file["type"], file["size"], file["StorageClass"]) == ("file", 10, "STANDARD"), file
    assert {name: file[name] for name in ("ETag", "LastModified", "size")} == \
           {name: listed[1][name] for name in ("ETag", "LastModified", "size")}
    assert (folder["type"], folder["size"], whole["type"], whole["size"]) == ("directory", 0, "directory", 0)
    assert fs.exists(f"{bucket}/d")
    assert not fs.exists(f"{bucket}/nothing")
    refused(fs.info, f"{bucket}/nothing")
    refused(fs.ls, f"{bucket}-nothing")
    assert fs.cat_file(f"{bucket}/z.bin", start=2, end=5) == b"234"
    assert fs.tail(f"{bucket}/z.bin", 3) == b"789"
    # Not mv: it copies folders as if they were objects and stops at the NoSuchKey, where cp goes on.
    fs.cp(f"{bucket}/d", f"{bucket}/moved", recursive=True)
    fs.rm(f"{bucket}/d", recursive=True)
    fs.mv(f"{bucket}/moved/a.csv", f"{bucket}/moved/ä +%.csv")
    assert fs.find(bucket) == [f"{bucket}/moved/e/b ü+%.csv", f"{bucket}/moved/ä +%.csv", f"{bucket}/z.bin"]
    fs.setxattr(f"{bucket}/z.bin", colour="red")
    assert fs.getxattr(f"{bucket}/z.bin", "colour") == "red"
    fs.put_tags(f"{bucket}/z.bin", {"a": "b"})
    assert fs.get_tags(f"{bucket}/z.bin") == {"a": "b"}


def large(fs: s3fs.S3FileSystem, bucket: str) -> None:
    body = os.urandom(11 * MIB + 7)
    with fs.open(f"{bucket}/large", "wb", block_size=5 * MIB) as file:
        file.write(body)
    with fs.open(f"{bucket}/large", block_size=MIB) as file:
        file.seek(6 * MIB)
        assert file.read(100) == body[6 * MIB:6 * MIB + 100]
        file.seek(0)
        assert file.read() == body
    with fs.open(f"{bucket}/large", "ab", block_size=5 * MIB) as file:
        file.write(b"more")
    assert fs.cat_file(f"{bucket}/large") == body + b"more"
    fs.merge(f"{bucket}/merged", [f"{bucket}/large", f"{bucket}/z.bin"])
    assert fs.cat_file(f"{bucket}/merged") == body + b"more0123456789"


def versions(bucket: str) -> None:
    fs = s3fs.S3FileSystem(version_aware=True, **OPTIONS)
    fs.mkdir(bucket)
    fs.make_bucket_versioned(bucket, True)
    assert fs.is_bucket_versioned(bucket)
    for body in (b"1", b"22"):
        fs.pipe_file(f"{bucket}/k", body)
    told = fs.object_version_info(f"{bucket}/k")
    assert [(each["IsLatest"], each["Size"]) for each in told] == [(True, 2), (False, 1)], told
    old = f"{bucket}/k?versionId={told[1]['VersionId']}"
    assert (fs.cat_file(old), fs.info(old)["size"]) == (b"1", 1)
    assert fs.info(f"{bucket}/k")["VersionId"] == told[0]["VersionId"]
    fs.rm(bucket, recursive=True)
    refused(fs.ls, bucket)


NAME = f"s3fs-{os.urandom(6).hex()}"
FILES = s3fs.S3FileSystem(**OPTIONS)
tree(FILES, NAME)
large(FILES, NAME)
FILES.rm(NAME, recursive=True)
assert not FILES.exists(NAME)
versions(f"{NAME}-versions")
print("ok")
