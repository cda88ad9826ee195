"""The DC/OS Secrets API as its clients know it: statuses to the digit, words they look for, listings."""

import pytest


@pytest.fixture
def ask(store):
    def ask(method, path, body=None, **options):
        options.setdefault("token", store.root)
        return store.dcos(method, f"secret/{path}", body, **options)

    return ask


def value(text):
    return {"value": text}


class TestOneSecret:
    def test_is_created_read_updated_and_deleted_with_the_right_statuses(self, ask):
        created = ask("PUT", "default/team/db", value("1"))
        assert (created.status, created.json) == (201, {})
        assert ask("GET", "default/team/db").json == value("1")
        updated = ask("PATCH", "default/team/db", value("2"))
        assert (updated.status, updated.body) == (204, b"")
        assert ask("GET", "default/team/db").json == value("2")
        deleted = ask("DELETE", "default/team/db")
        assert (deleted.status, deleted.body) == (204, b"")
        assert ask("GET", "default/team/db").status == 404

    def test_is_not_created_twice(self, ask):
        ask("PUT", "default/a", value("1"))
        again = ask("PUT", "default/a", value("2"))
        assert again.status == 409
        assert again.json["title"] == "Conflict"
        assert "already exists" in again.json["description"]
        assert ask("GET", "default/a").json == value("1")

    @pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
    def test_that_is_not_there_does_not_exist(self, ask, method):
        answer = ask(method, "default/none", value("x") if method == "PATCH" else None)
        assert answer.status == 404
        assert answer.json == {"title": "Not Found", "description": "the secret does not exist"}
        assert ask("GET", "default/none").status == 404

    def test_may_lie_where_others_lie_below(self, ask):
        ask("PUT", "default/a", value("1"))
        ask("PUT", "default/a/b", value("2"))
        assert [ask("GET", f"default/{path}").json["value"] for path in ("a", "a/b")] == ["1", "2"]

    @pytest.mark.parametrize("store_name", ["none", "Default", "secret", ""])
    def test_of_an_unknown_store(self, ask, store_name):
        for method in ("GET", "PUT", "PATCH", "DELETE"):
            answer = ask(method, f"{store_name}/x/y", value("x"))
            assert (answer.status, answer.json["description"]) == (404, "store not found")

    @pytest.mark.parametrize("path", ["default", "default/", "default/a/"])
    def test_needs_a_name(self, ask, path):
        for method in ("GET", "PUT", "DELETE"):
            assert ask(method, path, value("x")).status == 400

    def test_takes_members_that_it_does_not_know(self, ask):
        body = {"value": "1", "path": "a", "author": "me", "labels": ["x"], "store_id": "default"}
        assert ask("PUT", "default/a", body).status == 201
        assert ask("GET", "default/a").json == value("1")

    @pytest.mark.parametrize(
        "body",
        [
            pytest.param({}, id="missing"),
            pytest.param({"value": None}, id="null"),
            pytest.param({"value": 5}, id="a number"),
            pytest.param({"value": {"a": "b"}}, id="an object"),
            pytest.param({"VALUE": "x"}, id="in other letters"),
        ],
    )
    def test_has_a_text_as_value(self, ask, body):
        answer = ask("PUT", "default/a", body)
        assert (answer.status, answer.json["description"]) == (400, "value: expected a string")

    @pytest.mark.parametrize("text", ["", " ", "\0", "x" * 100_000, "🔑" * 1000, '{"value":"x"}'], ids=len)
    def test_keeps_any_text(self, ask, text):
        assert ask("PUT", "default/a", value(text)).status == 201
        assert ask("GET", "default/a").json == value(text)

    @pytest.mark.parametrize(
        ("content_type", "status"),
        [
            pytest.param("application/json", 201, id="JSON"),
            pytest.param("application/json; charset=utf-8", 201, id="with a charset"),
            pytest.param("APPLICATION/JSON", 201, id="in capitals"),
            pytest.param("text/plain", 400, id="text"),
            pytest.param("application/octet-stream", 201, id="binary"),
            pytest.param("multipart/form-data", 400, id="a form"),
        ],
    )
    def test_comes_as_json_or_bytes(self, ask, content_type, status):
        answer = ask("PUT", "default/a", value("1"), headers=[f"Content-Type: {content_type}"])
        assert answer.status == status

    def test_may_be_read_with_a_content_type_and_no_body(self, ask):
        ask("PUT", "default/a", value("1"))
        headers = ["Content-Type: application/json", "Accept: application/json"]
        assert ask("GET", "default/a", headers=headers).json == value("1")
        assert ask("DELETE", "default/a", headers=headers).status == 204


