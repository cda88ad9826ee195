"""Tokens as clients of the Vault API see them: paths, fields, rules and sums of time, row by row."""

import re

import pytest
from tests.support.local_store import StoreUnderTest

LONGEST = 768 * 3600
LOOKED_UP = {
    "id",
    "accessor",
    "policies",
    "path",
    "meta",
    "display_name",
    "num_uses",
    "orphan",
    "creation_time",
    "creation_ttl",
    "expire_time",
    "ttl",
    "explicit_max_ttl",
    "entity_id",
    "type",
}


@pytest.fixture
def store():
    return StoreUnderTest().initialize()


@pytest.fixture
def ask(store):
    def ask(method, path, body=None, *, token=None):
        return store.vault(method, f"auth/token/{path}", body, token=token or store.root)

    return ask


def test_what_tokens_look_like(store):
    made = store.create_token(policies=["default"]).auth
    assert re.fullmatch(r"hvs\.[0-9A-Za-z]{24}", made["client_token"])
    assert re.fullmatch(r"[0-9A-Za-z]{24}", made["accessor"])
    batch = store.create_token(policies=["default"], type="batch", ttl="1h").auth
    assert re.fullmatch(r"hvb\.[0-9A-Za-z_-]+", batch["client_token"])
    assert (batch["accessor"], batch["renewable"], batch["token_type"]) == ("", False, "batch")


class TestPaths:
    @pytest.mark.parametrize(
        ("method", "path"),
        [("GET", "lookup-self"), ("POST", "lookup"), ("GET", "lookup"), ("POST", "lookup-self")],
    )
    def test_looking_oneself_up(self, ask, method, path):
        assert ask(method, path).data["policies"] == ["root"]

    def test_looking_another_up(self, store, ask):
        made = store.create_token(policies=["default"], ttl="1h").auth
        assert ask("POST", "lookup", {"token": made["client_token"]}).data["id"] == made["client_token"]
        assert ask("POST", "lookup-accessor", {"accessor": made["accessor"]}).data["id"] == ""

    @pytest.mark.parametrize(
        ("path", "body", "status", "text"),
        [
            ("lookup", {"token": "hvs.none"}, 403, "bad token"),
            ("lookup-accessor", {"accessor": "none"}, 400, "invalid accessor"),
            ("renew-accessor", {"accessor": "none"}, 400, "invalid accessor"),
        ],
    )
    def test_of_what_is_not_there(self, ask, path, body, status, text):
        answer = ask("POST", path, body)
        assert answer.status == status
        assert text is None or text in answer.errors[0]

    @pytest.mark.parametrize("path", ["revoke", "revoke-orphan"])
    def test_ending_what_is_not_there_is_done(self, ask, path):
        assert ask("POST", path, {"token": "hvs.none"}).status == 204

    @pytest.mark.parametrize("way", ["revoke-self", "revoke", "revoke-accessor", "revoke-orphan"])
    def test_ending_a_token(self, store, ask, way):
        made = store.create_token(policies=["root"]).auth
        child = store.token(by=made["client_token"])
        body = {"token": made["client_token"], "accessor": made["accessor"]}
        token = made["client_token"] if way == "revoke-self" else store.root
        assert ask("POST", way, body, token=token).status == 204
        assert not store.is_live(made["client_token"])
        assert store.is_live(child) is (way == "revoke-orphan")

    @pytest.mark.parametrize(
        ("way", "field"), [("renew-self", None), ("renew", "client_token"), ("renew-accessor", "accessor")]
    )
    def test_renewing_a_token(self, store, ask, way, field):
        made = store.create_token(policies=["default"], ttl="1h").auth
        body = {"increment": "2h"} | ({field.removeprefix("client_"): made[field]} if field else {})
        renewed = ask("POST", way, body, token=None if field else made["client_token"])
        assert (renewed.status, renewed.auth["lease_duration"]) == (200, 7200)

    def test_renewing_what_cannot_be(self, store, ask):
        answer = ask("POST", "renew", {"token": store.token(policies=["default"], renewable=False)})
        assert (answer.status, answer.errors) == (400, ["lease is not renewable"])

    def test_accessors_are_listed_for_sudo(self, store, ask):
        made = store.create_token(policies=["default"]).auth
        assert made["accessor"] in ask("LIST", "accessors").data["keys"]
        assert ask("GET", "accessors?list=true").status == 200
        lister = store.token_for({"auth/token/accessors/": ["list"]})
        assert ask("LIST", "accessors", token=lister).status == 403

    def test_an_orphan_needs_only_the_right_to_its_path(self, store, ask):
        maker = store.token_for({"auth/token/create-orphan": ["update"], "auth/token/lookup": ["update"]})
        made = ask("POST", "create-orphan", token=maker)
        assert made.auth["orphan"] is True

    def test_tidying_is_accepted(self, ask):
        assert ask("POST", "tidy").status == 202

    def test_a_role_is_kept_under_its_fields(self, ask):
        assert ask("LIST", "roles").status == 404
        fields = {
            "allowed_policies": ["a"],
            "allowed_policies_glob": ["b*"],
            "disallowed_policies": ["c"],
            "disallowed_policies_glob": ["d*"],
            "orphan": True,
            "renewable": False,
            "path_suffix": "s",
            "token_type": "service",
            "token_period": 60,
            "token_explicit_max_ttl": 3600,
            "token_bound_cidrs": ["10.0.0.0/8"],
            "token_no_default_policy": True,
            "token_num_uses": 3,
        }
        assert ask("POST", "roles/r", fields).status == 204
        shown = ask("GET", "roles/r").data
        assert {name: shown[name] for name in fields} == fields
        assert {"name", "period", "explicit_max_ttl", "allowed_entity_aliases"} <= set(shown)
        assert ask("LIST", "roles").data["keys"] == ["r"]
        assert ask("DELETE", "roles/r").status == 204
        assert ask("GET", "roles/r").status == 404


