"""What is known of every service without its model: enough to say which one a request means.

`Index` answers by signing name, endpoint prefix, target prefix and service id. Import it from schemas.models.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from schemas.compile import Compact


@dataclass(frozen=True, slots=True)
class Entry:
    """One service. `operations` is filled for those that answer query or ec2, where an Action names one."""

    name: str                                      # botocore's folder, the name for schemas.models.load
    signing_name: str                              # in the credential scope; signingName, else endpointPrefix
    endpoint_prefix: str
    target_prefix: str                             # of X-Amz-Target and of rpc-v2 paths; "" where there is none
    service_id: str
    api_version: str                               # a query's Version
    json_version: str
    protocols: tuple[str, ...]
    operations: frozenset[str]


@dataclass(frozen=True, slots=True)
class Index:
    """Lookups give tuples, the likeliest service first; an unknown name gives ()."""

    entries: Mapping[str, Entry]
    _signing_names: Mapping[str, tuple[Entry, ...]]
    _endpoint_prefixes: Mapping[str, tuple[Entry, ...]]
    _target_prefixes: Mapping[str, tuple[Entry, ...]]
    _service_ids: Mapping[str, tuple[Entry, ...]]

    def by_signing_name(self, name: str) -> tuple[Entry, ...]:
        return self._signing_names.get(name, ())

    def by_endpoint_prefix(self, prefix: str) -> tuple[Entry, ...]:
        return self._endpoint_prefixes.get(prefix, ())

    def by_target_prefix(self, prefix: str) -> tuple[Entry, ...]:
        return self._target_prefixes.get(prefix, ())

    def by_service_id(self, service_id: str) -> tuple[Entry, ...]:
        """Letters and digits decide: `Application Auto Scaling`, `application-auto-scaling`, `APPLICATION_AUTO_…`."""
        return self._service_ids.get(plain(service_id), ())


def plain(service_id: str) -> str:
    return "".join(letter for letter in service_id.lower() if letter.isalnum())


def row(name: str, parts: Compact, protocols: tuple[str, ...]) -> tuple[Any, ...]:
    """One line of the cached index: marshals, and feeds Entry."""
    metadata = parts.metadata
    prefix = metadata["endpointPrefix"]
    operations = frozenset(parts.operations if "query" in protocols or "ec2" in protocols else ())
    return (
        name, metadata.get("signingName", prefix), prefix, metadata.get("targetPrefix", ""), metadata["serviceId"],
        metadata["apiVersion"], metadata.get("jsonVersion", ""), protocols, operations,
    )


def from_rows(rows: Iterable[tuple[Any, ...]]) -> Index:
    entries = [Entry(*fields) for fields in rows]
    return Index(
        {entry.name: entry for entry in entries},
        _group((entry.signing_name, entry) for entry in entries),
        _group((entry.endpoint_prefix, entry) for entry in entries),
        _group((entry.target_prefix, entry) for entry in entries if entry.target_prefix),
        _group((plain(entry.service_id), entry) for entry in entries),
    )


def _group(pairs: Iterable[tuple[str, Entry]]) -> dict[str, tuple[Entry, ...]]:
    """The service named like the key first, then short names before long ones: rds, docdb, neptune; elb, elbv2."""
    groups: dict[str, list[Entry]] = {}
    for key, entry in pairs:
        groups.setdefault(key, []).append(entry)
    return {
        key: tuple(sorted(group, key=lambda entry: (entry.name != key, len(entry.name), entry.name)))
        for key, group in groups.items()
    }
