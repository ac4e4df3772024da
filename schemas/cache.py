"""Where models come from: botocore's data folder, found without importing botocore, and our compiled cache of it.

The cache is marshalled plain data, trusted like a .pyc, in
<sys.prefix>/share/skybus/models-<botocore version>-<format version>-<python tag>/. Files appear by rename. Where the
folder cannot be written, what was compiled lives in memory only.
"""

import contextlib
import marshal
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from schemas.compile import FORMAT_VERSION, Compact, compact
from schemas.extras import EXTRAS
from schemas.shapes import UnknownService

_MODEL, _EXTRAS = "service-2", "service-2.sdk-extras"
_FILE_MAX_BYTES = 64 * 1024 * 1024                 # the largest compiled model (ec2) is 2 MiB


@cache
def data_folder() -> Path:
    """botocore/data. ModuleNotFoundError when botocore is not installed."""
    spec = find_spec("botocore")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("Skybus takes AWS's service models from botocore, which is not installed.")
    return Path(spec.origin).parent / "data"


@cache
def folder() -> Path:
    for line in (data_folder().parent / "__init__.py").read_text().splitlines():
        if line.startswith("__version__"):
            version = line.split("=")[1].strip().strip("'\"")
            break
    else:
        raise ValueError("botocore/__init__.py names no __version__")
    tag = sys.implementation.cache_tag
    return Path(sys.prefix, "share", "skybus", f"models-{version}-{FORMAT_VERSION}-{tag}")


def read_compact(name: str) -> Compact:
    """One service from the cache, else compiled and cached. UnknownService."""
    if not name.replace("-", "").isalnum():
        raise UnknownService(name)                 # and no path out of the folder
    return Compact(*stored(name, lambda: tuple(compact(read_description(name)))))


def stored(name: str, make: Callable[[], Any]) -> Any:
    """The cached plain data of that name, else what `make` returns, kept for the next process."""
    try:
        with (folder() / f"{name}.bin").open("rb") as file:
            return marshal.loads(file.read(_FILE_MAX_BYTES))  # noqa: S302 - ours, like a .pyc
    except FileNotFoundError:
        made = make()
    except (OSError, EOFError, ValueError, TypeError):     # unreadable or damaged: as good as missing
        made = make()
    store(name, made)
    return made


def store(name: str, value: Any) -> bool:
    """Is it on disk now? A read-only environment is no error."""
    import tempfile

    target = folder() / f"{name}.bin"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{name}.")
    except OSError:
        return False
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(marshal.dumps(value))
        os.chmod(temporary, 0o644)
        os.replace(temporary, target)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        return False
    return True


def service_names() -> Iterator[str]:
    """Every folder of botocore/data that holds a service-2 model, in order."""
    for entry in sorted(os.scandir(data_folder()), key=lambda entry: entry.name):
        if entry.is_dir() and _versions(Path(entry.path)):
            yield entry.name


def _versions(service: Path) -> list[Path]:
    return [version for version in service.iterdir() if _find(version, _MODEL)]


def _find(version: Path, stem: str) -> Path | None:
    return next((path for suffix in (".json.gz", ".json") if (path := version / f"{stem}{suffix}").is_file()), None)


def read_description(name: str) -> dict[str, Any]:
    """The newest API version's service-2.json with its SDK extras merged, as botocore's loader reads it, and ours."""
    service = data_folder() / name
    versions = _versions(service) if service.is_dir() else []
    if not versions:
        raise UnknownService(name)
    newest = max(versions, key=lambda version: version.name)
    description = _read_json(_find(newest, _MODEL))
    extras = _find(newest, _EXTRAS)
    if extras is not None:
        merge(description, _read_json(extras).get("merge", {}))
    if name in EXTRAS:
        merge(description, EXTRAS[name]())
    return description


def _read_json(path: Path | None) -> dict[str, Any]:
    import gzip  # compiling is rare: its imports stay out of every start

    import orjson

    assert path is not None
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    value: dict[str, Any] = orjson.loads(content)
    return value


def merge(base: dict[str, Any], extra: Mapping[str, Any]) -> None:
    for key, value in extra.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            merge(base[key], value)
        else:
            base[key] = value