class TestListing:
    @pytest.fixture(autouse=True)
    def fill(self, ask):
        for path in ("top", "team/one", "team/deep/two", "team/gone"):
            ask("PUT", f"default/{path}", value("x"))
        ask("DELETE", "default/team/gone")

    @pytest.mark.parametrize(
        ("path", "names"),
        [
            pytest.param("default/?list=true", ["team/deep/two", "team/one", "top"], id="root"),
            pytest.param(
                "default?list=true", ["team/deep/two", "team/one", "top"], id="root without a slash"
            ),
            pytest.param("default/team?list=true", ["deep/two", "one"], id="folder"),
            pytest.param("default/team/?list=true", ["deep/two", "one"], id="folder with a slash"),
            pytest.param("default/team%2Fdeep?list=true", ["two"], id="encoded slash"),
            pytest.param("default/top?list=true", [], id="leaf"),
            pytest.param("default/none?list=true", [], id="missing"),
            pytest.param("default/te?list=true", [], id="the start of a name"),
        ],
    )
    def test_names_all_below_relative_to_the_path(self, ask, path, names):
        answer = ask("GET", path)
        assert (answer.status, answer.json) == (200, {"array": names})

    def test_of_an_unknown_store(self, ask):
        assert ask("GET", "none/?list=true").status == 404

    def test_needs_its_own_right(self, store, ask):
        reader = store.token_for({"secret/data/*": ["read"]})
        assert ask("GET", "default/top", token=reader).status == 200
        assert ask("GET", "default/?list=true", token=reader).status == 403
        lister = store.token_for({"secret/metadata/*": ["list"]})
        assert ask("GET", "default/top", token=lister).status == 403
        assert ask("GET", "default/?list=true", token=lister).status == 200


class TestRights:
    @pytest.mark.parametrize(
        ("can", "statuses"),
        [
            pytest.param(["create"], {"PUT": 201, "GET": 403, "PATCH": 403, "DELETE": 403}, id="create"),
            pytest.param(["read"], {"PUT": 403, "GET": 200, "PATCH": 403, "DELETE": 403}, id="read"),
            pytest.param(["update"], {"PUT": 403, "GET": 403, "PATCH": 204, "DELETE": 403}, id="update"),
            pytest.param(["delete"], {"PUT": 403, "GET": 403, "PATCH": 403, "DELETE": 204}, id="delete"),
        ],
    )
    def test_are_asked_for_one_by_one(self, store, ask, can, statuses):
        token = store.token_for({"secret/data/*": can})
        for method, status in statuses.items():
            ask("DELETE", "default/a")
            if method != "PUT":
                ask("PUT", "default/a", value("1"))
            body = value("2") if method in {"PUT", "PATCH"} else None
            assert ask(method, "default/a", body, token=token).status == status


class TestCredentials:
    @pytest.mark.parametrize("form", ["token={}", "Token={}", "token= {} ", "Bearer {}", "bearer {}"])
    def test_are_understood(self, store, ask, form):
        answer = ask("GET", "default/none", token="", headers=[f"Authorization: {form.format(store.root)}"])
        assert answer.status == 404

    @pytest.mark.parametrize(
        "form", ["{}", "Basic {}", "token:{}", "tokens={}", "token=", "", "Bearer", "token=\x80"]
    )
    def test_are_not_guessed(self, store, ask, form):
        answer = ask("GET", "default/none", token="", headers=[f"Authorization: {form.format(store.root)}"])
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"] == "acsjwt"
        assert answer.json["title"] == "Unauthorized"

    def test_in_the_other_dialect_s_header_do_not_count(self, store, ask):
        answer = ask("GET", "default/none", token="", headers=[f"X-Vault-Token: {store.root}"])
        assert answer.status == 401


