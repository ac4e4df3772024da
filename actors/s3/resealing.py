"""Our key is replaced: what it seals is sealed anew, then the old one is forgotten. Files stay as they are.

What a customer's key seals opens under none of ours and is passed over. A crash on the way leaves two keys in the file,
under which everything opens; the next rotation finishes it.
"""

from functools import partial
from itertools import islice

from actors.runtime.store.shard import Shard
from actors.runtime.store.transaction import Transaction
from actors.runtime.vault import Vault
from actors.s3 import contents
from actors.s3.engine.sealing import Broken, OurKey
from bus.codec import pack, unpack

STEP_ROWS = 128                           # sealed anew in one transaction


async def rotate(shard: Shard, vault: Vault) -> int:
    """How many rows were sealed anew."""
    vault.rotate()
    count = 0
    for table in contents.SEALED:
        after: bytes | None = table
        while after is not None:
            done, after = await shard.transact(partial(_step, OurKey(vault), table, after))
            count += done
    vault.forget()
    return count


def _step(ours: OurKey, table: bytes, after: bytes, transaction: Transaction) -> tuple[int, bytes | None]:
    """(how many were sealed anew, where the next step begins; None: there are no more)."""
    member = contents.SEALED[table]
    rows = list(islice(transaction.scan(after, bytes([table[0] + 1])), STEP_ROWS))
    done = 0
    for key, row in rows:
        found = unpack(row)
        if member not in found:
            continue
        try:
            data = ours.open(found[member], key[1:])
        except Broken:
            continue
        transaction.put(key, pack({**found, member: ours.seal(data, key[1:])}))
        done += 1
    return done, rows[-1][0] + b"\0" if len(rows) == STEP_ROWS else None
