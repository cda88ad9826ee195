"""Policies as the store keeps and applies them: names folded, texts checked, effective at once."""

import pytest

READER = 'path "secret/data/team/*" { capabilities = ["read"] }'


def save(store, name, text, *, path="sys/policies/acl"):
    return store.vault("PUT", f"{path}/{name}", {"policy": text}, token=store.root)


def read(store, token, path="secret/data/team/db"):
    return store.vault("GET", path, token=token).status


@pytest.fixture
def store(store):
    for path in ("team/db", "team/deep/er", "other"):
        store.vault("PUT", f"secret/data/{path}", {"data": {"k": "v"}}, token=store.root)
    return store


class TestEffect:
    def test_starts_and_ends_with_the_next_request(self, store):
        token = store.token(policies=["team"])
        assert read(store, token) == 403
        store.policy("team", READER)
        assert read(store, token) == 200
        store.policy("team", READER.replace("read", "deny"))
        assert read(store, token) == 403
        store.policy("team", READER)
        assert store.vault("DELETE", "sys/policies/acl/team", token=store.root).status == 204
        assert read(store, token) == 403

    def test_is_nothing_without_a_rule(self, store):
        store.policy("empty", "# nothing")
        token = store.token(policies=["empty"], no_default_policy=True)
        assert read(store, token) == 403
        assert store.vault("GET", "auth/token/lookup-self", token=token).status == 403

    def test_deny_wins_over_what_another_policy_allows(self, store):
        store.policy("team", READER)
        store.policy("not", READER.replace("read", "deny"))
        assert read(store, store.token(policies=["team"])) == 200
        assert read(store, store.token(policies=["team", "not"])) == 403

    def test_holds_for_the_other_dialect_too(self, store):
        store.policy("team", READER)
        token = store.token(policies=["team"])
        assert store.dcos("GET", "secret/default/team/db", token=token).status == 200
        assert store.dcos("GET", "secret/default/other", token=token).status == 403
        assert store.dcos("PATCH", "secret/default/team/db", {"value": "x"}, token=token).status == 403

    @pytest.mark.parametrize(
        "spelling",
        [
            pytest.param("secret/data/team/deep/er", id="as it is"),
            pytest.param("secret/data/team/deep/er/", id="trailing slash"),
            pytest.param("secret//data/team//deep/er", id="repeated slashes"),
            pytest.param("secret/data/team/deep%2Fer", id="encoded slash"),
            pytest.param("secret/data/team/%64eep/er", id="encoded letter"),
        ],
    )
    def test_of_a_deny_cannot_be_spelt_around(self, store, spelling):
        store.policy("team", f'{READER}\npath "secret/data/team/deep/er" {{ capabilities = ["deny"] }}')
        assert read(store, store.token(policies=["team"]), spelling) == 403
        assert read(store, store.root, spelling) == 200

    def test_of_a_deny_on_a_mount_cannot_be_spelt_around(self, store):
        rules = {"sys/mounts/*": ["read", "delete"], "sys/mounts/secret": ["deny"]}
        token = store.token_for(rules)
        for spelling in ("sys/mounts/secret", "sys/mounts/secret/", "sys/mounts//secret"):
            assert store.vault("GET", spelling, token=token).status == 403
            assert store.vault("DELETE", spelling, token=token).status == 403
        assert read(store, store.root) == 200


class TestWrites:
    """Create and update are told apart by what is there when the write is committed."""

    @pytest.mark.parametrize(
        ("capability", "new", "again"),
        [
            pytest.param("create", 200, 403, id="create"),
            pytest.param("update", 403, 200, id="update"),
            pytest.param("read", 403, 403, id="neither"),
        ],
    )
    @pytest.mark.parametrize("mount", ["secret/data/", "one/"])
    def test_need_the_right_one(self, store, mount, capability, new, again):
        store.vault("PUT", "sys/mounts/one", {"type": "kv"}, token=store.root)
        token = store.token_for({f"{mount}*": [capability]})
        expected = {200: {200, 204}, 403: {403}}
        body = {"data": {"k": "mine"}}
        assert store.vault("PUT", f"{mount}new", body, token=token).status in expected[new]
        store.vault("PUT", f"{mount}new", body, token=store.root)
        assert store.vault("PUT", f"{mount}new", body, token=token).status in expected[again]

    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            pytest.param("PUT", "secret/delete/other", {"versions": [1]}, id="delete versions"),
            pytest.param("PUT", "secret/destroy/other", {"versions": [1]}, id="destroy versions"),
            pytest.param("PUT", "secret/undelete/other", {"versions": [1]}, id="undelete versions"),
            pytest.param("PUT", "secret/config", {"max_versions": 1}, id="configure"),
            pytest.param("PUT", "secret/metadata/other", {"max_versions": 1}, id="metadata"),
            pytest.param("DELETE", "secret/data/other", None, id="delete"),
            pytest.param("DELETE", "secret/metadata/other", None, id="erase"),
            pytest.param("PUT", "sys/mounts/new", {"type": "kv"}, id="mount"),
            pytest.param("PUT", "sys/policies/acl/new", {"policy": "#"}, id="policy"),
            pytest.param("PUT", "auth/token/create", {}, id="token"),
        ],
    )
    def test_who_may_only_create_changes_nothing_else(self, store, method, path, body):
        token = store.token_for({"*": ["create", "list"]})
        assert store.vault(method, path, body, token=token).status == 403
        assert store.vault("GET", "secret/data/other?version=1", token=store.root).data["data"] == {"k": "v"}
        assert store.vault("GET", "secret/config", token=store.root).data["max_versions"] == 0

    def test_with_restricted_parameters_are_held_to_them(self, store):
        rule = 'capabilities = ["update"] allowed_parameters = { "max_versions" = ["5"] }'
        store.policy("narrow", f'path "secret/config" {{ {rule} }}')
        token = store.token(policies=["narrow"])

        def configure(**body):
            return store.vault("PUT", "secret/config", body, token=token).status

        assert configure(max_versions=5) == 204
        assert configure(max_versions=6) == 403
        assert configure(max_versions=5, cas_required=True) == 403

    def test_reads_with_denied_parameters_are_refused(self, store):
        store.policy(
            "newest",
            'path "secret/data/*" { capabilities = ["read"] denied_parameters = { "version" = [] } }',
        )
        token = store.token(policies=["newest"])
        assert read(store, token) == 200
        assert read(store, token, "secret/data/team/db?version=1") == 403


