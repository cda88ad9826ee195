"""How the Vault API is spoken: verbs, headers, envelope, errors and limits, as clients rely on them."""

import json
import re

import pytest
from tests.support.collecting_sink import CollectingSink
from tests.support.local_store import StoreUnderTest, request

from holdfast.http import Limits
from holdfast.server.application import Application

MERGE = ("Content-Type: application/merge-patch+json",)
FORM = ("Content-Type: application/x-www-form-urlencoded",)
ENVELOPE = {"request_id", "lease_id", "renewable", "lease_duration", "data", "wrap_info", "warnings", "auth"}
AUTH = {
    "client_token",
    "accessor",
    "policies",
    "token_policies",
    "metadata",
    "lease_duration",
    "renewable",
    "entity_id",
    "token_type",
    "orphan",
    "mfa_requirement",
    "num_uses",
}


@pytest.fixture
def store():
    store = StoreUnderTest().initialize()
    store.vault("PUT", "sys/mounts/one", {"type": "kv"}, token=store.root)
    store.vault("PUT", "secret/data/a", {"data": {"k": "v"}}, token=store.root)
    store.vault("PUT", "secret/data/dir/b", {"data": {"k": "v"}}, token=store.root)
    store.vault("PUT", "one/a", {"k": "v"}, token=store.root)
    return store


@pytest.fixture
def ask(store):
    def ask(method, path, body=None, **options):
        return store.vault(method, path, body, **{"token": store.root} | options)

    return ask


class TestPathsAndMethods:
    @pytest.mark.parametrize("target", ["/", "/v2/sys/mounts", "/v1x", "/V1/sys/mounts", "/etc/passwd"])
    def test_outside_of_v1_there_is_nothing(self, store, target):
        answer = store.send(request("GET", target))
        assert answer.status == 404
        assert answer.json["errors"] is not None

    @pytest.mark.parametrize(
        ("method", "path", "body", "status"),
        [
            pytest.param("GET", "one/a", None, 200, id="GET reads"),
            pytest.param("HEAD", "one/a", None, 200, id="HEAD reads without a body"),
            pytest.param("LIST", "one", None, 200, id="LIST lists"),
            pytest.param("LIST", "one/", None, 200, id="LIST of a directory"),
            pytest.param("GET", "one?list=true", None, 200, id="GET lists"),
            pytest.param("GET", "one?scan=true", None, 200, id="GET scans"),
            pytest.param("SCAN", "one", None, 200, id="SCAN scans"),
            pytest.param("GET", "one?list=true&scan=true", None, 400, id="both at once"),
            pytest.param("POST", "one/b", {"k": "v"}, 204, id="POST writes"),
            pytest.param("PUT", "one/b", {"k": "v"}, 204, id="PUT writes"),
            pytest.param("DELETE", "one/a", None, 204, id="DELETE deletes"),
            pytest.param("PUT", "one/a/", {"k": "v"}, 400, id="a write to a directory"),
            pytest.param("GET", "one/../sys", None, 400, id="dots"),
            pytest.param("GET", "one/./a", None, 400, id="a dot"),
            pytest.param("GET", "one/%2e%2e/a", None, 400, id="encoded dots"),
            pytest.param("GET", "one/%07", None, 400, id="what cannot be printed"),
            pytest.param("GET", "one//a", None, 200, id="double slashes collapse"),
            pytest.param("GET", "one/%61", None, 200, id="percent-encoding"),
            pytest.param("TRACE", "one/a", None, 405, id="another verb"),
        ],
    )
    def test_of_verbs_and_spellings(self, ask, method, path, body, status):
        answer = ask(method, path, body)
        assert answer.status == status, answer.body
        if method == "HEAD":
            assert answer.body == b""

    @pytest.mark.parametrize("name", ["a:b", "a@b", "a b", "ü", "a%25b", "k=v", "a+b", "鍵"])
    def test_names_of_secrets_keep_their_signs(self, ask, name):
        encoded = name if "%" in name else "".join(f"%{byte:02x}" for byte in name.encode())
        assert ask("PUT", f"one/names/{encoded}", {"k": "v"}).status == 204
        assert ask("GET", f"one/names/{encoded}").data == {"k": "v"}
        assert ask("LIST", "one/names").data["keys"] == [name.replace("%25", "%")]

    def test_a_patch_has_a_media_type_of_its_own(self, ask):
        assert ask("PATCH", "secret/data/a", {"data": {"l": "w"}}, headers=MERGE).status == 200
        assert ask("PATCH", "secret/data/a", {"data": {"l": "w"}}).status == 415

    def test_a_delete_has_its_fields_in_the_query(self, ask):
        ask("PUT", "sys/auth/approle", {"type": "approle"})
        ask("PUT", "auth/approle/role/r", {})
        made = ask("PUT", "auth/approle/role/r/secret-id").data
        path = "auth/approle/role/r/secret-id/destroy"
        assert ask("DELETE", f"{path}?secret_id={made['secret_id']}").status == 204
        assert (
            ask("POST", "auth/approle/role/r/secret-id/lookup", {"secret_id": made["secret_id"]}).status
            == 204
        )

    @pytest.mark.parametrize("headers", [(), ("Content-Type: application/json",), FORM], ids=str)
    def test_json_needs_no_media_type(self, ask, headers):
        assert ask("PUT", "one/b", {"k": "w"}, headers=headers).status == 204
        assert ask("GET", "one/b").data == {"k": "w"}

    def test_a_form_is_taken_where_it_says_that_it_is_one(self, ask):
        assert ask("POST", "one/b", raw=b"k=a+b%21&l=1", headers=FORM).status == 204
        assert ask("GET", "one/b").data == {"k": "a b!", "l": "1"}
        assert ask("POST", "one/b", raw=b"k=v").status == 400

    def test_an_empty_body_is_fine(self, ask):
        assert ask("POST", "auth/token/create").status == 200

    @pytest.mark.parametrize("raw", [b"[]", b'"a"', b"1", b"null", b"{", b"{}{}", b"\xff"])
    def test_a_body_is_one_json_object(self, ask, raw):
        assert ask("PUT", "one/b", raw=raw).status == 400


