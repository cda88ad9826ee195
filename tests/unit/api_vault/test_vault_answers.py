"""How answers look to a Vault client: envelope, empty answers, listings, flattened members."""

import json

import pytest

ENVELOPE = {"request_id", "lease_id", "renewable", "lease_duration", "data", "wrap_info", "warnings", "auth"}
MERGE = ["Content-Type: application/merge-patch+json"]


@pytest.fixture
def ask(store):
    def ask(method, path, body=None, **options):
        return store.vault(method, path, body, token=store.root, **options)

    return ask


def test_an_answer_has_every_member_of_the_envelope(ask):
    written = ask("PUT", "secret/data/a", {"data": {"k": "v"}})
    assert set(written.json) == ENVELOPE
    assert written.data == {
        "created_time": "2023-11-14T22:13:20.000000000Z",
        "custom_metadata": None,
        "deletion_time": "",
        "destroyed": False,
        "version": 1,
    }
    assert (written.json["lease_id"], written.json["lease_duration"], written.auth) == ("", 0, None)


def test_request_ids_have_the_form_of_a_uuid_and_differ(ask):
    ids = [ask("GET", "sys/key-status").json["request_id"] for _ in range(3)]
    assert len(set(ids)) == 3
    assert all([len(part) for part in one.split("-")] == [8, 4, 4, 4, 12] for one in ids)


def test_nothing_to_say_is_said_by_the_status(ask):
    ask("PUT", "secret/data/a", {"data": {}})
    deleted = ask("DELETE", "secret/data/a")
    assert (deleted.status, deleted.body, "Content-Length" in deleted.headers) == (204, b"", False)
    for method, path in (
        ("GET", "secret/data/none"),
        ("LIST", "secret/metadata/none"),
        ("GET", "secret/data/a/b"),
    ):
        answer = ask(method, path)
        assert (answer.status, answer.body) == (404, b'{"errors":[]}')


def test_a_deleted_version_is_a_404_that_says_when(ask):
    ask("PUT", "secret/data/a", {"data": {"k": "v"}})
    ask("DELETE", "secret/data/a")
    answer = ask("GET", "secret/data/a")
    assert answer.status == 404
    assert set(answer.json) == ENVELOPE
    assert answer.data["data"] is None
    assert answer.data["metadata"]["deletion_time"] == "2023-11-14T22:13:20.000000000Z"


def test_a_path_that_is_none_of_the_engine_says_so(ask):
    for path, words in (("secret/a", "Invalid path for a versioned"), ("secret/", "root of a K/V v2 mount")):
        answer = ask("LIST" if path.endswith("/") else "GET", path)
        assert (answer.status, words in answer.json["warnings"][0]) == (404, True)


def test_a_v1_secret_has_a_lease_duration(ask):
    ask("PUT", "sys/mounts/one", {"type": "kv"})
    assert ask("PUT", "one/a", {"k": "v"}).status == 204
    assert ask("PUT", "one/b", {"k": "v", "ttl": "90s"}).status == 204
    answer = ask("GET", "one/a")
    assert (answer.data, answer.json["lease_duration"], answer.json["renewable"]) == (
        {"k": "v"},
        2764800,
        False,
    )
    assert ask("GET", "one/b").json["lease_duration"] == 90


@pytest.mark.parametrize("raw", [b' {"k": 1}', b'{"k": 1}\n', b'\r\n\t{"k": 1} '])
def test_blanks_around_a_body_mean_nothing(ask, raw):
    ask("PUT", "sys/mounts/one", {"type": "kv"})
    assert ask("PUT", "one/a", raw=raw).status == 204
    assert ask("GET", "one/a").data == {"k": 1}
    assert ask("PUT", "one/empty", raw=raw.replace(b'"k": 1', b" ")).errors == ["missing data fields"]


def test_numbers_keep_their_digits(ask):
    number = b"12345678901234567890123.000100"
    ask("PUT", "secret/data/a", raw=b'{"data":{"n":%b}}' % number)
    assert number in ask("GET", "secret/data/a").body
    ask("PATCH", "secret/data/a", {"data": {"m": 1}}, headers=MERGE)
    assert number in ask("GET", "secret/data/a").body


