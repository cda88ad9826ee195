"""What the clients send and what they make of the answers, against a real server on loopback."""

import json
import socketserver
import threading

import pytest
from tests.support.ports import free_port

from holdfast import errors
from holdfast.client import DcosClient, KvMount, SdkClient, VaultClient
from holdfast.client import errors as remote
from holdfast.client.address import parse_address
from holdfast.client.transport import Transport

TOKEN = "hvs.canary-token-value"


@pytest.fixture
def vault(server):
    client = VaultClient(server.address, TOKEN, timeout_seconds=30)
    yield client
    client.close()


def test_token_and_guard_header_are_sent_and_the_path_is_encoded_once(server, vault):
    server.answer(200, b'{"data": {"a": "1"}}')
    vault.request("GET", "secret/data/odd name/%2e/ü", query={"version": "2"})
    seen = server.seen[0]
    assert seen.target == "/v1/secret/data/odd%20name/%252e/%C3%BC?version=2"
    assert seen.headers["x-vault-token"] == TOKEN
    assert seen.headers["x-vault-request"] == "true"
    assert "authorization" not in seen.headers


def test_list_is_a_get_that_every_proxy_passes(server, vault):
    server.answer(200, b'{"data": {"keys": ["a", "b/"]}}')
    assert KvMount(vault, "secret", version=2).list("team") == ["a", "b/"]
    assert (server.seen[0].method, server.seen[0].target) == ("GET", "/v1/secret/metadata/team/?list=true")


def test_patch_says_merge_patch(server, vault):
    server.answer(204)
    assert vault.request("PATCH", "secret/data/a", {"data": {"x": None}}) == {}
    assert server.seen[0].headers["content-type"] == "application/merge-patch+json"


def test_namespace_travels_as_header(server):
    client = VaultClient(server.address, TOKEN, namespace="team/a")
    server.answer(204)
    client.seal()
    client.close()
    assert server.seen[0].headers["x-vault-namespace"] == "team/a"


@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [
        pytest.param(400, "bad", remote.RemoteInvalidInputError, id="400"),
        pytest.param(
            400,
            "check-and-set parameter did not match the current version",
            remote.RemoteConflictError,
            id="400-cas",
        ),
        pytest.param(401, "who", remote.RemoteUnauthenticatedError, id="401"),
        pytest.param(403, "permission denied", remote.RemotePermissionDeniedError, id="403"),
        pytest.param(404, "", remote.RemoteNotFoundError, id="404"),
        pytest.param(405, "unsupported operation", remote.RemoteUnsupportedError, id="405"),
        pytest.param(409, "there", remote.RemoteConflictError, id="409"),
        pytest.param(413, "http: request body too large", remote.RemoteTooLargeError, id="413"),
        pytest.param(429, "slow down", remote.RemoteUnavailableError, id="429"),
        pytest.param(500, "oops", remote.RemoteUnavailableError, id="500"),
        pytest.param(501, "no", remote.RemoteUnsupportedError, id="501"),
        pytest.param(503, "Vault is sealed", remote.RemoteSealedError, id="503-sealed"),
        pytest.param(503, "no leader", remote.RemoteUnavailableError, id="503-other"),
    ],
)
def test_status_decides_the_kind_and_the_servers_words_reach_the_caller(server, vault, status, text, kind):
    server.answer(status, json.dumps({"errors": [text] if text else []}).encode())
    with pytest.raises(errors.HoldfastError) as caught:
        vault.request("PUT", "secret/data/a", {"data": {}})
    assert type(caught.value) is kind
    assert text in caught.value.message
    assert caught.value.message


def test_an_error_page_of_a_proxy_still_gives_the_kind(server, vault):
    server.answer(403, b"<html>nope</html>", headers={"Content-Type": "text/html"})
    with pytest.raises(errors.PermissionDeniedError, match="status 403"):
        vault.lookup_self()


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"<html>", id="html"),
        pytest.param(b"[1]", id="list"),
        pytest.param(b"\xff", id="not-utf8"),
        pytest.param(b"[" * 100_000, id="depth-bomb"),
    ],
)
def test_an_answer_that_is_no_json_object_is_not_taken_for_one(server, vault, body):
    server.answer(200, body)
    with pytest.raises(errors.UnavailableError, match="JSON object"):
        vault.mounts()


