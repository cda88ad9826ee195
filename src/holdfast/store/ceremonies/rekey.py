"""Dealing new shares, with the consent of those who hold the old ones.

    start  ->  old shares, up to their threshold  ->  new shares are given out
                                                   ->  they count at once, or
                                                   ->  once enough new ones were handed in (``verify``)

What is not finished is in memory alone, and gone with a seal or a restart: the old shares go on to count.
"""

from typing import Any

from holdfast.barrier import PreparedShares, Unsealed, prepare_shares
from holdfast.barrier.seal import Wrap
from holdfast.clock import Clock
from holdfast.errors import InvalidInputError
from holdfast.model import SecretBytes
from holdfast.store.ceremonies.commands import StartRekey
from holdfast.store.ceremonies.gathering import Gathering
from holdfast.store.founding import describe_shares, read_recipients

NOT_STARTED: dict[str, Any] = {
    "nonce": "",
    "started": False,
    "t": 0,
    "n": 0,
    "progress": 0,
    "required": 0,
    "pgp_fingerprints": None,
    "backup": False,
    "verification_required": False,
    "verification_nonce": "",
}


class Rekey:
    """One ceremony.

    Args:
        command: what was asked for.
        unsealed: the open store.
        clock: see ``Gathering``.
        wrap: see ``CeremonyDesk``.

    Raises:
        InvalidInputError: numbers that allow no split, or keys that are unfit; nothing was begun.
    """

    def __init__(
        self, command: StartRekey, unsealed: Unsealed, clock: Clock, *, wrap: Wrap | None = None
    ) -> None:
        self._command = command
        self._clock = clock
        recipients = read_recipients(command.pgp_keys)
        # Made now, so that what cannot be done is refused before people come together.
        self._prepared = prepare_shares(
            unsealed,
            shares=command.shares,
            threshold=command.threshold,
            recipients=recipients,
            wrap=wrap,
        )
        self._consent = Gathering(unsealed.config, clock, purpose="rekey")
        self._verification: Gathering | None = None

    def describe(self) -> dict[str, Any]:
        """Return how far it is, as the API says it."""
        return {
            "nonce": self._consent.nonce,
            "started": True,
            "t": self._command.threshold,
            "n": self._command.shares,
            "progress": self._consent.progress,
            "required": self._consent.required,
            "pgp_fingerprints": list(self._prepared.dealt.config.fingerprints) or None,
            "backup": bool(self._prepared.dealt.config.fingerprints),
            "verification_required": self._command.verify,
            "verification_nonce": self._verification.nonce if self._verification else "",
        }

    def submit_old(self, share: str, nonce: str) -> SecretBytes | None:
        """Take an old share; return the key of a complete set, which the caller checks."""
        if self._verification is not None:
            raise InvalidInputError("the new shares were given out already: hand them in to verify them")
        return self._consent.submit(share, nonce)

    def give_out(self) -> dict[str, Any]:
        """Return the new shares, once; call it when the old ones were found to be right."""
        document = {
            "nonce": self._consent.nonce,
            "complete": True,
            **describe_shares(self._prepared.dealt),
            "backup": bool(self._prepared.dealt.config.fingerprints),
            "verification_required": self._command.verify,
        }
        if self._command.verify:
            self._verification = Gathering(
                self._prepared.dealt.config, self._clock, purpose="rekey verification"
            )
            document["verification_nonce"] = self._verification.nonce
        return document

    @property
    def is_due(self) -> bool:
        """Whether the new shares count as soon as they are given out."""
        return not self._command.verify

    @property
    def prepared(self) -> PreparedShares:
        """What is to be stored."""
        return self._prepared

    def describe_verification(self) -> dict[str, Any]:
        """Return how far showing the new shares is."""
        showing = self._showing()
        return {
            "nonce": showing.nonce,
            "started": True,
            "t": self._command.threshold,
            "n": self._command.shares,
            "progress": showing.progress,
        }

    def submit_new(self, share: str, nonce: str) -> bool:
        """Take a new share; return whether enough were shown, so that they count from now on.

        Raises:
            InvalidInputError: a complete set that is not of these shares; it begins anew.
        """
        key = self._showing().submit(share, nonce)
        if key is None:
            return False
        with key:
            if self._prepared.are_opened_by(key):
                return True
        raise InvalidInputError("the keys handed in are not the new ones: start again")

    def restart_verification(self) -> dict[str, Any]:
        """Begin to show the new shares again, under another nonce."""
        self._showing().close()
        self._verification = Gathering(self._prepared.dealt.config, self._clock, purpose="rekey verification")
        return self.describe_verification()

    def close(self) -> None:
        """Wipe everything that was handed in, and the shares."""
        self._consent.close()
        if self._verification is not None:
            self._verification.close()
        for share in self._prepared.dealt.shares:
            share.wipe()

    def _showing(self) -> Gathering:
        if self._verification is None:
            raise InvalidInputError("no rekey verification in progress")
        return self._verification
