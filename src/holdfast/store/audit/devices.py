"""Audit devices that the API added: one record (``config/audit``), as every process opens all of them."""

from secrets import token_bytes
from typing import ClassVar

import msgspec

from holdfast.audit import DeviceSettings
from holdfast.errors import InvalidInputError
from holdfast.storage.interface import Reader, Transaction
from holdfast.store.audit.keys import AUDIT_KEY_BYTES
from holdfast.store.command import Command, Scope
from holdfast.store.layout import AUDIT, CONFIG
from holdfast.store.request import Answer

DEVICES_KEY = "audit"
MAX_ADDED_DEVICES = 16

_decode = msgspec.msgpack.Decoder(tuple[DeviceSettings, ...]).decode


def load_audit_devices(view: Reader) -> tuple[DeviceSettings, ...]:
    """Return the devices that the API added, from the place of settings."""
    record = view.get(DEVICES_KEY)
    return () if record is None else _decode(record)


def new_audit_key() -> bytes:
    """Return a key for a device that has none yet."""
    return token_bytes(AUDIT_KEY_BYTES)


class EnableAuditDevice(Command, frozen=True, kw_only=True):
    """Add a device.

    Attributes:
        settings: the device.
        key: its key; that of an earlier device of the name, if there was one.
    """

    shared: ClassVar[bool] = True
    settings: DeviceSettings
    key: bytes

    def run(self, scope: Scope) -> Answer:
        """Store it with its key, unless there is one of this name or at this place by now."""
        view, keys = scope.view(CONFIG), scope.view(AUDIT)
        devices = load_audit_devices(view)
        check_unused(self.settings, devices)
        if len(devices) >= MAX_ADDED_DEVICES:
            raise InvalidInputError(f"path: expected at most {MAX_ADDED_DEVICES} audit devices")
        stored = keys.get(self.settings.name)
        if stored is None:
            keys.put(self.settings.name, self.key)
        elif stored != self.key:
            raise InvalidInputError("path: a device of this name was added meanwhile; try again")
        _save(view, (*devices, self.settings))
        return Answer()


class DisableAuditDevice(Command, frozen=True, kw_only=True):
    """Remove a device. Its key stays, so that what it wrote can be verified."""

    shared: ClassVar[bool] = True
    name: str

    def run(self, scope: Scope) -> Answer:
        """Remove it; an absent one is fine."""
        view = scope.view(CONFIG)
        _save(view, tuple(device for device in load_audit_devices(view) if device.name != self.name))
        return Answer()


def check_unused(settings: DeviceSettings, others: tuple[DeviceSettings, ...]) -> None:
    """Refuse a device whose name or place another one has.

    Raises:
        InvalidInputError: one has.
    """
    for other in others:
        if other.name == settings.name:
            raise InvalidInputError(f"path already in use: {settings.name}/")
        if other.target == settings.target and settings.file_path not in {"stdout", "discard"}:
            raise InvalidInputError(f"options: the device {other.name}/ writes to the same place")


def _save(view: Transaction, devices: tuple[DeviceSettings, ...]) -> None:
    view.put(DEVICES_KEY, msgspec.msgpack.encode(devices))
