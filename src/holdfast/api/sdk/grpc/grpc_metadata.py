"""What gRPC says about a call beside its messages."""

from collections.abc import Iterable
from urllib.parse import unquote

Metadata = Iterable[tuple[str, str | bytes]]


def all_of(metadata: Metadata, key: str) -> list[bytes]:
    """Return every value of a key, in order."""
    return [_bytes(value) for name, value in metadata if name == key]


def first_of(metadata: Metadata, key: str) -> bytes:
    """Return the first value of a key; empty if there is none."""
    for name, value in metadata:
        if name == key:
            return _bytes(value)
    return b""


def peer_of(peer: str) -> str:
    """Return ``ipv6:%5B::1%5D:5`` as ``[::1]:5``, and so on."""
    scheme, _, address = peer.partition(":")
    return unquote(address) if scheme in {"ipv4", "ipv6"} else scheme


def _bytes(value: str | bytes) -> bytes:
    return value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
