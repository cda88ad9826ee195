"""What the configuration wants in a store: put there when it opens, before anybody reads."""

from holdfast.barrier import Unsealed, reserve_encryptions
from holdfast.clock import Clock
from holdfast.storage.interface import Storage, Transaction
from holdfast.store.audit.keys import ensure_audit_keys, load_audit_keys
from holdfast.store.changes import mark_change
from holdfast.store.founding import Furniture
from holdfast.store.iam import first_superuser
from holdfast.store.layout import AUDIT, IAM, reading, writing


def furnish(storage: Storage, furniture: Furniture, clock: Clock, unsealed: Unsealed) -> None:
    """Give a key to every audit device, and make the first superuser, where that was never done.

    Args:
        storage: where it goes.
        furniture: what the configuration wants.
        clock: for when the superuser was made.
        unsealed: the store, which nobody else sees open yet.
    """
    _ensure_audit_keys(storage, furniture, unsealed)
    _ensure_first_superuser(storage, furniture, clock, unsealed)


def _ensure_audit_keys(storage: Storage, furniture: Furniture, unsealed: Unsealed) -> None:
    devices = furniture.audit_devices
    if set(devices) <= set(load_audit_keys(reading(storage, unsealed.keyring, AUDIT))):
        return
    reserve_encryptions(storage, unsealed)

    def change(tx: Transaction) -> None:
        ensure_audit_keys(writing(tx, unsealed.keyring, AUDIT), devices)
        mark_change(tx)

    storage.write(change)


def _ensure_first_superuser(storage: Storage, furniture: Furniture, clock: Clock, unsealed: Unsealed) -> None:
    settings = furniture.iam
    if not first_superuser.is_due(reading(storage, unsealed.keyring, IAM), settings):
        return
    user = first_superuser.prepare(settings, clock.now())
    if user is None:
        return
    reserve_encryptions(storage, unsealed)

    def change(tx: Transaction) -> None:
        first_superuser.store(writing(tx, unsealed.keyring, IAM), settings.superuser, user)
        mark_change(tx)

    storage.write(change)
