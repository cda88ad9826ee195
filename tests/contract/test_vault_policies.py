"""Policies as clients of the Vault API see them: paths, built-in ones, and what one may do where."""

import base64

import pytest
from tests.support.local_store import StoreUnderTest

TEXT = '# kept as written\npath "secret/data/a" {\n\tcapabilities = ["read"]\n}\n'
PREFIX = "sys/policies/acl"


@pytest.fixture
def store():
    return StoreUnderTest().initialize()


@pytest.fixture
def ask(store):
    def ask(method, path, body=None, *, token=None):
        return store.vault(method, path, body, token=token or store.root)

    return ask


@pytest.mark.parametrize(("method", "query"), [("LIST", ""), ("GET", "?list=true"), ("GET", "")])
def test_names_are_listed_with_the_built_in_ones(ask, method, query):
    ask("PUT", f"{PREFIX}/mine", {"policy": TEXT})
    assert ask(method, PREFIX + query).data["keys"] == ["default", "mine", "root"]


@pytest.mark.parametrize("method", ["PUT", "POST"])
@pytest.mark.parametrize(
    "written",
    [
        pytest.param(TEXT, id="HCL"),
        pytest.param(base64.b64encode(TEXT.encode()).decode(), id="base64"),
        pytest.param('{"path": {"secret/data/a": {"capabilities": ["read"]}}}', id="JSON"),
    ],
)
def test_a_policy_is_kept_as_written_and_has_two_fields(ask, method, written):
    assert ask(method, f"{PREFIX}/mine", {"policy": written}).status == 204
    shown = ask("GET", f"{PREFIX}/mine").data
    assert shown == {"name": "mine", "policy": TEXT if written[0] not in "#{" else written}


@pytest.mark.parametrize(
    ("path", "body", "text"),
    [
        (f"{PREFIX}/mine", {}, "'policy' parameter not supplied or empty"),
        (f"{PREFIX}/mine", {"policy": ""}, "'policy' parameter not supplied or empty"),
        (f"{PREFIX}/mine", {"policy": 'path "a" {'}, None),
        (f"{PREFIX}/mine", {"policy": 'path "a" { capabilities = ["fly"] }'}, None),
        (f"{PREFIX}/mine", {"policy": 'paths "a" {}'}, None),
        (f"{PREFIX}/mine", {"policy": 'path "a/+*" {}'}, None),
        (f"{PREFIX}/root", {"policy": TEXT}, None),
        (f"{PREFIX}/response-wrapping", {"policy": TEXT}, None),
    ],
)
def test_what_is_no_policy_is_400(ask, path, body, text):
    answer = ask("PUT", path, body)
    assert answer.status == 400
    assert text is None or answer.errors == [text]


@pytest.mark.parametrize(
    ("name", "status"),
    [("mine", 204), ("absent", 204), ("default", 400), ("root", 400), ("response-wrapping", 400)],
)
def test_removing(ask, name, status):
    ask("PUT", f"{PREFIX}/mine", {"policy": TEXT})
    assert ask("DELETE", f"{PREFIX}/{name}").status == status


def test_the_older_paths_say_the_same_in_older_words(ask):
    assert ask("PUT", "sys/policy/mine", {"rules": TEXT}).status == 204
    assert ask("GET", "sys/policy/mine").data == {"name": "mine", "rules": TEXT}
    listed = ask("GET", "sys/policy").json
    assert listed["keys"] == listed["policies"] == listed["data"]["keys"]
    assert ask("PUT", "sys/policy/mine", {"policy": TEXT}).status == 204
    assert ask("DELETE", "sys/policy/mine").status == 204
    assert ask("GET", "sys/policy/mine").status == ask("GET", f"{PREFIX}/mine").status == 404


def test_root_has_no_text_and_default_can_be_changed(ask):
    assert ask("GET", "sys/policy/root").data["rules"] == ""
    assert ask("PUT", f"{PREFIX}/default", {"policy": TEXT}).status == 204
    assert ask("GET", f"{PREFIX}/default").data["policy"] == TEXT


