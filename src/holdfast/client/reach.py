"""Which addresses a request may go to when somebody else has named the host.

A server that calls what its users name can be made to call its own neighbours: the metadata service of a
cloud, a database on loopback, a machine behind the firewall. So the name is resolved once, every address that
it has is judged, and the connection goes to an address that was judged, not to the name again.
"""

import ipaddress
import socket
from collections.abc import Callable
from enum import IntEnum
from typing import TypeAlias

from holdfast.client.errors import RemoteUnavailableError

IpAddress: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Lookup: TypeAlias = Callable[[str, int], list[IpAddress]]

# Networks of organisations (RFC 1918, RFC 4193). Shared and link-local ranges are not among them on purpose.
PRIVATE = tuple(
    ipaddress.ip_network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
)
# Where clouds answer who a machine is, inside a range that would otherwise be somebody's private network.
METADATA = (ipaddress.ip_network("fd00:ec2::/32"),)
# All of IPv6 that was ever given out (RFC 4291). Outside of it are ranges that only mean something within an
# organisation, such as site-local addresses, and IPv4 addresses in disguises that translators take off.
_GIVEN_OUT = ipaddress.ip_network("2000::/3")
MAX_TRIES = 3  # a host with many addresses does not get many times the patience
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class Reach(IntEnum):
    """How far a request may go; more includes less."""

    PUBLIC = 0  # the internet
    PRIVATE = 1  # also the networks of organisations
    ANYWHERE = 2  # also this machine and its link; for hosts that an operator named


class UnreachableHostError(RemoteUnavailableError):
    """The host has no address, or one that requests may not go to: which of them is not said."""


def may_reach(address: IpAddress, reach: Reach) -> bool:
    """Tell whether a request may go to ``address``."""
    address = _plain(address)
    if reach is Reach.ANYWHERE:
        return True
    if any(address in network for network in METADATA):
        return False
    if any(address in network for network in PRIVATE):
        return reach >= Reach.PRIVATE
    if isinstance(address, ipaddress.IPv6Address) and address not in _GIVEN_OUT:
        return False
    return address.is_global and not address.is_multicast


def system_lookup(host: str, port: int) -> list[IpAddress]:
    """Return the addresses of a host, none if it has none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    texts = dict.fromkeys(str(place[0]).partition("%")[0] for *_, place in found)
    return [ipaddress.ip_address(text) for text in texts]


def connect_to(
    host: str,
    port: int,
    *,
    reach: Reach,
    timeout_seconds: float,
    lookup: Lookup = system_lookup,
) -> socket.socket:
    """Open a connection to a host all of whose addresses may be reached.

    Raises:
        UnreachableHostError: it has no address, or one that may not be reached.
        OSError: nothing accepts the connection.
    """
    addresses = lookup(host, port)
    if not addresses or not all(may_reach(address, reach) for address in addresses):
        raise UnreachableHostError("the host has no address, or one that is not to be reached from here")
    return _first_that_accepts([str(address) for address in addresses], port, timeout_seconds)


def _plain(address: IpAddress) -> IpAddress:
    """Return the IPv4 address that some IPv6 addresses only wrap."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo[1] if address.teredo else None
    return address.ipv4_mapped or address.sixtofour or teredo or address


def _first_that_accepts(hosts: list[str], port: int, timeout_seconds: float) -> socket.socket:
    problem: OSError | None = None
    for host in hosts[:MAX_TRIES]:
        try:
            return socket.create_connection((host, port), timeout=timeout_seconds)
        except OSError as error:
            problem = error
    raise problem or OSError("no address")
