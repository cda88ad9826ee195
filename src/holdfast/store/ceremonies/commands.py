"""What is said to a ceremony, from any process to the keeper.

Each ceremony has a nonce, which names it: a share is handed in to the ceremony that its holder knows of, and
to no other that somebody began in its place.
"""

from holdfast.store.keeper_commands import KeeperCommand


class CeremonyCommand(KeeperCommand, frozen=True):
    """Base of what ceremonies understand. The store has to be open."""


class ReadRekey(CeremonyCommand, frozen=True):
    """Tell how far dealing new shares is."""


class StartRekey(CeremonyCommand, frozen=True, kw_only=True):
    """Begin to deal new shares; the holders of the old ones have to agree.

    Attributes:
        shares: how many new ones.
        threshold: how many of them unseal.
        pgp_keys: base64 of binary OpenPGP public keys, one for each new share; none for shares in clear.
        verify: whether the new shares count only once enough of them were handed in as well.
    """

    shares: int
    threshold: int
    pgp_keys: tuple[str, ...] = ()
    verify: bool = False


class CancelRekey(CeremonyCommand, frozen=True):
    """Forget the ceremony and what was handed in."""


class SubmitOldShare(CeremonyCommand, frozen=True, kw_only=True):
    """Hand in a share that unseals the store today."""

    share: str
    nonce: str


class ReadVerification(CeremonyCommand, frozen=True):
    """Tell how far the holders of new shares are with showing them."""


class SubmitNewShare(CeremonyCommand, frozen=True, kw_only=True):
    """Hand in a new share, to show that its holder has it."""

    share: str
    nonce: str


class RestartVerification(CeremonyCommand, frozen=True):
    """Begin to show the new shares again."""


class ReadShareBackup(CeremonyCommand, frozen=True):
    """Tell the encrypted shares that the store keeps, by the fingerprint of who can read each."""


class DeleteShareBackup(CeremonyCommand, frozen=True):
    """Keep the encrypted shares no longer: their holders have them."""


class ReadRootGeneration(CeremonyCommand, frozen=True):
    """Tell how far making a root token is."""


class StartRootGeneration(CeremonyCommand, frozen=True, kw_only=True):
    """Begin to make a root token; the holders of shares have to agree.

    Attributes:
        otp: what the token is hidden with, as long as the token; empty to have one made.
        pgp_key: encrypt the token for this OpenPGP key instead, base64 of its binary form.
    """

    otp: str = ""
    pgp_key: str = ""


class CancelRootGeneration(CeremonyCommand, frozen=True):
    """Forget the ceremony and what was handed in."""


class SubmitRootShare(CeremonyCommand, frozen=True, kw_only=True):
    """Hand in a share that unseals the store today."""

    share: str
    nonce: str
