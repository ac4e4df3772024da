"""One Skybus for all SDK tests of a worker, reached as users reach it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import servers


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("skybus") / "data"


@pytest.fixture(scope="session")
def skybus(data_dir: Path) -> Iterator[servers.Server]:
    with servers.skybus("--durability", "os", data_dir=data_dir) as server:
        yield server
