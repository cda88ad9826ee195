"""What the listener refuses: each with its status, a closed connection, and nothing for the handler."""

import pytest
from tests.support.http_wire import Wire, answers_in, get, put, statuses

from holdfast.http.limits import Limits

CHUNKED = b"PUT /v1/a HTTP/1.1\r\nHost: store\r\nTransfer-Encoding: chunked\r\n\r\n"


def head(*lines: str, start: str = "GET /v1/a HTTP/1.1") -> bytes:
    return "\r\n".join([start, *lines, "", ""]).encode()


REFUSED = [
    # Framing that two readers could read differently.
    pytest.param(
        head("Host: s", "Content-Length: 5", "Transfer-Encoding: chunked") + b"0\r\n\r\n",
        400,
        id="both-framings",
    ),
    pytest.param(
        head("Host: s", "Transfer-Encoding: chunked", "Content-Length: 5") + b"0\r\n\r\n",
        400,
        id="both-framings-other-order",
    ),
    pytest.param(head("Host: s", "Content-Length: 0", "Content-Length: 0"), 400, id="equal-lengths-twice"),
    pytest.param(head("Host: s", "Content-Length: 0", "content-length: 1") + b"a", 400, id="two-lengths"),
    pytest.param(head("Host: s", "Content-Length: +1") + b"a", 400, id="signed-length"),
    pytest.param(head("Host: s", "Content-Length: 1, 1") + b"a", 400, id="length-list"),
    pytest.param(head("Host: s", "Content-Length: 0x1") + b"a", 400, id="hex-length"),
    pytest.param(head("Host: s", "Content-Length:") + b"a", 400, id="empty-length"),
    pytest.param(head("Host: s", "Content-Length: " + "9" * 30), 400, id="length-over-64-bits"),
    pytest.param(
        head("Host: s", "Transfer-Encoding: gzip, chunked") + b"0\r\n\r\n", 400, id="coded-and-chunked"
    ),
    pytest.param(head("Host: s", "Transfer-Encoding: xchunked") + b"0\r\n\r\n", 400, id="unknown-coding"),
    pytest.param(head("Host: s", "Transfer-Encoding: identity"), 400, id="identity-coding"),
    pytest.param(
        head("Host: s", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), 400, id="chunked-twice"
    ),
    pytest.param(CHUNKED + b"0x3\r\nabc\r\n0\r\n\r\n", 400, id="hex-prefix-in-chunk-size"),
    pytest.param(CHUNKED + b"3\nabc\n0\n\n", 400, id="bare-lf-in-chunks"),
    pytest.param(CHUNKED + b"3\r\nabcd\r\n0\r\n\r\n", 400, id="chunk-longer-than-its-size"),
    pytest.param(
        head("Transfer-Encoding: chunked", start="PUT /v1/a HTTP/1.0") + b"0\r\n\r\n",
        400,
        id="chunked-in-1.0",
    ),
    # Lines that are not lines.
    pytest.param(b"GET /v1/a HTTP/1.1\nHost: s\n\n", 400, id="bare-lf"),
    pytest.param(b"GET /v1/a HTTP/1.1\r\nHost: s\nX: 1\r\n\r\n", 400, id="bare-lf-between-headers"),
    pytest.param(b"GET /v1/a HTTP/1.1\r\nHost: s\r\nX: a\rb\r\n\r\n", 400, id="bare-cr"),
    pytest.param(b"GET /v1/a HTTP/1.1\r\nHost: s\r\nX: a\0b\r\n\r\n", 400, id="nul-in-header"),
    pytest.param(head("Host: s", "X: 1", " folded"), 400, id="folded-line"),
    pytest.param(head("Host : s"), 400, id="blank-before-colon"),
    pytest.param(head("Host: s", ": nameless"), 400, id="nameless-header"),
    pytest.param(b"\r\n\r\n" + get(), 400, id="leading-blank-lines"),
    # The target and the version.
    pytest.param(head("Host: s", start="GET http://s/v1/a HTTP/1.1"), 400, id="absolute-form"),
    pytest.param(head("Host: s", start="GET * HTTP/1.1"), 400, id="asterisk-form"),
    pytest.param(head("Host: s", start="GET /v1/a#b HTTP/1.1"), 400, id="fragment"),
    pytest.param(b"GET /v1/\xff HTTP/1.1\r\nHost: s\r\n\r\n", 400, id="raw-byte-in-target"),
    pytest.param(b"GET /v1/a b HTTP/1.1\r\nHost: s\r\n\r\n", 400, id="blank-in-target"),
    pytest.param(head("Host: s", start="GET /v1/a HTTP/2.0"), 505, id="version-2.0"),
    pytest.param(
        head("Host: s", "Connection: keep-alive", start="GET /v1/a HTTP/0.9"), 505, id="version-0.9"
    ),
    pytest.param(b"GET /v1/a\r\n\r\n", 505, id="no-version"),
    pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, id="http2-preface"),
    pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01", 400, id="tls-hello-on-a-plain-port"),
    # Who is asked, and by whom.
    pytest.param(head("Accept: */*"), 400, id="no-host"),
    pytest.param(head("Connection: keep-alive"), 400, id="no-host-keep-alive"),
    pytest.param(head("Host: a", "Host: b"), 400, id="two-hosts"),
    pytest.param(head("Host: a", "host: a"), 400, id="equal-hosts"),
    pytest.param(head("Host: s", "X-Vault-Token: a", "x-vault-token: b"), 400, id="two-tokens"),
    pytest.param(head("Host: s", "X-Vault-Token: a", "X-Vault-Token: a"), 400, id="equal-tokens"),
    pytest.param(
        head("Host: s", "Authorization: Bearer a", "Authorization: Bearer b"), 400, id="two-bearers"
    ),
    pytest.param(
        head("Host: s", "X-Vault-Token: a", "Authorization: Bearer b"), 400, id="tokens-that-differ"
    ),
    pytest.param(head("Host: s", "X-Vault-Namespace: a", "X-Vault-Namespace: b"), 400, id="two-namespaces"),
    # Methods.
    pytest.param(get(method="OPTIONS"), 405, id="options"),
    pytest.param(get(method="TRACE"), 405, id="trace"),
    pytest.param(get("store:443", method="CONNECT"), 405, id="connect"),
    pytest.param(get(method="LOCK"), 405, id="the-stand-in-of-list"),
    pytest.param(get(method="BIND"), 405, id="the-stand-in-of-scan"),
    pytest.param(get(method="FROBNICATE"), 405, id="unheard-of-method"),
    pytest.param(get(method="get"), 405, id="lower-case-method"),
    pytest.param(get(method="LISTS"), 405, id="nearly-list"),
    # Sizes.
    pytest.param(get("/" + "a" * 9_000), 414, id="long-target"),
    pytest.param(get("/v1/a", "X: " + "a" * 9_000), 431, id="long-header-line"),
    pytest.param(get("/v1/a", *["X: " + "a" * 900] * 10), 431, id="one-header-repeated-to-a-long-line"),
    pytest.param(get("/v1/a", *[f"X-{n}: {'a' * 900}" for n in range(20)]), 431, id="long-head"),
    pytest.param(get("/v1/a", *[f"X-{n}: a" for n in range(101)]), 431, id="101-headers"),
    pytest.param(b"GET /v1/a HTTP/1.1\r\nHost: s\r\nX: " + b"a" * 1_000_000, 431, id="endless-header"),
    pytest.param(
        head("Host: s", f"Content-Length: {2 * 1024 * 1024 + 1}"), 413, id="announced-body-too-large"
    ),
    pytest.param(CHUNKED + b"210000\r\n" + b"a" * 0x210000 + b"\r\n", 413, id="chunked-body-too-large"),
    pytest.param(CHUNKED + b"1;x=" + b"a" * 5_000_000, 413, id="endless-chunk-extension"),
    # Ways out of the protocol.
    pytest.param(
        head(
            "Host: s", "Connection: Upgrade", "Upgrade: h2c", "Content-Length: 3", start="POST /v1/a HTTP/1.1"
        )
        + b"abc",
        400,
        id="upgrade-with-a-body",
    ),
    pytest.param(head("Host: s", "Content-Length: 1", "Expect: tea"), 417, id="unknown-expectation"),
]


