"""Where a login may send people back to: what a role allows, exactly.

Of a loopback address the port does not matter: a program that waits there takes a free one (RFC 8252,
section 7.3). Everything else is compared as text.
"""

from urllib.parse import urlsplit

from holdfast.errors import InvalidInputError

MAX_REDIRECT_LENGTH = 1024

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_SCHEMES = frozenset({"http", "https"})


def check_redirects(uris: tuple[str, ...]) -> tuple[str, ...]:
    """Return the addresses that a role allows.

    Raises:
        InvalidInputError: one is none that a browser can be sent to with a code.
    """
    for uri in uris:
        parts = _parts(uri)
        if parts is None or (parts[0] == "http" and parts[1] not in _LOOPBACK):
            raise InvalidInputError(
                "allowed_redirect_uris: expected https://host/path, or http://localhost:port/path"
            )
    return uris


def is_allowed(uri: str, allowed: tuple[str, ...]) -> bool:
    """Whether a login may ask to be sent back to ``uri``."""
    if len(uri) > MAX_REDIRECT_LENGTH:
        return False
    parts = _parts(uri)
    if parts is None:
        return False
    return uri in allowed or (parts[1] in _LOOPBACK and any(parts == _parts(each) for each in allowed))


def _parts(uri: str) -> tuple[str, str, str, str] | None:
    """Return all of an address but its port; ``None`` if it is none."""
    try:
        parts = urlsplit(uri)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return None
    plain = uri.isascii() and uri.isprintable() and " " not in uri and "\\" not in uri
    if not plain or parts.scheme not in _SCHEMES or not host or "#" in uri or "@" in parts.netloc:
        return None
    return parts.scheme, host, parts.path, parts.query
