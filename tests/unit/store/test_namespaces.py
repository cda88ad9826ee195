"""A namespace is a store within the store: found by header and path; nothing in it is seen from beside it."""

from urllib.parse import quote

import pytest
from tests.support.namespaces import In, create, everything_in

from holdfast.store.namespaces.server_wide import is_server_wide
from holdfast.store.system_routes import SYSTEM_ROUTES

MERGE = ("Content-Type: application/merge-patch+json",)
READ_ALL = {"secret/*": ["read", "list"]}
IN_EACH_NAMESPACE = {
    *(
        "auth",
        "capabilities",
        "capabilities-accessor",
        "capabilities-self",
        "internal",
        "kv",
        "leases",
        "mounts",
    ),
    *("namespaces", "plugins", "policies", "policy", "remount", "renew", "revoke", "revoke-force"),
    *("revoke-prefix", "tools", "wrapping"),
}


@pytest.fixture(params=[False, True], ids=["header", "prefix"])
def form(request):
    return request.param


def put(inside, value, path="a", **options):
    answer = inside.ask("PUT", f"secret/data/{path}", {"data": {"k": value}}, **options)
    assert answer.status == 200, answer.body


def value(inside, path="a", **options):
    answer = inside.ask("GET", f"secret/data/{path}", **options)
    return answer.data["data"]["k"] if answer.status == 200 else answer.status


