"""The entries of a Kubernetes secret object, taken out of their base64."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from holdfast.model import SecretBytes
from holdfast.providers.errors import SecretDataError


def entries_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entries of a secret object as it came, still encoded.

    Raises:
        SecretDataError: it has another form.
    """
    data = document.get("data") or {}
    if not isinstance(data, dict):
        raise SecretDataError
    return data


def value_of_entry(encoded: Any) -> SecretBytes:
    """Return the value of one entry.

    Raises:
        SecretDataError: it is no base64, or empty.
    """
    try:
        value = base64.b64decode(encoded, validate=True)
    except (TypeError, binascii.Error, ValueError):
        raise SecretDataError from None
    if not value:
        raise SecretDataError
    return SecretBytes(value)


def texts_of(document: Mapping[str, Any]) -> dict[str, str]:
    """Return all entries as text, for settings.

    Raises:
        SecretDataError: one of them is none.
    """
    texts = {}
    for name, encoded in entries_of(document).items():
        try:
            texts[name] = value_of_entry(encoded).reveal().decode() if encoded else ""
        except UnicodeDecodeError:
            raise SecretDataError from None
    return texts
