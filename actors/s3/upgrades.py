"""Configurations from before S3 did anything about them: replications and inventories that were kept begin to work,
once in the life of a shard."""

from actors.runtime.store.transaction import Transaction
from actors.s3 import inventories, replication, state

_DONE = b"w"                              # a row of its own


def begin(transaction: Transaction) -> None:
    if transaction.get(_DONE) is not None:
        return
    transaction.put(_DONE, b"")
    for name in [record["name"] for record in state.buckets(transaction)]:
        bucket = state.get_bucket(transaction, name)
        if bucket.configuration(replication.KIND) is not None and replication.FLAG not in bucket.record:
            bucket.record[replication.FLAG] = True
            bucket.save()
        for kind in list(bucket.configurations()):
            member, _, identity = kind.partition("/")
            if member == inventories.MEMBER and bucket.configuration(f"{inventories.RUN}/{identity}") is None:
                inventories.changed(transaction, bucket, identity, bucket.configuration(kind))
