"""Which database, and as whom: the settings of a ``storage "postgresql"`` stanza.

    connection_url       postgres://user@host:port/database?sslmode=verify-full, or key=value pairs
    password_file        file with the password, so that the configuration need not have it
    table                where everything lies, with its schema [holdfast.store]
    skip_create_table    true: schema and table are made by somebody else [false]
    request_timeout      how long a change waits for a server that is away [10s]
    unsafe_unverified_server
                         true: talk over a network to whoever answers in the server's place

Vault's other names are taken and do nothing: ``max_parallel`` and ``max_idle_connections``, because each
process holds one connection to read and the writer one more; ``ha_enabled`` and ``ha_table``, because every
node serves, and nobody has to be elected.

Records are ciphertext wherever they lie, but who plays the server could forget changes or bring back older
records, and would be sent the password. So beyond this machine the server's certificate is verified, and a
weaker ``sslmode`` is refused unless the configuration says that this is meant.
"""

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from holdfast.storage.options import OptionReader

DEFAULT_TABLE = "holdfast.store"
DEFAULT_PORT = "5432"
DEFAULT_PATIENCE_SECONDS = 10.0
IGNORED = ("ha_enabled", "ha_table", "max_idle_connections", "max_parallel")

_options = OptionReader("postgresql")
_flag, _seconds, _refuse = _options.flag, _options.seconds, _options.refuse

_NAMES = frozenset(
    {
        "connection_url",
        "password_file",
        "table",
        "skip_create_table",
        "request_timeout",
        "unsafe_unverified_server",
        *IGNORED,
    }
)
_IN_URL = frozenset(
    {
        "application_name",
        "connect_timeout",
        "dbname",
        "host",
        "password",
        "port",
        "sslcert",
        "sslcrl",
        "sslkey",
        "sslmode",
        "sslrootcert",
        "target_session_attrs",
        "user",
    }
)
_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_TABLE = re.compile(r"[a-z_][a-z0-9_]{0,62}\.[a-z_][a-z0-9_]{0,62}")
_HOST = re.compile(r"[A-Za-z0-9_.:,%/ -]+|@[^@,]+")
_UNCLEAR = (
    "connection_url: expected postgres://user@host:port/database; special characters of a password are "
    "percent-encoded, or the password goes into password_file"
)
_DEBIANS_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """See the module.

    Attributes:
        server: what libpq is told, but for the password.
        password: empty where the server asks for none.
        schema: the schema of our own.
        table: the one table in it.
        create_table: make schema and table if they are not there.
        patience_seconds: how long a change waits for a server that is away.
        is_local: whether nothing leaves this machine.
        is_verified: whether the server's certificate is verified.
    """

    server: Mapping[str, str]
    password: str = field(default="", repr=False)
    schema: str = DEFAULT_TABLE.partition(".")[0]
    table: str = DEFAULT_TABLE.partition(".")[2]
    create_table: bool = True
    patience_seconds: float = DEFAULT_PATIENCE_SECONDS
    is_local: bool = True
    is_verified: bool = False

    @property
    def is_socket(self) -> bool:
        """Whether the server is reached by Unix sockets alone."""
        return all(host.startswith(("/", "@")) for host in self.server["host"].split(","))

    @property
    def place(self) -> str:
        """Which server and database, for the operator's log."""
        return f"host {self.server['host']} port {self.server['port']} database {self.server['dbname']}"