def test_terminal_controls_of_a_hostile_server_are_not_printed(server, vault):
    server.answer(400, json.dumps({"errors": ["\x1b]0;owned\x07" + "x" * 5000]}).encode())
    with pytest.raises(errors.InvalidInputError) as caught:
        vault.lookup_self()
    assert "\x1b" not in caught.value.message
    assert len(caught.value.message) <= 2000


def test_a_redirect_is_never_followed(server, vault):
    server.answer(307, headers={"Location": "http://127.0.0.1:1/v1/x"})
    with pytest.raises(errors.UnavailableError, match="redirect"):
        vault.seal()
    assert len(server.seen) == 1


class TestRetries:
    def send(self, server, method, *statuses):
        for status in statuses:
            server.answer(status, b"{}")
        waits = []
        transport = Transport(parse_address(server.address), timeout_seconds=30, sleep=waits.append)
        try:
            return transport.send(method, "/", headers={}, is_final=lambda a: a.status == 501), waits
        finally:
            transport.close()

    def test_get_is_repeated_twice_at_most(self, server):
        answer, waits = self.send(server, "GET", 500, 502, 503)
        assert (answer.status, len(waits), len(server.seen)) == (503, 2, 3)

    def test_get_survives_a_broken_connection(self, server):
        answer, _ = self.send(server, "GET", 0, 200)
        assert answer.status == 200

    def test_a_final_answer_is_not_asked_for_again(self, server):
        answer, waits = self.send(server, "GET", 501)
        assert (answer.status, waits) == (501, [])

    @pytest.mark.parametrize("method", ["PUT", "POST", "PATCH", "DELETE"])
    def test_a_change_is_sent_once(self, server, method):
        answer, waits = self.send(server, method, 503)
        assert (answer.status, waits, len(server.seen)) == (503, [], 1)

    def test_a_change_on_a_broken_connection_is_not_repeated(self, server):
        with pytest.raises(errors.UnavailableError, match="connection broke"):
            self.send(server, "POST", 0)
        assert len(server.seen) == 1


def test_sealed_is_final_for_vault(server, vault):
    server.answer(503, b'{"errors":["Vault is sealed"]}')
    with pytest.raises(errors.SealedError):
        vault.lookup_self()
    assert len(server.seen) == 1


def test_an_address_without_tls_is_not_taken_for_one_with_a_bad_certificate(server):
    with pytest.raises(errors.UnavailableError, match="it does not speak TLS"):
        SdkClient(server.address.replace("http:", "https:"), TOKEN).request("GET", "volumes")


def test_nobody_listening_is_said_plainly():
    client = SdkClient(f"http://127.0.0.1:{free_port()}", TOKEN)
    with pytest.raises(errors.UnavailableError, match="nothing accepts connections") as caught:
        client.request("POST", "volumes", {})
    assert TOKEN not in str(caught.value)


class TestKv:
    def test_v2_reads_an_exact_version(self, server, vault):
        server.answer(200, b'{"data": {"data": {"k": "v"}, "metadata": {"version": 3}}}')
        entry = KvMount(vault, "kv/", version=2).get("a/b", version=3)
        assert (entry.data, entry.version) == ({"k": "v"}, 3)
        assert server.seen[0].target == "/v1/kv/data/a/b?version=3"
        assert "v" not in repr(entry).split("KvEntry", 1)[1].replace("vault_kv", "")

    def test_v2_put_returns_the_version_and_sends_cas(self, server, vault):
        server.answer(200, b'{"data": {"version": 7}}')
        assert KvMount(vault, "kv", version=2).put("a", {"k": "v"}, cas=6) == 7
        assert json.loads(server.seen[0].body) == {"data": {"k": "v"}, "options": {"cas": 6}}

    def test_v2_deleted_is_not_found(self, server, vault):
        server.answer(200, b'{"data": {"data": null, "metadata": {"version": 1}}}')
        with pytest.raises(errors.NotFoundError, match="deleted"):
            KvMount(vault, "kv", version=2).get("a")

    def test_v1_has_no_versions(self, server, vault):
        server.answer(200, b'{"data": {"k": "v"}}')
        mount = KvMount(vault, "kv", version=1)
        assert mount.get("a").version is None
        with pytest.raises(errors.InvalidInputError):
            mount.get("a", version=1)
        with pytest.raises(errors.InvalidInputError):
            mount.put("a", {}, cas=1)

    def test_empty_directory_is_an_empty_list(self, server, vault):
        server.answer(404, b'{"errors":[]}')
        assert KvMount(vault, "kv", version=1).list() == []

    @pytest.mark.parametrize(
        ("mount", "version"),
        [
            pytest.param({"type": "kv", "options": {"version": "2"}}, 2, id="v2"),
            pytest.param({"type": "kv", "options": {"version": "1"}}, 1, id="v1"),
            pytest.param({"type": "kv", "options": None}, 1, id="no-options"),
            pytest.param({"type": "generic", "options": None}, 1, id="old-name"),
        ],
    )
    def test_version_is_detected_from_the_mount(self, server, vault, mount, version):
        server.answer(200, json.dumps({"data": mount}).encode())
        assert KvMount.detect(vault, "kv/").version == version
        server.answer(200, json.dumps({"data": {"other/": {"type": "kv"}, "kv/": mount}}).encode())
        assert KvMount.detect_by_table(vault, "kv").version == version

    def test_another_engine_is_refused(self, server, vault):
        server.answer(200, b'{"data": {"type": "transit"}}')
        with pytest.raises(errors.InvalidInputError, match="type kv"):
            KvMount.detect(vault, "t")


