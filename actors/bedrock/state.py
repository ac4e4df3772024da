"""Keys and records: where what an account has in a region stands in the shard.

    account \\0 region \\0 <kind> \\0 <id>                 a resource (Record)
    account \\0 region \\0 name \\0 <kind> \\0 <name>        its id
    account \\0 region \\0 version \\0 <guardrail> \\0 00000001   a numbered version of a guardrail
    account \\0 region \\0 token \\0 <operation> \\0 <token>  what an idempotency token asked, and its answer
    account \\0 region \\0 logging                         the configuration of invocation logging
    account \\0 region \\0 lines \\0 <job> \\0 000000 \\0 0000000000   a batch's answers: of which file, from which line
    \\0 \\0 path \\0 <imported model>                      where its weights lie

A record holds what AWS shows of it, by AWS's names, times in seconds, under `shown`, and beside it what only Skybus
needs. bedrock-runtime reads these rows too, and writes the kind `async-invoke`.
"""

import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, cast

from actors.bedrock.errors import ConflictException, ResourceNotFoundException, ServiceQuotaExceededException
from actors.runtime.store.transaction import Snapshot, Transaction
from bus.codec import pack, unpack

RECORD_VERSION = 1
RECORDS_LIMIT = 10_000                    # of one kind in an account and region
ID_CHARACTERS = 12
_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"

# Kinds, by the word that stands in their ARNs.
GUARDRAIL, PROFILE, PROVISIONED = "guardrail", "application-inference-profile", "provisioned-model"
IMPORT_JOB, IMPORTED = "model-import-job", "imported-model"
INVOCATION_JOB, CUSTOMIZATION_JOB, CUSTOM = "model-invocation-job", "model-customization-job", "custom-model"
DEPLOYMENT, ASYNC_INVOKE = "custom-model-deployment", "async-invoke"

# Kinds that nobody can delete: when there are too many, the oldest that has ended goes.
FORGOTTEN = frozenset({IMPORT_JOB, INVOCATION_JOB, CUSTOMIZATION_JOB, ASYNC_INVOKE})
ENDED = frozenset({"Completed", "PartiallyCompleted", "Failed", "Stopped", "Expired"})

Record = dict[str, Any]
Scope = tuple[str, str]
EVERYWHERE: Scope = ("", "")              # of no account: where the weights of imported models lie


def new_id() -> str:
    return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in os.urandom(ID_CHARACTERS))


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


class Book:
    """One account's resources in one region, in one transaction or snapshot."""

    def __init__(self, view: Snapshot, scope: Scope) -> None:
        self.account, self.region = self.scope = scope
        self._view = view

    # Rows

    def row(self, *parts: str) -> Record | None:
        found = self._view.get(self._key(*parts))
        return None if found is None else cast("Record", unpack(found))

    def put(self, record: Record, *parts: str) -> None:
        self._transaction().put(self._key(*parts), pack({"v": RECORD_VERSION, **record}))

    def drop(self, *parts: str) -> None:
        self._transaction().delete(self._key(*parts))

    def rows(self, *parts: str) -> Iterator[Record]:
        start = self._key(*parts, "")
        for _, value in self._view.scan(start, start[:-1] + b"\1"):
            yield cast("Record", unpack(value))

    def at(self, scope: Scope) -> "Book":
        return Book(self._view, scope)

    def now(self) -> float:
        return self._transaction().now()

    def start_job(self, name: str, state: Record) -> None:
        self._transaction().start_job(name, {"scope": list(self.scope), **state})

    def _transaction(self) -> Transaction:
        return cast("Transaction", self._view)

    def _key(self, *parts: str) -> bytes:
        return "\0".join((self.account, self.region, *parts)).encode()

    # Resources

    def arn(self, kind: str, resource: str) -> str:
        return f"arn:aws:bedrock:{self.region}:{self.account}:{kind}/{resource}"

    def find(self, kind: str, identifier: str) -> Record | None:
        """By its id, its ARN (of this account and region), or its name."""
        prefix = self.arn(kind, "")
        if identifier.startswith("arn:"):
            if not identifier.startswith(prefix):
                return None
            identifier = identifier[len(prefix):].rpartition("/")[2]
        found = self.row(kind, identifier)
        if found is None and (pointer := self.row("name", kind, identifier)):
            found = self.row(kind, pointer["id"])
        return found

    def get(self, kind: str, identifier: str, missing: str) -> Record:
        """ResourceNotFoundException with `missing`, in which {} stands for the identifier."""
        found = self.find(kind, identifier)
        if found is None:
            raise ResourceNotFoundException(missing.format(identifier))
        return found

    def create(self, kind: str, name: str, shown: Mapping[str, Any], taken: str, *, arn: str = "", identity: str = "",
               **members: Any) -> Record:
        """A new one at the transaction's time. ConflictException with `taken`; ServiceQuotaExceededException."""
        if name and self.row("name", kind, name) is not None:
            raise ConflictException(taken)
        if self._full(kind) and not (kind in FORGOTTEN and self._forget_oldest(kind)):
            raise ServiceQuotaExceededException(f"You have reached the limit of {RECORDS_LIMIT} for {kind}.")
        identity = identity or new_id()
        record = {"kind": kind, "id": identity, "name": name, "arn": arn or self.arn(kind, identity),
                  "created": self.now(), "tags": {}, "shown": dict(shown), **members}
        self.save(record)
        if name:
            self.put({"id": identity}, "name", kind, name)
        return record

    def _full(self, kind: str) -> bool:
        start = self._key(kind, "")
        return sum(1 for _ in self._view.scan(start, start[:-1] + b"\1")) >= RECORDS_LIMIT

    def _forget_oldest(self, kind: str) -> bool:
        """Of those that have ended; False where none has."""
        ended = [record for record in self.rows(kind) if record["shown"]["status"] in ENDED]
        if ended:
            self.remove(min(ended, key=lambda record: float(record["created"])))
        return bool(ended)

    def save(self, record: Record) -> None:
        self.put(record, record["kind"], record["id"])

    def rename(self, record: Record, name: str, taken: str) -> None:
        if name != record["name"]:
            if self.row("name", record["kind"], name) is not None:
                raise ConflictException(taken)
            self.drop("name", record["kind"], record["name"])
            self.put({"id": record["id"]}, "name", record["kind"], name)
            record["name"] = name

    def remove(self, record: Record) -> None:
        self.drop(record["kind"], record["id"])
        if record["name"]:
            self.drop("name", record["kind"], record["name"])
