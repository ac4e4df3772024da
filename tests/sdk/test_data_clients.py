"""s3fs, pandas, DuckDB and pyarrow, unmodified, on S3: the programs are in data_clients/."""

from pathlib import Path

import pytest

from tests import servers
from tests.sdk import environments

pytestmark = pytest.mark.slow

FOLDER = Path(__file__).parent / "data_clients"


@pytest.mark.parametrize("program", environments.programs(FOLDER))
def test_program(skybus: servers.Server, program: str) -> None:
    environments.succeeds(FOLDER, program, skybus.endpoint)