@pytest.mark.parametrize("piece_bytes", [pytest.param(0, id="whole"), pytest.param(4096, id="in-pieces")])
@pytest.mark.parametrize(("request_bytes", "status"), REFUSED)
def test_a_bad_request_is_answered_and_the_connection_ends(request_bytes, status, piece_bytes):
    wire = Wire()
    (answer,) = answers_in(wire.send(request_bytes, piece_bytes=piece_bytes))
    assert answer.status == status
    assert answer.headers["Connection"] == "close"
    assert wire.transport.half_closed
    assert wire.seen == []
    assert wire.send(get()) == b""


@pytest.mark.parametrize(("request_bytes", "status"), [row for row in REFUSED if len(row.values[0]) < 1000])
def test_a_bad_request_is_refused_alike_byte_by_byte(request_bytes, status):
    wire = Wire()
    assert statuses(wire.send(request_bytes, piece_bytes=1)) == [status]
    assert wire.seen == []


def test_a_refusal_repeats_nothing_that_was_sent():
    answer = Wire().send(get("/v1/a", "X-Vault-Token: canary-1", "Authorization: Bearer canary-2"))
    assert b"canary" not in answer


def test_405_names_the_methods_that_exist():
    (answer,) = answers_in(Wire().send(get(method="OPTIONS")))
    assert answer.headers["Allow"] == "GET, PUT, POST, PATCH, DELETE, HEAD, LIST, SCAN"


