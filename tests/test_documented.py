"""What exists is documented: settings, exit codes, commands, subjects, versions that must agree."""

import re
import tomllib
from pathlib import Path

from bus.subjects import CANCEL
from bus.system import VERBS
from deploy import VERSION
from deploy.cli import commands
from deploy.config import declared, markdown
from deploy.failures import EXIT_CODES

ROOT = Path(__file__).resolve().parents[1]
OPERATING = (ROOT / "deploy" / "README.md").read_text("utf-8")


def test_settings() -> None:
    assert markdown() in OPERATING, "put the output of `python -m deploy.config` into deploy/README.md"
    assert all(item.about for item in declared())


def test_exit_codes() -> None:
    for code, meaning in EXIT_CODES.items():
        assert f"| {code} | {meaning} |" in OPERATING


def test_commands() -> None:
    told = re.findall(r"(?m)^\| `skybus ([a-z-]+)", OPERATING)
    assert sorted(told) == sorted(commands())


def test_subjects() -> None:
    bytes_on_the_bus = (ROOT / "bus" / "README.md").read_text("utf-8")
    request = "aws.<door>.<account>.<principal>.<service>.<slot>.<Operation>"
    for form in (request, f".{CANCEL}.", "evt.<service>.", "_INBOX."):
        assert form in bytes_on_the_bus
    for verb in VERBS:
        assert f"`sys.{verb}`" in OPERATING


def test_versions_agree() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["version"] == VERSION
    assert f'"{project["name"]}"' == '"skybus"'


# A pinned version must be one that pyproject.toml allows, and everything it asks for must be pinned.
def test_every_dependency_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = [item for name, items in project["optional-dependencies"].items()
              if name not in ("bench", "gpu", "ray") for item in items]
    lines = (ROOT / "deploy" / "constraints.txt").read_text("utf-8").splitlines()
    pinned = dict(line.split("==") for line in lines if "==" in line)
    names = {name.lower().replace("_", "-"): version for name, version in pinned.items()}
    for item in [*project["dependencies"], *extras]:
        name = re.split(r"[\[<>=;]", item)[0].strip().lower()
        assert name == "skybus" or name in names, item
        for bound in re.findall(r">=([\d.]+)", item):
            if name in names:
                assert _numbers(names[name]) >= _numbers(bound), item


def _numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version)]
