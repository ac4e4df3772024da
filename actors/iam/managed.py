"""AWS's own managed policies, all of them, each in its latest version.

They stand in aws_policies.xz, made by tests/data/aws_policies.py of what AWS publishes; read when the first is asked
for and kept as text (3.6 MB), of which a policy is read when it is. Source:
https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html.
"""

import base64
import hashlib
import lzma
from collections.abc import Iterable
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("aws_policies.xz")
CREATED_S = 1_423_159_200.0                   # 6 February 2015, when the first of them came
PREFIX = "arn:aws:iam::aws:policy"
REMEMBERED_LIMIT = 64


@cache
def _lines() -> dict[str, str]:
    """Path and name -> when created and updated (seconds), the version, the document; all behind tabs."""
    text = lzma.decompress(FILE.read_bytes()).decode()
    lines = (line.partition("\t") for line in text.split("\n"))
    return {name: rest for name, _, rest in lines}


def arn(record: dict[str, Any]) -> str:
    return f"{PREFIX}{record['path']}{record['name']}"


@lru_cache(REMEMBERED_LIMIT)
def find(policy_arn: str) -> dict[str, Any] | None:
    """The record of an AWS policy, in the form of the account's own, with the document of its default version."""
    name = policy_arn.removeprefix(PREFIX)
    line = None if policy_arn == name else _lines().get(name)
    if line is None:
        return None
    created, updated, version, document = line.split("\t", 3)
    path, _, plain = name.rpartition("/")
    return {
        "kind": "policy", "aws": True, "name": plain, "path": f"{path}/", "id": _identity(name),
        "default": int(version), "created": float(created), "updated": float(updated), "description": "", "tags": {},
        "document": document,
    }


def arns() -> Iterable[str]:
    """Of all, in order of name."""
    return (f"{PREFIX}{name}" for name in sorted(_lines(), key=lambda name: name.rpartition("/")[2]))


def _identity(name: str) -> str:
    """The same everywhere and always, as AWS's are."""
    return "ANPA" + base64.b32encode(hashlib.blake2b(name.encode(), digest_size=11).digest()).decode()[:17]