def test_what_follows_a_refusal_is_dropped_and_bounded():
    wire = Wire(Limits(body_bytes=10))
    assert statuses(wire.send(put(b"a" * 11))) == [413]
    for _ in range(65):
        wire.send(b"a" * 1024 * 1024)
    assert wire.transport.aborted


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(["X-Vault-Token: a", "Authorization: Bearer a"], id="equal-tokens"),
        pytest.param(["X-Vault-Token: a", "Authorization: Basic b"], id="another-scheme-is-no-token"),
        pytest.param(["Accept: text/plain", "Accept: */*"], id="list-header-repeated"),
        pytest.param(["X-Empty:"], id="empty-value"),
        pytest.param([f"X-{n}: a" for n in range(99)], id="100-headers"),
    ],
)
def test_what_merely_looks_odd_is_served(lines):
    wire = Wire()
    assert statuses(wire.send(get("/v1/a", *lines))) == [200]


def test_a_repeated_list_header_is_joined():
    wire = Wire()
    wire.send(get("/v1/a", "Accept: text/plain", "ACCEPT: */*"))
    assert wire.seen[0].headers[b"accept"] == b"text/plain, */*"


def test_a_trailer_never_becomes_a_header():
    wire = Wire()
    trailing = CHUNKED + b"3\r\nabc\r\n0\r\nX-Vault-Token: evil\r\nHost: evil\r\n\r\n"
    assert statuses(wire.send(trailing + get())) == [200, 200]
    assert [b"x-vault-token" in request.headers for request in wire.seen] == [False, False]
    assert [request.headers[b"host"] for request in wire.seen] == [b"store", b"store"]


def test_an_upgrade_without_a_body_is_answered_in_http_1_1_and_then_closed():
    wire = Wire()
    upgrade = get("/v1/a", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk")
    (answer,) = answers_in(wire.send(upgrade + b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
    assert (answer.status, answer.headers["Connection"]) == (200, "close")
    assert wire.transport.closed


def test_a_connection_over_the_limit_is_turned_away():
    wire = Wire(Limits(connections=1))
    second = Wire()
    second.connections = wire.connections
    second.connection._connections = wire.connections
    second.connection.connection_made(second.transport)
    assert statuses(second.transport.take()) == [503]
    assert second.transport.closed
    assert len(wire.connections) == 1


def test_the_dialect_words_the_listener_s_errors():
    wire = Wire()
    wire.connection._answers._error_body = lambda status, text, target: (
        "text/x",
        b"%d %b" % (status, target),
    )
    (answer,) = answers_in(wire.send(get("/secrets/v1/a", method="TRACE")))
    assert (answer.headers["Content-Type"], answer.body) == ("text/x", b"405 /secrets/v1/a")
