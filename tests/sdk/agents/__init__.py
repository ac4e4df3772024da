"""Python programs against SDKs too heavy for everybody's environment: they get one of their own, which git ignores."""

import fcntl
import hashlib
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
INSTALL_LIMIT_S = 900


def prepared() -> Path:
    """The python to run them with, the packages of requirements.txt installed. CalledProcessError."""
    requirements = HERE / "requirements.txt"
    with requirements.open() as locked:
        fcntl.flock(locked, fcntl.LOCK_EX)        # workers of one test run come here together
        folder = HERE / ".venv"
        wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
        stamp = folder / ".installed"
        if not stamp.exists() or stamp.read_text() != wanted:
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
            subprocess.run([str(folder / "bin" / "pip"), "install", "-q", "-r", str(requirements)], check=True,
                           timeout=INSTALL_LIMIT_S)
            stamp.write_text(wanted)
    return folder / "bin" / "python"
