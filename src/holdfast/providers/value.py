"""The value convention that all providers share: one secret, one text value.

A store of maps (Vault) holds it as the only entry of a map. A store of texts (DC/OS, files) holds
either the text itself or the JSON of such a map.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from holdfast.model import SecretBytes
from holdfast.providers.errors import SecretDataError

# The entry that we write: DC/OS clients read the same record as their plain value.
FIELD = "value"


def only_value(data: Mapping[str, Any]) -> SecretBytes:
    """Return the only value of a map.

    Raises:
        SecretDataError: no entry, several, or one that is not a non-empty text.
    """
    if len(data) != 1:
        raise SecretDataError
    (value,) = data.values()
    if not isinstance(value, str) or not value:
        raise SecretDataError
    return SecretBytes(value.encode())


def value_of_text(text: bytes) -> SecretBytes:
    """Return the value that a stored text stands for.

    Raises:
        SecretDataError: an empty text, or a JSON object with other than one text value.
    """
    if text.lstrip().startswith(b"{"):
        try:
            data = msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError):
            data = None  # a passphrase may well begin with a brace
        if isinstance(data, dict):
            return only_value(data)
    if not text:
        raise SecretDataError
    return SecretBytes(text)
