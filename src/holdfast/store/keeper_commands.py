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
    """Create keys, mounts, policies and the first root token; leaves the store sealed.

    Attributes:
        shares: into how many the unseal key is split.
        threshold: how many of them unseal.
        pgp_keys: base64 of binary OpenPGP public keys, one for each share; none for shares in clear.
        root_token_pgp_key: the same for the root token.
        token_in_clear: without such a key, show the token in clear even if the shares are not.
    """

    shares: int
    threshold: int
    pgp_keys: tuple[str, ...] = ()
    root_token_pgp_key: str = ""
    token_in_clear: bool = False


class ReadInitialization(KeeperCommand, frozen=True):
    """Tell which encrypted shares there are, and for whom. Contains nothing that is of use by itself."""


class DealShares(KeeperCommand, frozen=True, kw_only=True):
    """Replace the unseal key and its shares while every secret stays; for a superuser of the open store.

    Attributes are those of ``InitializeStore``.
    """

    shares: int
    threshold: int
    pgp_keys: tuple[str, ...] = ()


class SubmitShare(KeeperCommand, frozen=True, kw_only=True):
    """Hand in one share of the unseal key.

    Attributes:
        share: as hex or base64 text.
        this_node: whether it is meant for this node alone.
    """

    share: str
    this_node: bool = False


class ResetUnsealing(KeeperCommand, frozen=True, kw_only=True):
    """Forget the shares handed in so far.

    Attributes:
        this_node: whether it is meant for this node alone.
    """

    this_node: bool = False


class AutoUnseal(KeeperCommand, frozen=True, kw_only=True):
    """Open the store with the private key that lies where the configuration says.

    The keyring is opened first, to see who asks; unless that is a superuser it is dropped again, and no
    reader ever got it.

    Attributes:
        token: of whoever asks.
        message: the encrypted share to use, in hex; empty for the stored one.
        this_node: whether it is meant for this node alone.
    """

    token: str
    message: str = ""
    this_node: bool = False


class ReadSealStatus(KeeperCommand, frozen=True):
    """Tell whether the store is sealed and how far unsealing is."""


class SealStore(KeeperCommand, frozen=True, kw_only=True):
    """Drop the keys in every process, and remember that this was asked for.

    Attributes:
        this_node: whether the other nodes stay as they are.
    """

    this_node: bool = False


class RotateKeyring(KeeperCommand, frozen=True):
    """Add a term to the keyring; new records are written under it, old ones stay readable."""


class FollowStorage(KeeperCommand, frozen=True):
    """Look at what other nodes have changed: the keyring, the seal."""
