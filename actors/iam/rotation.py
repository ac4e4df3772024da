"""The key of the secrets at rest is replaced: everything is sealed anew, then the old key is forgotten.

A crash on the way leaves two keys in the file, under which everything opens; the next rotation finishes it.
"""

from collections.abc import Iterator
from functools import partial
from itertools import islice

from actors.iam.state import Book, Record
from actors.iam.vault import Vault
from actors.runtime.store.shard import Shard
from actors.runtime.store.transaction import Transaction

STEP_SECRETS = 128                            # sealed anew in one transaction


async def rotate(shard: Shard, vault: Vault) -> int:
    """How many secrets there were."""
    vault.rotate()
    count = 0
    for kind in ("key", "session", "sealed"):
        after: str | None = ""
        while after is not None:
            done, after = await shard.transact(partial(_step, vault, kind, after))
            count += done
    vault.forget()
    return count


def _step(vault: Vault, kind: str, after: str, transaction: Transaction) -> tuple[int, str | None]:
    """(how many were sealed anew, the last of them; None: there are no more)."""
    done, last = 0, None
    for last, book, record, parts in islice(_secrets(transaction, kind, after), STEP_SECRETS):
        record["secret"] = vault.seal_text(vault.open_text(record["secret"], last), last)
        book.put(record, *parts)
        done += 1
    return done, last


def _secrets(
    transaction: Transaction, kind: str, after: str
) -> Iterator[tuple[str, Book, Record, tuple[str, ...]]]:
    """(the name a secret is sealed for, and where its record stands), behind `after`. What is written meanwhile does
    not change what is yielded."""
    shared = Book(transaction, "")
    for name, row in shared.rows(kind, after=after):
        if kind == "session":
            yield name, shared, row, (kind, name)
        else:
            book = shared.elsewhere(row["account"])
            parts = tuple(row["parts"]) if kind == "sealed" else (kind, row["user"], name)
            record = book.row(*parts)
            assert record is not None, name
            yield name, book, record, parts
