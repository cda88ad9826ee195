"""Where the cluster's state is: embedded for one node, on ZooKeeper or PostgreSQL for several.

    -k zk://host:port,host:port/znode      ZooKeeper; the znode is /holdfast-node unless named
    -k postgres://user@host:port/database  PostgreSQL; the table is holdfast.node unless named
    --kvdb-option NAME=VALUE               the options of the store's ``storage`` stanza of that engine

Everything of one cluster lies below ``clusters/<cluster id>/``, so that clusters that share an engine do not
see each other. A credential comes from a file that an option names; on the command line everybody saw it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from holdfast.clock import Clock
from holdfast.errors import InvalidInputError, UnsupportedError
from holdfast.storage.below import StorageBelow
from holdfast.storage.factory import open_storage
from holdfast.storage.interface import Storage

DEFAULT_ZNODE = "/holdfast-node"
DEFAULT_TABLE = "holdfast.node"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_SECRET_OPTIONS = frozenset({"auth_info"})
_UNKNOWN_ENGINE = (
    "-k: expected zk://host:port,... or postgres://user@host:port/database; etcd and Consul are not offered"
)


@dataclass(frozen=True, slots=True)
class StateSettings:
    """Which engine, and its options.

    Attributes:
        kind: ``file`` for the embedded one, ``zookeeper`` or ``postgresql``.
        options: as in the stanza of a store's configuration.
    """

    kind: str = "file"
    options: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def shared(self) -> bool:
        """Whether several nodes can have it."""
        return self.kind != "file"


def read_state_settings(url: str, options: Mapping[str, str], *, is_argument: bool) -> StateSettings:
    """Return what ``-k`` and its options say.

    Args:
        url: see the module; empty for the embedded engine.
        options: of the engine.
        is_argument: whether the URL stood on the command line, where it may hold no password.

    Raises:
        UnsupportedError: another engine.
        InvalidInputError: options without an engine, or a password where everybody sees it.
    """
    if not url:
        if options:
            raise InvalidInputError("--kvdb-option: expected -k beside it")
        return StateSettings()
    scheme, separator, rest = url.partition("://")
    if separator and scheme in {"zk", "zookeeper"}:
        address, slash, znode = rest.partition("/")
        path = f"/{znode}" if slash and znode else DEFAULT_ZNODE
        return StateSettings("zookeeper", {"address": address, "path": path, **options})
    if separator and scheme in {"postgres", "postgresql"}:
        if is_argument and _has_password(url):
            raise InvalidInputError(
                "-k: an argument is seen by every user of this host; "
                "name a file with --kvdb-option password_file=FILE"
            )
        return StateSettings("postgresql", {"connection_url": url, "table": DEFAULT_TABLE, **options})
    raise UnsupportedError(_UNKNOWN_ENGINE)


def read_options(texts: Sequence[str]) -> dict[str, str]:
    """Return the options that the command line names.

    Raises:
        InvalidInputError: not of the form ``NAME=VALUE``, or one that is a secret.
    """
    options = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise InvalidInputError("--kvdb-option: expected NAME=VALUE")
        if name in _SECRET_OPTIONS:
            raise InvalidInputError(
                f"--kvdb-option {name}: an argument is seen by every user of this host; use {name}_file"
            )
        options[name] = value
    return options


def check_name(name: str, *, option: str) -> str:
    """Return ``name`` if it may name a cluster or a node in shared state.

    Raises:
        InvalidInputError: it may not.
    """
    if not _NAME.fullmatch(name):
        raise InvalidInputError(
            f"{option}: expected 1 to 128 letters, digits, dots, dashes and underscores, "
            "beginning with a letter or digit"
        )
    return name


def open_state(settings: StateSettings, directory: Path, *, cluster_id: str, clock: Clock) -> Storage:
    """Open the cluster's state.

    Args:
        settings: which engine.
        directory: of the embedded one.
        cluster_id: whose state.
        clock: the time.

    Raises:
        InvalidInputError: an option that does not fit.
        StorageError: the engine cannot be opened.
    """
    if not settings.shared:
        return open_storage("file", {"path": str(directory)}, clock=clock)
    return StorageBelow(open_storage(settings.kind, settings.options, clock=clock), f"clusters/{cluster_id}/")


def _has_password(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return True
    return parts.password is not None or "password=" in parts.query
