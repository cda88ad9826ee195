"""Where a server is, and the rule that a token never crosses a network in the clear.

Three forms: ``https://host[:port][/base]``, ``http://host[:port][/base]`` for loopback only, and
``unix:///path/to/socket``.
"""

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from holdfast.errors import InvalidInputError

DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed server address.

    Attributes:
        scheme: ``http``, ``https`` or ``unix``.
        host: host name or IP address without brackets; empty for a Unix socket.
        port: TCP port, 0 for a Unix socket.
        base_path: prefix of every request path, without a trailing slash; usually empty.
        socket_path: path of the Unix socket, else empty.
    """

    scheme: str
    host: str = ""
    port: int = 0
    base_path: str = ""
    socket_path: str = ""


def parse_address(
    text: str, *, field: str = "address", allow_plaintext_off_loopback: bool = False
) -> Address:
    """Parse a server address.

    Args:
        text: the address as the user wrote it.
        field: the name of the setting, for error texts.
        allow_plaintext_off_loopback: accept ``http://`` to another machine, where anybody on the way
            can read tokens and secrets.

    Raises:
        InvalidInputError: another form, credentials inside the address, or plain HTTP off loopback.
    """
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError:
        raise _bad_address(field) from None
    if parts.query or parts.fragment or parts.username is not None or parts.password is not None:
        raise InvalidInputError(f"{field}: expected no credentials, query or fragment in the address")
    if parts.scheme == "unix":
        if parts.netloc or not parts.path.startswith("/"):
            raise InvalidInputError(f"{field}: expected unix:///absolute/path/of/socket")
        return Address("unix", socket_path=parts.path)
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        raise _bad_address(field)
    if parts.scheme == "http" and not allow_plaintext_off_loopback and not is_loopback(parts.hostname):
        raise InvalidInputError(
            f"{field}: plain http is accepted for loopback only, because it shows the token to the network; "
            "use https"
        )
    return Address(
        parts.scheme, parts.hostname, port or DEFAULT_PORTS[parts.scheme], base_path=parts.path.rstrip("/")
    )


def is_loopback(host: str) -> bool:
    """Tell whether ``host`` names this machine's loopback."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _bad_address(field: str) -> InvalidInputError:
    return InvalidInputError(f"{field}: expected https://host:port, http://127.0.0.1:port or unix:///path")
