"""`skybus rotate-secrets`: the key under which IAM's and STS's secrets are sealed on disk is replaced."""

from deploy.asking import ask_one
from deploy.config import Config

WAIT_S = 60.0


def rotate(config: Config) -> int:
    """NotRunning, CommandError."""
    answer = ask_one(config, "rotate", {}, WAIT_S)
    print(f"{answer['secrets']} secrets are sealed under a new key; the old one is forgotten.")
    return 0
