"""What the configuration says about audit devices: which there are, and what the API may add.

Who may add a device can have the store write to a file or send to an address of his choice, with words of
his choice in it. So that is off by default; where it is on, files lie in one directory, and other places are
named by the configuration one by one. What weakens the trail of others stays with the configuration.
"""

from collections.abc import Callable
from dataclasses import dataclass

from holdfast.audit import AuditConfigurationError, AuditDevice, DeviceSettings
from holdfast.audit.late_sink import LateSink
from holdfast.audit.sink import AuditSink
from holdfast.errors import HoldfastError, InvalidInputError

# Clients of OpenBao look for these words.
NOT_BY_API = (
    "cannot enable audit device via API; use declarative, config-based audit device management instead"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRules:
    """The rules.

    Attributes:
        configured: the devices of the configuration.
        allows_api: whether the API may add devices.
        directory: where files of such devices lie; empty for nowhere.
        addresses: other places that such devices may use, as they are written in ``address``.
        allows_prefix: whether such devices may have a prefix.
    """

    configured: tuple[DeviceSettings, ...] = ()
    allows_api: bool = False
    directory: str = ""
    addresses: frozenset[str] = frozenset()
    allows_prefix: bool = False

    def named(self, name: str) -> DeviceSettings | None:
        """Return the configured device with this name, or ``None``."""
        return next((device for device in self.configured if device.name == name), None)

    def check_new(self, settings: DeviceSettings) -> None:
        """Make sure that the API may add a device.

        Raises:
            InvalidInputError: it may not, or it is none.
        """
        if not self.allows_api:
            raise InvalidInputError(NOT_BY_API)
        settings.check()
        lines = settings.lines
        if lines.log_raw:
            raise AuditConfigurationError("log_raw: expected false; only the configuration may ask for it")
        if lines.prefix and not self.allows_prefix:
            raise AuditConfigurationError(
                "prefix: expected none, unless the configuration says allow_audit_log_prefixing = true"
            )
        self.check_place(settings)

    def check_place(self, settings: DeviceSettings) -> None:
        """Make sure that a device that the API added may write where it wants to.

        Raises:
            InvalidInputError: it may not on this node.
        """
        if settings.type != "file":
            address = settings.options.get("address", "")
            if address not in self.addresses and (address or settings.type != "syslog"):
                raise AuditConfigurationError(
                    "address: expected one that the configuration names in audit_addresses"
                )
        elif settings.file_path in {"stdout", "discard"}:
            if settings.file_path not in self.addresses:
                raise AuditConfigurationError(
                    f"file_path: expected a file, unless the configuration names {settings.file_path} "
                    "in audit_addresses"
                )
        elif not self.directory:
            raise AuditConfigurationError(
                "file_path: expected a file directly in the audit_directory that the configuration names, "
                "and it names none"
            )

    def open(self, settings: DeviceSettings, key: bytes) -> AuditDevice:
        """Return a device that the API added; where its place cannot be opened now, one that tries again."""

        def opened() -> AuditDevice:
            self.check_place(settings)
            return settings.open(key, directory=self.directory)

        try:
            return opened()
        except HoldfastError as error:
            device = AuditDevice(settings.name, key, _late(opened, error), settings.lines)
            device.failed(error)
            return device


def _late(opened: Callable[[], AuditDevice], error: HoldfastError) -> AuditSink:
    return LateSink(lambda: opened().sink, error.message)
