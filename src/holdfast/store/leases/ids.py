"""How a lease is named: by the path at which its token was made, and the token's name in storage.

    auth/approle/login/<token hash>

Who knows the name of a lease does not know the token, and the store does not tell it. A token without an end
has no lease, and neither has one that is stored nowhere.
"""

from collections.abc import Iterator

from holdfast.storage.interface import Reader
from holdfast.store.tokens import records as token_records
from holdfast.store.tokens.records import TokenEntry, TokenHasher


def lease_id(entry: TokenEntry, token_hash: str) -> str:
    """Return the name of a token's lease."""
    return f"{entry.path}/{token_hash}"


def find_lease(view: Reader, hasher: TokenHasher, name: str, *, now: float) -> tuple[str, TokenEntry] | None:
    """Return hash and entry of the live token whose lease has this name in a namespace, or ``None``."""
    path, _, token_hash = name.strip("/").rpartition("/")
    entry = token_records.load_live(view, token_hash, now=now) if hasher.owns(token_hash) else None
    return None if entry is None or entry.path != path or not entry.expires_at else (token_hash, entry)


def leases_below(view: Reader, hasher: TokenHasher, prefix: str) -> Iterator[tuple[str, str, TokenEntry]]:
    """Yield name, token hash and entry of every lease below a prefix, which ends in a slash or is empty.

    Every token is looked at: leases have no index of their own, because tokens are made far more often than
    leases are listed.
    """
    for token_hash, entry in token_records.walk(view, hasher):
        name = lease_id(entry, token_hash)
        if entry.expires_at and f"{name}/".startswith(prefix):
            yield name, token_hash, entry