class TestRecords:
    def test_a_namespace_is_made_shown_changed_listed_and_deleted(self, store):
        made = store.vault(
            "POST", "sys/namespaces/team", {"custom_metadata": {"owner": "x", "cost": "1"}}, token=store.root
        )
        assert made.status == 200
        assert (made.data["path"], made.data["locked"], made.data["tainted"]) == ("team/", False, False)
        assert len(made.data["id"]) == 6
        assert len(made.data["uuid"]) == 36
        shown = store.vault("GET", "sys/namespaces/team", token=store.root)
        assert shown.data == made.data
        changed = store.vault(
            "PATCH",
            "sys/namespaces/team",
            {"custom_metadata": {"owner": None, "more": "y"}},
            token=store.root,
            headers=MERGE,
        )
        assert changed.data["custom_metadata"] == {"cost": "1", "more": "y"}
        assert changed.data["uuid"] == made.data["uuid"]
        again = store.vault("PUT", "sys/namespaces/team", {"custom_metadata": {"a": "b"}}, token=store.root)
        assert (again.data["uuid"], again.data["custom_metadata"]) == (made.data["uuid"], {"a": "b"})
        listed = store.vault("LIST", "sys/namespaces", token=store.root)
        assert listed.data["keys"] == ["team/"]
        assert listed.data["key_info"]["team/"] == again.data
        gone = store.vault("DELETE", "sys/namespaces/team", token=store.root)
        assert (gone.status, gone.data) == (200, {"status": "done"})
        assert store.vault("GET", "sys/namespaces/team", token=store.root).status == 404
        assert store.vault("LIST", "sys/namespaces", token=store.root).status == 404
        again = store.vault("DELETE", "sys/namespaces/team", token=store.root)
        assert (again.status, again.data) == (200, None)
        assert again.json["warnings"] == ["requested namespace does not exist"]

    def test_a_patch_without_a_namespace_makes_none(self, store):
        answer = store.vault(
            "PATCH", "sys/namespaces/no", {"custom_metadata": {}}, token=store.root, headers=MERGE
        )
        assert (answer.status, answer.errors) == (404, ["namespace not found"])

    def test_they_are_listed_by_level_and_as_a_whole(self, store):
        for path in ("b", "a", "a/x", "a/x/deep", "c"):
            create(store, path, mount=False)
        assert store.vault("LIST", "sys/namespaces", token=store.root).data["keys"] == ["a/", "b/", "c/"]
        scanned = store.vault("SCAN", "sys/namespaces", token=store.root).data
        assert scanned["keys"] == ["a/", "a/x/", "a/x/deep/", "b/", "c/"]
        inside = In(store, "a").ask("SCAN", "sys/namespaces").data
        assert inside["keys"] == ["x/", "x/deep/"]
        assert inside["key_info"]["x/"]["path"] == "a/x/"
        page = store.vault("LIST", "sys/namespaces?limit=1&after=a/", token=store.root)
        assert page.data["keys"] == ["b/"]

    @pytest.mark.parametrize(
        "name",
        [
            *("root", "sys", "audit", "auth", "acs", "cubbyhole", "identity", "api-lock"),
            *("with%20blank", "a+b", "a*", "%2e%2e", "%2e", "a%00b", "%20a", "a%20", "a%5Cb", "%E2%80%AEa"),
            *("a%0ab", "a%C2%A0b", "%ff", "x" * 256),
        ],
    )
    def test_a_name_that_could_be_taken_for_something_else_is_refused(self, store, name):
        answer = store.vault("POST", f"sys/namespaces/{name}", token=store.root)
        assert answer.status in {400, 413}, answer.body
        assert store.vault("LIST", "sys/namespaces", token=store.root).status == 404

    def test_a_name_is_one_segment(self, store):
        create(store, "a", mount=False)
        assert store.vault("POST", "sys/namespaces/a/b", token=store.root).status in {400, 404}

    def test_names_of_other_scripts_and_punctuation_are_fine(self, store):
        for name in ("équipe", "a.b-c_d@e:f", "1"):
            create(store, quote(name), prefix=True)
            put(In(store, name), "v")
            assert value(In(store, quote(name), prefix=True)) == "v"

    def test_too_deep_is_refused(self, store):
        path = "n" * 250
        create(store, path, mount=False)
        create(store, f"{path}/{path}", mount=False)
        answer = In(store, f"{path}/{path}").ask("POST", "sys/namespaces/much-too-deep")
        assert answer.status == 400
        assert answer.errors[0].startswith("path: expected at most 512 bytes")

    def test_a_namespace_and_a_mount_do_not_share_a_name(self, store):
        assert store.vault("POST", "sys/namespaces/secret", token=store.root).status == 400
        store.vault("POST", "sys/mounts/deep/in", {"type": "kv"}, token=store.root)
        assert store.vault("POST", "sys/namespaces/deep", token=store.root).status == 400
        create(store, "team", mount=False)
        for path in ("team", "team/kv"):
            assert store.vault("POST", f"sys/mounts/{path}", {"type": "kv"}, token=store.root).status == 400
        moved = store.vault("POST", "sys/remount", {"from": "secret", "to": "team"}, token=store.root)
        assert moved.status == 400
        assert store.vault("GET", "sys/mounts/secret", token=store.root).status == 200

    @pytest.mark.parametrize(
        "body",
        [
            {"custom_metadata": "text"},
            {"custom_metadata": {"k" * 129: "v"}},
            {"custom_metadata": {f"k{number}": "v" for number in range(65)}},
            {"seal": 'seal "shamir" {}'},
        ],
        ids=["no object", "long key", "many", "a seal of its own"],
    )
    def test_what_cannot_be_kept_is_refused(self, store, body):
        assert store.vault("POST", "sys/namespaces/team", body, token=store.root).status == 400
        assert store.vault("LIST", "sys/namespaces", token=store.root).status == 404