REFUSED = [
    pytest.param({"policies": ["other"]}, "child policies must be subset of parent", id="foreign policy"),
    pytest.param({"no_parent": True}, "root or sudo privileges required to create orphan token", id="orphan"),
    pytest.param({"period": 60}, "root or sudo privileges required to create periodic token", id="periodic"),
    pytest.param({"id": "x"}, "root or sudo privileges required to specify token id", id="chosen id"),
    pytest.param(
        {"policies": ["root"]}, "root tokens may not be created without parent token being root", id="root"
    ),
]


class TestCreation:
    @pytest.mark.parametrize(("wanted", "text"), REFUSED)
    def test_of_more_than_one_has(self, store, wanted, text):
        maker = store.token_for({"auth/token/create": ["update"]})
        answer = store.create_token(by=maker, **wanted)
        assert (answer.status, answer.errors) == (400, [text])

    def test_by_a_token_of_counted_uses(self, store):
        answer = store.create_token(by=store.token(num_uses=5))
        assert answer.errors == ["restricted use token cannot generate child tokens"]

    def test_by_a_batch_token(self, store):
        name = store.policy("makers", 'path "auth/token/create" { capabilities = ["update"] }')
        answer = store.create_token(by=store.token(policies=[name], type="batch", ttl="1h"))
        assert answer.errors == ["batch tokens cannot create more tokens"]

    def test_of_lasting_root_by_expiring_root(self, store):
        answer = store.create_token(by=store.token(ttl="1h"))
        assert answer.errors == ["expiring root tokens cannot create non-expiring root tokens"]

    def test_with_a_policy_that_is_not_there_is_warned_about(self, store):
        made = store.create_token(policies=["nothing"])
        assert 'Policy "nothing" does not exist' in made.json["warnings"]

    def test_over_the_longest_time_is_capped_and_warned_about(self, store):
        made = store.create_token(policies=["default"], ttl="1000h")
        assert made.auth["lease_duration"] == LONGEST
        assert re.search(
            r'TTL of "1000h.*" exceeded the effective max_ttl of "768h.*"; TTL value is capped accordingly',
            "\n".join(made.json["warnings"]),
        )

    @pytest.mark.parametrize(
        ("wanted", "policies"),
        [
            ({}, ["root"]),
            ({"policies": ["B", "a", "b"]}, ["a", "b", "default"]),
            ({"policies": ["a"], "no_default_policy": True}, ["a"]),
            ({"policies": ["root"]}, ["root"]),
        ],
    )
    def test_policies_are_folded_sorted_and_joined_by_default(self, store, wanted, policies):
        made = store.create_token(**wanted).auth
        assert made["policies"] == made["token_policies"] == policies

    def test_names_are_made_safe_for_records(self, store):
        token = store.token(display_name="my app/1")
        shown = store.vault("GET", "auth/token/lookup-self", token=token).data
        assert shown["display_name"] == "token-my-app-1"


