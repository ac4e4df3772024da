"""A transaction over tables of several shards, in one of these shards: what it intends, and its end.

    u32 0 | "l" | row's key      locked by that transaction until it ends
    u32 0 | "w" | id             the intent: what stands in each row if it commits
    u32 0 | "d" | id             the decision, in the shard that decides: commit or not

Preparing evaluates the actions and writes nothing but the intent and its locks; the rows are put when it commits. To
others a lock costs a look at their table alone: its record counts them. Who finds an item locked is refused at once
(TransactionConflict), as on AWS; nobody waits. Who decides and what happens when somebody dies: DESIGN.md.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from actors.dynamodb import rows, state, tokens, transactions
from actors.dynamodb.catalogue import Catalogue
from actors.dynamodb.errors import TransactionConflictException
from actors.dynamodb.state import CATALOGUE, catalogue_prefix
from actors.dynamodb.table_records import record_of, save
from actors.dynamodb.transactions import CHECK, Action
from actors.runtime.context import Context
from actors.runtime.parts import step_at
from actors.runtime.store.transaction import Snapshot, Transaction
from actors.runtime.surroundings import Surroundings, on_behalf
from bus.codec import pack, unpack

RESOLVE_JOB, SETTLE_JOB, FORGET_JOB = "resolve_intent", "settle_intents", "forget_decision"
RESOLVE_AFTER_S = 5.0                     # an intent this old asks what has become of its transaction
SETTLE_AFTER_S = 5.0                      # a decision this old is told again to all who may not have heard it
REFUSAL_KEPT_S = 600.0                    # far beyond the deadline of whoever might still decide otherwise
STEP_TIMEOUT_S = 10.0
VERSION = 1

_INTENTS, _DECISIONS = catalogue_prefix("intent"), catalogue_prefix("decision")

Request = Mapping[str, Any]
Answer = dict[str, Any]
assert {"lock", "intent", "decision"} <= CATALOGUE.keys()


class Trial:
    """A Transaction whose writes go nowhere."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._own: dict[bytes, bytes | None] = {}
        self.now = transaction.now

    def get(self, key: bytes) -> bytes | None:
        return self._own[key] if key in self._own else self._transaction.get(key)

    def scan(self, start: bytes, stop: bytes, *, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        raise AssertionError("an item's write scans nothing")

    def put(self, key: bytes, value: bytes) -> None:
        self._own[key] = value

    def delete(self, key: bytes) -> None:
        self._own[key] = None

    def emit(self, reader: str, account: str, kind: str, event: dict[str, Any]) -> None:
        raise AssertionError("an item's write emits nothing")

    def start_job(self, name: str, state: dict[str, Any]) -> None:
        """What a write starts begins when it is put."""


# --- a participant


def prepare(
    tables: Catalogue, context: Context, transaction: Transaction, request: Request, actions: list[Action]
) -> Answer:
    """Locks the items and keeps what is to become of them: how much was sent, and what is told of it. Errors as those
    of the transaction itself, and then nothing is kept."""
    about = request["Transaction"]
    targets = transactions.located(tables, context, transaction, actions)
    trial = Trial(transaction)
    written = transactions.perform(trial, actions, targets)
    changes, locked = [], dict.fromkeys(target.table.table_name for target in targets)
    for action, target in zip(actions, targets, strict=True):
        assert target.key is not None, "what has no row was refused"
        transaction.put(rows.lock_key(target.key), about["Id"].encode())
        record = None if action.kind == CHECK else trial.get(target.key)
        changes.append([target.table.table_name, target.key, action.kind != CHECK, record])
    for name in locked:
        _count_locks(tables, context.scope, transaction, name, sum(change[0] == name for change in changes))
    transaction.put(_INTENTS + about["Id"].encode(), pack(
        {"version": VERSION, "scope": [*context.scope], "changes": changes}))
    transaction.start_job(RESOLVE_JOB, {
        **_identity(context, about["Id"]), "decider": about["Decider"], "wake_at": transaction.now() + RESOLVE_AFTER_S})
    told = transactions.told(request, actions, targets, written)
    return {"Size": sum(action.size for action in actions), "Told": told}


def _identity(context: Context, identity: str) -> Answer:
    return {"id": identity, "account": context.identity.account, "region": context.region,
            "principal": context.identity.principal}


def _count_locks(
    tables: Catalogue, scope: tuple[str, str], transaction: Transaction, name: str, more: int
) -> None:
    table = tables.find(transaction, scope, name)
    assert table is not None, "a table with locks cannot be deleted"
    record = record_of(transaction, table)
    record["locks"] = record.get("locks", 0) + more
    if not record["locks"]:
        del record["locks"]
    save(transaction, record)


def settle(tables: Catalogue, transaction: Transaction, identity: str, *, commit: bool) -> None:
    """The end of an intent; nothing when it has ended."""
    row = transaction.get(_INTENTS + identity.encode())
    if row is None:
        return
    intent = unpack(row)
    assert intent["version"] == VERSION, "records of another version are upgraded here"
    scope, changes = tuple(intent["scope"]), intent["changes"]
    for _, key, _, _ in changes:
        transaction.delete(rows.lock_key(key))
    for name in dict.fromkeys(change[0] for change in changes):
        _count_locks(tables, scope, transaction, name, -sum(change[0] == name for change in changes))
    for name, key, is_change, record in changes if commit else ():
        table = tables.find(transaction, scope, name)
        assert table is not None, "a table with locks cannot be deleted"
        before = transaction.get(key)
        if not is_change:
            continue
        if record is None:
            rows.remove(transaction, table, key, before)
        else:
            rows.replace(transaction, table, key, state.unpack_item(record), state.item_size(record), before,
                         is_decided=True)
    transaction.delete(_INTENTS + identity.encode())


async def resolve_step(tables: Catalogue, surroundings: Surroundings, job: Answer) -> None:
    """An intent that nobody ended asks the shard that decides, which thereby decides against it if it has not yet."""
    shard, identity = surroundings.shard, job["id"]
    if shard.read(lambda snapshot: is_open(snapshot, identity)):
        commit = (await _step(surroundings, job, job["decider"], "Outcome", {"Id": identity}))["Commit"]
        await shard.transact(lambda transaction: settle(tables, transaction, identity, commit=commit))


def is_open(snapshot: Snapshot, identity: str) -> bool:
    return snapshot.get(_INTENTS + identity.encode()) is not None


# --- the shard that decides


def decide(tables: Catalogue, context: Context, transaction: Transaction, request: Request) -> Answer:
    """Commits: from now on it has happened. TransactionConflictException when it was decided against it before."""
    identity = request["Id"]
    key = _DECISIONS + identity.encode()
    if transaction.get(key) is not None or not is_open(transaction, identity):
        raise TransactionConflictException
    transaction.put(key, pack({"version": VERSION, "commit": True}))
    if request["Token"] is not None:
        tokens.remember(transaction, context.scope, request["Token"], request["Content"])
    settle(tables, transaction, identity, commit=True)
    transaction.start_job(SETTLE_JOB, {**_identity(context, identity), "shards": request["Shards"],
                                       "wake_at": transaction.now() + SETTLE_AFTER_S})
    return {}


def outcome(context: Context, transaction: Transaction, request: Request) -> Answer:
    """What was decided; what was not is refused for good."""
    key = _DECISIONS + request["Id"].encode()
    row = transaction.get(key)
    if row is not None:
        return {"Commit": unpack(row)["commit"]}
    transaction.put(key, pack({"version": VERSION, "commit": False}))
    transaction.start_job(FORGET_JOB, {"id": request["Id"], "wake_at": transaction.now() + REFUSAL_KEPT_S})
    return {"Commit": False}


def forget_step(transaction: Transaction, job: Answer) -> None:
    transaction.delete(_DECISIONS + job["id"].encode())


async def settle_step(surroundings: Surroundings, job: Answer) -> None:
    """Tells all participants, and forgets the decision when all have confirmed it."""
    for shard in job["shards"]:
        await _step(surroundings, job, shard, "Settle", {"Id": job["id"], "Commit": True})
    await surroundings.shard.transact(lambda transaction: forget_step(transaction, job))


async def _step(surroundings: Surroundings, job: Answer, shard: int, name: str, params: Request) -> Answer:
    identity = on_behalf(job["account"], job["principal"])
    return await step_at(surroundings, "dynamodb", identity, job["region"], shard, name, params, STEP_TIMEOUT_S)
