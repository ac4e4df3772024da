"""README.md is true: its examples, run as they stand by a newcomer, print what it says."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import servers

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def example(heading: str) -> str:
    """The first block of code under a heading."""
    found = re.search(rf"^#+ {re.escape(heading)}\n.*?^```\w*\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    assert found is not None, heading
    return found[1]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def skybus(home: Path) -> Iterator[servers.Server]:
    """With its data where it is by default."""
    with servers.skybus("--durability", "os", data_dir=home / ".local/share/skybus") as server:
        yield server


def run(skybus: servers.Server, home: Path, *argv: str) -> str:
    """Its output, run with the exports that README.md shows and nothing of the user's own."""
    exports = dict(re.findall(r"^export (AWS_\w+)=(.*)$", README, re.MULTILINE))
    assert exports["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4566"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**exports, "AWS_ENDPOINT_URL": skybus.endpoint, "HOME": str(home), "PATH": path}
    done = subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


# In the order of the page: each example finds what the one before it left.
def test_the_examples(skybus: servers.Server, home: Path) -> None:
    assert "Nina Simone" in run(skybus, home, "bash", "-euc", example("With the AWS CLI"))
    assert "Miles Davis" in run(skybus, home, sys.executable, "-c", example("With boto3"))
    assert '"outputTokens"' in run(skybus, home, "bash", "-euc", example("Ask a model"))
    assert run(skybus, home, sys.executable, "-c", example("Straight on the bus, with any NATS client")) == (
        "{'ok': {'Item': {'Artist': {'S': 'Nina Simone'}, 'Born': {'N': '1933'}}}}\n")
    called = re.search(r"`.venv/bin/skybus (call .*?)`", README)
    assert called is not None
    assert "1933" in run(skybus, home, "bash", "-euc", f"{sys.executable} -m deploy.cli {called[1]}")
