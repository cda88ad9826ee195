"""When the keyring is rotated without anybody asking, as an operator wants it, and ``sys/rotate/config``.

Whatever he wants, a key near the limit of what it may safely encrypt is rotated (see ``barrier.Keyring``).
"""

from typing import ClassVar

import msgspec

from holdfast.barrier import Keyring
from holdfast.errors import InvalidInputError
from holdfast.formats.strict_json import encode
from holdfast.storage.interface import Reader
from holdfast.store import fields
from holdfast.store.command import Command, Scope
from holdfast.store.layout import CONFIG
from holdfast.store.request import Answer, Operation
from holdfast.store.route import Route
from holdfast.store.visit import Visit

ROTATION_KEY = "rotation"
FEWEST_OPERATIONS = 1_000_000
MOST_OPERATIONS = 3_865_470_566  # what Vault documents; a keyring of ours rotates at the latest near 2^32
SHORTEST_INTERVAL_SECONDS = 24 * 3600


class KeyRotation(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What an operator wants. Fields are only ever appended: their order is the record format.

    Attributes:
        enabled: whether the two others count.
        max_operations: how much one key encrypts.
        interval_seconds: how long one key is used; 0 for as long as it may encrypt.
    """

    enabled: bool = True
    max_operations: int = MOST_OPERATIONS
    interval_seconds: int = 0

    def wants(self, keyring: Keyring, now: float) -> bool:
        """Whether the key in use has served its time."""
        if not self.enabled:
            return False
        age = now - keyring.installed_at
        return keyring.reserved >= self.max_operations or bool(
            self.interval_seconds and age >= self.interval_seconds
        )


_decode = msgspec.msgpack.Decoder(KeyRotation).decode


def load_rotation(view: Reader) -> KeyRotation:
    """Return what is wanted, from the place of settings."""
    record = view.get(ROTATION_KEY)
    return KeyRotation() if record is None else _decode(record)


class ConfigureRotation(Command, frozen=True, kw_only=True):
    """Store what is wanted."""

    shared: ClassVar[bool] = False
    rotation: KeyRotation

    def run(self, scope: Scope) -> Answer:
        """Store it; the keeper looks at it from time to time."""
        scope.view(CONFIG).put(ROTATION_KEY, msgspec.msgpack.encode(self.rotation))
        return Answer()


def _read(visit: Visit) -> Answer:
    rotation = load_rotation(visit.view(CONFIG))
    return Answer(
        data=encode(
            {
                "enabled": rotation.enabled,
                "max_operations": rotation.max_operations,
                "interval": rotation.interval_seconds,
            }
        ),
        flat=True,
    )


def _write(visit: Visit) -> Command:
    values, before = visit.values, load_rotation(visit.view(CONFIG))
    operations = fields.integer(values, "max_operations", before.max_operations)
    interval = fields.seconds(values, "interval") if "interval" in values else before.interval_seconds
    if not FEWEST_OPERATIONS <= operations <= MOST_OPERATIONS:
        raise InvalidInputError(f"max_operations: expected from {FEWEST_OPERATIONS} to {MOST_OPERATIONS}")
    if 0 < interval < SHORTEST_INTERVAL_SECONDS:
        raise InvalidInputError("interval: expected at least 24h, or 0 for none")
    return ConfigureRotation(
        rotation=KeyRotation(
            enabled=fields.boolean(values, "enabled", default=before.enabled),
            max_operations=operations,
            interval_seconds=interval,
        )
    )


KEY_ROTATION_ROUTES = tuple(
    route
    for path in ("sys/rotate/config", "sys/rotate/keyring/config")
    for route in (Route(path, Operation.READ, _read), Route(path, Operation.WRITE, _write))
)
