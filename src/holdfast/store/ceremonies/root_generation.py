"""A new root token, with the consent of those who hold shares: the way back in when nobody has one.

The token leaves hidden: XORed with a one-time password that whoever began the ceremony has, or encrypted for
an OpenPGP key. So the last holder to hand in a share, whom the answer goes to, does not learn it.
"""

import base64
import secrets
from typing import Any

from holdfast.barrier import Unsealed
from holdfast.clock import Clock
from holdfast.crypto.identifiers import BASE62, BASE62_LENGTH, SERVICE_TOKEN_PREFIX
from holdfast.errors import InvalidInputError
from holdfast.model import SecretBytes
from holdfast.store.ceremonies.commands import StartRootGeneration
from holdfast.store.ceremonies.gathering import Gathering
from holdfast.store.founding import read_recipients

OTP_LENGTH = len(SERVICE_TOKEN_PREFIX) + BASE62_LENGTH

NOT_STARTED: dict[str, Any] = {
    "nonce": "",
    "started": False,
    "progress": 0,
    "required": 0,
    "complete": False,
    "encoded_token": "",
    "encoded_root_token": "",
    "pgp_fingerprint": "",
    "otp": "",
    "otp_length": OTP_LENGTH,
}


class RootGeneration:
    """One ceremony.

    Args:
        command: what was asked for.
        unsealed: the open store.
        clock: see ``Gathering``.

    Raises:
        InvalidInputError: a one-time password of another length, a key that is unfit, or both at once.
    """

    def __init__(self, command: StartRootGeneration, unsealed: Unsealed, clock: Clock) -> None:
        self._recipient = None
        self._otp = ""
        if command.pgp_key:
            if command.otp:
                raise InvalidInputError("otp, pgp_key: expected one of them")
            [self._recipient] = read_recipients([command.pgp_key], field="pgp_key")
        else:
            self._otp = command.otp or "".join(secrets.choice(BASE62) for _ in range(OTP_LENGTH))
            if len(self._otp) != OTP_LENGTH or not self._otp.isascii():
                raise InvalidInputError(f"otp: expected {OTP_LENGTH} ASCII characters")
        self._shows_otp = not command.otp and self._recipient is None
        self._consent = Gathering(unsealed.config, clock, purpose="root generation")

    def describe(self, *, with_otp: bool = False) -> dict[str, Any]:
        """Return how far it is; with the one-time password only to whoever began, and only if we made it."""
        return {
            **NOT_STARTED,
            "nonce": self._consent.nonce,
            "started": True,
            "progress": self._consent.progress,
            "required": self._consent.required,
            "pgp_fingerprint": self._recipient.fingerprint if self._recipient else "",
            "otp": self._otp if with_otp and self._shows_otp else "",
        }

    def submit(self, share: str, nonce: str) -> SecretBytes | None:
        """Take a share; return the key of a complete set, which the caller checks."""
        return self._consent.submit(share, nonce)

    def finish(self, token: str) -> dict[str, Any]:
        """Return the last answer, with the hidden token."""
        if self._recipient is not None:
            encoded = base64.b64encode(self._recipient.encrypt(token.encode())).decode()
        else:
            encoded = hide_token(token, self._otp)
        return {
            **self.describe(),
            "progress": self._consent.required,
            "complete": True,
            "encoded_token": encoded,
            "encoded_root_token": encoded,
        }

    def close(self) -> None:
        """Wipe what was handed in."""
        self._consent.close()


def hide_token(token: str, otp: str) -> str:
    """Return base64 without padding of a token XORed with a one-time password of the same length."""
    mixed = bytes(a ^ b for a, b in zip(token.encode(), otp.encode(), strict=True))
    return base64.b64encode(mixed).decode().rstrip("=")
