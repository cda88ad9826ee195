"""Response wrapping, the cubbyhole and leases as clients of the Vault API see them, row by row."""

import pytest
from tests.support.local_store import StoreUnderTest

INVALID = "wrapping token is not valid or does not exist"
WRAP = ("X-Vault-Wrap-TTL: 5m",)


@pytest.fixture
def store():
    return StoreUnderTest().initialize()


@pytest.fixture
def ask(store):
    def ask(method, path, body=None, *, token=None, headers=()):
        return store.vault(method, path, body, token=store.root if token is None else token, headers=headers)

    return ask


@pytest.fixture
def one_time(ask):
    return ask("POST", "sys/wrapping/wrap", {"k": "v"}, headers=WRAP).json["wrap_info"]["token"]


class TestWrapping:
    def test_anything_can_be_wrapped_with_the_header_and_not_without(self, ask):
        answer = ask("POST", "sys/wrapping/wrap", {"k": "v"}, headers=WRAP)
        info = answer.json["wrap_info"]
        assert (answer.status, info["ttl"], info["creation_path"]) == (200, 300, "sys/wrapping/wrap")
        assert ask("POST", "sys/wrapping/wrap", {"k": "v"}).status == 400

    @pytest.mark.parametrize("method", ["POST", "GET"])
    def test_a_look_takes_no_token_and_no_use(self, ask, one_time, method):
        for _ in range(2):
            if method == "POST":
                shown = ask("POST", "sys/wrapping/lookup", {"token": one_time}, token="").data
            else:
                shown = ask("GET", "sys/wrapping/lookup", token=one_time).data
            assert set(shown) == {"creation_ttl", "creation_time", "creation_path"}
        assert ask("POST", "sys/wrapping/unwrap", {"token": one_time}).data == {"k": "v"}

    @pytest.mark.parametrize("method", ["PUT", "POST"])
    @pytest.mark.parametrize("way", ["own token", "as the token", "nothing but the body"])
    def test_unwrapping_gives_the_answer_once(self, store, ask, one_time, method, way):
        token = {"own token": store.root, "as the token": one_time, "nothing but the body": ""}[way]
        body = None if way == "as the token" else {"token": one_time}
        first = ask(method, "sys/wrapping/unwrap", body, token=token)
        assert (first.status, first.data, first.json["request_id"]) == (200, {"k": "v"}, "")
        again = ask(method, "sys/wrapping/unwrap", {"token": one_time})
        assert (again.status, again.errors) == (400, [INVALID])

    @pytest.mark.parametrize("token", ["hvs.none", "garbage", "", "hvs." + "x" * 24])
    def test_garbage_is_400(self, ask, token):
        for path in ("unwrap", "lookup", "rewrap"):
            assert ask("POST", f"sys/wrapping/{path}", {"token": token}).status == 400

    def test_after_its_time_it_is_garbage(self, store, ask, one_time):
        store.clock.advance(300)
        answer = ask("POST", "sys/wrapping/unwrap", {"token": one_time})
        assert (answer.status, answer.errors) == (400, [INVALID])

    def test_rewrapping_keeps_path_and_time_and_ends_the_old_token(self, ask, one_time):
        info = ask("POST", "sys/wrapping/rewrap", {"token": one_time}).json["wrap_info"]
        assert (info["ttl"], info["creation_path"]) == (300, "sys/wrapping/wrap")
        assert ask("POST", "sys/wrapping/unwrap", {"token": one_time}).status == 400
        assert ask("POST", "sys/wrapping/unwrap", {"token": info["token"]}).data == {"k": "v"}

    def test_what_wraps_a_token_names_its_accessor_and_outlives_it(self, ask):
        info = ask("POST", "auth/token/create", {"ttl": "1h"}, headers=WRAP).json["wrap_info"]
        accessor = info["wrapped_accessor"]
        assert ask("POST", "auth/token/revoke-accessor", {"accessor": accessor}).status == 204
        assert ask("POST", "sys/wrapping/unwrap", {"token": info["token"]}).auth["accessor"] == accessor

    def test_a_one_time_token_can_nothing_else(self, ask, one_time):
        assert ask("GET", "auth/token/lookup-self", token=one_time).status == 403


class TestCubbyhole:
    def test_reads_like_a_secret_of_version_1_that_is_the_token_s_own(self, store, ask):
        token, other = (store.token(policies=["default"]) for _ in range(2))
        assert ask("PUT", "cubbyhole/a/b", {"k": "v"}, token=token).status == 204
        assert ask("GET", "cubbyhole/a/b", token=token).data == {"k": "v"}
        assert ask("LIST", "cubbyhole/", token=token).data["keys"] == ["a/"]
        assert ask("GET", "cubbyhole/a/b", token=other).status == ask("GET", "cubbyhole/a/b").status == 404
        assert ask("DELETE", "cubbyhole/a/b", token=token).status == 204
        assert ask("GET", "cubbyhole/a/b", token=token).status == 404


class TestLeases:
    @pytest.fixture
    def lease(self, store, ask):
        store.create_token(policies=["default"], ttl="1h")
        (name,) = ask("LIST", "sys/leases/lookup/auth/token/create").data["keys"]
        return f"auth/token/create/{name}"

    def test_looking_one_up(self, ask, lease):
        shown = ask("PUT", "sys/leases/lookup", {"lease_id": lease}).data
        assert set(shown) == {"id", "issue_time", "expire_time", "last_renewal", "renewable", "ttl"}
        assert (shown["id"], shown["last_renewal"], shown["renewable"], shown["ttl"]) == (
            lease,
            None,
            True,
            3600,
        )

    def test_one_that_is_none(self, ask):
        answer = ask("PUT", "sys/leases/lookup", {"lease_id": "auth/token/create/none"})
        assert (answer.status, answer.errors) == (400, ["invalid lease"])

    @pytest.mark.parametrize("path", ["sys/leases/renew", "sys/renew"])
    def test_renewing_answers_beside_the_data(self, ask, lease, path):
        answer = ask("PUT", path, {"lease_id": lease, "increment": 7200}).json
        assert (answer["lease_id"], answer["renewable"], answer["lease_duration"]) == (lease, True, 7200)

    @pytest.mark.parametrize("body", [{"sync": True}, {}])
    @pytest.mark.parametrize("path", ["sys/leases/revoke", "sys/revoke"])
    def test_revoking(self, ask, lease, path, body):
        assert ask("PUT", path, {"lease_id": lease} | body).status in {202, 204}
        assert ask("PUT", "sys/leases/lookup", {"lease_id": lease}).status == 400

    @pytest.mark.parametrize("path", ["revoke-prefix", "revoke-force"])
    def test_revoking_what_is_below_a_mount(self, ask, lease, path):
        assert ask("PUT", f"sys/leases/{path}/auth/token").status in {202, 204}
        assert ask("PUT", "sys/leases/lookup", {"lease_id": lease}).status == 400

    def test_counting_and_tidying(self, ask, lease):
        assert ask("GET", "sys/leases/count?type=all").data["lease_count"] == 1
        assert ask("GET", "sys/leases").status == 200
        assert ask("POST", "sys/leases/tidy").status == 202

    def test_reading_a_secret_leases_nothing(self, ask):
        ask("PUT", "sys/mounts/one", {"type": "kv"})
        ask("PUT", "one/a", {"k": "v"})
        answer = ask("GET", "one/a").json
        assert (answer["lease_id"], answer["renewable"]) == ("", False)
        assert ask("GET", "sys/leases/count").data["lease_count"] == 0
