"""Client External Secrets Operator: how its controller validates, reads, finds, pushes and deletes."""

import pytest
from tests.support.auth import enable
from tests.support.go_client import GoClient, done
from tests.support.local_store import StoreUnderTest

POLICY = """
path "secret/data/*" { capabilities = ["create", "update", "read", "delete"] }
path "secret/metadata/*" { capabilities = ["create", "update", "read", "delete", "list"] }
"""
MANAGED = {"managed-by": "external-secrets"}


@pytest.fixture
def store():
    store = StoreUnderTest()
    store.initialize()
    store.policy("eso", POLICY)
    enable(store, "approle")
    store.vault(
        "POST", "auth/approle/role/eso", {"token_policies": "eso", "token_ttl": "20m"}, token=store.root
    )
    for name, value in {
        "team/db": {"password": "p"},
        "team/web/cert": {"pem": "x"},
        "top": {"a": "b"},
    }.items():
        done(store.vault("PUT", f"secret/data/{name}", {"data": value}, token=store.root), 200)
    return store


@pytest.fixture
def credentials(store):
    role_id = store.vault("GET", "auth/approle/role/eso/role-id", token=store.root).data["role_id"]
    made = store.vault("POST", "auth/approle/role/eso/secret-id", {}, token=store.root).data["secret_id"]
    return {"role_id": role_id, "secret_id": made}


@pytest.fixture
def controller(store, credentials):
    client = GoClient(store)
    done(client.log_in("auth/approle/login", credentials), 200)
    return client


class TestValidation:
    def test_has_every_member_that_it_needs(self, controller):
        data = done(controller.read("auth/token/lookup-self"), 200).data
        assert isinstance(data["ttl"], int)
        assert {"type", "ttl", "expire_time"} <= data.keys()
        assert data["ttl"] > 60

    def test_of_the_root_token_too_whose_end_is_null(self, store):
        data = done(GoClient(store, store.root).read("auth/token/lookup-self"), 200).data
        assert (data["type"], data["ttl"]) == ("service", 0)
        assert "expire_time" in data
        assert data["expire_time"] is None

    def test_of_a_batch_token_says_that_it_is_one(self, store):
        store.vault("POST", "auth/approle/role/eso", {"token_type": "batch"}, token=store.root)
        role_id = store.vault("GET", "auth/approle/role/eso/role-id", token=store.root).data["role_id"]
        made = store.vault("POST", "auth/approle/role/eso/secret-id", {}, token=store.root).data["secret_id"]
        client = GoClient(store)
        done(client.log_in("auth/approle/login", {"role_id": role_id, "secret_id": made}), 200)
        assert done(client.read("auth/token/lookup-self"), 200).data["type"] == "batch"


class TestReading:
    def test_finds_data_in_data(self, controller):
        assert done(controller.read("secret/data/team/db"), 200).json["data"]["data"] == {"password": "p"}

    def test_of_a_version(self, store, controller):
        store.vault("PUT", "secret/data/team/db", {"data": {"password": "q"}}, token=store.root)
        assert controller.read("secret/data/team/db?version=1").data["data"] == {"password": "p"}

    @pytest.mark.parametrize("deleted", [False, True])
    def test_of_nothing_is_404_with_data_that_are_null_or_none(self, store, controller, deleted):
        if deleted:
            store.vault("DELETE", "secret/data/top", token=store.root)
        answer = controller.read("secret/data/top" if deleted else "secret/data/never")
        assert answer.status == 404
        assert (answer.json.get("data") or {}).get("data") is None


class TestFinding:
    def test_by_name_goes_down_folder_by_folder(self, controller):
        def walk(folder):
            for name in done(controller.list(f"secret/metadata/{folder}"), 200).data["keys"]:
                yield from walk(folder + name) if name.endswith("/") else [folder + name]

        assert list(walk("")) == ["team/db", "team/web/cert", "top"]

    def test_in_a_folder_that_is_empty_is_404(self, controller):
        answer = controller.list("secret/metadata/nobody/")
        assert (answer.status, answer.json) == (404, {"errors": []})

    def test_by_tag_compares_texts(self, store, controller):
        body = {"custom_metadata": {"env": "prod", "tier": "1"}}
        store.vault("PUT", "secret/metadata/team/db", body, token=store.root)
        tags = done(controller.read("secret/metadata/team/db"), 200).data["custom_metadata"]
        assert tags == {"env": "prod", "tier": "1"}
        assert controller.read("secret/metadata/top").data["custom_metadata"] is None


class TestPushing:
    def push(self, controller, cas=None):
        options = {} if cas is None else {"options": {"cas": cas}}
        done(controller.write("secret/metadata/pushed", {"custom_metadata": MANAGED}))
        return controller.write("secret/data/pushed", {"data": {"k": "v"}, **options})

    def test_writes_who_manages_it_first_and_then_the_secret(self, controller):
        assert controller.read("secret/data/pushed").status == 404
        assert controller.read("secret/metadata/pushed").status == 404
        assert done(self.push(controller), 200).data["custom_metadata"] == MANAGED
        assert controller.read("secret/metadata/pushed").data["custom_metadata"] == MANAGED

    def test_with_check_and_set_asks_for_the_version_before(self, controller):
        assert done(self.push(controller, cas=0), 200).data["version"] == 1
        current = controller.read("secret/metadata/pushed").data["current_version"]
        assert done(self.push(controller, cas=current), 200).data["version"] == 2
        late = self.push(controller, cas=current)
        assert (late.status, late.errors) == (
            400,
            ["check-and-set parameter did not match the current version"],
        )

    def test_sees_that_somebody_else_manages_it(self, controller):
        assert controller.read("secret/metadata/top").data["custom_metadata"] is None

    def test_is_undone_by_removing_data_and_metadata(self, controller):
        self.push(controller)
        assert controller.read("secret/data/pushed").status == 200
        assert controller.read("secret/metadata/pushed").status == 200
        done(controller.delete("secret/data/pushed"))
        done(controller.delete("secret/metadata/pushed"))
        assert controller.read("secret/metadata/pushed").status == 404


@pytest.mark.parametrize("kind", ["batch", "service"])
def test_every_reconcile_logs_in_and_leaves_no_lease_behind(store, credentials, kind):
    """It revokes what it looked up and found to be no batch token, which ends by itself."""
    store.vault("POST", "auth/approle/role/eso", {"token_type": kind}, token=store.root)
    counts = set()
    for _ in range(3):
        client = GoClient(store)
        done(client.log_in("auth/approle/login", credentials), 200)
        assert client.read("secret/data/top").status == 200
        if client.read("auth/token/lookup-self").data["type"] == "service":
            done(client.write("auth/token/revoke-self"))
            assert client.read("secret/data/top").status == 403
        counts.add(store.vault("GET", "sys/leases/count", token=store.root).data["lease_count"])
    assert len(counts) == 1
