"""A host that somebody else named is reached at addresses that were judged: none of the node's neighbours."""

import ipaddress
import socket

import pytest

from holdfast.client.reach import Reach, UnreachableHostError, connect_to, may_reach, system_lookup

NOWHERE, PUBLIC, PRIVATE, ANYWHERE = None, Reach.PUBLIC, Reach.PRIVATE, Reach.ANYWHERE


@pytest.mark.parametrize(
    ("address", "least"),
    [
        pytest.param("52.216.8.8", PUBLIC, id="internet"),
        pytest.param("2600:1f18::1", PUBLIC, id="internet-v6"),
        pytest.param("10.1.2.3", PRIVATE, id="ten"),
        pytest.param("172.16.0.1", PRIVATE, id="one-seven-two"),
        pytest.param("192.168.1.1", PRIVATE, id="one-nine-two"),
        pytest.param("fd12:3456::1", PRIVATE, id="unique-local"),
        pytest.param("127.0.0.1", ANYWHERE, id="loopback"),
        pytest.param("127.8.8.8", ANYWHERE, id="other-loopback"),
        pytest.param("::1", ANYWHERE, id="loopback-v6"),
        pytest.param("fec0::1", ANYWHERE, id="site-local"),
        pytest.param("64:ff9b:1::a00:1", ANYWHERE, id="ten-by-a-translator-of-ones-own"),
        pytest.param("::ffff:0:10.1.2.3", ANYWHERE, id="ten-translated"),
        pytest.param("::10.1.2.3", ANYWHERE, id="ten-compatible"),
        pytest.param("0.0.0.0", ANYWHERE, id="unspecified"),
        pytest.param("::", ANYWHERE, id="unspecified-v6"),
        pytest.param("169.254.169.254", ANYWHERE, id="metadata-service"),
        pytest.param("fd00:ec2::254", ANYWHERE, id="metadata-service-v6"),
        pytest.param("100.100.100.200", ANYWHERE, id="shared-range-and-its-metadata-service"),
        pytest.param("fe80::1", ANYWHERE, id="link-local-v6"),
        pytest.param("224.0.0.1", ANYWHERE, id="multicast"),
        pytest.param("ff02::1", ANYWHERE, id="multicast-v6"),
        pytest.param("255.255.255.255", ANYWHERE, id="broadcast"),
        pytest.param("192.0.2.1", ANYWHERE, id="documentation"),
        pytest.param("::ffff:127.0.0.1", ANYWHERE, id="mapped-loopback"),
        pytest.param("::ffff:169.254.169.254", ANYWHERE, id="mapped-metadata-service"),
        pytest.param("::ffff:10.0.0.1", PRIVATE, id="mapped-private"),
        pytest.param("::ffff:52.216.8.8", PUBLIC, id="mapped-internet"),
        pytest.param("64:ff9b::7f00:1", ANYWHERE, id="translated-loopback"),
        pytest.param("64:ff9b::a00:1", PRIVATE, id="translated-private"),
        pytest.param("2002:7f00:1::", ANYWHERE, id="six-to-four-loopback"),
        pytest.param("2002:a9fe:a9fe::", ANYWHERE, id="six-to-four-metadata-service"),
    ],
)
def test_how_far_a_request_has_to_reach(address, least):
    parsed = ipaddress.ip_address(address)
    assert [reach for reach in Reach if may_reach(parsed, reach)] == [r for r in Reach if r >= least]


def found(*addresses):
    return lambda host, port: [ipaddress.ip_address(address) for address in addresses]


@pytest.mark.parametrize(
    "addresses",
    [
        pytest.param((), id="no-address"),
        pytest.param(("127.0.0.1",), id="a-neighbour"),
        pytest.param(("52.216.8.8", "127.0.0.1"), id="a-neighbour-among-others"),
        pytest.param(("127.0.0.1", "52.216.8.8"), id="a-neighbour-first"),
    ],
)
def test_one_refusal_for_a_name_without_an_address_and_for_a_neighbours(addresses):
    with pytest.raises(UnreachableHostError, match="no address, or one that is not to be reached"):
        connect_to("x", 80, reach=Reach.PRIVATE, timeout_seconds=1, lookup=found(*addresses))


def test_the_connection_goes_to_the_address_that_was_judged():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with connect_to(
            "rebinding.example", port, reach=Reach.ANYWHERE, timeout_seconds=5, lookup=found("127.0.0.1")
        ) as link:
            assert link.getpeername()[:2] == ("127.0.0.1", port)


@pytest.mark.parametrize("host", ["", "no such host", "a" * 300, "x..y", "\0"])
def test_what_is_no_host_has_no_address_that_is_public(host):
    assert not [address for address in system_lookup(host, 80) if may_reach(address, Reach.PUBLIC)]


@pytest.mark.parametrize("host", ["127.1", "0x7f000001", "2130706433", "localhost"])
def test_other_spellings_of_loopback_are_loopback(host):
    with pytest.raises(UnreachableHostError):
        connect_to(host, 80, reach=Reach.PRIVATE, timeout_seconds=1)
