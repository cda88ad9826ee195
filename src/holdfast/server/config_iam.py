"""The ``iam`` stanza of a configuration file: users, their passwords and their tokens.

iam {
token_lifetime          = "12h"
min_password_length     = 12
argon2_memory           = 65536      # KiB
argon2_iterations       = 3
superuser               = "admin"
superuser_password_file = "/etc/holdfast/admin.password"
}
"""

from pathlib import Path
from typing import Any

from holdfast.errors import InvalidInputError
from holdfast.formats.hcl import Block
from holdfast.iam.passwords import (
    LEAST_ITERATIONS,
    LEAST_LEAST_LENGTH,
    LEAST_MEMORY_KIB,
    MAX_PASSWORD_BYTES,
    MOST_ITERATIONS,
    MOST_MEMORY_KIB,
    PasswordCost,
)
from holdfast.iam.settings import IamSettings
from holdfast.model import parse_duration
from holdfast.server.config_fields import integer, text

_KNOWN = {
    "token_lifetime",
    "min_password_length",
    "argon2_memory",
    "argon2_iterations",
    "superuser",
    "superuser_password_file",
}


def read_iam(block: Block) -> IamSettings:
    """Return the settings that an ``iam`` stanza describes."""
    given = block.attributes
    unknown = sorted({*given, *(inner.type for inner in block.blocks)} - _KNOWN)
    if unknown or block.labels:
        raise InvalidInputError(f"unknown setting {unknown[0]}" if unknown else "expected no label")
    cost: dict[str, Any] = {}
    if "argon2_memory" in given:
        cost["memory_kib"] = integer(
            "argon2_memory", given["argon2_memory"], lowest=LEAST_MEMORY_KIB, highest=MOST_MEMORY_KIB
        )
    if "argon2_iterations" in given:
        cost["iterations"] = integer(
            "argon2_iterations",
            given["argon2_iterations"],
            lowest=LEAST_ITERATIONS,
            highest=MOST_ITERATIONS,
        )
    settings: dict[str, Any] = {"password_cost": PasswordCost(**cost)}
    if "token_lifetime" in given:
        lifetime = given["token_lifetime"]
        settings["token_lifetime_seconds"] = (
            parse_duration(lifetime, field="token_lifetime") if isinstance(lifetime, str | int | float) else 0
        )
    if "min_password_length" in given:
        settings["least_password_length"] = integer(
            "min_password_length",
            given["min_password_length"],
            lowest=LEAST_LEAST_LENGTH,
            highest=MAX_PASSWORD_BYTES,
        )
    for name in ("superuser", "superuser_password_file"):
        if name in given:
            settings[name] = text(name, given[name])
    password_file = settings.get("superuser_password_file")
    if password_file is not None and not Path(password_file).is_absolute():
        raise InvalidInputError("superuser_password_file: expected an absolute path")
    return IamSettings(**settings)
