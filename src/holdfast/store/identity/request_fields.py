"""What requests about the identity say, and what is not in them: ``null`` is as good as absent."""

from typing import Any

from holdfast.errors import InvalidInputError
from holdfast.formats.strict_json import decode_object
from holdfast.store import fields
from holdfast.store.identity.names import check_metadata
from holdfast.store.policy_records import fold_name


def given_policies(values: dict[str, Any]) -> tuple[str, ...] | None:
    """Return folded policy names.

    Raises:
        InvalidInputError: one is none, or ``root``.
    """
    if values.get("policies") is None:
        return None
    policies = tuple(dict.fromkeys(fold_name(word) for word in fields.words(values, "policies")))
    if "root" in policies:
        raise InvalidInputError("policies cannot contain root")
    return policies


def given_words(values: dict[str, Any], name: str) -> tuple[str, ...] | None:
    """Return a list of words."""
    return None if values.get(name) is None else fields.words(values, name)


def given_text(values: dict[str, Any], name: str) -> str | None:
    """Return a text that is not empty."""
    return fields.text(values, name) or None


def given_metadata(values: dict[str, Any], name: str = "metadata") -> dict[str, str] | None:
    """Return metadata: an object, its JSON text, or ``key=value`` once or in a list, as command lines send.

    Raises:
        InvalidInputError: it is none of these, or over the limits.
    """
    value = values.get(name)
    if value is None:
        return None
    if isinstance(value, str) and value.lstrip().startswith("{"):
        value = decode_object(value.encode()).values
    elif isinstance(value, str):
        value = [value] if value else []
    if isinstance(value, list):
        value = dict(_pair(each, name) for each in value)
    return check_metadata(fields.text_map({name: value}, name), field=name)


def _pair(text: object, name: str) -> tuple[str, str]:
    key, separator, value = text.partition("=") if isinstance(text, str) else ("", "", "")
    if not separator:
        raise InvalidInputError(f"{name}: expected an object of strings, or key=value")
    return key, value
