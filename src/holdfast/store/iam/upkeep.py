"""What time asks for among users' tokens: forget what has no effect any more."""

from holdfast.storage.interface import Transaction
from holdfast.store.iam import revocations, signing_keys


def tidy_users_tokens(view: Transaction, *, now: float) -> None:
    """Forget revocations of expired tokens, and keys that nothing is verified with any more."""
    revocations.tidy(view, now=now)
    signing_keys.tidy(view, now=now)
