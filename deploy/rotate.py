"""`skybus rotate-secrets`: the keys under which secrets and S3's data keys are sealed on disk are replaced."""

from deploy.asking import ask_one
from deploy.config import Config
from deploy.report import Report, progress

WAIT_S = 60.0
RESEAL_WAIT_S = 3600.0                    # a row of every file and small object: about 50,000 a second


def rotate(config: Config) -> Report:
    """NotRunning, CommandError."""
    with progress("Sealing secrets anew"):
        secrets = ask_one(config, "rotate", {}, WAIT_S)["secrets"]
    with progress(f"{secrets} secrets are sealed anew; sealing S3's data keys"):
        sealed = ask_one(config, "reseal", {}, RESEAL_WAIT_S)["sealed"]
    return Report({"secrets": secrets, "sealed": sealed}, (
        f"{secrets} secrets are sealed under a new key; the old one is forgotten.\n"
        f"{sealed} data keys and small objects of S3 are sealed under a new key; the old one is forgotten."))
