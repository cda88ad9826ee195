"""Saved ways to reach a storage node: a name, an endpoint and a token each, and which of them is current.

They are kept in ``~/.hfctl/contextconfig``, a YAML file of mode 0600 in a directory of mode 0700, in
the layout that ``pxctl`` users know; see ``private_file`` for how it is used. A token is in it in clear text
only where ``token_places`` has no better place for it, and is not shown unless that is asked for.

Whoever changes the file holds a lock beside it, so that commands at the same time do not undo each other.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from holdfast.cli.arguments import canonical_option, is_option
from holdfast.cli.errors import LocalError
from holdfast.cli.private_file import read_private, write_private
from holdfast.model import SecretBytes

OWN_DIRECTORY = ".hfctl"
CONFIG_VARIABLE = "HFCTL_CONFIG"
DEFAULT_ENDPOINT = "http://127.0.0.1:9021"
MASKED = "****"
MAX_FILE_BYTES = 1 << 20
MAX_NAME_CHARACTERS = 128
LOCK_SECONDS = 10.0
_STEP_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Context:
    """One saved way.

    Attributes:
        name: what the user calls it.
        endpoint: the node's address.
        token: the signed token; ``None`` to call as a guest, or if it is kept elsewhere.
        refresh_token: by which a provider gives a new token; likewise.
        identity: subject, name and email that the token claims, for display.
        kept: where token and refresh token are, if not here; see ``token_places``.
        renewal: who makes a new token before this one ends; see ``renewal``.
        tls: PEM files by which node and client know each other: ``ca``, ``cert``, ``key``.
    """

    name: str
    endpoint: str = DEFAULT_ENDPOINT
    token: SecretBytes | None = None
    refresh_token: SecretBytes | None = None
    identity: Mapping[str, str] = field(default_factory=dict)
    kept: Mapping[str, str] = field(default_factory=dict)
    renewal: Mapping[str, str] = field(default_factory=dict)
    tls: Mapping[str, str] = field(default_factory=dict)


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
    """Return where contexts are kept, unless another file is named."""
    return home / OWN_DIRECTORY / "contextconfig"


def chosen_file(named: str | None) -> Path:
    """Return the file that an option names, else the environment, else the one in the home directory."""
    named = named or os.environ.get(CONFIG_VARIABLE)
    return Path(named) if named else context_file(Path(os.environ.get("HOME") or Path.home()))


def names_for_completion(words: Sequence[str]) -> list[str]:
    """Return the names of all contexts; none if they cannot be read.

    Args:
        words: the line so far, in which ``--config`` may name another file.
    """
    named = ""
    for word, following in zip(words, [*words[1:], ""], strict=True):
        option, equals, value = canonical_option(word).partition("=") if is_option(word) else ("", "", "")
        if option == "--config":
            named = value if equals else following
    try:
        return sorted(read_contexts(chosen_file(named)).known)
    except LocalError:
        return []


def read_contexts(path: Path) -> Contexts:
    """Return what is saved at ``path``.

    Raises:
        LocalError: the file is not safe to use, or not of the expected form.
    """
    content = read_private(path, max_bytes=MAX_FILE_BYTES)
    return Contexts() if content is None else _parse(content, path)


def edit_contexts(path: Path, change: Callable[[Contexts], Contexts]) -> Contexts:
    """Replace what is saved at ``path`` by what ``change`` makes of it; return that.

    The file is complete and private at every moment, and nobody else changes it meanwhile.

    Raises:
        LocalError: the file is not safe to use, or somebody else holds it for too long.
    """
    _make_directory(path.parent)
    with holding(path.with_name(f"{path.name}.lock"), seconds=LOCK_SECONDS) as held:
        if not held:
            raise LocalError(f"{path}: another command is changing it; try again")
        before = read_contexts(path)
        after = change(before)
        if after != before:
            write_contexts(path, after)
        return after


def write_contexts(path: Path, contexts: Contexts) -> None:
    """Replace what is saved at ``path``; for those who hold its lock."""
    import yaml

    _make_directory(path.parent)
    document = contexts.to_document(masked=False)
    write_private(path, yaml.safe_dump(document, sort_keys=False, allow_unicode=True).encode())


@contextmanager
def holding(lock: Path, *, seconds: float) -> Iterator[bool]:
    """Hold a lock file for the length of a block; ``False`` inside if others did not let go in time."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        yield _lock(descriptor, until=time.monotonic() + seconds)
    finally:
        os.close(descriptor)


def check_context_name(name: str) -> str:
    """Return ``name`` if it may name a context.

    Raises:
        LocalError: empty, too long, or with characters that cannot be printed.
    """
    if not 0 < len(name) <= MAX_NAME_CHARACTERS or not name.isprintable() or name != name.strip():
        raise LocalError(f"context name: expected 1 to {MAX_NAME_CHARACTERS} printable characters")
    return name


def _lock(descriptor: int, *, until: float) -> bool:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                return False
            time.sleep(_STEP_SECONDS)
        else:
            return True


def _make_directory(directory: Path) -> None:
    try:
        directory.mkdir(mode=0o700, exist_ok=True)
        if directory.name == OWN_DIRECTORY and directory.stat().st_mode & 0o077:
            directory.chmod(0o700)  # a copy of a home, say; another directory is not ours to close
    except OSError as error:
        raise LocalError(f"{directory}: cannot be used ({error.strerror})") from None


def _entry(context: Context, *, masked: bool) -> dict[str, Any]:
    entry: dict[str, Any] = {"context": context.name}
    for name in ("token", "refresh_token"):
        secret: SecretBytes | None = getattr(context, name)
        if secret is not None:
            entry[name] = MASKED if masked else secret.reveal().decode()
        elif masked and name == "token" and context.kept:
            entry[name] = MASKED
    for name, part in (("identity", context.identity), ("token_kept", context.kept)):
        if part:
            entry[name] = dict(part)
    entry["endpoint"] = context.endpoint
    for name, part in (("renewal", context.renewal), ("tls", context.tls)):
        if part:
            entry[name] = dict(part)
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
    return Context(
        str(entry["context"]),
        str(entry.get("endpoint") or DEFAULT_ENDPOINT),
        _secret(entry.get("token")),
        _secret(entry.get("refresh_token")),
        identity=_texts(entry.get("identity")),
        kept=_texts(entry.get("token_kept")),
        renewal=_texts(entry.get("renewal")),
        tls=_texts(entry.get("tls")),
    )


def _secret(text: Any) -> SecretBytes | None:
    return SecretBytes(str(text).encode()) if text else None


def _texts(given: Any) -> dict[str, str]:
    return {str(name): str(value) for name, value in (given or {}).items()}
