"""One Skybus for all SDK tests of a worker, reached as users reach it."""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import servers
from tests.sdk.s3 import client


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("skybus") / "data"


@pytest.fixture(scope="session")
def skybus(data_dir: Path) -> Iterator[servers.Server]:
    with servers.skybus("--durability", "os", data_dir=data_dir) as server:
        yield server


@pytest.fixture
def s3(skybus: servers.Server) -> Any:
    return client(skybus)


@pytest.fixture
def bucket(s3: Any) -> str:
    name = f"bucket-{uuid.uuid4().hex}"
    s3.create_bucket(Bucket=name)
    return name
