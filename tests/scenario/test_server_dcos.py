"""The DC/OS dialect over a real connection, with the headers that its real clients send."""

import base64
import json
import socket

import pytest
from tests.support.http_wire import answers_in
from tests.support.store_process import StoreProcess
from tests.support.store_talk import ask

VOLUME_DRIVER = {
    "Content-Type": "application/json",
    "Accept": "application/json",
}  # on every call, GET included
BROWSER = {"Accept": "*/*"}
SECRET = "/secrets/v1/secret/default"


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with StoreProcess(tmp_path_factory.mktemp("dcos"), audit=True) as process:
        process.initialize()
        yield process


def dcos(store, method, path, body=None, *, token=None, headers=VOLUME_DRIVER):
    credential = store.root_token if token is None else token
    authorization = {"Authorization": f"token={credential}"} if credential else {}
    return ask(store, method, path, body, token="", headers=authorization | headers)


@pytest.mark.parametrize(
    "headers",
    [pytest.param(VOLUME_DRIVER, id="volume-driver"), pytest.param(BROWSER, id="browser")],
)
def test_a_secret_from_its_creation_to_its_end(store, headers):
    path = f"{SECRET}/life/{len(headers)}"

    def call(method, body=None, path=path):
        answer = dcos(store, method, path, body, headers=headers)
        return answer.status, answer.body

    assert call("GET")[0] == 404
    assert call("PUT", {"path": "life", "value": "one", "author": "x", "description": ""}) == (201, b"{}")
    assert call("GET") == (200, b'{"value":"one"}')
    status, body = call("PUT", {"value": "two"})
    assert (status, json.loads(body)["title"]) == (409, "Conflict")
    assert "already exists" in json.loads(body)["description"]
    assert call("PATCH", {"value": "two"}) == (204, b"")
    assert call("GET") == (200, b'{"value":"two"}')
    assert call("DELETE") == (204, b"")
    for method in ("GET", "PATCH", "DELETE"):
        status, body = call(method, {"value": "x"} if method == "PATCH" else None)
        assert status == 404
        assert "does not exist" in json.loads(body)["description"]
    assert call("PUT", {"value": "three"}) == (201, b"{}")  # what was deleted may be created again


def test_a_list_names_everything_below_relative_to_where_it_was_asked(store):
    for name in ("list/a", "list/b/c", "list/b/d/e", "list/b"):
        assert dcos(store, "PUT", f"{SECRET}/{name}", {"value": "v"}).status == 201
    lists = {
        path: sorted(dcos(store, "GET", f"{SECRET}{path}?list=true").json["array"])
        for path in ("/list", "/list/", "/list/b", "/list/a", "/list/nothing")
    }
    assert lists["/list"] == lists["/list/"] == ["a", "b", "b/c", "b/d/e"]
    assert lists["/list/b"] == ["c", "d/e"]
    assert lists["/list/a"] == lists["/list/nothing"] == []
    assert "list/b/d/e" in dcos(store, "GET", f"{SECRET}/?list=true").json["array"]


@pytest.mark.parametrize(
    "spelling",
    [
        pytest.param("/spelt/one", id="plain"),
        pytest.param("//spelt/one", id="leading-slash-in-the-name"),
        pytest.param("/%2Fspelt%2Fone", id="escaped-slashes"),
        pytest.param("/sp%65lt/one", id="escaped-letter"),
    ],
)
def test_one_secret_has_one_name_however_it_is_spelt(store, spelling):
    dcos(store, "PUT", f"{SECRET}/spelt/one", {"value": "v"})
    assert dcos(store, "GET", SECRET + spelling).json == {"value": "v"}


