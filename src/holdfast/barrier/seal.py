"""The chain of keys in storage: made once, opened with the unseal key, extended by rotation.

    shares ── combine to ──▶ unseal key ── opens ──▶ root key ── opens ──▶ keyring ── opens ──▶ the rest

    core/seal-config    how the unseal key was split             in clear
    core/seal-intent    whether operators want it sealed         in clear, see ``seal_intent``
    core/root-key       RecordKind.ROOT_KEY                      under the unseal key
    core/keyring        RecordKind.KEYRING                       under the root key

Only these paths belong to the barrier. The unseal key is nowhere in storage, and the root key
and the keyring are in memory only while the store is unsealed.

The root key stays the same for the life of a store; to give out other shares (``prepare_shares``) is to wrap
it anew.

Every change is one transaction. A crash during initialisation leaves nothing or a complete store; of two
rotations that race, one adds a term and the other finds it there.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from holdfast.barrier.attempt import UnsealAttempt
from holdfast.barrier.errors import (
    AlreadyInitializedError,
    RecordError,
    RotatedElsewhereError,
    UnsealFailedError,
)
from holdfast.barrier.keyring import Keyring
from holdfast.barrier.record import TERM_OUTSIDE_KEYRING, RecordKind, open_key_record, seal_record
from holdfast.barrier.seal_config import (
    SEAL_CONFIG_PATH,
    SHAMIR,
    TRANSIT,
    SealConfig,
    load_seal_config,
    save_seal_config,
)
from holdfast.barrier.state import Sealed, Uninitialized, Unsealed
from holdfast.clock import Clock
from holdfast.crypto.aead import Aead, NotAuthenticError, new_key
from holdfast.crypto.openpgp import Recipient
from holdfast.crypto.shamir import check_split, split
from holdfast.errors import InvalidInputError
from holdfast.model import SecretBytes
from holdfast.storage.interface import Reader, Storage, Transaction

ROOT_KEY_PATH = "core/root-key"
KEYRING_PATH = "core/keyring"

Wrap = Callable[[SecretBytes], str]
"""Encrypts the unseal key as only somebody else can decrypt it."""


@dataclass(frozen=True, slots=True)
class DealtShares:
    """A new unseal key, in shares. They are shown once, and stored nowhere but for their recipients.

    Attributes:
        shares: in clear; empty if they are encrypted for recipients.
        config: how the store is sealed now, with the encrypted shares.
    """

    shares: tuple[SecretBytes, ...]
    config: SealConfig


@dataclass(frozen=True, slots=True)
class InitialKeys:
    """What initialisation made.

    Attributes:
        shares: as in ``DealtShares``.
        config: as in ``DealtShares``.
        keyring: for what has to be stored in the same transaction; wipe it afterwards.
    """

    shares: tuple[SecretBytes, ...]
    config: SealConfig
    keyring: Keyring


def current_state(reader: Reader, clock: Clock) -> Uninitialized | Sealed:
    """Return the state of a store whose keys nobody in this process holds.

    Raises:
        RecordError: the seal configuration is damaged.
    """
    config = load_seal_config(reader)
    return Uninitialized() if config is None else Sealed(config, UnsealAttempt(config, clock))


def initialize(
    tx: Transaction,
    *,
    shares: int,
    threshold: int,
    now: float,
    recipients: Sequence[Recipient] = (),
    seal_type: str = SHAMIR,
    wrap: Wrap | None = None,
) -> InitialKeys:
    """Make and store every key of a new store, which is left sealed.

    Args:
        tx: an empty store's transaction; further first records may go into the same one.
        shares: into how many shares the unseal key is split, 1 to 255.
        threshold: how many of them unseal; at least 2 where there are several.
        now: Unix seconds.
        recipients: one for each share, who alone shall read it; none to get the shares in clear.
        seal_type: ``SHAMIR`` or ``GPG``; ``wrap`` makes it ``TRANSIT``.
        wrap: encrypts the unseal key so that the store can open itself with the help of another.

    Raises:
        AlreadyInitializedError: there are keys already, or parts of them.
        InvalidInputError: the numbers allow no split, or the recipients do not go with them.
    """
    if any(tx.get(path) is not None for path in (SEAL_CONFIG_PATH, ROOT_KEY_PATH, KEYRING_PATH)):
        raise AlreadyInitializedError
    keyring = Keyring.generate(now=now)
    with SecretBytes(new_key()) as root_key:
        prepared = _prepare(
            root_key,
            shares=shares,
            threshold=threshold,
            recipients=recipients,
            seal_type=seal_type,
            wrap=wrap,
        )
        prepared.store(tx)
        _put_keyring(tx, root_key, keyring)
    return InitialKeys(prepared.dealt.shares, prepared.dealt.config, keyring)


def unseal(reader: Reader, sealed: Sealed, unseal_key: SecretBytes) -> Unsealed:
    """Open the root key and the keyring, and wipe ``unseal_key``.

    The keyring only opens records until ``reserve_encryptions`` was called, so that a store whose disk is
    full can still be unsealed and read.

    Raises:
        UnsealFailedError: it is not the unseal key of this store.
        RecordError: the unseal key is right and the keyring was changed, or one of both is missing.
    """
    with unseal_key:
        root_key = _open_root_key(reader, unseal_key)
    try:
        return Unsealed(sealed.config, root_key, _open_keyring(reader, root_key))
    except BaseException:
        root_key.wipe()
        raise


def reload_keyring(reader: Reader, unsealed: Unsealed) -> Keyring:
    """Open the stored keyring once more, which another node may have rotated; it has no allowance.

    Raises:
        RecordError: it was changed.
    """
    return _open_keyring(reader, unsealed.root_key)


def rotate_keyring(tx: Transaction, unsealed: Unsealed, *, now: float) -> Keyring:
    """Add a term to the stored keyring, unless another rotation has done so since it was opened.

    Returns:
        The keyring that storage then holds. Put it to use when the transaction is committed, with
        ``Unsealed.with_keyring``.
    """
    stored = _open_keyring(tx, unsealed.root_key)
    if stored.active_term != unsealed.keyring.active_term:
        return stored
    rotated = stored.rotated(now=now)
    _put_keyring(tx, unsealed.root_key, rotated)
    return rotated


def reserve_encryptions(storage: Storage, unsealed: Unsealed) -> None:
    """Reserve one more block of encryptions for the active term, durably, and then allow it.

    Call it from the thread that seals, after unsealing and whenever ``Keyring.needs_reservation``.

    Raises:
        RotatedElsewhereError: the stored keyring has a newer term; reload it first.
        AllowanceError: the active key is at its limit.
    """

    def reserve(tx: Transaction) -> int:
        stored = _open_keyring(tx, unsealed.root_key)
        try:
            if stored.active_term != unsealed.keyring.active_term:
                raise RotatedElsewhereError
            extended = stored.with_block_reserved()
            _put_keyring(tx, unsealed.root_key, extended)
            return extended.reserved
        finally:
            stored.wipe()

    unsealed.keyring.grant(storage.write(reserve))


@dataclass(frozen=True, slots=True)
class PreparedShares:
    """New shares that count from the moment they are stored, and not before.

    Attributes:
        dealt: what is to be given out.
    """

    dealt: DealtShares
    _wrapped_root_key: bytes

    def store(self, tx: Transaction) -> None:
        """Make them the shares of the store."""
        tx.put(ROOT_KEY_PATH, self._wrapped_root_key)
        save_seal_config(tx, self.dealt.config)

    def are_opened_by(self, unseal_key: SecretBytes) -> bool:
        """Whether these shares combine to the key, so that whoever handed them in really holds them."""
        return _opens(self._wrapped_root_key, unseal_key)


def is_unseal_key(reader: Reader, unseal_key: SecretBytes) -> bool:
    """Whether a key opens this store, without opening it."""
    record = reader.get(ROOT_KEY_PATH)
    return record is not None and _opens(record, unseal_key)


def prepare_shares(
    unsealed: Unsealed,
    *,
    shares: int,
    threshold: int,
    recipients: Sequence[Recipient] = (),
    seal_type: str = SHAMIR,
    wrap: Wrap | None = None,
) -> PreparedShares:
    """Make another unseal key and its shares; once stored, those given out before open nothing any more.

    Every secret stays as it is. Arguments and errors are those of ``initialize``.
    """
    return _prepare(
        unsealed.root_key,
        shares=shares,
        threshold=threshold,
        recipients=recipients,
        seal_type=seal_type,
        wrap=wrap,
    )


def _prepare(
    root_key: SecretBytes,
    *,
    shares: int,
    threshold: int,
    recipients: Sequence[Recipient],
    seal_type: str,
    wrap: Wrap | None,
) -> PreparedShares:
    """Wrap the root key under a new unseal key, and split that."""
    check_split(shares=shares, threshold=threshold)
    if recipients and len(recipients) != shares:
        raise InvalidInputError("pgp_keys: expected one key for each share")
    with SecretBytes(new_key()) as unseal_key:
        wrapped = _wrap(ROOT_KEY_PATH, RecordKind.ROOT_KEY, root_key.view(), under=unseal_key)
        pieces = split(unseal_key.reveal(), shares=shares, threshold=threshold)
        wrapped_key = "" if wrap is None else wrap(unseal_key)
    # What a recipient decrypts is the text that he hands in, so that nothing has to be converted by hand.
    messages = [
        recipient.encrypt(piece.hex().encode()) for recipient, piece in zip(recipients, pieces, strict=False)
    ]
    config = SealConfig(
        type=seal_type if wrap is None else TRANSIT,
        shares=shares,
        threshold=threshold,
        encrypted_shares=tuple(message.hex() for message in messages),
        fingerprints=tuple(recipient.fingerprint for recipient in recipients),
        wrapped_key=wrapped_key,
    )
    return PreparedShares(DealtShares(() if recipients else tuple(map(SecretBytes, pieces)), config), wrapped)


def _opens(wrapped_root_key: bytes, unseal_key: SecretBytes) -> bool:
    try:
        opened = open_key_record(
            Aead(unseal_key.view()), RecordKind.ROOT_KEY, ROOT_KEY_PATH, wrapped_root_key
        )
    except NotAuthenticError:
        return False
    _wipe(opened)
    return True


def _wrap(path: str, kind: RecordKind, key: memoryview, *, under: SecretBytes) -> bytes:
    return seal_record(Aead(under.view()), kind, TERM_OUTSIDE_KEYRING, path, key)


def _open_key(reader: Reader, path: str, kind: RecordKind, *, under: SecretBytes) -> bytearray:
    record = reader.get(path)
    if record is None:
        raise RecordError(path)
    return open_key_record(Aead(under.view()), kind, path, record)


def _open_root_key(reader: Reader, unseal_key: SecretBytes) -> SecretBytes:
    try:
        opened = _open_key(reader, ROOT_KEY_PATH, RecordKind.ROOT_KEY, under=unseal_key)
    except NotAuthenticError:
        raise UnsealFailedError from None
    root_key = SecretBytes(opened)
    _wipe(opened)
    return root_key


def _put_keyring(tx: Transaction, root_key: SecretBytes, keyring: Keyring) -> None:
    encoded = keyring.to_bytes()
    try:
        tx.put(KEYRING_PATH, _wrap(KEYRING_PATH, RecordKind.KEYRING, memoryview(encoded), under=root_key))
    finally:
        _wipe(encoded)


def _open_keyring(reader: Reader, root_key: SecretBytes) -> Keyring:
    try:
        encoded = _open_key(reader, KEYRING_PATH, RecordKind.KEYRING, under=root_key)
    except NotAuthenticError:
        raise RecordError(KEYRING_PATH) from None
    try:
        return Keyring.from_bytes(encoded)
    finally:
        _wipe(encoded)


def _wipe(buffer: bytearray) -> None:
    buffer[:] = bytes(len(buffer))
