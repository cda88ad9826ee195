"""Secrets engines: what a mount does with its part of the store.

    kv1      one value a path, last write wins
    kv2      numbered versions, check-and-set, soft delete, metadata
    transit  keys that encrypt, sign and authenticate for others

An engine is a set of functions over a ``Reader`` or a ``Transaction`` that is already confined to its
mount: keys here are relative to the mount, values are plaintext, and encryption happens below. Reads
need a reader only, so worker processes run them; changes need a transaction, so the one writer runs
them. Everything that may change between a check and its write is decided inside the transaction.

Who is asking is never known here, and neither is HTTP: an answer is JSON text ready to be placed into
a response, a failure is one of the kinds of ``holdfast.errors``.
"""
