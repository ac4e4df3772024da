"""`skybus rotate-secrets`: the keys under which secrets and S3's data keys are sealed on disk are replaced."""

from deploy.asking import ask_one
from deploy.config import Config

WAIT_S = 60.0
RESEAL_WAIT_S = 3600.0                    # a row of every file and small object: about 50,000 a second


def rotate(config: Config) -> int:
    """NotRunning, CommandError."""
    answer = ask_one(config, "rotate", {}, WAIT_S)
    print(f"{answer['secrets']} secrets are sealed under a new key; the old one is forgotten.")
    answer = ask_one(config, "reseal", {}, RESEAL_WAIT_S)
    print(f"{answer['sealed']} data keys and small objects of S3 are sealed under a new key; the old one is forgotten.")
    return 0
