"""Programs that people use with S3, unmodified: the AWS CLI's `aws s3`, s3cmd and rclone.

s3cmd and rclone are Debian packages (apt-get install s3cmd rclone); without them their tests are skipped.
"""

import filecmp
import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import servers

MIB = 1024 * 1024
FILES = {"a.txt": b"hello", "sub/ü +%&.txt": b"x", "sub/big.bin": os.urandom(12 * MIB + 5), "empty": b""}
# Variables of the one who runs the tests that would lead a program elsewhere.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, data in FILES.items():
        path = tmp_path / "files" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tmp_path / "files"


def run(argv: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(argv, env={**ENVIRONMENT, **environment}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{argv}: {done.stdout}{done.stderr}"
    return done.stdout


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed (Debian: apt-get install {name})")
    return found


def assert_same(one: Path, other: Path) -> None:
    found = [sorted(path.relative_to(root) for path in root.rglob("*") if path.is_file()) for root in (one, other)]
    assert found[0] == found[1]
    assert filecmp.cmpfiles(one, other, [str(path) for path in found[0]], shallow=False)[1:] == ([], [])


def test_aws_s3(skybus: servers.Server, folder: Path, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("[default]\ns3 =\n  multipart_threshold = 5MB\n  multipart_chunksize = 5MB\n")
    place = f"s3://cli-{os.urandom(6).hex()}"

    def aws(*words: str) -> str:
        return run([sys.executable, str(Path(sys.executable).with_name("aws")), "s3", *words], {
            "AWS_ENDPOINT_URL": skybus.endpoint, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1", "AWS_CONFIG_FILE": str(config)})

    aws("mb", place)
    aws("sync", str(folder), f"{place}/d")
    assert aws("sync", str(folder), f"{place}/d") == ""                    # nothing is left to do
    assert aws("ls", "--recursive", place).count("\n") == len(FILES)
    aws("mv", f"{place}/d", f"{place}/e", "--recursive")                   # copies, the large one in parts
    aws("cp", f"{place}/e", str(tmp_path / "back"), "--recursive")
    assert_same(folder, tmp_path / "back")
    with urllib.request.urlopen(aws("presign", f"{place}/e/a.txt").strip()) as answer:
        assert answer.read() == b"hello"
    (folder / "a.txt").unlink()
    aws("sync", "--delete", str(folder), f"{place}/e")
    assert "a.txt" not in aws("ls", "--recursive", place)
    aws("rb", "--force", place)


@pytest.fixture
def s3cmd(skybus: servers.Server, tmp_path: Path) -> Callable[..., str]:
    config, host = tmp_path / "s3cfg", skybus.endpoint.removeprefix("http://")
    config.write_text(f"[default]\naccess_key = test\nsecret_key = test\nhost_base = {host}\nhost_bucket = {host}\n"
                      "use_https = False\nmultipart_chunk_size_mb = 5\n")
    return lambda *words: run([program("s3cmd"), "-c", str(config), *words], {})


def test_s3cmd(s3: Any, s3cmd: Callable[..., str], folder: Path, tmp_path: Path) -> None:
    name = f"s3cmd-{os.urandom(6).hex()}"
    place = f"s3://{name}"
    s3cmd("mb", place)
    s3cmd("sync", f"{folder}/", f"{place}/d/")
    assert s3cmd("ls", "-r", place).count("\n") == len(FILES)
    s3cmd("sync", f"{place}/d/", f"{tmp_path}/back/")
    assert_same(folder, tmp_path / "back")
    s3cmd("put", str(folder / "a.txt"), f"{place}/a")
    s3cmd("cp", f"{place}/a", f"{place}/b")                                # puts the same ACL again, as XML
    s3cmd("mv", f"{place}/b", f"{place}/c")
    s3cmd("modify", "--add-header=Cache-Control: max-age=9", f"{place}/c")
    assert s3.head_object(Bucket=name, Key="c")["CacheControl"] == "max-age=9"
    with urllib.request.urlopen(s3cmd("signurl", f"{place}/c", "+60").strip()) as answer:
        assert answer.read() == b"hello"
    s3cmd("expire", place, "--expiry-days=9")
    assert "<Days>9</Days>" in s3cmd("getlifecycle", place)
    assert s3cmd("multipart", place).count("\n") == 2                      # its head alone: none is under way
    s3cmd("del", "--recursive", "--force", place)
    s3cmd("rb", place)


def test_s3cmd_sets_acls(
    skybus: servers.Server, s3: Any, s3cmd: Callable[..., str], folder: Path
) -> None:
    name = f"acl-{os.urandom(6).hex()}"
    s3.create_bucket(Bucket=name, ObjectOwnership="ObjectWriter")
    s3cmd("put", str(folder / "a.txt"), f"s3://{name}/a.txt")
    s3cmd("setacl", "--acl-public", f"s3://{name}/a.txt")
    with urllib.request.urlopen(f"{skybus.endpoint}/{name}/a.txt") as answer:
        assert answer.read() == b"hello"


def test_rclone(skybus: servers.Server, folder: Path, tmp_path: Path) -> None:
    settings = {"TYPE": "s3", "PROVIDER": "Other", "ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test",
                "ENDPOINT": skybus.endpoint, "CHUNK_SIZE": "5M", "UPLOAD_CUTOFF": "5M", "COPY_CUTOFF": "5M"}
    environment = {f"RCLONE_CONFIG_SKYBUS_{name}": value for name, value in settings.items()}
    place = f"skybus:rclone-{os.urandom(6).hex()}"

    def rclone(*words: str) -> str:
        return run([program("rclone"), "--config", os.devnull, "--retries", "1", *words], environment)

    rclone("mkdir", place)
    rclone("copy", str(folder), f"{place}/d")
    rclone("check", "--download", str(folder), f"{place}/d")
    told = {each["Path"]: each["Size"] for each in json.loads(rclone("lsjson", "-R", "--files-only", f"{place}/d"))}
    assert told == {name: len(data) for name, data in FILES.items()}
    rclone("move", f"{place}/d", f"{place}/e")                             # copies, the large one in parts
    assert rclone("ls", f"{place}/d") == ""
    (folder / "a.txt").write_bytes(b"other")
    (folder / "empty").unlink()
    rclone("sync", str(folder), f"{place}/e")
    rclone("sync", f"{place}/e", str(tmp_path / "back"))
    assert_same(folder, tmp_path / "back")
    assert rclone("cat", f"{place}/e/a.txt") == "other"
    rclone("purge", place)