def test_dcos_sends_its_own_authorization_form_and_reads_its_own_errors(server):
    client = DcosClient(server.address, TOKEN)
    server.answer(200, b'{"value": "s"}')
    assert client.get("/pwx/key") == "s"
    assert server.seen[0].target == "/secrets/v1/secret/default/pwx/key"
    assert server.seen[0].headers["authorization"] == f"token={TOKEN}"
    server.answer(409, b'{"title": "Conflict", "description": "it already exists"}')
    with pytest.raises(errors.ConflictError, match="already exists"):
        client.create("pwx/key", "s")
    client.close()


def test_sdk_carries_the_reason_code(server):
    client = SdkClient(server.address, TOKEN)
    body = {"error": "x", "message": "the token is expired", "code": 16, "details": [{"reason": "expired"}]}
    server.answer(401, json.dumps(body).encode())
    with pytest.raises(errors.UnauthenticatedError) as caught:
        client.request("GET", "volumes")
    client.close()
    assert (caught.value.reason, caught.value.message) == ("expired", "the token is expired")
    assert server.seen[0].headers["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        (503, errors.UnavailableError, "issuer_unavailable"),
        (409, errors.ConflictError, "not_renewable"),
        (403, errors.PermissionDeniedError, "role_denied"),
    ],
)
def test_sdk_carries_the_reason_of_every_kind(server, status, kind, reason):
    client = SdkClient(server.address, TOKEN)
    server.answer(status, json.dumps({"message": "x", "details": [{"reason": reason}]}).encode())
    with pytest.raises(kind) as caught:
        client.request("POST", "tokens/renew", {})
    client.close()
    assert caught.value.reason == reason


@pytest.mark.parametrize("path", ["volumes/inspect/", "volumes//access", "/roles/"])
def test_sdk_asks_nothing_about_nothing(server, path):
    client = SdkClient(server.address, TOKEN)
    with pytest.raises(errors.InvalidInputError, match="name: expected"):
        client.request("DELETE", path)
    client.close()
    assert server.seen == []


def test_no_client_shows_its_token(server):
    for client in (
        VaultClient(server.address, TOKEN),
        DcosClient(server.address, TOKEN),
        SdkClient(server.address, TOKEN),
    ):
        assert TOKEN not in repr(client)
        assert TOKEN not in str(vars(client))


def test_unix_socket(tmp_path):
    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            while self.rfile.readline().strip():
                pass
            self.wfile.write(
                b"HTTP/1.1 200 OK\r\nContent-Length: 15\r\nConnection: close\r\n\r\n" + b'{"sealed":true}'
            )

    path = str(tmp_path / "s")
    with socketserver.UnixStreamServer(path, Handler) as listener:
        thread = threading.Thread(target=listener.handle_request)
        thread.start()
        assert VaultClient(f"unix://{path}").seal_status().sealed is True
        thread.join()


def test_a_missing_unix_socket_is_said_plainly(tmp_path):
    with pytest.raises(errors.UnavailableError, match="nothing accepts connections"):
        VaultClient(f"unix://{tmp_path}/none").request("PUT", "sys/seal")
