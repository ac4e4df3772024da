"""Which models there are: the catalogue, from a TOML file and what is built in. No model is anywhere else.

    [[model]]
    id = "me.llama-3-8b-v1:0"             # what callers say; letters, digits and . _ : / -
    path = "/models/llama-3-8b.gguf"      # a GGUF file (engine llama), or a Hugging Face folder (engine vllm)
    aliases = ["anthropic.claude-3-haiku-20240307-v1:0"]    # AWS's ids, mapped by you and never by us

README.md tells every key. Ids, inference profiles and ARNs of either are resolved here, to an Entry.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from actors.runtime.inference.protocol import Modality, UnknownModel

ENGINES = ("echo", "llama", "vllm")
ECHO_ID, TINY_ID = "skybus.echo-v1", "skybus.tiny-toy-v1"
TINY_FILE = Path(__file__).parent / "tiny" / "skybus-tiny-toy-v1.gguf"
GEOGRAPHIES = ("us", "us-gov", "eu", "apac", "jp", "au", "ca", "sa", "global")   # prefixes of inference profiles
ENTRIES_MAX = 1024

_TOML_KINDS: Mapping[Any, tuple[type, ...]] = {        # what stands in the file for a field of Entry
    str: (str,), int: (int,), float: (float, int), Modality: (str,), tuple[str, ...]: (list,),
    Mapping[str, str]: (dict,), Mapping[str, Any]: (dict,),
}
_ID = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._:/-]{0,255}\Z")
# arn:aws:bedrock:us-east-1::foundation-model/ID, arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.ID
_ARN = re.compile(r"arn:[a-z-]+:bedrock:[a-z0-9-]*:(?:\d{12})?:(foundation-model|inference-profile)/(.+)\Z")


class CatalogueError(ValueError):
    """The file says something we cannot follow; the message says where and what."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One model of the catalogue: what it is called, where it lies, what runs it and how much of it."""

    id: str
    engine: str = ""                      # one of ENGINES; empty: by what `path` is
    path: str = ""
    name: str = ""                        # for people; empty: the id
    provider: str = "Skybus"
    aliases: tuple[str, ...] = ()
    modality: Modality = Modality.TEXT
    context_tokens: int = 0               # 0: what the model was trained for, at most CONTEXT_DEFAULT
    parallel: int = 8                     # generations at a time in one replica
    waiting_max: int = 64                 # of one replica; more are throttled
    min_replicas: int = 0                 # kept loaded
    max_replicas: int = 1
    memory_bytes: int = 0                 # of one replica; 0: estimated from the file
    gpu: float = 0.0                      # fraction or number of GPUs; 0: none
    adapters: Mapping[str, str] = field(default_factory=dict)     # LoRA, name -> path
    adapter: str = ""                     # the one of them that is on unless a request names another
    options: Mapping[str, Any] = field(default_factory=dict)      # the engine's own, by its own names

    @property
    def identifiers(self) -> Iterator[str]:
        yield self.id
        yield from self.aliases


ECHO = Entry(ECHO_ID, "echo", name="Echo (says what it is told; for tests)")
TINY = Entry(
    TINY_ID, "llama", str(TINY_FILE), name="Tiny toy (a real model, too small to make sense)",
    context_tokens=4096, memory_bytes=64 * 1024 * 1024, options={"threads": 1, "cache_ram_mib": 0},
)


@dataclass(frozen=True, slots=True)
class Judge:
    """The model by whose embeddings guardrails tell what a text is about.

    `topic_similarity`: the cosine from which on a text is about a denied topic; what is right depends on the model.
    """

    embedding_model: str
    topic_similarity: float = 0.6


