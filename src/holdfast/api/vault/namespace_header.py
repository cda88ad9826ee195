"""The header that says which namespace a request is for: read, and sent back with the answer."""

from collections.abc import Callable
from functools import lru_cache

from holdfast.errors import InvalidInputError
from holdfast.http.message import Request
from holdfast.model import MAX_REMEMBERED_BYTES, parse_path

NAMESPACE = b"x-vault-namespace"
_ECHO = b"X-Vault-Namespace: %b/\r\n"

Reply = Callable[[bytes], None]


def read_namespace(request: Request) -> str:
    """Return the path of the namespace that the header names, with a trailing slash; empty for the root.

    Raises:
        InvalidInputError: no namespace can have this path.
    """
    value = request.headers.get(NAMESPACE, b"")
    return (_remembered if len(value) <= MAX_REMEMBERED_BYTES else _parsed)(value)


def _parsed(value: bytes) -> str:
    try:
        text = value.decode().strip("/")
    except UnicodeDecodeError:
        raise InvalidInputError("X-Vault-Namespace: expected UTF-8 text") from None
    if text in {"", "root"}:
        return ""
    return parse_path(text, field="X-Vault-Namespace").as_directory().text


_remembered = lru_cache(maxsize=4096)(_parsed)


def echoing(reply: Reply, namespace: str) -> Reply:
    """Return a way to reply that says which namespace was asked for."""
    if not namespace.isascii():
        return reply
    line = _ECHO % namespace.rstrip("/").encode()

    def send(response: bytes) -> None:
        status, end, rest = response.partition(b"\r\n")
        reply(status + end + line + rest)

    return send