def test_both_dialects_speak_of_the_same_secrets(store):
    dcos(store, "PUT", f"{SECRET}/shared/a", {"value": "from dcos"})
    assert ask(store, "GET", "/v1/secret/data/shared/a").json["data"]["data"] == {"value": "from dcos"}
    ask(store, "PUT", "/v1/secret/data/shared/b", {"data": {"value": "from vault"}})
    assert dcos(store, "GET", f"{SECRET}/shared/b").json == {"value": "from vault"}
    ask(store, "PUT", "/v1/secret/data/shared/c", {"data": {"user": "u", "n": 1}})
    assert json.loads(dcos(store, "GET", f"{SECRET}/shared/c").json["value"]) == {"user": "u", "n": 1}


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="none"),
        pytest.param({"Authorization": "token="}, id="empty"),
        pytest.param({"Authorization": "token=hvs.AAAAAAAAAAAAAAAAAAAAAAAA"}, id="forged"),
        pytest.param({"Authorization": "Basic cm9vdDpyb290"}, id="another-scheme"),
        pytest.param({"Authorization": "token=\xe9"}, id="not-ascii"),
    ],
)
def test_nobody_is_told_how_to_log_in_and_nothing_else(store, headers):
    dcos(store, "PUT", f"{SECRET}/guarded", {"value": "v"})
    answers = [
        ask(store, "GET", f"{SECRET}/{name}", token="", headers=headers | VOLUME_DRIVER)
        for name in ("guarded", "not-there")
    ]
    for answer in answers:
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"] == "acsjwt"
        assert answer.json["title"] == "Unauthorized"
    assert answers[0].body == answers[1].body


def test_a_known_token_without_permission_is_forbidden(store):
    token = ask(store, "POST", "/v1/auth/token/create", {"policies": ["default"]}).json["auth"][
        "client_token"
    ]
    answers = [dcos(store, "GET", f"{SECRET}/{name}", token=token) for name in ("guarded", "not-there")]
    assert [answer.status for answer in answers] == [403, 403]
    assert answers[0].body == answers[1].body


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        pytest.param("GET", "/secrets/v1/secret/other/a", None, 404, id="unknown-store"),
        pytest.param("PUT", f"{SECRET}/bad", "{", 400, id="malformed-json"),
        pytest.param("PUT", f"{SECRET}/bad", '{"value": NaN}', 400, id="nan"),
        pytest.param("PUT", f"{SECRET}/bad", '{"value": "a", "value": "b"}', 400, id="duplicate-key"),
        pytest.param("PUT", f"{SECRET}/bad", '{"value": 1}', 400, id="value-is-no-text"),
        pytest.param("PUT", f"{SECRET}/bad", "{}", 400, id="no-value"),
        pytest.param("PUT", f"{SECRET}/bad", b'{"value": "\xff"}', 400, id="not-utf-8"),
        pytest.param("PUT", f"{SECRET}/bad", '{"a":' * 100_000, 400, id="depth-bomb"),
        pytest.param(
            "PUT", f"{SECRET}/bad", b'{"value": "' + b"x" * (5 << 20) + b'"}', 413, id="five-megabytes"
        ),
        pytest.param(
            "PUT", f"{SECRET}/bad", json.dumps({"value": "x" * ((1 << 20) + 1)}), 413, id="over-a-mebibyte"
        ),
        pytest.param("PUT", f"{SECRET}/", '{"value": "a"}', 400, id="no-name"),
        pytest.param("GET", f"{SECRET}/a/../b", None, 400, id="dot-segment"),
        pytest.param("GET", f"{SECRET}/a/%2e%2e/b", None, 400, id="escaped-dot-segment"),
        pytest.param("GET", f"{SECRET}/a/%2e%2e%2fb", None, 400, id="escaped-dot-and-slash"),
        pytest.param("GET", f"{SECRET}/%ff", None, 400, id="name-not-utf-8"),
        pytest.param("POST", f"{SECRET}/a", '{"value": "a"}', 405, id="method"),
    ],
)
def test_bad_input_has_a_status_and_a_clear_text(store, method, path, body, status):
    try:
        answer = dcos(store, method, path, body)
    except ConnectionError:  # refused by its length: the connection may be gone before all of it was sent
        assert status == 413
        return
    assert answer.status == status
    error = answer.json
    assert set(error) == {"title", "description"}
    assert error["description"]
    assert "Traceback" not in error["description"]
    assert dcos(store, "GET", f"{SECRET}/bad").status == 404