def test_a_head_says_whether_something_is_there(ask):
    ask("PUT", "secret/data/a", {"data": {}})
    assert [ask("HEAD", f"secret/data/{path}").status for path in ("a", "none")] == [200, 404]
    assert ask("HEAD", "secret/data/a").body == b""


class TestListing:
    @pytest.fixture(autouse=True)
    def fill(self, ask):
        for path in ("a", "b", "b/c", "b/d/e"):
            ask("PUT", f"secret/data/{path}", {"data": {}})

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            pytest.param("LIST", "secret/metadata", id="LIST"),
            pytest.param("LIST", "secret/metadata/", id="LIST with a slash"),
            pytest.param("GET", "secret/metadata?list=true", id="GET"),
            pytest.param("GET", "secret/metadata?list=True", id="GET as hvac sends it"),
            pytest.param("GET", "secret/metadata/?list=1", id="GET with a slash"),
        ],
    )
    def test_is_asked_for_in_two_ways(self, ask, method, path):
        assert ask(method, path).data["keys"] == ["a", "b", "b/"]

    def test_of_one_directory(self, ask):
        assert ask("LIST", "secret/metadata/b").data["keys"] == ["c", "d/"]

    def test_of_everything_below(self, ask):
        assert ask("GET", "secret/metadata?scan=true").data["keys"] == ["a", "b", "b/c", "b/d/e"]
        assert ask("SCAN", "secret/metadata/b").data["keys"] == ["c", "d/e"]

    def test_comes_in_pages(self, ask):
        assert ask("LIST", "secret/metadata?limit=2").data["keys"] == ["a", "b"]
        assert ask("LIST", "secret/metadata?after=b").data["keys"] == ["b/"]

    @pytest.mark.parametrize("query", ["limit=-2", "limit=x", "limit=9999999999", "limit=%d9%a3"])
    def test_with_a_limit_that_is_none_is_refused(self, ask, query):
        answer = ask("LIST", f"secret/metadata?{query}")
        assert (answer.status, answer.errors) == (400, ["limit: expected a number"])

    @pytest.mark.parametrize("after", ["%00", "%01", "%e2%80%8b", "../..", "%f0%9f%94%91", "b%01/"])
    def test_after_a_name_that_is_none_finds_its_place(self, ask, after):
        answer = ask("LIST", f"secret/metadata?after={after}")
        assert answer.status in {200, 404}
        assert set(answer.data["keys"] if answer.status == 200 else []) <= {"a", "b", "b/"}


class TestFlatMembers:
    @pytest.mark.parametrize(
        ("method", "path", "member"),
        [
            pytest.param("GET", "sys/mounts", "secret/", id="mounts"),
            pytest.param("GET", "sys/auth", "token/", id="auth mounts"),
            pytest.param("GET", "sys/policy", "policies", id="policies"),
            pytest.param("GET", "sys/key-status", "term", id="key status"),
        ],
    )
    def test_stand_beside_the_envelope_too(self, ask, method, path, member):
        answer = ask(method, path)
        assert answer.json[member] == answer.data[member]

    def test_do_not_take_the_envelope_s_own_names(self, ask):
        answer = ask("POST", "sys/capabilities-self", {"paths": [*ENVELOPE, "mine"]})
        members = json.loads(answer.body, object_pairs_hook=lambda pairs: pairs)
        names = [name for name, _ in members]
        assert sorted(names) == sorted([*ENVELOPE, "mine"])
        assert answer.json["auth"] is None
        assert answer.data["auth"] == ["root"]


