"""How an answer of the Vault dialect is shown: the pieces that several commands print alike."""

import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from holdfast.cli.errors import LocalError
from holdfast.cli.output import as_cell, print_pairs, print_result, remark
from holdfast.cli.program import EXIT_OK, EXIT_REMOTE_ERROR
from holdfast.model import format_short_duration

FIELDS_OF_WRAPPING = (
    ("wrapping_token", "token"),
    ("wrapping_accessor", "accessor"),
    ("wrapping_token_ttl", "ttl"),
    ("wrapping_token_creation_time", "creation_time"),
    ("wrapping_token_creation_path", "creation_path"),
    ("wrapped_accessor", "wrapped_accessor"),
)
_FIELDS_OF_AUTH = (
    ("token", "client_token"),
    ("token_accessor", "accessor"),
    ("token_duration", "lease_duration"),
    ("token_renewable", "renewable"),
    ("token_policies", "token_policies"),
    ("identity_policies", "identity_policies"),
    ("policies", "policies"),
)
_NAMES_OF_TIMES = frozenset({"ttl", "period", "duration"})


def data_of(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return the ``data`` member of an answer, an empty map if it has none."""
    data = answer.get("data")
    return data if isinstance(data, dict) else {}


def show_warnings(answer: Mapping[str, Any]) -> None:
    """Print the server's warnings, on standard error."""
    for text in answer.get("warnings") or []:
        remark(f"WARNING! {text}")


def show_data(answer: Mapping[str, Any], output_format: str) -> None:
    """Print an answer with data: its fields as a table, or the whole of it for programs."""
    show_warnings(answer)
    if output_format != "table":
        print_result(answer, output_format)
        return
    rows: list[tuple[str, Any]] = []
    if answer.get("lease_id"):
        rows += [("lease_id", answer["lease_id"]), ("lease_duration", duration(answer["lease_duration"]))]
        rows += [("lease_renewable", answer.get("renewable", False))]
    elif answer.get("lease_duration"):
        rows.append(("refresh_interval", duration(answer["lease_duration"])))
    data = data_of(answer)
    print_pairs([*rows, *((name, _field(name, data[name])) for name in sorted(data))])


def fields_of(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return everything in an answer that ``-field`` can name: data, a token, or what waits in the store."""
    fields = {"refresh_interval": answer.get("lease_duration", 0), **data_of(answer)}
    if auth := answer.get("auth"):
        fields = {**fields, **auth, **{name: auth.get(member) for name, member in _FIELDS_OF_AUTH}}
    if info := answer.get("wrap_info"):
        fields |= {name: info[member] for name, member in FIELDS_OF_WRAPPING if member in info}
    return fields


def show_field(fields: Mapping[str, Any], name: str, output_format: str = "table") -> int:
    """Print one field and nothing else; exactly, unless a terminal would miss the newline.

    Raises:
        LocalError: there is no such field.
    """
    if name not in fields:
        raise LocalError(f"field {name}: the answer has no such field")
    value = fields[name]
    if output_format in {"json", "yaml"}:
        print_result(value, output_format)
        return EXIT_OK
    sys.stdout.write(value if isinstance(value, str) else as_cell(value))
    if sys.stdout.isatty():
        sys.stdout.write("\n")
    return EXIT_OK


def show_names(answer: Mapping[str, Any], path: str, output_format: str) -> int:
    """Print the names of a listing."""
    names = data_of(answer).get("keys")
    if not isinstance(names, list) or not names:
        return no_names_found(path, output_format)
    show_warnings(answer)
    print_result(names, output_format)
    return EXIT_OK


def no_names_found(path: str, output_format: str) -> int:
    """Say that nothing is below a path, programs too, and return the exit code for it."""
    if output_format != "table":
        print_result({}, output_format)
        return EXIT_REMOTE_ERROR
    return nothing_found(path)


def show_answer(answer: Mapping[str, Any], output_format: str) -> None:
    """Print an answer of whichever kind: one that waits in the store, a token, or data."""
    if answer.get("wrap_info"):
        show_wrapping(answer, output_format)
    elif answer.get("auth"):
        show_auth(answer, output_format)
    else:
        show_data(answer, output_format)


def show_wrapping(answer: Mapping[str, Any], output_format: str) -> None:
    """Print what stands for an answer that waits in the store."""
    show_warnings(answer)
    if output_format != "table":
        print_result(answer, output_format)
        return
    info = answer["wrap_info"]
    shown = {**info, "ttl": duration(info.get("ttl", 0))}
    print_pairs([(f"{name}:", shown[member]) for name, member in FIELDS_OF_WRAPPING if shown.get(member)])


def show_auth(answer: Mapping[str, Any], output_format: str) -> None:
    """Print a token that was made or renewed."""
    show_warnings(answer)
    if output_format != "table":
        print_result(answer, output_format)
        return
    auth = answer.get("auth") or {}
    print_pairs(
        [
            ("token", auth.get("client_token")),
            ("token_accessor", auth.get("accessor")),
            ("token_duration", duration(auth.get("lease_duration", 0))),
            ("token_renewable", auth.get("renewable", False)),
            ("token_policies", quoted(auth.get("token_policies") or auth.get("policies"))),
            ("identity_policies", quoted(auth.get("identity_policies"))),
            ("policies", quoted(auth.get("policies"))),
            *((f"token_meta_{name}", text) for name, text in sorted((auth.get("metadata") or {}).items())),
        ],
    )


def nothing_found(path: str, answer: Mapping[str, Any] = MappingProxyType({})) -> int:
    """Say that nothing is stored there and what the server warns of, and return the exit code for it."""
    show_warnings(answer)
    remark(f"No value found at {path}")
    return EXIT_REMOTE_ERROR


def duration(seconds: int) -> str:
    """Write a lifetime without its zero parts, such as ``768h`` or ``1h30m``; 0 is no end."""
    return format_short_duration(seconds) if seconds else "\u221e"


def _field(name: str, value: Any) -> Any:
    """Return a field as tables show it: what is called a time to live is one, and 0 is no time."""
    is_seconds = isinstance(value, int) and not isinstance(value, bool)
    return (
        format_short_duration(value) if is_seconds and name.rpartition("_")[2] in _NAMES_OF_TIMES else value
    )


def quoted(names: list[str] | None) -> str:
    """Write policy names the way token tables do: ``["default" "root"]``."""
    return "[" + " ".join(f'"{name}"' for name in names or []) + "]"