class Catalogue:
    """Entries by every name they have. What is built in comes first and can be neither replaced nor renamed."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._entries: dict[str, Entry] = {}
        self._names: dict[str, Entry] = {}
        self.judge: Judge | None = None
        for entry in (ECHO, TINY, *entries):
            self.add(entry)

    def add(self, entry: Entry) -> None:
        """CatalogueError for a name that is taken, or none at all."""
        if len(self._entries) >= ENTRIES_MAX:
            raise CatalogueError(f"more than {ENTRIES_MAX} models")
        names = list(entry.identifiers)
        for name in names:
            if not _ID.match(name):
                raise CatalogueError(f"{name!r} cannot be a model's id")
            if name in self._names:
                raise CatalogueError(f"{name!r} is the name of {self._names[name].id} already")
        self._entries[entry.id] = entry
        self._names.update(dict.fromkeys(names, entry))

    def remove(self, model: str) -> None:
        entry = self._entries.pop(model)
        for name in entry.identifiers:
            del self._names[name]

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def resolve(self, model: str) -> Entry:
        """The entry of a model id, an inference profile's id (`us.` before it), or an ARN of either. UnknownModel."""
        arn = _ARN.match(model)
        kind, name = arn.groups() if arn else ("", model)
        if name in self._names and kind != "inference-profile":
            return self._names[name]
        geography, _, inner = name.partition(".")
        if geography in GEOGRAPHIES and inner in self._names and kind != "foundation-model":
            return self._names[inner]
        raise UnknownModel(model)


def read(path: Path) -> Catalogue:
    """CatalogueError, also when the file cannot be read."""
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CatalogueError(f"{path}: {error}") from error
    unknown = set(content) - {"model", "guardrails"}
    if unknown or not isinstance(content.get("model", []), list):
        raise CatalogueError(f"{path}: only [[model]] tables and [guardrails] are known here")
    catalogue = Catalogue()
    for number, table in enumerate(content.get("model", []), 1):
        try:
            catalogue.add(entry_of(table, path.parent))
        except (CatalogueError, TypeError) as error:
            raise CatalogueError(f"{path}: model {number}: {error}") from error
    if "guardrails" in content:
        catalogue.judge = _judge(catalogue, content["guardrails"], path)
    return catalogue


def _judge(catalogue: Catalogue, table: Any, path: Path) -> Judge:
    """The table [guardrails]. CatalogueError."""
    try:
        judge = Judge(**table)
        embeds = catalogue.resolve(judge.embedding_model).modality in (Modality.EMBEDDING, Modality.TEXT)
    except (TypeError, UnknownModel) as error:
        raise CatalogueError(f"{path}: guardrails: {error}") from error
    if not embeds or not 0 < judge.topic_similarity < 1:
        raise CatalogueError(f"{path}: guardrails: a model that embeds, and a similarity between 0 and 1")
    return judge


def entry_of(table: Mapping[str, Any], base: Path = Path()) -> Entry:
    """A [[model]] table as an Entry; relative paths start at `base`. CatalogueError."""
    known = {item.name: item for item in fields(Entry)}
    for key, value in table.items():
        if key not in known:
            raise CatalogueError(f"there is no key {key!r}")
        if type(value) not in _TOML_KINDS[known[key].type]:
            raise CatalogueError(f"{key}: {value!r} is not of the kind it should be")
        if isinstance(value, int | float) and value < 0:
            raise CatalogueError(f"{key}: {value} is negative")
    if not table.get("id"):
        raise CatalogueError("a model needs an id")
    path = str(base / table["path"]) if table.get("path") else ""
    engine = table.get("engine") or ("llama" if path.endswith(".gguf") else "vllm")
    if engine not in ENGINES:
        raise CatalogueError(f"engine: {engine!r} is none of {', '.join(ENGINES)}")
    if engine != "echo" and not path:
        raise CatalogueError("a model needs a path")
    modality = table.get("modality", Modality.TEXT)
    if modality not in list(Modality):
        raise CatalogueError(f"modality: {modality!r} is none of {', '.join(Modality)}")
    if table.get("adapter", "") not in ("", *table.get("adapters", {})):
        raise CatalogueError(f"adapter: {table['adapter']!r} is none of the adapters")
    adapters = {str(name): str(base / where) for name, where in table.get("adapters", {}).items()}
    return Entry(**{
        **table, "engine": engine, "path": path, "aliases": tuple(table.get("aliases", ())),
        "modality": Modality(modality), "adapters": adapters,
    })


def entry_from_map(members: Mapping[str, Any]) -> Entry:
    """What `protocol.to_map` made of an entry."""
    return Entry(**{
        **members, "aliases": tuple(members.get("aliases", ())), "modality": Modality(members.get("modality", "TEXT")),
    })
