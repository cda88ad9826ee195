"""Who may make which token, and what a token is refused, row by row."""

import pytest

CREATE = "auth/token/create"
MAKER = {CREATE: ["update"], "auth/token/create-orphan": ["update"]}


def sentence(answer):
    assert answer.status == 400, answer.body
    return answer.errors[0]


@pytest.fixture
def maker(store):
    """A token that may make tokens, and nothing special about them."""
    return store.token_for(MAKER)


@pytest.mark.parametrize(
    ("wanted", "refusal"),
    [
        pytest.param(
            {"policies": ["other"]}, "child policies must be subset of parent", id="a foreign policy"
        ),
        pytest.param(
            {"policies": ["default"]},
            "child policies must be subset of parent",
            id="default without having it",
        ),
        pytest.param(
            {"policies": ["root"]},
            "root tokens may not be created without parent token being root",
            id="root",
        ),
        pytest.param(
            {"policies": ["ROOT "]},
            "root tokens may not be created without parent token being root",
            id="root in other letters",
        ),
        pytest.param({"policies": "root,x"}, "root tokens may not be", id="root in a list with commas"),
        pytest.param({"no_parent": True}, "root or sudo privileges required to create orphan", id="orphan"),
        pytest.param(
            {"no_parent": "1"}, "root or sudo privileges required to create orphan", id="orphan as text"
        ),
        pytest.param({"period": "1h"}, "root or sudo privileges required to create periodic", id="periodic"),
        pytest.param({"id": "mine"}, "root or sudo privileges required to specify token id", id="chosen id"),
        pytest.param({"type": "recovery"}, "type: expected service or batch", id="type"),
        pytest.param({"ttl": -1}, "ttl: expected a duration", id="negative ttl"),
        pytest.param({"ttl": "soon"}, "ttl: expected a duration", id="ttl in words"),
        pytest.param({"ttl": True}, "ttl: expected a duration", id="ttl as a boolean"),
        pytest.param({"ttl": "9" * 30 + "s"}, "ttl: expected a duration", id="endless ttl"),
        pytest.param({"explicit_max_ttl": "1.5.h"}, "explicit_max_ttl: expected", id="bad maximum"),
        pytest.param({"num_uses": -1}, "num_uses: expected an integer", id="negative uses"),
        pytest.param(
            {"num_uses": 2**60}, "num_uses: expected an integer", id="more uses than a number holds"
        ),
        pytest.param({"num_uses": 1.5}, "num_uses: expected an integer", id="half a use"),
        pytest.param({"renewable": "maybe"}, "renewable: expected true or false", id="maybe renewable"),
        pytest.param({"meta": "ab"}, "meta: expected an object", id="meta as text"),
        pytest.param({"meta": {"a": ["b"]}}, "meta: expected an object", id="meta with a list"),
        pytest.param({"meta": {"a": "b" * 20_000}}, "meta: expected at most", id="too much meta"),
        pytest.param({"policies": {"a": 1}}, "policies: expected a list", id="policies as an object"),
        pytest.param({"policies": [["a"]]}, "policies: expected a list", id="policies in a nested list"),
        pytest.param({"policies": ["a/b"]}, "policy name: expected a name", id="policy name with a slash"),
        pytest.param({"policies": ["a\0b"]}, "policy name: expected no control", id="policy name with NUL"),
        pytest.param({"display_name": "x" * 300}, "display_name: expected at most", id="long display name"),
        pytest.param({"display_name": ["x"]}, "display_name: expected a string", id="display name as a list"),
    ],
)
def test_creation_is_refused(store, maker, wanted, refusal):
    answer = store.vault("POST", CREATE, wanted, token=maker)
    assert refusal in sentence(answer)
    assert len(store.vault("LIST", "auth/token/accessors", token=store.root).data["keys"]) == 2


@pytest.mark.parametrize(
    ("wanted", "refusal"),
    [
        pytest.param({"id": "a.b"}, "id: expected no dot", id="id with a dot"),
        pytest.param({"id": "s.abc"}, "id: expected no dot", id="id with a reserved prefix"),
        pytest.param({"policies": ["root", "x"]}, "policies: expected root alone", id="root among others"),
    ],
)
def test_creation_is_refused_even_to_root(store, wanted, refusal):
    assert refusal in sentence(store.vault("POST", CREATE, wanted, token=store.root))


def test_a_chosen_id_is_taken_once(store):
    assert store.create_token(id="my-own-token", policies=["default"]).auth["client_token"] == "my-own-token"
    assert store.is_live("my-own-token")
    assert "not in use" in sentence(store.create_token(id="my-own-token"))


def test_a_token_with_counted_uses_makes_no_children(store):
    counted = store.token_for(MAKER, num_uses=5)
    assert "restricted use token" in sentence(store.create_token(by=counted))


def test_expiring_root_makes_no_root_that_stays(store):
    expiring = store.token(policies=["root"], ttl=60)
    assert "expiring root tokens" in sentence(store.create_token(by=expiring))
    assert store.create_token(by=expiring, ttl=30).auth["lease_duration"] == 30