class TestRequestHeaders:
    @pytest.mark.parametrize(
        "headers",
        [
            pytest.param(["X-Vault-Request: true"], id="mark of a client"),
            pytest.param(["X-Vault-Index: abc"], id="index"),
            pytest.param(["X-Vault-Inconsistent: forward-active-node"], id="inconsistent"),
            pytest.param(["X-Vault-Forward: active-node"], id="forward"),
            pytest.param(["X-Vault-No-Request-Forwarding: true"], id="no forwarding"),
            pytest.param(["X-Vault-Policy-Override: true"], id="policy override"),
            pytest.param(["X-Vault-MFA: a:b"], id="MFA"),
            pytest.param(["X-Vault-Namespace: root"], id="root namespace"),
            pytest.param(["X-Vault-Namespace;"], id="empty namespace"),
        ],
    )
    def test_what_has_no_meaning_here_changes_nothing(self, ask, headers):
        headers = [header.replace(";", ": ") for header in headers]
        assert ask("GET", "one/a", headers=headers).data == {"k": "v"}

    def test_a_token_comes_in_either_of_two_headers(self, store, ask):
        assert ask("GET", "one/a", token="", headers=[f"Authorization: Bearer {store.root}"]).status == 200

    @pytest.mark.parametrize(("ttl", "seconds"), [("60", 60), ("60s", 60), ("5m", 300), ("1h30m", 5400)])
    def test_an_answer_is_wrapped_for_seconds_or_a_duration(self, ask, ttl, seconds):
        assert ask("GET", "one/a", headers=[f"X-Vault-Wrap-TTL: {ttl}"]).json["wrap_info"]["ttl"] == seconds

    @pytest.mark.parametrize("ttl", ["-1", "soon", "1.5.2"])
    def test_a_time_that_is_none_is_refused(self, ask, ttl):
        assert ask("GET", "one/a", headers=[f"X-Vault-Wrap-TTL: {ttl}"]).status == 400


