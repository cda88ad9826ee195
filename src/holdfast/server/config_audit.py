"""What the top level of the configuration says about audit devices that the API may add."""

from pathlib import Path
from typing import Any

from holdfast.errors import InvalidInputError
from holdfast.server.config_fields import boolean, text

AUDIT_SETTINGS = frozenset(
    {"unsafe_allow_api_audit_creation", "allow_audit_log_prefixing", "audit_directory", "audit_addresses"}
)


def audit_change(name: str, value: Any) -> dict[str, Any]:
    """Return what one of ``AUDIT_SETTINGS`` changes in the rules about audit devices.

    Raises:
        InvalidInputError: the value is none for it.
    """
    if name == "unsafe_allow_api_audit_creation":
        return {"allows_api": boolean(name, value)}
    if name == "allow_audit_log_prefixing":
        return {"allows_prefix": boolean(name, value)}
    if name == "audit_directory":
        directory = text(name, value)
        if not Path(directory).is_absolute():
            raise InvalidInputError(f"{name}: expected an absolute path")
        return {"directory": directory}
    if not isinstance(value, list) or any(not isinstance(item, str) or not item for item in value):
        raise InvalidInputError(f"{name}: expected a list of texts")
    return {"addresses": frozenset(value)}
