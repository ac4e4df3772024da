"""The house's floors and doors, read from the import statements of every module.

schemas <- bus <- actors.runtime <- actors.<service>;  schemas, bus <- gateway;  deploy sees all, tests see all.
A foreign library comes in through one door.
"""

import ast
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("schemas", "bus", "actors", "gateway", "deploy")
MODULES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))

SEES = {
    "schemas": (), "bus": ("schemas",), "actors.runtime": ("schemas", "bus"),
    "actors": ("schemas", "bus", "actors.runtime"), "gateway": ("schemas", "bus"), "deploy": ROOMS,
}
# Two models of one service: the second shares the first's shard (ServiceActor.state_of) and knows its rows.
FAMILIES = {
    "actors.dynamodbstreams": "actors.dynamodb", "actors.sts": "actors.iam", "actors.bedrock_runtime": "actors.bedrock",
    "actors.organizations": "actors.iam", "actors.s3control": "actors.s3",
}
TRAINERS = ("actors/runtime/inference/tiny/train.py", "actors/runtime/inference/training/lora.py")
DOORS = {
    "nats": ("bus/link.py",), "msgpack": ("bus/codec.py",), "lmdb": ("actors/runtime/store/",),
    "aiohttp": ("gateway/",), "ray": ("actors/runtime/inference/",), "vllm": ("actors/runtime/inference/",),
    "xllamacpp": ("actors/runtime/inference/engines/llama.py",), "jax": TRAINERS, "gguf": TRAINERS, "numpy": TRAINERS,
    "opentelemetry": ("deploy/otlp.py",), "uvloop": ("deploy/process.py",), "jwt": ("actors/sts/web_identity.py",),
    "awscrt": ("schemas/checksums.py",), "lxml": ("actors/iam/saml.py",), "signxml": ("actors/iam/saml.py",),
    "pypdf": ("actors/bedrock_runtime/extraction.py",),
    "segno": ("actors/iam/mfa.py",), "duckdb": ("actors/s3/engine/select/records.py",),
    "zstandard": ("actors/dynamodb/engine/interchange/packing.py",),
}
NEVER = ("botocore", "boto3")             # its models are read, its code is not run


def imports(path: Path) -> Iterator[str]:
    """Every module a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: a relative import"
            assert node.module is not None
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def floor(path: Path) -> tuple[str, str]:
    """Which floor a module is on, and what it may see of its own."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    if parts[0] == "actors" and len(parts) > 2:
        return ("actors.runtime" if parts[1] == "runtime" else "actors"), f"actors.{parts[1]}"
    return parts[0], parts[0]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_floors_and_doors(path: Path) -> None:
    name = str(path.relative_to(ROOT))
    on, own = floor(path)
    for imported in imports(path):
        library = imported.split(".")[0]
        if library in ROOMS:
            seen = (own, *SEES[on], *([FAMILIES[own]] if own in FAMILIES else []))
            assert imported == library or any(f"{imported}.".startswith(f"{part}.") for part in seen), \
                f"{name} may not import {imported}"
            assert library in {part.split(".")[0] for part in seen}, f"{name} may not import {imported}"
        assert library not in NEVER, f"{name} imports {library}"
        assert library not in DOORS or name.startswith(DOORS[library]), f"{library} comes in through {DOORS[library]}"


# deploy/config.py is where the environment is read; everyone else is handed settings.
@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_environment_is_read_in_one_place(path: Path) -> None:
    if path == ROOT / "deploy" / "config.py":
        return
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os":
            assert node.attr not in ("environ", "environb", "getenv"), f"{path}: {node.lineno}"


# Flat top-level packages are ours alone only if nothing else in the environment has one of the names.
def test_our_names_are_ours_alone() -> None:
    owners = packages_distributions()
    for room in ROOMS:
        assert set(owners.get(room, ["skybus"])) == {"skybus"}, room
