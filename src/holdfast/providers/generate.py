"""Making a key: 256 random bits as base64 text, stored as the newest version, and proved to be there."""

import base64
import hmac
import secrets

from holdfast.errors import InternalError
from holdfast.model import SecretBytes
from holdfast.providers.errors import SecretNotFoundError
from holdfast.providers.interface import SecretRef, SecretsProvider

KEY_BYTES = 32  # what cannot be guessed needs no slow key derivation


def random_key() -> SecretBytes:
    """Return a new key, which nobody has."""
    return SecretBytes(base64.b64encode(secrets.token_bytes(KEY_BYTES)))


def generate_key(
    provider: SecretsProvider, ref: SecretRef, *, first: bool = False
) -> tuple[int | None, SecretBytes]:
    """Store a new random key; return its version and the key, which the caller wipes.

    Nobody else's change is lost: the write is refused when the secret changed meanwhile.

    Args:
        provider: where to.
        ref: which secret.
        first: only if there is no such secret yet.

    Raises:
        SecretExistsError: it did, or it is there although it was to be the first.
        ProviderUnavailableError: the provider is sealed, away, or refuses the node.
    """
    key = random_key()
    expected = 0 if first else _newest_version(provider, ref)
    version = provider.put(ref, key, expected_version=expected)
    with provider.get(ref.at(version)).value as stored:
        if not hmac.compare_digest(stored.view(), key.view()):
            raise InternalError("the secrets provider gave back another key than was stored")
    return version, key


def _newest_version(provider: SecretsProvider, ref: SecretRef) -> int | None:
    """Return what ``put`` is to expect: the newest version, 0 for none, ``None`` if none are kept."""
    try:
        secret = provider.get(ref.at(None))
    except SecretNotFoundError:
        return 0
    secret.value.wipe()
    return secret.version