class TestResponseHeaders:
    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", "one/a"),
            ("GET", "one/none"),
            ("DELETE", "one/a"),
            ("GET", "sys/health"),
            ("GET", "sys/nothing"),
        ],
    )
    def test_nothing_is_kept_and_the_media_type_is_exact(self, ask, method, path):
        answer = ask(method, path)
        assert answer.headers["Cache-Control"] == "no-store"
        if answer.body:
            assert answer.headers["Content-Type"] == "application/json"
            assert int(answer.headers["Content-Length"]) == len(answer.body)


class TestEnvelope:
    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("GET", "one/a", None),
            ("LIST", "one", None),
            ("PUT", "secret/data/a", {"data": {}}),
            ("POST", "auth/token/create", None),
            ("GET", "auth/token/lookup-self", None),
        ],
    )
    def test_all_eight_members_are_always_there(self, ask, method, path, body):
        answer = ask(method, path, body)
        assert set(answer.json) == ENVELOPE
        assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", answer.json["request_id"])

    def test_durations_of_kv(self, ask):
        assert ask("GET", "one/a").json["lease_duration"] == 2764800
        assert ask("GET", "secret/data/a").json["lease_duration"] == 0

    def test_members_of_auth(self, ask):
        auth = ask("POST", "auth/token/create", {"policies": ["default"], "meta": {"a": "b"}}).auth
        assert set(auth) >= AUTH
        assert (auth["token_type"], auth["orphan"], auth["num_uses"]) == ("service", False, 0)
        assert (auth["mfa_requirement"], auth["metadata"]) == (None, {"a": "b"})

    def test_of_a_wrapped_answer(self, ask):
        wrapped = ask("POST", "auth/token/create", headers=["X-Vault-Wrap-TTL: 60"]).json
        assert set(wrapped["wrap_info"]) == {
            "token",
            "accessor",
            "ttl",
            "creation_time",
            "creation_path",
            "wrapped_accessor",
        }
        plain = ask("GET", "one/a", headers=["X-Vault-Wrap-TTL: 60"]).json
        assert not plain["wrap_info"].get("wrapped_accessor")
        unwrapped = ask("POST", "sys/wrapping/unwrap", {"token": plain["wrap_info"]["token"]})
        assert set(unwrapped.json) == ENVELOPE
        assert unwrapped.json["request_id"] == ""

    @pytest.mark.parametrize(
        ("method", "path", "body", "status"),
        [
            ("PUT", "one/a", {"k": "v"}, 204),
            ("DELETE", "one/a", None, 204),
            ("DELETE", "one/none", None, 204),
            ("GET", "one/none", None, 404),
            ("HEAD", "one/none", None, 404),
            ("LIST", "one/none", None, 404),
            ("LIST", "secret/metadata/none", None, 404),
            ("LIST", "auth/token/roles", None, 404),
        ],
    )
    def test_nothing_to_say_is_a_status(self, ask, method, path, body, status):
        answer = ask(method, path, body)
        assert answer.status == status
        assert answer.body == (b'{"errors":[]}' if status == 404 and method != "HEAD" else b"")


FLAT = [
    ("PUT", "sys/audit-hash/main", {"input": "x"}),
    ("GET", "sys/auth", None),
    ("GET", "sys/auth/token", None),
    ("GET", "sys/auth/token/tune", None),
    ("GET", "sys/mounts", None),
    ("GET", "sys/mounts/one", None),
    ("GET", "sys/mounts/one/tune", None),
    ("GET", "sys/policy", None),
    ("GET", "sys/policy/default", None),
    ("PUT", "sys/capabilities-self", {"paths": ["a"]}),
    ("GET", "sys/key-status", None),
    ("GET", "sys/ha-status", None),
    ("POST", "sys/remount", {"from": "one", "to": "two"}),
    ("GET", "sys/rotate/config", None),
    ("GET", "sys/config/cors", None),
    ("GET", "sys/rekey/init", None),
    ("GET", "sys/generate-root/attempt", None),
]