class TestTranslation:
    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
    def test_a_write_to_a_directory_is_refused(self, ask, method):
        answer = ask(method, "secret/data/a/", {"data": {}}, headers=MERGE)
        assert (answer.status, answer.errors) == (400, ["cannot write to a path ending in '/'"])

    @pytest.mark.parametrize(
        "headers",
        [
            pytest.param([], id="none"),
            pytest.param(["Content-Type: application/json"], id="JSON"),
            pytest.param(["Content-Type: text/plain; application/merge-patch+json"], id="something else"),
        ],
    )
    def test_a_patch_says_what_it_is(self, ask, headers):
        ask("PUT", "secret/data/a", {"data": {"k": "v"}})
        answer = ask("PATCH", "secret/data/a", {"data": {"k": None}}, headers=headers)
        assert answer.status == 415
        assert "merge-patch" in answer.errors[0]
        assert ask("GET", "secret/data/a").data["data"] == {"k": "v"}

    def test_a_patch_changes_what_it_names(self, ask):
        ask("PUT", "secret/data/a", {"data": {"k": "v", "l": {"m": 1, "n": 2}}})
        headers = ["Content-Type: application/merge-patch+json; charset=utf-8"]
        assert (
            ask("PATCH", "secret/data/a", {"data": {"k": None, "l": {"n": 3}}}, headers=headers).status == 200
        )
        assert ask("GET", "secret/data/a").data["data"] == {"l": {"m": 1, "n": 3}}
        assert ask("PATCH", "secret/data/none", {"data": {}}, headers=MERGE).status == 404

    @pytest.mark.parametrize(
        ("header", "status"),
        [
            pytest.param("X-Vault-Namespace: team", 404, id="a namespace"),
            pytest.param("X-Vault-Namespace: team/", 404, id="a namespace with a slash"),
            pytest.param("X-Vault-Namespace: root", 200, id="the root namespace"),
            pytest.param("X-Vault-Namespace: /", 200, id="the root namespace as a slash"),
            pytest.param("X-Vault-Wrap-TTL: soon", 400, id="no duration"),
            pytest.param("X-Vault-Wrap-TTL: -1", 400, id="negative duration"),
            pytest.param("X-Vault-Wrap-TTL: 769h", 400, id="longer than any token lives"),
            pytest.param("X-Vault-Request: true", 200, id="the mark of a client"),
            pytest.param("Authorization: token=x", 200, id="the other dialect's token"),
            pytest.param("Authorization: Basic eDp5", 200, id="another scheme"),
        ],
    )
    def test_of_headers(self, ask, header, status):
        assert ask("GET", "sys/mounts", headers=[header]).status == status

    def test_a_form_that_is_none_is_refused(self, ask):
        answer = ask(
            "POST",
            "auth/token/create",
            raw=b"ttl=60&ttl=61",
            headers=["Content-Type: application/x-www-form-urlencoded"],
        )
        assert answer.status == 400

    def test_a_body_on_a_read_is_not_looked_at(self, ask):
        assert ask("GET", "sys/mounts", raw=b"no JSON").status == 200
        assert ask("DELETE", "secret/data/a", raw=b"no JSON").status == 204

    def test_an_unknown_path_of_the_store_is_not_found(self, ask):
        for path in ("sys/nothing", "auth/token/nothing", "auth/userpass/login/x", "sys"):
            assert ask("GET", path).status == 404

    def test_an_operation_that_a_path_does_not_have_is_unsupported(self, ask):
        for method, path in (
            ("DELETE", "sys/seal"),
            ("GET", "auth/token/create"),
            ("DELETE", "secret/config"),
        ):
            answer = ask(method, path)
            assert (answer.status, answer.errors) == (
                405,
                ["1 error occurred:\n\t* unsupported operation\n\n"],
            )

    def test_versions_may_be_numbers_or_text(self, ask):
        for versions in ([1], ["1"], "1", "1,7"):
            ask("PUT", "secret/data/a", {"data": {"k": "v"}})
            assert ask("PUT", "secret/destroy/a", {"versions": versions}).status == 204
            assert ask("GET", "secret/data/a?version=1").data["metadata"]["destroyed"] is True
            ask("DELETE", "secret/metadata/a")
        for versions in ([], None, "", ["x"], [-1], [1.5], {"1": 1}):
            assert ask("PUT", "secret/destroy/a", {"versions": versions}).status == 400
