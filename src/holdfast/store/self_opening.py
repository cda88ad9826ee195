"""Opening a store with a private key that is at hand, or another store's help, and who may ask for it."""

from binascii import unhexlify

from holdfast.barrier import Keyring, parse_share
from holdfast.barrier.seal_config import TRANSIT, SealConfig
from holdfast.crypto.openpgp import decrypt_message
from holdfast.errors import InvalidInputError, PermissionDeniedError, UnavailableError
from holdfast.iam.settings import IamSettings
from holdfast.model import SecretBytes
from holdfast.storage.interface import Storage
from holdfast.store.changes import StoredCounter
from holdfast.store.open_store import OpenStore
from holdfast.store.seal_settings import SealSettings, find_private_key


def unseal_key_from(
    settings: SealSettings, storage: Storage, config: SealConfig, *, message: str = ""
) -> SecretBytes:
    """Decrypt the unseal key.

    Args:
        settings: where the private key lies.
        storage: where it may lie.
        config: holds the encrypted share.
        message: another message to decrypt in its place, in hex.

    Raises:
        UnavailableError: no private key is at hand, or there is more than one share, so people have to help.
        InvalidInputError: the message is not hex, or not encrypted to this key.
    """
    if config.type == TRANSIT:
        if settings.wrapper is None:
            raise UnavailableError("the configuration names no other store for the transit seal")
        return settings.wrapper.unwrap(config.wrapped_key)
    if config.threshold != 1 or not config.encrypted_shares:
        raise UnavailableError("this store cannot open itself: hand in unseal keys")
    try:
        encrypted = unhexlify(message) if message else config.messages()[0]
    except ValueError:
        raise InvalidInputError("key: expected the encrypted key in hex, as init gave it out") from None
    with (
        find_private_key(settings, storage) as private_key,
        decrypt_message(encrypted, private_key) as text,
    ):
        return parse_share(text.reveal().decode("ascii", errors="replace"))


def require_superuser(
    storage: Storage, keyring: Keyring, token: str, *, iam: IamSettings, now: float
) -> None:
    """Refuse a caller who may not do everything, in a store that nobody else sees open yet.

    Raises:
        UnauthenticatedError: no token of anybody.
        PermissionDeniedError: the token of somebody else.
    """
    # A store of its own, over a keyring of its own: what it keeps is dropped with it.
    buffer = keyring.to_bytes()
    try:
        opened = OpenStore(
            storage,
            Keyring.from_bytes(buffer),
            StoredCounter(storage),
            iam=iam,
            secret_mounts=dict,  # superusers need no permission on any
        )
    finally:
        buffer[:] = bytes(len(buffer))
    try:
        if not opened.authenticate(token, now).acl.is_root:
            raise PermissionDeniedError("permission denied")
    finally:
        opened.keyring.wipe()
