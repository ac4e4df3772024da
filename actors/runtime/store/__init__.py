"""The shard: an LMDB environment with one writer, group commit, outbox and jobs. The only importer of lmdb."""