def read_settings(options: Mapping[str, Any]) -> Settings:
    """Return the settings that a stanza describes.

    Raises:
        InvalidInputError: an unknown name, a value that does not fit, a file that cannot be read, or a server
            beyond this machine whose certificate would not be verified.
    """
    for unknown in sorted(options.keys() - _NAMES):
        raise _refuse(f"unknown option {unknown}")
    server = _server(_text(options, "connection_url"))
    password = _password(options, server.pop("password", ""))
    is_local = all(_is_local(host) for host in server["host"].split(","))
    mode = server.setdefault("sslmode", "prefer" if is_local else "verify-full")
    if mode not in _SSL_MODES:
        raise _refuse(f"connection_url: expected sslmode to be one of {', '.join(_SSL_MODES)}")
    unsafe = _flag(options, "unsafe_unverified_server", default=False)
    if mode != "verify-full" and not is_local and not unsafe:
        raise _refuse(
            "connection_url: expected sslmode=verify-full, because the server is not on this machine; "
            "unsafe_unverified_server = true does without"
        )
    if mode.startswith("verify"):
        server.setdefault("sslrootcert", _certificates())
    for name in ("sslrootcert", "sslcert", "sslkey", "sslcrl"):
        if server.get(name, "system") != "system" and not Path(server[name]).is_file():
            raise _refuse(f"connection_url: {name}: expected a file that exists")
    schema, _, table = _table(options).partition(".")
    return Settings(
        server=server,
        password=password,
        schema=schema,
        table=table,
        create_table=not _flag(options, "skip_create_table", default=False),
        patience_seconds=_seconds(options, "request_timeout", DEFAULT_PATIENCE_SECONDS),
        is_local=is_local,
        is_verified=mode == "verify-full",
    )


def _server(url: str) -> dict[str, str]:
    """Take a URL apart; what is wrong with it is never repeated, as the password may be in it."""
    try:
        parts = {name: str(value) for name, value in conninfo_to_dict(url).items() if value not in {None, ""}}
    except psycopg.Error:
        raise _refuse(_UNCLEAR) from None
    # What follows an @ or a / of a password is read as the host, and would be asked for by that name.
    if not _HOST.fullmatch(parts.get("host", "-")) or set("@/?") & set(parts.get("dbname", "")):
        raise _refuse(_UNCLEAR)
    for unknown in sorted(parts.keys() - _IN_URL):
        raise _refuse(f"connection_url: {unknown} is not taken; expected {', '.join(sorted(_IN_URL))}")
    for name, what in (
        ("host", "a host, or the directory of a socket"),
        ("user", "a user"),
        ("dbname", "a database"),
    ):
        if name not in parts:
            raise _refuse(f"connection_url: expected {what}")
    parts["port"] = ",".join(port or DEFAULT_PORT for port in parts.get("port", "").split(","))
    if not re.fullmatch(r"\d{1,5}(,\d{1,5})*", parts["port"]):
        raise _refuse("connection_url: expected a number as port")
    if "," in parts["host"]:
        parts.setdefault("target_session_attrs", "read-write")
    return parts


def _password(options: Mapping[str, Any], in_url: str) -> str:
    if "password_file" not in options:
        return in_url
    if in_url:
        raise _refuse("expected a password in connection_url or password_file, not both")
    try:
        password = Path(_text(options, "password_file")).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        raise _refuse("password_file: the file cannot be read") from None
    if not password or "\0" in password:
        raise _refuse("password_file: expected one password in the file")
    return password


def _is_local(host: str) -> bool:
    if host.startswith(("/", "@")) or host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _certificates() -> str:
    """Return the file with the authorities that this machine trusts; libpq may have another idea of it."""
    for path in (ssl.get_default_verify_paths().cafile, _DEBIANS_CERTIFICATES):
        if path and Path(path).is_file():
            return path
    return "system"


def _table(options: Mapping[str, Any]) -> str:
    table = _text(options, "table", DEFAULT_TABLE)
    if "." not in table:
        table = f"{DEFAULT_TABLE.partition('.')[0]}.{table}"
    if not _TABLE.fullmatch(table):
        raise _refuse("table: expected schema.table, of small letters, digits and _")
    return table


def _text(options: Mapping[str, Any], name: str, default: str | None = None) -> str:
    value = options.get(name, default)
    if not isinstance(value, str) or not value:
        raise _refuse(f"{name}: expected a text" if name in options else f"{name} is required")
    return value
