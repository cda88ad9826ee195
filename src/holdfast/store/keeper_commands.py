"""What only the keeper of the keys can do: initialise, unseal, seal, rotate, say how far unsealing is.

These cross the process border like any other command, but are not changes inside a transaction of an
open store; the keeper (``holdfast.store.keeper``) runs them by itself.
"""

from typing import ClassVar

from holdfast.store.command import Command


class KeeperCommand(Command, frozen=True):
    """Base of the commands that the keeper runs itself, outside the group commit."""

    shared: ClassVar[bool] = True


class InitializeStore(KeeperCommand, frozen=True, kw_only=True):
    """Create keys, mounts, policies and the first root token; leaves the store sealed."""

    shares: int
    threshold: int


class SubmitShare(KeeperCommand, frozen=True, kw_only=True):
    """Hand in one share of the unseal key, as hex or base64 text."""

    share: str


class ResetUnsealing(KeeperCommand, frozen=True):
    """Forget the shares handed in so far."""


class ReadSealStatus(KeeperCommand, frozen=True):
    """Tell whether the store is sealed and how far unsealing is."""


class SealStore(KeeperCommand, frozen=True):
    """Drop the keys in every process."""


class RotateKeyring(KeeperCommand, frozen=True):
    """Add a term to the keyring; new records are written under it, old ones stay readable."""
