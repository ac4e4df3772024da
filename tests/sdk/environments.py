"""Python programs against packages too heavy for everybody's environment: a folder of programs (run_*.py) and their
requirements.txt gets an environment of its own, which git ignores. Each program holds its expectations."""

import fcntl
import hashlib
import subprocess
import sys
from pathlib import Path

INSTALL_LIMIT_S = 900


def programs(folder: Path) -> list[str]:
    found = sorted(path.name for path in folder.glob("run_*.py"))
    assert found, folder
    return found


def succeeds(folder: Path, program: str, endpoint: str) -> None:
    """Runs a program of the folder against the server. AssertionError with all that it said."""
    done = subprocess.run([str(_prepared(folder)), program, endpoint], cwd=folder, capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "ok"


def _prepared(folder: Path) -> Path:
    """The python to run them with, the packages of requirements.txt installed. CalledProcessError."""
    requirements = folder / "requirements.txt"
    with requirements.open() as locked:
        fcntl.flock(locked, fcntl.LOCK_EX)        # workers of one test run come here together
        environment = folder / ".venv"
        wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
        stamp = environment / ".installed"
        if not stamp.exists() or stamp.read_text() != wanted:
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(environment)], check=True)
            subprocess.run([str(environment / "bin" / "pip"), "install", "-q", "-r", str(requirements)], check=True,
                           timeout=INSTALL_LIMIT_S)
            stamp.write_text(wanted)
    return environment / "bin" / "python"
