"""The keys under which audit devices hash values: one per device, inside the barrier.

A hash in an audit file can be compared with another of the same device, but only somebody who can open
the store can compute one.
"""

from collections.abc import Sequence
from secrets import token_bytes

from holdfast.storage.interface import Reader, Transaction

AUDIT_KEY_BYTES = 32


def ensure_audit_keys(view: Transaction, devices: Sequence[str]) -> None:
    """Give a key to every device that has none yet."""
    for device in devices:
        if view.get(device) is None:
            view.put(device, token_bytes(AUDIT_KEY_BYTES))


def load_audit_keys(view: Reader) -> dict[str, bytes]:
    """Return the key of each device that has one, by the device's name."""
    return {device: key for device in view.list("") if (key := view.get(device)) is not None}