def test_seal_and_unseal_with_keys_in_hex(store):
    status = {"sealed": False, "threshold": 3, "shares": 5, "progress": 0}
    assert dcos(store, "GET", "/secrets/v1/seal-status/default").json == status
    dcos(store, "PUT", f"{SECRET}/sealed", {"value": "v"})
    assert dcos(store, "PUT", "/secrets/v1/seal/default").status == 200
    sealed = dcos(store, "GET", f"{SECRET}/sealed")
    assert sealed.status == 503
    assert sealed.json["title"] == "Service Unavailable"
    assert dcos(store, "GET", "/secrets/v1/ping").status == 200
    backend = dcos(store, "GET", "/secrets/v1/store/default").json
    assert (backend["initialized"], backend["sealed"]) == (True, True)
    for progress, share in enumerate(store.shares[:3], 1):
        key = base64.b64decode(share).hex()
        assert len(key) == 66
        shown = dcos(store, "PUT", "/secrets/v1/unseal/default", {"key": key}).json
        assert shown["progress"] == progress % 3
    assert shown == status
    assert dcos(store, "GET", f"{SECRET}/sealed").json == {"value": "v"}


def test_ping_and_stores(store):
    for path in ("/ping", "/ping/backends/default", "/ping/backends/all"):
        answer = dcos(store, "GET", f"/secrets/v1{path}", token="")
        assert (answer.status, b"pong" in answer.body) == (200, True)
    assert dcos(store, "GET", "/secrets/v1/ping/backends/other", token="").status == 404
    [backend] = dcos(store, "GET", "/secrets/v1/store").json["array"]
    assert backend == dcos(store, "GET", "/secrets/v1/store/default").json
    assert set(backend) == {"name", "description", "driver", "initialized", "sealed"}
    assert dcos(store, "GET", "/secrets/v1/store/other").json["description"] == "store not found"


def test_the_very_bytes_of_a_volume_drivers_calls(store):
    """Header names as Go writes them, and a GET and a DELETE with a Content-Type but no body."""
    head = (
        "Host: leader.mesos\r\nUser-Agent: Go-http-client/1.1\r\nAccept: application/json\r\n"
        f"Authorization: token={store.root_token}\r\nContent-Type: application/json\r\n"
    )
    value = '{"value":"s3cr3t"}'
    calls = [
        f"PUT {SECRET}/px/key HTTP/1.1\r\n{head}Content-Length: {len(value)}\r\n\r\n{value}",
        f"GET {SECRET}/px/key HTTP/1.1\r\n{head}Accept-Encoding: gzip\r\n\r\n",
        f"GET {SECRET}/px?list=true HTTP/1.1\r\n{head}Accept-Encoding: gzip\r\n\r\n",
        f"DELETE {SECRET}/px/key HTTP/1.1\r\n{head}Accept-Encoding: gzip\r\nConnection: close\r\n\r\n",
    ]
    received = b""
    with socket.create_connection(("127.0.0.1", store.port), timeout=60) as connection:
        connection.sendall("".join(calls).encode())
        while data := connection.recv(65536):
            received += data
    answers = answers_in(received)
    assert [answer.status for answer in answers] == [201, 200, 200, 204]
    assert [answer.body for answer in answers] == [b"{}", value.encode(), b'{"array":["key"]}', b""]
    for answer in answers[:3]:
        assert answer.headers["Content-Type"] == "application/json"  # clients compare it letter by letter
        assert "Content-Encoding" not in answer.headers
        assert answer.headers["Cache-Control"] == "no-store"
