"""Terraform and its AWS provider, where the machine has them: the configuration stands beside this file.

Nothing is downloaded: the provider (hundreds of megabytes) comes from a folder of plugins, in it
`registry.terraform.io/hashicorp/aws/<version>/<platform>/`. SKYBUS_TF_PLUGINS names one; else Terraform's own settings
do, or it is one of the usual places.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
PROVIDER = "registry.terraform.io/hashicorp/aws"
COMMAND_LIMIT_S = 900.0
NOTHING, CHANGES = 0, 2                   # what `terraform plan -detailed-exitcode` ends with
_QUIETLY = ("-no-color", "-input=false")
_MIRROR = re.compile(r'^\s*(?:path|plugin_cache_dir)\s*=\s*"([^"]+)"', re.MULTILINE)


class Unavailable(Exception):
    """Terraform or its AWS provider is not on this machine; says what was looked for."""


class Terraform:
    """Runs in a folder of its own, with the configuration and the state."""

    def __init__(self, folder: Path, endpoint: str) -> None:
        self._program, plugins = _program(), _plugins()
        self._folder = folder
        shutil.copytree(HERE, folder, dirs_exist_ok=True, ignore=lambda _, names: [
            name for name in names if not name.endswith(".tf")])
        settings = folder / "terraform.rc"
        settings.write_text(f'provider_installation {{\n  filesystem_mirror {{\n    path = "{plugins}"\n  }}\n}}\n')
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("TF_", "AWS_"))},
            "TF_CLI_CONFIG_FILE": str(settings), "TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1",
            "TF_VAR_endpoint": endpoint, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "us-east-1", "AWS_CONFIG_FILE": os.devnull,
        }

    def run(self, *words: str, codes: tuple[int, ...] = (NOTHING,)) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run([self._program, *words], cwd=self._folder, env=self._environment, capture_output=True,
                              text=True, check=False, timeout=COMMAND_LIMIT_S)
        assert done.returncode in codes, f"terraform {' '.join(words)}:\n{done.stdout}{done.stderr}"
        return done

    def init(self) -> None:
        self.run("init", *_QUIETLY)

    def apply(self, *, changed: bool = False) -> None:
        self.run("apply", *_QUIETLY, "-auto-approve", "-parallelism=2", _changed(changed))

    def planned(self, *, changed: bool = False) -> str:
        """What another apply would change: "" when it is nothing."""
        done = self.run("plan", *_QUIETLY, "-detailed-exitcode", "-parallelism=2", _changed(changed),
                        codes=(NOTHING, CHANGES))
        return done.stdout if done.returncode == CHANGES else ""

    def destroy(self, *, changed: bool = False) -> None:
        self.run("destroy", *_QUIETLY, "-auto-approve", "-parallelism=2", _changed(changed))

    def output(self, name: str) -> str:
        return self.run("output", "-no-color", "-raw", name).stdout


def _changed(changed: bool) -> str:
    return f"-var=changed={json.dumps(changed)}"


def _program() -> str:
    found = shutil.which("terraform")
    if found is None:
        raise Unavailable("there is no terraform on PATH")
    return found


def _plugins() -> Path:
    looked = list(_plugin_folders())
    for folder in looked:
        if any(folder.joinpath(PROVIDER).glob("*/*/terraform-provider-aws*")):
            return folder
    raise Unavailable(f"no {PROVIDER} in {', '.join(map(str, looked))}; name its folder with SKYBUS_TF_PLUGINS")


def _plugin_folders() -> Iterator[Path]:
    """Ours, those of Terraform's settings, those it looks into by itself, and any of /opt."""
    if os.environ.get("SKYBUS_TF_PLUGINS"):
        yield Path(os.environ["SKYBUS_TF_PLUGINS"])
    settings = Path(os.environ.get("TF_CLI_CONFIG_FILE") or Path.home() / ".terraformrc")
    if settings.is_file():
        yield from (Path(os.path.expandvars(path)).expanduser() for path in _MIRROR.findall(settings.read_text()))
    if os.environ.get("TF_PLUGIN_CACHE_DIR"):
        yield Path(os.environ["TF_PLUGIN_CACHE_DIR"])
    yield Path.home() / ".terraform.d" / "plugins"
    for shared in ("/usr/local/share", "/usr/share"):
        yield Path(shared) / "terraform" / "plugins"
    yield from (found.parent for found in Path("/opt").glob("*/registry.terraform.io"))
