"""langchain-aws, Anthropic's and OpenAI's SDKs, litellm and Strands agents, unmodified, against the echo model.

Each program of agents/ holds its expectations. The catalogue maps AWS's ids to echo, as an operator would map them.
"""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import servers
from tests.sdk import agents

pytestmark = pytest.mark.slow

PROGRAMS = sorted(path.name for path in Path(agents.__file__).parent.glob("run_*.py"))
CATALOGUE = """[[model]]
id = "test.echo-v1"
engine = "echo"
aliases = ["anthropic.claude-3-haiku-20240307-v1:0", "amazon.titan-embed-text-v2:0"]
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    models = tmp_path_factory.mktemp("models") / "models.toml"
    models.write_text(CATALOGUE)
    with servers.skybus("--durability", "os", "--models", str(models)) as running:
        yield running


@pytest.mark.parametrize("program", PROGRAMS)
def test_program(server: servers.Server, program: str) -> None:
    python = agents.prepared()
    done = subprocess.run([str(python), program, server.endpoint], cwd=agents.HERE, capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "ok"