@pytest.mark.parametrize(("method", "path", "body"), FLAT)
def test_old_clients_read_the_members_beside_the_envelope(method, path, body):
    store = StoreUnderTest(sinks={"main": CollectingSink()}).initialize()
    store.vault("PUT", "sys/mounts/one", {"type": "kv"}, token=store.root)
    answer = store.vault(method, path, body, token=store.root)
    assert answer.status == 200, answer.body
    assert answer.data
    assert {name: answer.json[name] for name in answer.data if name not in ENVELOPE} == {
        name: value for name, value in answer.data.items() if name not in ENVELOPE
    }


@pytest.mark.parametrize("path", ["sys/init", "sys/seal-status", "sys/leader", "sys/health"])
def test_status_documents_have_no_envelope(ask, path):
    assert not {"request_id", "data", "auth"} & set(ask("GET", path).json)


def policies_only(store):
    return store.token(policies=["default"])


ERRORS = [
    pytest.param("PUT", "secret/data/a", {}, None, 400, "no data provided", id="engine"),
    pytest.param(
        "PUT",
        "secret/data/a",
        {"data": {}, "options": {"cas": 7}},
        None,
        400,
        "check-and-set parameter did not match the current version",
        id="check-and-set",
    ),
    pytest.param(
        "PUT",
        "sys/wrapping/unwrap",
        {"token": "x"},
        None,
        400,
        "wrapping token is not valid or does not exist",
        id="wrapping token",
    ),
    pytest.param("GET", "one/a", None, "", 403, "permission denied", id="no token"),
    pytest.param("GET", "one/a", None, "hvs.x", 403, "permission denied", id="unknown token"),
    pytest.param(
        "GET", "one/a", None, policies_only, 403, "1 error occurred:\n\t* permission denied\n\n", id="policy"
    ),
    pytest.param("POST", "auth/token/lookup", {"token": "x"}, None, 403, "bad token", id="token of nobody"),
    pytest.param(
        "GET",
        "nowhere/x",
        None,
        None,
        404,
        'no handler for route "nowhere/x". route entry not found.',
        id="no mount",
    ),
    pytest.param("GET", "sys/nothing", None, None, 404, None, id="unsupported path"),
    pytest.param(
        "DELETE",
        "sys/rotate",
        None,
        None,
        405,
        "1 error occurred:\n\t* unsupported operation\n\n",
        id="operation",
    ),
]


@pytest.mark.parametrize(("method", "path", "body", "token", "status", "text"), ERRORS)
def test_of_errors(store, method, path, body, token, status, text):
    token = store.root if token is None else token(store) if callable(token) else token
    answer = store.vault(method, path, body, token=token)
    assert (answer.status, set(answer.json)) == (status, {"errors"})
    assert text is None or answer.errors == [text]


class TestSealed:
    @pytest.mark.parametrize("method", ["GET", "LIST", "PUT", "PATCH", "DELETE"])
    @pytest.mark.parametrize("path", ["secret/data/a", "sys/mounts", "auth/token/lookup-self", "nowhere/x"])
    def test_everything_else_says_so(self, store, method, path):
        store.seal()
        for token in ("", store.root):
            answer = store.vault(method, path, token=token, headers=MERGE)
            assert (answer.status, answer.json) == (503, {"errors": ["Vault is sealed"]})

    def test_what_answers_all_the_same(self, store):
        store.seal()
        answers = [store.vault("GET", f"sys/{path}").status for path in ("init", "seal-status", "leader")]
        assert answers == [200, 200, 200]
        assert store.vault("GET", "sys/health").status == 503
        assert store.vault("PUT", "sys/seal").status == 204
        assert store.vault("GET", "sys/leader").json["ha_enabled"] is False
        assert store.vault("PUT", "sys/unseal", {"key": store.shares[0]}).json["progress"] == 1