class TestFinding:
    def test_header_path_and_both_name_the_same(self, store):
        create(store, "a")
        put(create(store, "a/b"), "inside")
        for namespace, path in (
            ("a/b", "secret/data/a"),
            ("a/b/", "secret/data/a"),
            ("/a/b", "secret/data/a"),
            ("a", "b/secret/data/a"),
            ("", "a/b/secret/data/a"),
            ("root", "a/b/secret/data/a"),
        ):
            headers = (f"X-Vault-Namespace: {namespace}",)
            answer = store.vault("GET", path, token=store.root, headers=headers)
            assert answer.data["data"] == {"k": "inside"}, (namespace, path)

    def test_the_header_is_sent_back(self, store):
        create(store, "a")
        answer = In(store, "/a/").ask("LIST", "secret/metadata")
        assert answer.headers["X-Vault-Namespace"] == "a/"
        assert "X-Vault-Namespace" not in store.vault("GET", "sys/mounts", token=store.root).headers

    @pytest.mark.parametrize("name", ["nope", "a/nope", "nope/a", "secret", "sys"])
    def test_a_header_that_names_nothing_is_refused(self, store, name):
        create(store, "a")
        for token in (store.root, "", "hvs.nobody"):
            answer = In(store, name).ask("GET", "secret/data/a", token=token)
            assert (answer.status, answer.errors) == (404, ["namespace not found"])

    @pytest.mark.parametrize("name", ["a//b", "..", "a/../a", "%61", "a\x0bb", "\u202ea", "x" * 2000])
    def test_a_header_that_no_namespace_can_have_is_no_way_in(self, store, name):
        create(store, "a")
        answer = In(store, name).ask("GET", "secret/data/a")
        assert answer.status in {400, 404, 413}

    def test_a_path_that_names_nothing_is_a_path_of_the_root(self, store):
        create(store, "a")
        assert store.vault("GET", "nope/secret/data/a", token=store.root).status == 404
        assert store.vault("GET", "nope/secret/data/a", token=store.token(policies=["default"])).status == 403

    def test_a_path_explains_itself_in_either_form(self, store, form):
        inside = create(store, "a", prefix=form)
        answer = inside.ask("GET", "secret/data/x?help=1")
        assert answer.status == 200
        assert "secret/data/" in answer.json["help"]

    def test_each_has_its_own_default_policy_and_no_root_policy(self, store, form):
        inside = create(store, "a", prefix=form)
        assert inside.ask("LIST", "sys/policies/acl").data["keys"] == ["default"]
        assert inside.ask("GET", "sys/policies/acl/root").status == 404
        assert inside.ask("GET", "sys/policies/acl/default").status == 200
        changed = inside.ask("PUT", "sys/policies/acl/default", {"policy": 'path "x" { policy = "read" }'})
        assert changed.status == 204
        assert (
            "lookup-self" in store.vault("GET", "sys/policies/acl/default", token=store.root).data["policy"]
        )

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            *(("GET", f"sys/{path}") for path in ("health", "init", "host-info", "metrics", "audit")),
            *(("GET", f"sys/{path}") for path in ("quotas/config", "config/cors", "generate-root/attempt")),
            *(("GET", f"sys/{path}") for path in ("key-status", "rekey/init", "raw/x", "storage/raft/x")),
            *(("PUT", f"sys/{path}") for path in ("seal", "unseal", "step-down", "init", "rotate")),
            *(("PUT", f"sys/{path}") for path in ("audit-hash/x", "audit/x", "generate-root/update")),
            ("GET", "sys/audit-chain/x"),
            ("LIST", "sys/quotas/rate-limit"),
            ("GET", "acs/users"),
        ],
    )
    def test_what_is_there_once_is_not_in_namespaces(self, store, form, method, path):
        inside = create(store, "a", prefix=form)
        for token in (store.root, ""):
            answer = inside.ask(method, path, {"key": "x"} if method == "PUT" else None, token=token)
            assert (answer.status, answer.errors) == (400, ["operation unavailable in namespaces"])
        assert store.vault("GET", "sys/seal-status").json["sealed"] is False

    def test_every_path_of_the_store_is_known_to_be_there_once_or_in_each(self):
        inside = {
            path.split("/")[1]
            for path in sorted(route.pattern for route in SYSTEM_ROUTES.routes)
            if not is_server_wide(path)
        }
        assert inside == IN_EACH_NAMESPACE, "a new path: does whoever administers a namespace alone have it?"

    def test_tools_that_are_everywhere_work_there_too(self, store, form):
        inside = create(store, "a", prefix=form)
        assert inside.ask("POST", "sys/tools/random/8").status == 200
        assert inside.ask("GET", "sys/internal/specs/openapi").status == 200
        assert inside.ask("GET", "sys/leases/count").data["lease_count"] == 0
        assert "secret/" in inside.ask("GET", "sys/internal/ui/mounts").data["secret"]
        assert inside.ask("GET", "sys/internal/ui/mounts/secret/a").data["path"] == "secret/"

    @pytest.mark.parametrize(
        "path", ["auth/token/lookup-self", "sys/internal/help/a/secret", "sys/internal/ui/mounts/a/secret"]
    )
    def test_a_request_that_leads_into_a_namespace_is_counted_there(self, store, path):
        inside = create(store, "a")
        inside.policy("p", {"secret/*": ["read"]})
        token = inside.token("p", "default")
        quota = {"path": "a/", "rate": 2, "interval": "1h"}
        assert store.vault("PUT", "sys/quotas/rate-limit/a", quota, token=store.root).status == 204
        assert [store.vault("GET", path, token=token).status for _ in range(3)] == [200, 200, 429]
        everywhere = {"path": "", "rate": 4, "interval": "1h"}
        store.vault("DELETE", "sys/quotas/rate-limit/a", token=store.root)
        store.vault("PUT", "sys/quotas/rate-limit/all", everywhere, token=store.root)
        assert [store.vault("GET", path, token=token).status for _ in range(5)] == [200] * 4 + [429]

    def test_a_request_is_counted_by_its_whole_path(self, store):
        for name in ("a", "b"):
            create(store, name)
        quota = {"rate": 1, "interval": "1h", "path": "a/"}
        assert store.vault("POST", "sys/quotas/rate-limit/a", quota, token=store.root).status == 204
        forms = [In(store, "a"), In(store, "a", prefix=True)]
        assert [inside.ask("GET", "sys/mounts").status for inside in forms] == [200, 429]
        assert In(store, "b").ask("GET", "sys/mounts").status == 200

    def test_a_client_finds_the_mount_of_a_path_that_begins_with_a_namespace(self, store):
        create(store, "a")
        create(store, "a/b")
        ask = "sys/internal/ui/mounts/a/b/secret/x"
        assert store.vault("GET", ask, token=store.root).data["path"] == "a/b/secret/"
        assert In(store, "a").ask("GET", "sys/internal/ui/mounts/b/secret/x").data["path"] == "b/secret/"
        reader = store.token_for({"a/b/secret/*": ["read"]})
        assert store.vault("GET", ask, token=reader).data["options"] == {"version": "2"}
        inside = In(store, "a/b")
        inside.policy("p", READ_ALL)
        assert store.vault("GET", ask, token=inside.token("p")).data["path"] == "a/b/secret/"
        for elsewhere in ("a/secret/x", "a/b/none/x", "a/none"):
            refused = store.vault("GET", f"sys/internal/ui/mounts/{elsewhere}", token=reader)
            assert refused.status == 403


