"""Collecting shares until there are enough to make a key of them.

An attempt counts a share once, however often it is sent. It gives up on what it has when nobody goes
on for ten minutes, and starts over after every complete set, whatever that set opened. Which share of a
wrong set was wrong is not known, here neither. Nothing here reads or writes.
"""

import base64
import binascii
import hmac

from holdfast.barrier.errors import MalformedShareError, UnsealFailedError
from holdfast.barrier.seal_config import SealConfig
from holdfast.clock import Clock
from holdfast.crypto.identifiers import new_uuid
from holdfast.crypto.shamir import combine
from holdfast.errors import InvalidInputError
from holdfast.model import SecretBytes

ATTEMPT_SECONDS = 600.0

# What Vault accepts, before it knows how long the shares of this store are.
MIN_SHARE_BYTES = 16
MAX_SHARE_BYTES = 33


class UnsealAttempt:
    """Shares submitted towards one unseal key.

    Args:
        config: how many are needed, and how long they are.
        clock: tells when progress is too old to be kept.
    """

    __slots__ = ("_clock", "_config", "_expires_at", "_nonce", "_shares")

    def __init__(self, config: SealConfig, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._shares: list[SecretBytes] = []
        self._nonce = ""
        self._expires_at = 0.0

    @property
    def progress(self) -> int:
        """How many different shares are here."""
        self._expire()
        return len(self._shares)

    @property
    def nonce(self) -> str:
        """Name of the attempt, in UUID form; empty while there is no share."""
        self._expire()
        return self._nonce

    def submit(self, share: SecretBytes) -> SecretBytes | None:
        """Take one more share, and ownership of it.

        Returns:
            The unseal key that a complete set combines to, right or wrong; ``None`` while shares are
            missing. A share that is here already changes nothing.

        Raises:
            MalformedShareError: no share of this store has this length; progress is kept.
            UnsealFailedError: a complete set that cannot belong together; progress is gone.
        """
        self._expire()
        if len(share) != self._config.share_bytes:
            share.wipe()
            raise MalformedShareError(f"'key' must be an unseal key of {self._config.share_bytes} bytes")
        if self._holds(share):
            share.wipe()
            return None
        if not self._shares:
            self._nonce = new_uuid()
        self._shares.append(share)
        self._expires_at = self._clock.now() + ATTEMPT_SECONDS
        if len(self._shares) < self._config.threshold:
            return None
        try:
            return SecretBytes(combine([held.reveal() for held in self._shares]))
        except InvalidInputError:
            raise UnsealFailedError from None
        finally:
            self.reset()

    def reset(self) -> None:
        """Forget every share. The next one starts an attempt with a new nonce."""
        for share in self._shares:
            share.wipe()
        self._shares.clear()
        self._nonce = ""

    def _expire(self) -> None:
        if self._shares and self._clock.now() >= self._expires_at:
            self.reset()

    def _holds(self, share: SecretBytes) -> bool:
        # Every held share is compared to its end, so that the time tells nothing about any of them.
        return sum(hmac.compare_digest(held.view(), share.view()) for held in self._shares) > 0


def parse_share(text: str) -> SecretBytes:
    """Read a share as people and programs submit it: hex, or else base64.

    Raises:
        MalformedShareError: empty, or neither of both, or of no length that a share can have.
    """
    if not text:
        raise MalformedShareError("'key' must be specified in request body as JSON, or 'reset' set to true")
    for decode in (binascii.unhexlify, _decode_base64):
        try:
            share = decode(text)
        except ValueError:
            continue
        if MIN_SHARE_BYTES <= len(share) <= MAX_SHARE_BYTES:
            return SecretBytes(share)
    raise MalformedShareError("'key' must be a valid hex or base64 string")


def _decode_base64(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