class TestLimits:
    def test_a_body_over_the_limit_is_413(self):
        store = StoreUnderTest(limits=Limits(body_bytes=1000)).initialize()
        answer = store.vault("PUT", "secret/data/a", {"data": {"k": "v" * 2000}}, token=store.root)
        assert answer.status == 413
        assert answer.errors[0].startswith("http: request body too large")

    def test_a_listener_may_let_more_strings_in(self, store):
        data = {f"k{number}": "v" for number in range(2000)}
        for application, status in (
            (Application(store.local.store), 400),
            (Application(store.local.store, max_json_strings=5000), 200),
        ):
            store.application = application
            assert store.vault("PUT", "secret/data/a", {"data": data}, token=store.root).status == status

    @pytest.mark.parametrize(("fields", "status"), [(495, 200), (501, 400)])
    def test_a_body_has_at_most_1000_strings(self, ask, fields, status):
        data = {f"k{number}": "v" for number in range(fields)}
        assert ask("PUT", "secret/data/a", {"data": data}).status == status


COERCED = [
    pytest.param("renewable", "true", "renewable", True, id="true as text"),
    pytest.param("renewable", "1", "renewable", True, id="1 as text"),
    pytest.param("renewable", 1, "renewable", True, id="1"),
    pytest.param("renewable", "0", "renewable", False, id="0 as text"),
    pytest.param("num_uses", "3", "num_uses", 3, id="digits"),
    pytest.param("ttl", 90, "lease_duration", 90, id="seconds"),
    pytest.param("ttl", "90", "lease_duration", 90, id="seconds as text"),
    pytest.param("ttl", "90s", "lease_duration", 90, id="s"),
    pytest.param("ttl", "30m", "lease_duration", 1800, id="m"),
    pytest.param("ttl", "1h30m", "lease_duration", 5400, id="hm"),
    pytest.param("ttl", "2d", "lease_duration", 172800, id="d"),
    pytest.param("policies", "a,b", "policies", ["a", "b", "default"], id="commas"),
    pytest.param("policies", ["b", "a"], "policies", ["a", "b", "default"], id="list"),
    pytest.param("meta", {"n": 5, "t": True}, "metadata", {"n": "5", "t": "true"}, id="scalars for text"),
    pytest.param("meta", ["k=v", "l=w"], "metadata", {"k": "v", "l": "w"}, id="map as pairs"),
    pytest.param("meta", "k=v", "metadata", {"k": "v"}, id="map as one pair"),
    pytest.param("display_name", 5, "num_uses", 0, id="number for text"),
]


@pytest.mark.parametrize(("name", "value", "shown", "wanted"), COERCED)
def test_fields_are_loosely_typed(ask, name, value, shown, wanted):
    made = ask("POST", "auth/token/create", {"policies": ["default"], "ttl": "1h"} | {name: value})
    assert made.status == 200, made.body
    assert made.auth[shown] == wanted


def test_versions_of_options_may_be_numbers(ask):
    assert ask("POST", "sys/mounts/two", {"type": "kv", "options": {"version": 2}}).status == 204
    assert ask("GET", "sys/mounts").data["two/"]["options"] == {"version": "2"}


def test_unknown_fields_are_named_in_a_warning(ask):
    body = {"policies": ["default"], "ttl": "1h", "zz": 1, "yy": 2}
    warnings = ask("POST", "auth/token/create", body).json["warnings"]
    assert "Endpoint ignored these unrecognized parameters: [yy zz]" in warnings
    assert ask("PUT", "sys/policies/acl/p", {"policy": 'path "a" {}', "zz": 1}).status == 204


def test_times_are_rfc3339_with_nanoseconds_but_for_that_of_a_token(ask):
    time = ask("GET", "secret/data/a").data["metadata"]["created_time"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", time)
    assert isinstance(ask("GET", "auth/token/lookup-self").data["creation_time"], int)
    ask("POST", "secret/metadata/a", {"delete_version_after": 5400})
    assert ask("GET", "secret/metadata/a").data["delete_version_after"] == "1h30m0s"


def test_numbers_keep_their_digits(ask):
    ask("PUT", "secret/data/n", raw=b'{"data":{"n":9007199254740993,"f":1.10}}')
    assert b'{"n":9007199254740993,"f":1.10}' in ask("GET", "secret/data/n").body
    assert json.loads(ask("GET", "secret/data/n").body)["data"]["data"]["n"] == 2**53 + 1
