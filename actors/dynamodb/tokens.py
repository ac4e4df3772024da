"""ClientRequestToken: which transactions have been performed in the last ten minutes.

    u32 0 | "k" account \\0 region \\0 token      when, and the hash of what was asked
    u32 0 | "x" u64 milliseconds | that key      the same in the order of time, for the job that forgets them
    u32 0 | "x"                                  that job is under way

Written in the transaction itself: a token is known exactly when its writes are there, also after a crash.
Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
"""

import hashlib
import json
import struct
from itertools import islice
from typing import Any

from actors.dynamodb import state
from actors.dynamodb.catalogue import Scope
from actors.dynamodb.errors import IdempotentParameterMismatchException
from actors.runtime.actor import JOB_STEP_ROWS
from actors.runtime.store.transaction import Snapshot, Transaction

VALID_S = 600.0
FORGET_JOB = "forget_tokens"

_HASH_BYTES = 16
_TOKENS, _TIMES = state.catalogue_prefix("token"), state.catalogue_prefix("token time")
_RECORD = struct.Struct(f">BQ{_HASH_BYTES}s")             # version, milliseconds since the epoch, hash
_TIME = struct.Struct(">Q")


def is_repeated(transaction: Transaction, scope: Scope, token: str, content: Any) -> bool:
    """Was this done under the token before? IdempotentParameterMismatchException when it was something else."""
    record = transaction.get(_key(scope, token))
    if record is None:
        return False
    version, then_ms, known = _RECORD.unpack(record)
    assert version == state.RECORD_VERSION, "records of another version are upgraded here"
    if transaction.now() >= then_ms / 1000 + VALID_S:
        return False
    if known != _digest(content):
        raise IdempotentParameterMismatchException
    return True


def remember(transaction: Transaction, scope: Scope, token: str, content: Any) -> None:
    key, now_ms = _key(scope, token), int(transaction.now() * 1000)
    transaction.put(key, _RECORD.pack(state.RECORD_VERSION, now_ms, _digest(content)))
    transaction.put(_TIMES + _TIME.pack(now_ms) + key, b"")
    if transaction.get(_TIMES) is None:
        transaction.put(_TIMES, b"")
        transaction.start_job(FORGET_JOB, {"wake_at": now_ms / 1000 + VALID_S})


def forget_step(transaction: Transaction, now: float) -> dict[str, Any] | None:
    """One step of forgetting what is no longer valid; ends with the last token."""
    start = _TIMES + b"\0"
    due = list(islice(transaction.scan(start, state.past(_TIMES)), JOB_STEP_ROWS // 2))
    for row, _ in due:
        (then_ms,) = _TIME.unpack_from(row, len(_TIMES))
        if then_ms / 1000 + VALID_S > now:
            return {"wake_at": then_ms / 1000 + VALID_S}
        transaction.delete(row)
        _forget(transaction, row[len(_TIMES) + _TIME.size:], then_ms)
    if due:
        return {}
    transaction.delete(_TIMES)
    return None


def _forget(transaction: Transaction, key: bytes, then_ms: int) -> None:
    """A token that was used again since keeps its newer record."""
    record = transaction.get(key)
    if record is not None and _RECORD.unpack(record)[1] == then_ms:
        transaction.delete(key)


def _key(scope: Scope, token: str) -> bytes:
    return _TOKENS + f"{scope[0]}\0{scope[1]}\0{token}".encode("utf-8", "surrogatepass")


def _digest(content: Any) -> bytes:
    """The same whatever the order of members: a client may write its maps in any."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), default=_hex)
    return hashlib.blake2b(text.encode(), digest_size=_HASH_BYTES).digest()


def _hex(value: Any) -> str:
    assert isinstance(value, bytes), type(value)
    return value.hex()


def known(snapshot: Snapshot) -> int:
    """How many tokens are remembered."""
    return sum(1 for _ in snapshot.scan(_TOKENS, state.past(_TOKENS)))
