"""The networks that a token or a login is bound to."""

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from holdfast.errors import InvalidInputError, UnauthenticatedError

Network = IPv4Network | IPv6Network


def parse_networks(texts: tuple[str, ...], *, field: str) -> tuple[str, ...]:
    """Return networks, or single addresses, in one spelling.

    Raises:
        InvalidInputError: one of them is neither.
    """
    try:
        return tuple(str(ip_network(text)) for text in texts)
    except ValueError:
        raise InvalidInputError(
            f"{field}: expected networks such as 10.1.0.0/16 or 2001:db8::/64, or single addresses"
        ) from None


def admits(networks: tuple[str, ...], peer: str) -> bool:
    """Whether a connection from ``peer`` (``address:port``) comes from one of these; with none, any will do.

    What comes by a Unix socket has no address, and so comes from no network.
    """
    if not networks:
        return True
    host = peer.rpartition(":")[0].strip("[]").partition("%")[0]
    try:
        address = ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return any((mapped or address) in network for network in _networks(networks))


def check_network(networks: tuple[str, ...], peer: str) -> None:
    """Return if a token bound to ``networks`` may be used by ``peer``.

    Raises:
        UnauthenticatedError: it comes from elsewhere.
    """
    if not admits(networks, peer):
        raise UnauthenticatedError("permission denied", reason="wrong_network")


@lru_cache(maxsize=1024)
def _networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ip_network(text) for text in texts)