def test_sudo_on_the_path_allows_what_is_special(store):
    sudo = store.token_for({CREATE: ["update", "sudo"]})
    made = store.create_token(by=sudo, no_parent=True, period="1h", id="chosen")
    assert (made.auth["client_token"], made.auth["orphan"], made.auth["lease_duration"]) == (
        "chosen",
        True,
        3600,
    )
    # But never more than the caller's own policies.
    assert store.create_token(by=sudo, policies=["other"]).status == 400


def test_the_orphan_path_is_permission_enough(store, maker):
    made = store.create_token(by=maker, path="auth/token/create-orphan")
    assert made.auth["orphan"] is True


class TestPolicies:
    def of(self, store, by=None, **wanted):
        return store.create_token(by=by, **wanted).auth["policies"]

    def test_of_a_child_are_those_of_its_parent_unless_told(self, store, maker):
        own = store.vault("POST", "auth/token/lookup", {"token": maker}, token=store.root).data["policies"]
        assert self.of(store, by=maker) == own

    def test_default_is_added_by_root(self, store):
        assert self.of(store, policies=["b", "a"]) == ["a", "b", "default"]

    def test_default_is_passed_on_by_who_has_it(self, store):
        name = store.policy("maker", f'path "{CREATE}" {{ capabilities = ["update"] }}')
        parent = store.token(policies=[name])
        assert self.of(store, by=parent, policies=[name]) == ["default", "maker"]

    def test_default_is_not_given_by_who_lacks_it(self, store, maker):
        assert "default" not in self.of(store, by=maker)

    def test_default_can_be_left_out(self, store):
        assert self.of(store, policies=["a", "default"], no_default_policy=True) == ["a"]

    def test_names_are_folded_and_named_once(self, store):
        assert self.of(store, policies=["Dev", "dev ", "DEV"], no_default_policy=True) == ["dev"]

    def test_root_stands_alone(self, store):
        assert self.of(store, policies=["ROOT"]) == ["root"]

    def test_unknown_names_are_told(self, store):
        made = store.create_token(policies=["nobody-wrote-me"])
        assert made.json["warnings"] == ['Policy "nobody-wrote-me" does not exist']
        assert store.vault("GET", "secret/data/a", token=made.auth["client_token"]).status == 403


@pytest.mark.parametrize(
    ("wanted", "granted", "warned"),
    [
        pytest.param({"policies": ["default"]}, 768 * 3600, False, id="the default"),
        pytest.param({"ttl": "90s"}, 90, False, id="as asked"),
        pytest.param({"ttl": "1h30m"}, 5400, False, id="as asked, in Go's words"),
        pytest.param({"ttl": 90}, 90, False, id="as asked, a number"),
        pytest.param({"ttl": "90"}, 90, False, id="as asked, digits"),
        pytest.param({"lease": "90s"}, 90, False, id="by the old name"),
        pytest.param({"ttl": "1000h"}, 768 * 3600, True, id="over the maximum"),
        pytest.param({"ttl": "2h", "explicit_max_ttl": "1h"}, 3600, True, id="over its own maximum"),
        pytest.param({"period": "5m", "ttl": "2h"}, 300, False, id="the period wins"),
        pytest.param({"policies": ["root"]}, 0, False, id="root for ever"),
        pytest.param({"policies": ["root"], "ttl": 5}, 5, False, id="root for a while"),
    ],
)
def test_granted_ttl(store, wanted, granted, warned):
    made = store.create_token(**wanted)
    assert made.auth["lease_duration"] == granted
    assert made.auth["renewable"] is (granted > 0)
    assert bool(made.json["warnings"]) is warned


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        pytest.param("LIST", "auth/token/accessors", None, id="accessors"),
        pytest.param("POST", "auth/token/revoke-orphan", {"token": "x"}, id="revoke-orphan"),
        pytest.param("PUT", "sys/seal", None, id="seal"),
        pytest.param("PUT", "sys/rotate", None, id="rotate"),
    ],
)
def test_some_paths_need_sudo(store, method, path, body):
    without = store.token_for({path: ["create", "read", "update", "delete", "list"]})
    with_sudo = store.token_for({path: ["create", "read", "update", "delete", "list", "sudo"]})
    assert store.vault(method, path, body, token=without).status == 403
    assert store.vault(method, path, body, token=with_sudo).status in {200, 204}


@pytest.mark.parametrize("credential", ["", "hvs.forged", "x" * 5000, "🔑", "hvs.\x7f"], ids=ascii)
def test_unknown_tokens_read_alike(store, credential):
    answers = {
        store.vault("GET", path, headers=[f"Authorization: Bearer {credential}"]).body
        for path in ("auth/token/lookup-self", "secret/data/nothing", "sys/policies/acl", "no/such/mount")
    }
    assert len(answers) == 1
