"""Whom to talk to, and as whom: the settings of a ``storage "zookeeper"`` stanza.

    address              host:port of every server, with commas between
    path                 the znode below which everything lies [/holdfast]
    auth_info            digest:<user>:<password>, ZooKeeper's digest scheme
    auth_info_file       file that holds the same, so that the configuration need not
    sasl_user            user name for SASL DIGEST-MD5
    sasl_password_file   file with the password that goes with it
    unprotected          true: znodes that whoever reaches ZooKeeper may change and delete
    tls_enabled          true: talk TLS, verified
    tls_ca_file, tls_cert_file, tls_key_file
    tls_verify_hostname  false: the certificate need not name the server [true]
    session_timeout      duration [6s]
    request_timeout      how long a change waits for an ensemble that is away [10s]

Records are ciphertext wherever they lie, but who may write to the znodes can delete them, and can bring
back older ones. So znodes belong to the credentials that made them, and a configuration without
credentials is refused unless it says that this is meant.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kazoo.security import ACL, CREATOR_ALL_ACL, OPEN_ACL_UNSAFE

from holdfast.storage.options import OptionReader

DEFAULT_PATH = "/holdfast"
DEFAULT_SESSION_SECONDS = 6.0
DEFAULT_PATIENCE_SECONDS = 10.0

_options = OptionReader("zookeeper")
_flag, _seconds, _refuse = _options.flag, _options.seconds, _options.refuse

_NAMES = frozenset(
    {
        "address",
        "path",
        "auth_info",
        "auth_info_file",
        "sasl_user",
        "sasl_password_file",
        "unprotected",
        "tls_enabled",
        "tls_ca_file",
        "tls_cert_file",
        "tls_key_file",
        "tls_verify_hostname",
        "session_timeout",
        "request_timeout",
    }
)
_SERVER = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9_.-]+):([0-9]{1,5})")
_PATH = re.compile(r"(/[A-Za-z0-9_.-]+)+")
_MAX_PORT = 65_535


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Files for a connection over TLS; empty for none."""

    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""
    verify_hostname: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """See the module.

    Attributes:
        address: the servers, as in the stanza.
        path: the root of everything, starting with a slash.
        auth: pairs of a scheme and its credential.
        sasl: user name and password, or ``None``.
        tls: ``None`` for a connection in clear.
        session_seconds: after which silence the ensemble forgets a session.
        patience_seconds: how long a change waits for an ensemble that is away.
    """

    address: str
    path: str = DEFAULT_PATH
    auth: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    sasl: tuple[str, str] | None = field(default=None, repr=False)
    tls: TlsFiles | None = None
    session_seconds: float = DEFAULT_SESSION_SECONDS
    patience_seconds: float = DEFAULT_PATIENCE_SECONDS

    @property
    def acl(self) -> list[ACL]:
        """Who may use the znodes that we make."""
        return list(CREATOR_ALL_ACL if self.auth or self.sasl else OPEN_ACL_UNSAFE)

    @property
    def sasl_options(self) -> dict[str, str] | None:
        """What the client wants to know for SASL."""
        if self.sasl is None:
            return None
        user, password = self.sasl
        return {"mechanism": "DIGEST-MD5", "username": user, "password": password}


def read_settings(options: Mapping[str, Any]) -> Settings:
    """Return the settings that a stanza describes.

    Raises:
        InvalidInputError: an unknown name, a value that does not fit, a file that cannot be read, or no
            credentials without ``unprotected``.
    """
    for unknown in sorted(options.keys() - _NAMES):
        raise _refuse(f"unknown option {unknown}")
    auth, sasl = _auth(options), _sasl(options)
    if not auth and sasl is None and not _flag(options, "unprotected", default=False):
        raise _refuse(
            "auth_info_file or sasl_user is required, so that only Holdfast may change what it stored; "
            "unprotected = true does without"
        )
    if auth and sasl is not None:
        raise _refuse("expected auth_info or sasl_user, not both")
    return Settings(
        address=_address(options),
        path=_path(options),
        auth=auth,
        sasl=sasl,
        tls=_tls(options),
        session_seconds=_seconds(options, "session_timeout", DEFAULT_SESSION_SECONDS),
        patience_seconds=_seconds(options, "request_timeout", DEFAULT_PATIENCE_SECONDS),
    )


def _address(options: Mapping[str, Any]) -> str:
    servers = _text(options, "address").replace(" ", "").split(",")
    for server in servers:
        found = _SERVER.fullmatch(server)
        if found is None or not 0 < int(found[2]) <= _MAX_PORT:
            raise _refuse("address: expected host:port of every server, with commas between")
    return ",".join(servers)


def _path(options: Mapping[str, Any]) -> str:
    path = "/" + _text(options, "path", DEFAULT_PATH).strip("/")
    if not _PATH.fullmatch(path) or {".", "..", "zookeeper"} & set(path.split("/")):
        raise _refuse("path: expected a znode such as /holdfast, of letters, digits and -_.")
    return path


def _auth(options: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    if "auth_info" in options and "auth_info_file" in options:
        raise _refuse("expected auth_info or auth_info_file, not both")
    if "auth_info_file" in options:
        info = _content(_text(options, "auth_info_file"), "auth_info_file")
    else:
        info = _text(options, "auth_info", "")
        if not info:
            return ()
    scheme, _, credential = info.partition(":")
    user, separator, password = credential.partition(":")
    if scheme != "digest" or not user or not separator or not password:
        raise _refuse("auth_info: expected digest:<user>:<password>")
    return ((scheme, credential),)


def _sasl(options: Mapping[str, Any]) -> tuple[str, str] | None:
    if "sasl_user" not in options and "sasl_password_file" not in options:
        return None
    user = _text(options, "sasl_user")
    password = _content(_text(options, "sasl_password_file"), "sasl_password_file")
    if not password:
        raise _refuse("sasl_password_file: the file is empty")
    return user, password


def _tls(options: Mapping[str, Any]) -> TlsFiles | None:
    if not _flag(options, "tls_enabled", default=False):
        for name in ("tls_ca_file", "tls_cert_file", "tls_key_file", "tls_verify_hostname"):
            if name in options:
                raise _refuse(f"{name}: expected tls_enabled = true beside it")
        return None
    files = {name: _text(options, f"tls_{name}", "") for name in ("ca_file", "cert_file", "key_file")}
    for name, path in files.items():
        if path and not Path(path).is_file():
            raise _refuse(f"tls_{name}: expected a file that exists")
    if bool(files["cert_file"]) != bool(files["key_file"]):
        raise _refuse("expected tls_cert_file and tls_key_file together")
    return TlsFiles(**files, verify_hostname=_flag(options, "tls_verify_hostname", default=True))


def _content(path: str, name: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        raise _refuse(f"{name}: the file cannot be read") from None


def _text(options: Mapping[str, Any], name: str, default: str | None = None) -> str:
    value = options.get(name, default)
    if not isinstance(value, str) or (default is None and not value):
        raise _refuse(f"{name}: expected a text" if name in options else f"{name} is required")
    return value
