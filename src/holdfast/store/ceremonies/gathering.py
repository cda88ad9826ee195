"""Collecting shares for a ceremony of the open store: the same rules as for unsealing, under a nonce."""

import hmac

from holdfast.barrier import SealConfig, UnsealAttempt, parse_share
from holdfast.clock import Clock
from holdfast.crypto.identifiers import new_uuid
from holdfast.errors import InvalidInputError
from holdfast.model import SecretBytes


class Gathering:
    """Shares handed in towards one key.

    Args:
        config: how many are needed.
        clock: progress that nobody goes on with is given up, as when unsealing.
        purpose: what it is called where a nonce is wrong.

    Attributes:
        nonce: names this gathering.
        required: how many shares are needed.
    """

    def __init__(self, config: SealConfig, clock: Clock, *, purpose: str) -> None:
        self._purpose = purpose
        self.nonce = new_uuid()
        self.required = config.threshold
        self._attempt = UnsealAttempt(config, clock)

    @property
    def progress(self) -> int:
        """How many different shares are here."""
        return self._attempt.progress

    def submit(self, share: str, nonce: str) -> SecretBytes | None:
        """Take one more share.

        Returns:
            The key that a complete set combines to, right or wrong; ``None`` while shares are missing.

        Raises:
            InvalidInputError: meant for another gathering, here already, no share at all, or a complete set
                that cannot belong together.
        """
        if not hmac.compare_digest(nonce.encode(), self.nonce.encode()):
            raise InvalidInputError(
                f"incorrect nonce supplied; nonce for this {self._purpose} operation is {self.nonce}"
            )
        before = self.progress
        key = self._attempt.submit(parse_share(share))
        if key is None and self.progress == before:
            raise InvalidInputError("given key has already been provided during this generation operation")
        return key

    def close(self) -> None:
        """Wipe what was handed in."""
        self._attempt.reset()
