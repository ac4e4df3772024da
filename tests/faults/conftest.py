"""One Skybus a worker for the tests that feed it nonsense and leave it as it was."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import servers

BODY_LIMIT_BYTES = 18 * 1024 * 1024        # above AWS's largest request of DynamoDB, 16 MB


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("faults") / "data"


@pytest.fixture(scope="session")
def skybus(data_dir: Path) -> Iterator[servers.Server]:
    flags = ("--durability", "os", "--body-limit-bytes", str(BODY_LIMIT_BYTES))
    with servers.skybus(*flags, data_dir=data_dir) as server:
        yield server
