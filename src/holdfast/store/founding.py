"""A new store: its keys, and what every store has from the beginning. All of it is one transaction.

Afterwards there is nothing, or a complete store, which is sealed.
"""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass, field
from secrets import token_bytes
from typing import Any

from holdfast.barrier import DealtShares, Keyring, initialize
from holdfast.barrier.seal_config import GPG, SHAMIR, SealConfig
from holdfast.crypto.identifiers import new_uuid
from holdfast.crypto.openpgp import Recipient, public_part, read_recipient
from holdfast.errors import InvalidInputError
from holdfast.iam.settings import IamSettings
from holdfast.storage.interface import Storage, Transaction
from holdfast.store.audit.keys import ensure_audit_keys
from holdfast.store.changes import mark_change
from holdfast.store.cluster import Cluster, save_cluster
from holdfast.store.keeper_commands import InitializeStore
from holdfast.store.layout import AUDIT, CONFIG, MOUNTS, POLICIES, TOKENS, writing
from holdfast.store.mounts import MountTable, built_in_mounts, kv_mount, save_mounts
from holdfast.store.open_store import KEPT_ROOT_TOKEN, TOKEN_KEY
from holdfast.store.policy_records import save_builtin_policies
from holdfast.store.seal_settings import Place, SealSettings, ensure_private_key, store_private_key
from holdfast.store.tokens import records as token_records
from holdfast.store.tokens.records import TokenEntry, TokenHasher
from holdfast.store.version_history import note_version

DEFAULT_MOUNT = "secret/"
ROOT_TOKEN_PATH = "auth/token/root"  # noqa: S105 - a path, not a token

MAX_RECIPIENTS = 255
TOKEN_MESSAGE_PATH = "core/root-token-message"  # noqa: S105 - where it lies


@dataclass(frozen=True, slots=True)
class Furniture:
    """What a new store needs to know of its configuration.

    Attributes:
        cluster_name: what it calls itself.
        audit_devices: which each get a key.
        seal: how it is sealed.
        iam: who its first superuser is.
    """

    cluster_name: str = "holdfast"
    audit_devices: tuple[str, ...] = ()
    seal: SealSettings = field(default_factory=SealSettings)
    iam: IamSettings = field(default_factory=IamSettings)


def found(storage: Storage, furniture: Furniture, command: InitializeStore, *, now: float) -> dict[str, Any]:
    """Initialise as an operator asks; return what he is told, once.

    Shares for whom OpenPGP keys were given are encrypted for them and not shown otherwise. So is the root
    token: for the key that was given for it, or else for the recipient of the first share.

    Raises:
        AlreadyInitializedError: there are keys already.
        InvalidInputError: numbers that allow no split, or a key that is no public key.
    """
    recipients = read_recipients(command.pgp_keys)
    keeper_of_token = recipients[0] if recipients and not command.token_in_clear else None
    if command.root_token_pgp_key:
        [keeper_of_token] = read_recipients([command.root_token_pgp_key], field="root_token_pgp_key")

    def create(tx: Transaction) -> dict[str, Any]:
        keys = initialize(
            tx,
            shares=command.shares,
            threshold=command.threshold,
            now=now,
            recipients=recipients,
            wrap=furniture.seal.wrap,
        )
        token = _furnish(tx, keys.keyring, furniture, now)
        keys.keyring.wipe()
        document = describe_shares(DealtShares(keys.shares, keys.config))
        if keeper_of_token is None:
            return {**document, "root_token": token}
        return {**document, "encrypted_root_token": keeper_of_token.encrypt(token.encode()).hex()}

    return storage.write(create)


def found_by_configuration(storage: Storage, furniture: Furniture, *, now: float) -> None:
    """Initialise a store whose ``gpg`` seal says for whom, without anybody asking.

    The root token is kept as a message that only the first recipient can read.

    Raises:
        AlreadyInitializedError: another node was faster.
        UnavailableError: there is no private key, and none can be made.
    """
    settings = furniture.seal
    private_key = None
    if settings.opens_itself:
        private_key = ensure_private_key(settings)
        recipients, threshold = [public_part(private_key)], 1
    else:
        recipients, threshold = settings.recipients(), settings.threshold

    def create(tx: Transaction) -> None:
        keys = initialize(
            tx,
            shares=len(recipients),
            threshold=threshold,
            now=now,
            recipients=recipients,
            seal_type=GPG if private_key is not None else SHAMIR,
        )
        token = _furnish(tx, keys.keyring, furniture, now)
        keys.keyring.wipe()
        keep_token_message(tx, recipients[0].encrypt(token.encode()))
        if settings.place is Place.STORAGE:
            store_private_key(tx, private_key)

    storage.write(create)


