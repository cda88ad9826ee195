"""``config.json`` of a storage node, in the layout of ``/etc/pwx/config.json``.

    {"clusterid": "...",
     "secret": {"secret_type": "vault", "cluster_secret_key": "...", "vault": {"VAULT_ADDR": "..."},
                "former_secret_type": "dcos", "dcos": {"DCOS_CLUSTER_URL": "..."}},
     "storage": {"devices": ["/var/lib/holdfast/node"]},
     "kvdb": ["zk://host:port,..."], "kvdb_options": {"auth_info_file": "..."}}

Members that other installations have and a node has no use for are left alone, and so is a ``kvdb`` of a kind
that is not offered. ``devices`` names one directory instead of block devices.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from holdfast.errors import InvalidInputError
from holdfast.formats.strict_json import decode_object

DEFAULT_PATH = Path("/etc/pwx/config.json")
MAX_BYTES = 1 << 20
OFFERED_ENGINES = frozenset({"postgres", "postgresql", "zk", "zookeeper"})

# What the object of a provider's settings is called where it has not the name of the provider's type.
SECTIONS = {"aws-kms": "aws", "aws-secrets-manager": "aws"}

_KIND_WORDS = {"dict": "an object", "list": "a list", "str": "text"}


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeConfigFile:
    """What the file says; empty where it says nothing.

    Attributes:
        cluster_id: ``clusterid``.
        secret_type: ``secret.secret_type``.
        cluster_secret_key: ``secret.cluster_secret_key``.
        former_secret_type: ``secret.former_secret_type``.
        secret: the object ``secret`` as a whole; see ``settings_of``.
        path: of the file, for errors.
        storage: the only entry of ``storage.devices``.
        kvdb: the only entry of ``kvdb``.
        kvdb_options: ``kvdb_options``.
    """

    cluster_id: str = ""
    secret_type: str = ""
    cluster_secret_key: str = ""
    former_secret_type: str = ""
    secret: Mapping[str, Any] = field(default_factory=dict, repr=False)
    storage: str = ""
    kvdb: str = ""
    kvdb_options: Mapping[str, str] = field(default_factory=dict)
    path: str = ""

    def settings_of(self, secret_type: str) -> Mapping[str, str]:
        """Return the object below ``secret`` that has the name of a provider, whoever asked for it.

        Raises:
            InvalidInputError: it is no object of texts.
        """
        section = SECTIONS.get(secret_type, secret_type)
        try:
            settings: Mapping[str, str] = _member(self.secret, section, dict, {}) if section else {}
            _require_texts(f"secret.{section}", settings)
        except InvalidInputError as error:
            raise InvalidInputError(f"{self.path}: {error.message}") from None
        return settings


def read_config_file(path: str) -> NodeConfigFile:
    """Read the file at ``path``; without one, the default file if it exists.

    Raises:
        InvalidInputError: it cannot be read, is no strict JSON, or a member is of another type.
    """
    chosen = Path(path) if path else DEFAULT_PATH
    if not path and not chosen.exists():
        return NodeConfigFile()
    try:
        with chosen.open("rb") as file:
            body = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InvalidInputError(f"--config {chosen}: cannot be read ({error.strerror})") from None
    if len(body) > MAX_BYTES:
        raise InvalidInputError(f"{chosen}: expected at most {MAX_BYTES} bytes")
    try:
        return _parse(decode_object(body).values, path=str(chosen))
    except InvalidInputError as error:
        hint = " (JSON allows no comma before a closing brace)" if b",}" in b"".join(body.split()) else ""
        raise InvalidInputError(f"{chosen}: {error.message}{hint}") from None


def _parse(values: Mapping[str, Any], *, path: str) -> NodeConfigFile:
    secret = _member(values, "secret", dict, {})
    storage = _member(values, "storage", dict, {})
    devices = _member(storage, "devices", list, [])
    if len(devices) > 1 or not all(isinstance(device, str) for device in devices):
        raise InvalidInputError("storage.devices: expected one directory")
    kvdb_options = _member(values, "kvdb_options", dict, {})
    _require_texts("kvdb_options", kvdb_options)
    return NodeConfigFile(
        cluster_id=_member(values, "clusterid", str, ""),
        secret_type=_member(secret, "secret_type", str, ""),
        cluster_secret_key=_member(secret, "cluster_secret_key", str, ""),
        former_secret_type=_member(secret, "former_secret_type", str, ""),
        secret=secret,
        storage=devices[0] if devices else "",
        kvdb=_kvdb(_member(values, "kvdb", list, [])),
        kvdb_options=kvdb_options,
        path=path,
    )


def _require_texts(place: str, texts: Mapping[str, Any]) -> None:
    for name, value in texts.items():
        if not isinstance(value, str):
            raise InvalidInputError(f"{place}.{name}: expected text")


def _kvdb(entries: list[Any]) -> str:
    if not all(isinstance(entry, str) for entry in entries):
        raise InvalidInputError("kvdb: expected texts")
    offered = [entry for entry in entries if entry.partition("://")[0] in OFFERED_ENGINES]
    if len(offered) > 1:
        raise InvalidInputError("kvdb: expected one engine; several servers of it stand in one URL")
    return offered[0] if offered else ""


def _member(values: Mapping[str, Any], name: str, kind: type, absent: Any) -> Any:
    value = values.get(name, absent)
    if not isinstance(value, kind):
        raise InvalidInputError(f"{name}: expected {_KIND_WORDS[kind.__name__]}")
    return value