class TestLookup:
    def test_what_is_always_there(self, store):
        for token in (store.root, store.token(policies=["default"], ttl="1h")):
            shown = store.vault("GET", "auth/token/lookup-self", token=token).data
            assert set(shown) >= LOOKED_UP
            assert isinstance(shown["ttl"], int)

    def test_root_has_no_end_and_says_so_with_null(self, store):
        shown = store.vault("GET", "auth/token/lookup-self", token=store.root).data
        assert (shown["expire_time"], shown["ttl"], shown["type"]) == (None, 0, "service")

    def test_what_is_there_where_it_means_something(self, store):
        store.vault("POST", "auth/token/roles/r", {"token_period": "1h"}, token=store.root)
        token = store.token(path="auth/token/create/r", policies=["default"])
        store.clock.advance(60)
        store.vault("POST", "auth/token/renew-self", token=token)
        shown = store.vault("GET", "auth/token/lookup-self", token=token).data
        assert (shown["period"], shown["role"], shown["renewable"]) == (3600, "r", True)
        assert {"issue_time", "last_renewal", "last_renewal_time"} <= set(shown)
        assert re.fullmatch(r".*T.*\.\d{9}Z", shown["expire_time"])


class TestTimes:
    def test_a_period_starts_anew_and_never_ends(self, store):
        token = store.token(policies=["default"], period="1h")
        for _ in range(900):
            store.clock.advance(3599)
            assert store.vault("POST", "auth/token/renew-self", token=token).auth["lease_duration"] == 3600

    def test_a_period_ends_with_an_explicit_maximum(self, store):
        token = store.token(policies=["default"], period="1h", explicit_max_ttl="90m")
        store.clock.advance(3599)
        assert store.vault("POST", "auth/token/renew-self", token=token).auth["lease_duration"] == 1801

    def test_a_renewal_counts_from_now_up_to_the_limit_since_creation(self, store):
        token = store.token(policies=["default"], ttl="1h")
        store.clock.advance(1800)
        answer = store.vault("POST", "auth/token/renew-self", {"increment": "1000h"}, token=token)
        assert answer.auth["lease_duration"] == LONGEST - 1800

    def test_the_end_is_kept_through_a_restart(self, store):
        token = store.token(policies=["default"], ttl="1h")
        store.restart(storage=store.storage.survivor())
        assert store.is_live(token)
        store.clock.advance(3600)
        store.restart(storage=store.storage.survivor())
        assert not store.is_live(token)


class TestEnds:
    def test_children_leases_and_cubbyhole_go_with_a_token(self, store):
        parent = store.create_token(policies=["root"], ttl="2h").auth
        child = store.create_token(by=parent["client_token"], ttl="1h").auth
        store.vault("PUT", "cubbyhole/a", {"k": "v"}, token=child["client_token"])
        assert store.vault("LIST", "sys/leases/lookup/auth/token/create", token=store.root).status == 200
        store.vault("POST", "auth/token/revoke", {"token": parent["client_token"]}, token=store.root)
        store.local.keeper.tick()
        assert store.vault("LIST", "sys/leases/lookup/auth/token/create", token=store.root).status == 404
        for auth in (parent, child):
            body = {"accessor": auth["accessor"]}
            assert store.vault("POST", "auth/token/lookup-accessor", body, token=store.root).status == 400

    def test_each_request_is_a_use(self, store):
        token = store.token(policies=["default"], num_uses=3)
        seen = [store.vault("GET", "auth/token/lookup-self", token=token) for _ in range(4)]
        assert [answer.status for answer in seen] == [200, 200, 200, 403]

    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("POST", "auth/token/renew-self", 400),
            ("POST", "auth/token/revoke-self", 400),
            ("POST", "auth/token/create", 400),
            ("PUT", "cubbyhole/a", 400),
            ("GET", "auth/token/lookup-self", 200),
        ],
    )
    def test_what_a_batch_token_cannot(self, store, method, path, status):
        name = store.policy("most", 'path "*" { capabilities = ["create", "read", "update", "delete"] }')
        token = store.token(policies=[name], type="batch", ttl="1h")
        assert (
            store.vault(method, path, {"k": "v"} if "cubby" in path else None, token=token).status == status
        )

    def test_a_batch_token_dies_with_its_maker_unless_it_is_an_orphan(self, store):
        maker = store.token(policies=["root"], ttl="2h")
        child, orphan = (
            store.token(by=maker, policies=["default"], type="batch", ttl="1h", no_parent=no_parent)
            for no_parent in (False, True)
        )
        store.vault("POST", "auth/token/revoke", {"token": maker}, token=store.root)
        assert (store.is_live(child), store.is_live(orphan)) == (False, True)