def test_names_are_folded_and_that_is_said(ask):
    answer = ask("PUT", f"{PREFIX}/MiNe", {"policy": TEXT})
    assert answer.status in {200, 204}
    assert ask("GET", f"{PREFIX}/mIne").data["name"] == "mine"


GRANTED_BY_DEFAULT = [
    ("auth/token/lookup-self", ["read"]),
    ("auth/token/renew-self", ["update"]),
    ("auth/token/revoke-self", ["update"]),
    ("sys/capabilities-self", ["update"]),
    ("sys/internal/ui/resultant-acl", ["read"]),
    ("sys/leases/renew", ["update"]),
    ("sys/leases/lookup", ["update"]),
    ("sys/renew", ["update"]),
    ("cubbyhole/x", ["read", "list", "update", "delete", "create"]),
    ("sys/wrapping/wrap", ["update"]),
    ("sys/wrapping/lookup", ["update"]),
    ("sys/wrapping/unwrap", ["update"]),
    ("sys/tools/hash", ["update"]),
    ("sys/tools/hash/sha2-256", ["update"]),
    ("secret/data/x", ["deny"]),
    ("sys/mounts", ["deny"]),
    ("auth/token/create", ["deny"]),
]


@pytest.mark.parametrize(("path", "capabilities"), GRANTED_BY_DEFAULT)
def test_what_the_default_policy_grants(store, ask, path, capabilities):
    token = store.token(policies=["default"])
    assert (
        ask("POST", "sys/capabilities-self", {"path": path}, token=token).data["capabilities"] == capabilities
    )


class TestCapabilities:
    ORDER = ("sudo", "read", "list", "update", "delete", "create", "patch")

    def test_are_said_in_one_order(self, store, ask):
        token = store.token_for({"a": sorted(self.ORDER)})
        shown = ask("POST", "sys/capabilities", {"token": token, "paths": ["a"]}).data
        assert tuple(shown["a"]) == tuple(shown["capabilities"]) == self.ORDER

    def test_of_several_paths_have_no_sum(self, store, ask):
        shown = ask("POST", "sys/capabilities-self", {"paths": ["a", "b"]}).data
        assert shown == {"a": ["root"], "b": ["root"]}

    def test_of_an_accessor(self, store, ask):
        made = store.create_token(policies=["nothing"], no_default_policy=True).auth
        body = {"accessor": made["accessor"], "paths": ["a"]}
        assert ask("POST", "sys/capabilities-accessor", body).data["capabilities"] == ["deny"]


RULES = {
    "prefix": {"secret/data/team/*": ["read"]},
    "plus": {"secret/data/+/db": ["read"]},
    "exact": {"secret/data/team/db": ["read"]},
    "exact beats prefix": {"secret/data/team/*": ["read"], "secret/data/team/db": ["deny"]},
    "prefix beats plus by its first wildcard": {"secret/data/team/*": ["deny"], "secret/data/+/db": ["read"]},
    "longer prefix": {"secret/data/*": ["read"], "secret/data/team/*": ["update"]},
    "star within is a letter": {"secret/data/*/db": ["read"]},
    "deny beside read": {"secret/data/team/db": ["read", "deny"]},
    "leading slash": {"/secret/data/team/db": ["read"]},
}
DECIDED = [
    ("prefix", "secret/data/team/db", True),
    ("prefix", "secret/data/teams", False),
    ("plus", "secret/data/team/db", True),
    ("plus", "secret/data/a/b/db", False),
    ("exact", "secret/data/team/db", True),
    ("exact", "secret/data/team/db/x", False),
    ("exact beats prefix", "secret/data/team/db", False),
    ("exact beats prefix", "secret/data/team/x", True),
    ("prefix beats plus by its first wildcard", "secret/data/team/db", False),
    ("longer prefix", "secret/data/team/db", False),
    ("longer prefix", "secret/data/other", True),
    ("star within is a letter", "secret/data/team/db", False),
    ("deny beside read", "secret/data/team/db", False),
    ("leading slash", "secret/data/team/db", True),
]