class TestTokens:
    def test_a_token_says_where_it_is_from_and_asks_about_itself_from_anywhere(self, store, form):
        inside = create(store, "a", prefix=form)
        create(store, "b")
        made = inside.ask("POST", "auth/token/create", {"policies": ["p"], "ttl": "1h"}).auth
        ending = "." + store.vault("GET", "sys/namespaces/a", token=store.root).data["id"]
        assert made["client_token"].endswith(ending)
        assert made["accessor"].endswith(ending)
        token = made["client_token"]
        for where in (In(store, "b"), inside, In(store, "")):
            shown = where.ask("GET", "auth/token/lookup-self", token=token)
            assert (shown.data["id"], shown.data["namespace_path"]) == (token, "a/")
            assert where.ask("POST", "auth/token/renew-self", token=token).status == 200
        assert In(store, "b").ask("POST", "auth/token/revoke-self", token=token).status == 204
        assert inside.ask("GET", "auth/token/lookup-self", token=token).status == 403
        assert "namespace_path" not in In(store, "a").ask("GET", "auth/token/lookup-self").data

    @pytest.mark.parametrize("kind", ["service", "batch"])
    def test_it_works_in_its_own_namespace_and_below_and_nowhere_else(self, store, form, kind):
        rules = {"secret/*": ["read"], "c/secret/*": ["read"], "b/secret/*": ["read"], "sys/mounts": ["read"]}
        where = {path: create(store, path, prefix=form) for path in ("a", "a/b", "a/b/c", "a/z", "other")}
        where[""] = In(store, "")
        for path, inside in where.items():
            put(inside, path or "root")
            inside.policy("p", rules)
        token = where["a/b"].token("p", type=kind)
        assert {path: value(inside, token=token) for path, inside in where.items()} == {
            "a/b": "a/b",
            "a/b/c": "a/b/c",
            **dict.fromkeys(("", "a", "a/z", "other"), 403),
        }

    def test_rules_speak_of_paths_as_the_token_s_namespace_sees_them(self, store, form):
        create(store, "a")
        below = create(store, "a/b", prefix=form)
        put(below, "v")
        above = In(store, "a")
        above.policy("own", {"secret/*": ["read"]})
        above.policy("reach", {"b/secret/*": ["read"], "+/sys/internal/ui/mounts/*": ["read"]})
        own, reach = above.token("own"), above.token("reach")
        assert value(below, token=own) == 403
        assert value(below, token=reach) == "v"
        assert below.ask("PUT", "secret/data/a", {"data": {}}, token=reach).status == 403
        seen = below.ask("GET", "sys/internal/ui/mounts", token=reach).data["secret"]
        assert "secret/" in seen
        assert "secret/" not in below.ask("GET", "sys/internal/ui/mounts", token=own).data["secret"]
        asked = below.ask("POST", "sys/capabilities-self", {"paths": ["secret/data/a"]}, token=store.root)
        assert asked.data["secret/data/a"] == ["root"]
        assert In(store, "a").ask("GET", "sys/internal/ui/namespaces", token=reach).data["keys"] == ["b/"]
        assert In(store, "a").ask("GET", "sys/internal/ui/namespaces", token=own).data["keys"] == []

    def test_the_same_name_of_a_policy_means_what_it_says_in_each(self, store, form):
        a, b = create(store, "a", prefix=form), create(store, "b", prefix=form)
        a.policy("p", {"secret/data/x": ["read"]})
        b.policy("p", {"secret/data/y": ["read"]})
        for inside in (a, b):
            put(inside, "v", "x")
            put(inside, "v", "y")
        in_a, in_b = a.token("p"), b.token("p")
        assert [value(a, path, token=in_a) for path in "xy"] == ["v", 403]
        assert [value(b, path, token=in_b) for path in "xy"] == [403, "v"]

    def test_handles_of_another_namespace_are_none(self, store, form):
        a, b = create(store, "a", prefix=form), create(store, "b", prefix=form)
        root = In(store, "")
        made = a.ask("POST", "auth/token/create", {"policies": ["p"], "ttl": "1h"}).auth
        token, accessor = made["client_token"], made["accessor"]
        [name] = a.ask("LIST", "sys/leases/lookup/auth/token/create").data["keys"]
        lease = f"auth/token/create/{name}"
        assert a.ask("POST", "sys/leases/lookup", {"lease_id": lease}).status == 200
        for elsewhere in (b, root):
            assert elsewhere.ask("POST", "auth/token/lookup", {"token": token}).status == 403
            assert elsewhere.ask("POST", "auth/token/renew", {"token": token}).status == 403
            assert elsewhere.ask("POST", "auth/token/revoke", {"token": token}).status == 400
            assert elsewhere.ask("POST", "auth/token/revoke-orphan", {"token": token}).status == 400
            assert elsewhere.ask("POST", "sys/capabilities", {"token": token, "path": "x"}).status == 400
            revoked = elsewhere.ask("POST", "auth/token/revoke-accessor", {"accessor": accessor})
            assert revoked.status in {204, 400}
            for call in (
                "auth/token/lookup-accessor",
                "sys/capabilities-accessor",
            ):
                assert elsewhere.ask("POST", call, {"accessor": accessor, "path": "x"}).status == 400, call
            assert accessor not in elsewhere.ask("LIST", "auth/token/accessors").body.decode()
            assert elsewhere.ask("POST", "sys/leases/lookup", {"lease_id": lease}).status == 400
            assert elsewhere.ask("POST", "sys/leases/renew", {"lease_id": lease}).status == 400
            assert elsewhere.ask("POST", "sys/leases/revoke", {"lease_id": lease}).status == 204
            assert elsewhere.ask("POST", "sys/leases/revoke-prefix/auth/token").status == 204
        assert a.ask("LIST", "auth/token/accessors").data["keys"] == [accessor]
        assert (
            a.ask("POST", "auth/token/lookup-accessor", {"accessor": accessor}).data["namespace_path"] == "a/"
        )
        assert a.ask("GET", "auth/token/lookup-self", token=token).status == 200

    def test_an_invented_namespace_in_a_token_is_no_way_in(self, store):
        a, b = create(store, "a"), create(store, "b")
        for inside in (a, b):
            inside.policy("p", READ_ALL)
            put(inside, "v")
        for kind in ("service", "batch"):
            plain, ending = a.token("p", type=kind).rsplit(".", 1)
            other = store.vault("GET", "sys/namespaces/b", token=store.root).data["id"]
            for forged in (
                plain,
                f"{plain}.{other}",
                f"{plain}.{ending}.{other}",
                f"{plain}.XXXXXX",
                f"{plain}.",
            ):
                for where in (a, b, In(store, "")):
                    assert value(where, token=forged) == 403, (kind, forged)
            store_token = (
                store.token(policies=["root"])
                if kind == "service"
                else store.token(type="batch", policies=["p"])
            )
            assert value(a, token=f"{store_token}.{ending}") == 403

    def test_an_id_is_chosen_in_the_root_namespace_alone(self, store, form):
        inside = create(store, "a", prefix=form)
        refused = inside.ask("POST", "auth/token/create", {"policies": ["p"], "id": "of-my-own"})
        assert refused.status == 400
        assert refused.errors[0].startswith("id: ")
        assert value(inside, token="of-my-own") == 403

    def test_a_role_of_tokens_is_one_of_its_namespace(self, store, form):
        inside = create(store, "a", prefix=form)
        assert inside.ask("POST", "auth/token/roles/ci", {"allowed_policies": ["p"]}).status == 204
        assert inside.ask("LIST", "auth/token/roles").data["keys"] == ["ci"]
        made = inside.ask("POST", "auth/token/create/ci").auth
        assert made["policies"] == ["default", "p"]
        assert inside.ask("POST", "auth/token/renew-self", token=made["client_token"]).status == 200
        assert store.vault("LIST", "auth/token/roles", token=store.root).status == 404
        assert store.vault("POST", "auth/token/create/ci", token=store.root).status == 400

    def test_whoever_comes_from_above_makes_tokens_only_if_he_may_administer(self, store, form):
        inside = create(store, "a", prefix=form)
        plain = store.token_for({"a/auth/token/create": ["update"]})
        admin = store.token_for({"a/auth/token/create": ["update", "sudo"]})
        refused = inside.ask("POST", "auth/token/create", {"policies": ["p"]}, token=plain)
        assert refused.status == 400
        assert "namespace admin token" in refused.errors[0]
        assert inside.ask("POST", "auth/token/create", {"policies": ["p"]}, token=admin).auth["policies"] == [
            "default",
            "p",
        ]
        for token in (admin, store.root):
            asked = inside.ask("POST", "auth/token/create", {"policies": ["root"]}, token=token)
            assert asked.status == 400
        assert inside.ask("POST", "auth/token/create").auth["policies"] == ["default"]

    def test_a_child_in_another_namespace_ends_with_its_parent(self, store, form):
        inside = create(store, "a", prefix=form)
        inside.policy("p", READ_ALL)
        put(inside, "v")
        parent = store.token(policies=["root"], ttl="1h")
        child, orphan = inside.token("p", by=parent), inside.token("p", by=parent, no_parent=True)
        batch = inside.token("p", by=parent, type="batch")
        assert [value(inside, token=token) for token in (child, orphan, batch)] == ["v"] * 3
        assert store.vault("POST", "auth/token/revoke", {"token": parent}, token=store.root).status == 204
        assert [value(inside, token=token) for token in (child, orphan, batch)] == [403, "v", 403]
        store.local.keeper.tick()
        assert len(inside.ask("LIST", "auth/token/accessors").data["keys"]) == 1

    def test_a_grandchild_below_ends_with_a_token_in_between(self, store):
        a, b = create(store, "a"), create(store, "a/b")
        a.policy("admin", {"b/auth/token/create": ["update", "sudo"], "auth/token/create": ["update"]})
        b.policy("p", READ_ALL)
        put(b, "v")
        middle = a.token("admin")
        leaf = b.token("p", by=middle)
        assert value(b, token=leaf) == "v"
        accessor = a.ask("GET", "auth/token/lookup-self", token=middle).data["accessor"]
        assert a.ask("POST", "auth/token/revoke-accessor", {"accessor": accessor}).status == 204
        assert value(b, token=leaf) == 403

    def test_a_token_s_time_runs_out_there_like_everywhere(self, store):
        inside = create(store, "a")
        token = inside.token("default", ttl="60s")
        store.clock.advance(61)
        assert inside.ask("GET", "auth/token/lookup-self", token=token).status == 403
        store.local.keeper.tick()
        ending = token.rpartition(".")[2]
        assert not [key for key in everything_in(store.storage) if f"n{ending}." in key]
