"""langchain-aws, Anthropic's and OpenAI's SDKs, litellm and Strands agents, unmodified, against the echo model.

The programs are in agents/. The catalogue maps AWS's ids to echo, as an operator would map them.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import servers
from tests.sdk import environments

pytestmark = pytest.mark.slow

FOLDER = Path(__file__).parent / "agents"
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


@pytest.mark.parametrize("program", environments.programs(FOLDER))
def test_program(server: servers.Server, program: str) -> None:
    environments.succeeds(FOLDER, program, server.endpoint)