@pytest.mark.parametrize(("rules", "path", "allowed"), DECIDED)
def test_one_rule_is_chosen(store, ask, rules, path, allowed):
    answer = ask("GET", path, token=store.token_for(RULES[rules]))
    assert answer.status == (404 if allowed else 403)


@pytest.mark.parametrize(
    ("rules", "allowed"),
    [
        ({"secret/metadata/team/": ["list"]}, True),
        ({"secret/metadata/team": ["list"]}, True),
        ({"secret/metadata/*": ["list"]}, True),
        ({"secret/metadata/+": ["list"]}, True),
        ({"secret/metadata/team/": ["read"]}, False),
        ({"secret/metadata/team/": ["deny"], "secret/metadata/team": ["list"]}, False),
    ],
)
def test_a_listing_is_also_found_without_its_slash(store, ask, rules, allowed):
    assert ask("LIST", "secret/metadata/team", token=store.token_for(rules)).status == (
        404 if allowed else 403
    )


NEEDED = [
    ("GET", "secret/data/a", "read"),
    ("LIST", "secret/metadata", "list"),
    ("PUT", "secret/data/a", "update"),
    ("PUT", "secret/data/new", "create"),
    ("PATCH", "secret/data/a", "patch"),
    ("DELETE", "secret/data/a", "delete"),
]


@pytest.mark.parametrize(("method", "path", "capability"), NEEDED)
def test_each_operation_needs_its_own_capability(store, ask, method, path, capability):
    ask("PUT", "secret/data/a", {"data": {"k": "v"}})
    everything = {"create", "read", "update", "patch", "delete", "list"}
    body = {"data": {"k": "w"}} if method in {"PUT", "PATCH"} else None
    headers = ("Content-Type: application/merge-patch+json",)
    place = "secret/metadata/*" if method == "LIST" else "secret/data/*"
    for can, refused in (({capability}, False), (everything - {capability}, True)):
        token = store.token_for({place: sorted(can), "secret/metadata": sorted(can)})
        answer = store.vault(method, path, body, token=token, headers=headers)
        assert (answer.status == 403) is refused
        if not refused:
            ask("PUT", "secret/data/a", {"data": {"k": "v"}})
            ask("DELETE", "secret/metadata/new")


def test_the_rules_that_count_are_shown_to_whom_they_count_for(store, ask):
    token = store.token_for(
        {"sys/internal/ui/resultant-acl": ["read"], "a/*": ["list"], "b/+/c": ["update"], "d": ["deny"]}
    )
    assert ask("GET", "sys/internal/ui/resultant-acl", token=token).data == {
        "root": False,
        "exact_paths": {
            "d": {"capabilities": ["deny"]},
            "sys/internal/ui/resultant-acl": {"capabilities": ["read"]},
        },
        "glob_paths": {"a/": {"capabilities": ["list"]}, "b/+/c": {"capabilities": ["update"]}},
    }
    assert ask("GET", "sys/internal/ui/resultant-acl").data["root"] is True


def test_the_policy_of_a_storage_node_lets_it_find_its_mount(store, ask):
    """It reads ``sys/mounts`` with a policy on ``sys/mounts/*``, and gives up if that is refused."""
    node = store.token_for(
        {
            "secret/data/portworx/*": ["create", "read", "update", "delete", "list"],
            "sys/mounts/*": ["read", "list"],
        }
    )
    shown = ask("GET", "sys/mounts", token=node)
    assert shown.status == 200
    assert shown.data["secret/"]["options"] == {"version": "2"}
    assert set(shown.data) == {"secret/", "sys/"}
    assert ask("PUT", "secret/data/portworx/v", {"data": {"k": "v"}}, token=node).status == 200
