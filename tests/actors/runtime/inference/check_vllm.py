"""Is engines/vllm.py right about vLLM? mypy, strictly, against the sources of the release that the extra `gpu` pins.

    python -m tests.actors.runtime.inference.check_vllm [WHEEL]

Not part of the suite: it downloads vLLM's wheel (330 MB) unless it is given one, and nothing that vLLM needs: torch's
types are unknown to it, and pydantic's dataclasses are taken for the library's. Every name, argument and type of vLLM's
own is checked. A minute or two.
"""

import argparse
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[4]
ADAPTER = "actors/runtime/inference/engines/vllm.py"
CONFIG = """[mypy]
strict = true
untyped_calls_exclude = vllm.third_party
ignore_missing_imports = true
[mypy-vllm.*]
follow_imports = silent
ignore_errors = true
[mypy-torch.*,transformers.*,numpy.*,PIL.*]
ignore_missing_imports = true
"""

PYDANTIC = {"__init__.pyi": "from typing import Any\ndef __getattr__(name: str) -> Any: ...\n",
            "dataclasses.pyi": "from dataclasses import dataclass as dataclass\n"}


def pinned() -> str:
    [requirement] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["gpu"]
    return str(requirement)


def download(into: Path) -> Path:
    argv = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(into), pinned()]
    subprocess.run(argv, check=True)
    [wheel] = into.glob("vllm-*.whl")
    return wheel


def unpack(wheel: Path, into: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.endswith((".py", ".pyi", "py.typed")):
                archive.extract(name, into)
    (into / "pydantic").mkdir()
    for name, content in PYDANTIC.items():
        (into / "pydantic" / name).write_text(content)


def check(sources: Path) -> int:
    """mypy's exit status."""
    config = sources / "check.ini"
    config.write_text(CONFIG)
    argv = [sys.executable, "-m", "mypy", "--config-file", str(config), "--cache-dir", str(sources / "cache"), ADAPTER]
    return subprocess.run(argv, cwd=ROOT, env={"MYPYPATH": str(sources), "PATH": ""}, check=False).returncode


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheel", nargs="?", type=Path, help="instead of downloading it")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        sources = Path(directory)
        wheel = options.wheel or download(sources)
        assert wheel.name.startswith(pinned().replace("==", "-") + "-"), f"{wheel.name} is not {pinned()}"
        unpack(wheel, sources)
        raise SystemExit(check(sources))


if __name__ == "__main__":
    main()