class TestStores:
    def test_are_alive(self, store):
        for path in ("ping", "ping/backends/default", "ping/backends/all"):
            answer = store.dcos("GET", path)
            assert (answer.status, answer.body) == (200, b"pong")
        assert store.dcos("GET", "ping/backends/none").status == 404
        assert store.dcos("GET", "ping/nothing").status == 404

    def test_are_described(self, store):
        assert store.dcos("GET", "store/default").status == 401
        shown = store.dcos("GET", "store/default", token=store.root).json
        assert (shown["name"], shown["initialized"], shown["sealed"]) == ("default", True, False)
        store.seal()
        assert [one["sealed"] for one in store.dcos("GET", "store").json["array"]] == [True]
        assert store.dcos("GET", "store/none").status == 404

    def test_are_made_and_removed(self, store):
        assert store.dcos("PUT", "store/team", {"driver": "vault"}).status == 401
        powerless = store.token(policies=["default"])
        assert store.dcos("PUT", "store/team", {"driver": "vault"}, token=powerless).status == 403
        assert store.dcos("PUT", "store/team", {"driver": "floppy"}, token=store.root).status == 404
        for name in ("a/b", "a%20b", "%25", "*", "%C3%BC", "list", "space", "s" * 97):
            assert store.dcos("PUT", f"store/{name}", {}, token=store.root).status == 400, name
        assert store.dcos("PUT", "store/team", {"driver": "vault"}, token=store.root).status == 201
        assert store.dcos("PUT", "store/team", {}, token=store.root).status == 409
        assert store.dcos("PUT", "secret/team/a", {"value": "1"}, token=store.root).status == 201
        assert store.vault("GET", "team/data/a", token=store.root).json["data"]["data"] == {"value": "1"}
        names = [one["name"] for one in store.dcos("GET", "store", token=store.root).json["array"]]
        assert names == ["default", "team"]
        refused = store.dcos("DELETE", "store/team", token=store.root)
        assert (refused.status, "still holds secrets" in refused.json["description"]) == (409, True)
        assert store.dcos("GET", "secret/team/a", token=store.root).json == {"value": "1"}
        assert store.dcos("DELETE", "store/default", token=store.root).status == 409
        assert store.dcos("DELETE", "store/team?force=true", token=powerless).status == 404
        assert store.dcos("DELETE", "store/team?force=true", token=store.root).status == 204
        assert store.dcos("GET", "secret/team/a", token=store.root).status == 404

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", "secret/{}/x"),
            ("GET", "secret/{}/?list=true"),
            ("GET", "ping/backends/{}"),
            ("GET", "seal-status/{}"),
            ("GET", "init/{}"),
            ("GET", "store/{}"),
            ("DELETE", "store/{}"),
            ("PUT", "store/{}"),
        ],
    )
    def test_look_like_none_to_everybody_else(self, store, method, path):
        store.dcos("PUT", "store/payroll", {}, token=store.root)
        powerless = store.token(policies=["default"])
        body = {} if method == "PUT" else None
        for token in ("", powerless):
            known, unknown = (
                store.dcos(method, path.format(name), body, token=token) for name in ("payroll", "nothing")
            )
            assert (known.status, known.body) == (unknown.status, unknown.body)
            assert known.status >= 400

    def test_are_shown_to_those_who_reach_into_them(self, store):
        for name in ("team", "other"):
            assert store.dcos("PUT", f"store/{name}", {}, token=store.root).status == 201
        member = store.token_for({"team/data/a": ["read"]})
        names = [one["name"] for one in store.dcos("GET", "store", token=member).json["array"]]
        assert names == ["default", "team"]
        answers = [store.dcos("GET", f"store/{name}", token=member) for name in ("team", "other", "none")]
        assert [answer.status for answer in answers] == [200, 404, 404]
        assert answers[1].body == answers[2].body

    def test_tell_how_far_unsealing_is(self, store):
        assert store.dcos("GET", "seal-status/default").json == {
            "sealed": False,
            "threshold": 3,
            "shares": 5,
            "progress": 0,
        }
        assert store.dcos("GET", "seal-status/none").status == 404

    def test_are_sealed_by_who_may(self, store):
        assert store.dcos("PUT", "seal/default").status == 401
        assert store.dcos("PUT", "seal/default", token=store.token(policies=["default"])).status == 403
        assert store.dcos("PUT", "seal/none", token=store.root).status == 404
        assert store.dcos("PUT", "seal/default", token=store.root).status == 200
        assert store.dcos("GET", "seal-status/default").json["sealed"] is True

    def test_are_unsealed_by_shares(self, store):
        store.seal()
        for share in store.shares[:3]:
            answer = store.dcos("PUT", "unseal/default", {"key": share})
            assert answer.status == 200
        assert answer.json == {"sealed": False, "threshold": 3, "shares": 5, "progress": 0}
        assert store.dcos("PUT", "unseal/none", {"key": store.shares[0]}).status == 404

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            pytest.param("GET", "", id="nothing"),
            pytest.param("GET", "nothing/default", id="unknown"),
        ],
    )
    def test_have_no_other_endpoints(self, store, method, path):
        answer = store.dcos(method, path, {"key": "x"}, token=store.root)
        assert (answer.status, answer.json["title"]) == (404, "Not Found")

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            pytest.param("DELETE", "seal/default", id="delete a seal"),
            pytest.param("GET", "unseal/default", id="read unseal"),
            pytest.param("GET", "renew/default/a", id="read renew"),
            pytest.param("POST", "secret/default/a", id="post a secret"),
        ],
    )
    def test_have_no_other_methods(self, store, method, path):
        answer = store.dcos(method, path, {"key": "x"}, token=store.root)
        assert (answer.status, answer.json["title"]) == (405, "Method Not Allowed")
