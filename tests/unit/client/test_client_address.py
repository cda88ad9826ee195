"""Addresses a client takes, and those over which a token would travel in clear."""

import pytest

from holdfast.client.address import Address, parse_address
from holdfast.errors import InvalidInputError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("https://vault.example:8200", Address("https", "vault.example", 8200), id="https"),
        pytest.param("https://vault.example", Address("https", "vault.example", 443), id="default-port"),
        pytest.param("https://v.example/base/", Address("https", "v.example", 443, "/base"), id="base-path"),
        pytest.param("http://127.0.0.1:8200", Address("http", "127.0.0.1", 8200), id="loopback"),
        pytest.param("http://127.9.9.9:1", Address("http", "127.9.9.9", 1), id="whole-127-net"),
        pytest.param("http://localhost:8200", Address("http", "localhost", 8200), id="localhost"),
        pytest.param("http://[::1]:8200", Address("http", "::1", 8200), id="loopback-v6"),
        pytest.param("unix:///run/h.sock", Address("unix", socket_path="/run/h.sock"), id="unix"),
        pytest.param("  https://v.example \n", Address("https", "v.example", 443), id="blanks-around"),
    ],
)
def test_accepted_forms(text, expected):
    assert parse_address(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("vault.example:8200", id="no-scheme"),
        pytest.param("ftp://vault.example", id="other-scheme"),
        pytest.param("https://", id="no-host"),
        pytest.param("https://host:70000", id="port-out-of-range"),
        pytest.param("https://[::1", id="broken-bracket"),
        pytest.param("https://user:pw@host", id="credentials-inside"),
        pytest.param("https://host/?token=x", id="query"),
        pytest.param("https://host/#x", id="fragment"),
        pytest.param("http://vault.example:8200", id="plain-http-to-a-name"),
        pytest.param("http://10.0.0.1:8200", id="plain-http-to-another-machine"),
        pytest.param("http://127.0.0.1.evil.example", id="looks-like-loopback"),
        pytest.param("unix://run/h.sock", id="unix-relative"),
    ],
)
def test_refused_forms_do_not_echo_the_value(text):
    with pytest.raises(InvalidInputError) as caught:
        parse_address(text)
    assert "evil" not in caught.value.message
    assert "pw" not in caught.value.message


def test_plain_http_elsewhere_needs_the_named_switch():
    address = parse_address("http://10.0.0.1:8200", allow_plaintext_off_loopback=True)
    assert address == Address("http", "10.0.0.1", 8200)
