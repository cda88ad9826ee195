"""Saved ways to reach a storage node: a name, an endpoint and a token each, and which of them is current.

They are kept in ``~/.hfctl/contextconfig``, a YAML file of mode 0600 in a directory of mode 0700, in
the layout that ``pxctl`` users know; see ``private_file`` for how it is used. Tokens are in it in clear
text, and are never printed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from holdfast.cli.errors import LocalError
from holdfast.cli.private_file import read_private, write_private
from holdfast.model import SecretBytes

DEFAULT_ENDPOINT = "http://127.0.0.1:9021"
MASKED = "****"
MAX_FILE_BYTES = 1 << 20
MAX_NAME_CHARACTERS = 128


@dataclass(frozen=True, slots=True)
class Context:
    """One saved way.

    Attributes:
        name: what the user calls it.
        endpoint: the node's address.
        token: the signed token; ``None`` to call as a guest.
        identity: subject, name and email that the token claims, for display.
    """

    name: str
    endpoint: str = DEFAULT_ENDPOINT
    token: SecretBytes | None = None
    identity: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Contexts:
    """Everything that is saved.

    Attributes:
        current: name of the current one, empty for none.
        known: all of them, by name.
    """

    current: str = ""
    known: Mapping[str, Context] = field(default_factory=dict)

    def find(self, name: str) -> Context:
        """Return a context by name.

        Raises:
            LocalError: there is none of that name.
        """
        if name not in self.known:
            raise LocalError("there is no context of that name; see `hfctl context list`")
        return self.known[name]

    def chosen(self, name: str | None) -> Context:
        """Return the named context, else the current one, else a guest's at the default endpoint."""
        if name:
            return self.find(name)
        return self.find(self.current) if self.current else Context("")

    def with_context(self, context: Context) -> "Contexts":
        """Return a copy in which a context is saved; the first one becomes current."""
        return Contexts(self.current or context.name, {**self.known, context.name: context})

    def without(self, name: str) -> "Contexts":
        """Return a copy without a context."""
        self.find(name)
        rest = {other: context for other, context in self.known.items() if other != name}
        return Contexts("" if self.current == name else self.current, rest)

    def with_current(self, name: str) -> "Contexts":
        """Return a copy with another current context; empty for none."""
        if name:
            self.find(name)
        return replace(self, current=name)

    def to_document(self, *, masked: bool) -> dict[str, Any]:
        """Return the file's content; with ``masked``, as it may be shown."""
        configurations = [_entry(context, masked=masked) for context in self.known.values()]
        return {"contextconfig": {"current": self.current, "configurations": configurations}}


def context_file(home: Path) -> Path:
    """Return where contexts are kept."""
    return home / ".hfctl" / "contextconfig"


def read_contexts(home: Path) -> Contexts:
    """Return what is saved below ``home``.

    Raises:
        LocalError: the file is not safe to use, or not of the expected form.
    """
    path = context_file(home)
    content = read_private(path, max_bytes=MAX_FILE_BYTES)
    return Contexts() if content is None else _parse(content, path)


def write_contexts(home: Path, contexts: Contexts) -> None:
    """Replace what is saved below ``home``; complete and private at every moment."""
    import yaml

    path = context_file(home)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    document = contexts.to_document(masked=False)
    write_private(path, yaml.safe_dump(document, sort_keys=False, allow_unicode=True).encode())


def check_context_name(name: str) -> str:
    """Return ``name`` if it may name a context.

    Raises:
        LocalError: empty, too long, or with characters that cannot be printed.
    """
    if not 0 < len(name) <= MAX_NAME_CHARACTERS or not name.isprintable() or name != name.strip():
        raise LocalError(f"context name: expected 1 to {MAX_NAME_CHARACTERS} printable characters")
    return name


def _entry(context: Context, *, masked: bool) -> dict[str, Any]:
    entry: dict[str, Any] = {"context": context.name}
    if context.token is not None:
        entry["token"] = MASKED if masked else context.token.reveal().decode()
    if context.identity:
        entry["identity"] = dict(context.identity)
    entry["endpoint"] = context.endpoint
    return entry


def _parse(content: bytes, path: Path) -> Contexts:
    import yaml

    try:
        outer = yaml.safe_load(content)["contextconfig"]
        known = {str(entry["context"]): _context(entry) for entry in outer.get("configurations") or ()}
        current = str(outer.get("current") or "")
    except (yaml.YAMLError, UnicodeDecodeError, TypeError, KeyError, AttributeError, ValueError):
        raise LocalError(f"{path}: not a context file; remove it and create the contexts again") from None
    return Contexts(current if current in known else "", known)


def _context(entry: Mapping[str, Any]) -> Context:
    token, identity = entry.get("token"), entry.get("identity") or {}
    return Context(
        str(entry["context"]),
        str(entry.get("endpoint") or DEFAULT_ENDPOINT),
        SecretBytes(str(token).encode()) if token else None,
        {str(name): str(value) for name, value in identity.items()},
    )