def describe_shares(dealt: DealtShares) -> dict[str, Any]:
    """Return shares as both dialects show them: each in hex and in base64, encrypted or in clear."""
    shares = dealt.config.messages() or [share.reveal() for share in dealt.shares]
    return {
        "keys": [share.hex() for share in shares],
        "keys_base64": [base64.b64encode(share).decode() for share in shares],
        "pgp_fingerprints": list(dealt.config.fingerprints),
    }


def read_recipients(keys: Sequence[str], *, field: str = "pgp_keys") -> list[Recipient]:
    """Read public keys as the API takes them: base64 of the binary form, one for each share.

    Raises:
        InvalidInputError: one of them is no usable public key, or is there twice.
    """
    if len(keys) > MAX_RECIPIENTS:
        raise InvalidInputError(f"{field}: expected at most {MAX_RECIPIENTS} keys")
    recipients = []
    for number, key in enumerate(keys, 1):
        where = f"{field}: key {number}" if len(keys) > 1 else field
        try:
            recipients.append(read_recipient(base64.b64decode(key, validate=True)))
        except (binascii.Error, ValueError):
            raise InvalidInputError(f"{where}: expected base64 of a binary OpenPGP public key") from None
        except InvalidInputError as error:
            raise InvalidInputError(f"{where}: {error.message}") from None
    if len({recipient.fingerprint for recipient in recipients}) < len(recipients):
        raise InvalidInputError(f"{field}: expected a different key for each share")
    return recipients


def root_entry(now: float) -> TokenEntry:
    """Return the entry of a token that may do everything, and never ends by itself."""
    return TokenEntry("", ("root",), ROOT_TOKEN_PATH, "root", {}, now)


def keep_token_message(tx: Transaction, message: bytes | None) -> None:
    """Keep the first root token as a message for the recipient of the first share; ``None`` removes it."""
    if message is None:
        tx.delete(TOKEN_MESSAGE_PATH)
    else:
        tx.put(TOKEN_MESSAGE_PATH, message)


def describe_initialization(storage: Storage, config: SealConfig | None) -> dict[str, Any]:
    """Return what anybody may know of how the store was initialised: only what a private key opens."""
    if config is None:
        return {"initialized": False, "keys": [], "pgp_fingerprints": []}
    document: dict[str, Any] = {
        "initialized": True,
        "keys": list(config.encrypted_shares),
        "pgp_fingerprints": list(config.fingerprints),
        "recovery_keys": [],
    }
    message = storage.get(TOKEN_MESSAGE_PATH)
    if message is not None:
        document["encrypted_root_token"] = message.hex()
    return document


def _furnish(tx: Transaction, keyring: Keyring, furniture: Furniture, now: float) -> str:
    """Store what every new store has; return its first root token."""
    key = token_bytes(32)
    config = writing(tx, keyring, CONFIG)
    config.put(TOKEN_KEY, key)
    save_cluster(config, Cluster(furniture.cluster_name, new_uuid()))
    mounts = MountTable(()).with_mount(
        kv_mount(DEFAULT_MOUNT, version="2", description="key/value secret storage")
    )
    save_mounts(writing(tx, keyring, MOUNTS), MountTable((*mounts.mounts, *built_in_mounts())))
    note_version(config, now=now)
    save_builtin_policies(writing(tx, keyring, POLICIES))
    ensure_audit_keys(writing(tx, keyring, AUDIT), furniture.audit_devices)
    token = token_records.create(writing(tx, keyring, TOKENS), TokenHasher(key), root_entry(now)).token
    if furniture.seal.reveal_root_token:
        config.put(KEPT_ROOT_TOKEN, token.encode())
    mark_change(tx)
    return token