class TestNames:
    @pytest.mark.parametrize("name", ["Root", "ROOT", "root", "rOOt%20"])
    def test_root_is_root_in_any_letters(self, store, name):
        assert save(store, name, 'path "*" { capabilities = ["sudo"] }').status == 400
        assert store.vault("DELETE", f"sys/policies/acl/{name}", token=store.root).status == 400

    def test_are_folded_on_every_way_in(self, store):
        answer = save(store, "Team", READER)
        assert (answer.status, answer.json["warnings"]) == (200, ["policy name was converted to lowercase"])
        assert store.vault("GET", "sys/policies/acl/TEAM", token=store.root).data == {
            "name": "team",
            "policy": READER,
        }
        assert read(store, store.token(policies=["tEAM"])) == 200
        assert store.vault("DELETE", "sys/policies/acl/teaM", token=store.root).status == 204
        assert store.vault("GET", "sys/policies/acl/team", token=store.root).status == 404

    def test_of_the_built_in_ones_stay(self, store):
        assert store.vault("DELETE", "sys/policies/acl/default", token=store.root).status == 400
        assert store.vault("LIST", "sys/policies/acl", token=store.root).data["keys"] == ["default", "root"]

    @pytest.mark.parametrize("name", ["a%2Fb", "a%00b", "a%0ab", "x" * 300, "%ff"])
    def test_that_are_none_are_refused(self, store, name):
        assert save(store, name, READER).status in {400, 413}
        assert store.vault("LIST", "sys/policies/acl", token=store.root).data["keys"] == ["default", "root"]


class TestTexts:
    def test_come_back_as_they_were_written_by_either_name_of_the_path(self, store):
        text = "# mine\n" + READER + "\n"
        save(store, "team", text)
        assert store.vault("GET", "sys/policies/acl/team", token=store.root).data["policy"] == text
        old = store.vault("GET", "sys/policy/team", token=store.root)
        assert (old.data["rules"], old.json["rules"]) == (text, text)
        assert store.vault("PUT", "sys/policy/old", {"rules": text}, token=store.root).status == 204
        listed = store.vault("GET", "sys/policy", token=store.root).json
        assert listed["policies"] == listed["keys"] == ["default", "old", "root", "team"]

    def test_may_be_json(self, store):
        store.policy("team", '{"path": {"secret/data/team/*": {"capabilities": ["read"]}}}')
        assert read(store, store.token(policies=["team"])) == 200

    @pytest.mark.parametrize(
        "text",
        [
            pytest.param("", id="empty"),
            pytest.param(" \n", id="blank"),
            pytest.param('path "a" {', id="cut off"),
            pytest.param('path "a" { capabilities = ["fly"] }', id="unknown capability"),
            pytest.param('path "a" { capability = ["read"] }', id="unknown key"),
            pytest.param('{"path": {"a": {"capabilities": ["read"]}, "a": {}}}', id="duplicate in JSON"),
            pytest.param('path "a/+*" { capabilities = ["read"] }', id="impossible pattern"),
        ],
    )
    def test_that_do_not_parse_change_nothing(self, store, text):
        save(store, "team", READER)
        token = store.token(policies=["team"])
        assert save(store, "team", text).status == 400
        assert read(store, token) == 200

    @pytest.mark.parametrize(
        "policy", [None, 5, ["x"], {"path": {}}], ids=["missing", "number", "list", "object"]
    )
    def test_of_another_shape_are_refused(self, store, policy):
        assert store.vault("PUT", "sys/policies/acl/p", {"policy": policy}, token=store.root).status == 400


class TestCapabilities:
    def ask(self, store, token, *paths, path="sys/capabilities-self", who=None):
        return store.vault("POST", path, {"paths": list(paths), **(who or {})}, token=token)

    def test_of_oneself(self, store):
        store.policy("team", READER)
        token = store.token(policies=["team"])
        answer = self.ask(store, token, "secret/data/team/x", "secret/data/other")
        assert answer.data == {"secret/data/team/x": ["read"], "secret/data/other": ["deny"]}
        assert self.ask(store, token, "/secret/data/team/x").data["capabilities"] == ["read"]
        assert self.ask(store, store.root, "anything").data["capabilities"] == ["root"]

    def test_of_another_token(self, store):
        made = store.create_token(policies=["default"], ttl=60).auth
        for path, who in (
            ("sys/capabilities", {"token": made["client_token"]}),
            ("sys/capabilities-accessor", {"accessor": made["accessor"]}),
        ):
            answer = self.ask(store, store.root, "auth/token/lookup-self", path=path, who=who)
            assert answer.data["capabilities"] == ["read"]
            answer = self.ask(store, store.root, "x", path=path, who=dict.fromkeys(who, "unknown"))
            assert answer.status == 400

    @pytest.mark.parametrize(
        "body", [{}, {"paths": []}, {"paths": [" "]}, {"paths": {"a": 1}}, {"paths": [[]]}]
    )
    def test_of_no_path_are_refused(self, store, body):
        assert store.vault("POST", "sys/capabilities-self", body, token=store.root).status == 400
