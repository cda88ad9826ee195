"""Single tokens of users that were revoked before their time, remembered until they would have expired.

    iam/revoked/<expiry, 12 digits>/<token id>

A token brings both parts of the key along, so that asking costs one read; and what is due for tidying comes
first.
"""

from holdfast.storage.interface import Reader, Transaction
from holdfast.store.caller import UserToken

TIDY_BATCH = 100
_PREFIX = "revoked/"


def revoke(tx: Transaction, token: UserToken) -> None:
    """Revoke one token; one that is revoked already is fine."""
    tx.put(_key(token.expires_at, token.token_id), b"")


def is_revoked(view: Reader, token: UserToken) -> bool:
    """Whether this token was revoked."""
    return view.get(_key(token.expires_at, token.token_id)) is not None


def tidy(tx: Transaction, *, now: float) -> int:
    """Forget up to ``TIDY_BATCH`` revocations of tokens that have expired; return how many."""
    forgotten = 0
    for second in tx.list(_PREFIX, limit=TIDY_BATCH):
        if int(second.rstrip("/")) > now:
            break
        for token_id in tx.list(_PREFIX + second, limit=TIDY_BATCH - forgotten):
            tx.delete(_PREFIX + second + token_id)
            forgotten += 1
        if forgotten >= TIDY_BATCH:
            break
    return forgotten


def _key(expires_at: int, token_id: str) -> str:
    return f"{_PREFIX}{expires_at:012d}/{token_id}"
