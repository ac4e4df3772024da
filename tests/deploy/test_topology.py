"""What the processes of an instance are started with."""

from pathlib import Path

import pytest

from deploy.config import resolve
from deploy.topology import BROKER, RunFiles, processes


# A process gets the least: the broker nothing of the user's, ours no setting and no credentials, which run.json has.
def test_environments(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    mine = {"AWS_SECRET_ACCESS_KEY": "s", "SKYBUS_ROOT_SECRET_KEY": "s", "OTEL_SERVICE_NAME": "o", "GOGC": "50"}
    for name, value in mine.items():
        monkeypatch.setenv(name, value)
    config = resolve({"data_dir": str(tmp_path)}, {}, {})
    for spec in processes(config, RunFiles(tmp_path / "run.json", tmp_path / "nats.conf")):
        given = mine.keys() & spec.environment.keys()
        assert given == ({"GOGC"} if spec.name == BROKER else {"GOGC", "OTEL_SERVICE_NAME"}), spec.name
        assert "PATH" in spec.environment or spec.name == BROKER
