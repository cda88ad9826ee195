"""hvac, an unmodified client of the Vault API, at what `sys/` and tokens offer beside secrets."""

import threading
from collections.abc import Iterator
from pathlib import Path

import hvac
import pytest
from tests.support.store_process import StoreProcess

SECRET = "canary-9a41c07e"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreProcess]:
    with StoreProcess(tmp_path_factory.mktemp("hvac-sys"), tls=True, audit=True) as process:
        process.initialize()
        yield process


@pytest.fixture
def client(store: StoreProcess) -> hvac.Client:
    return client_of(store, store.root_token)


def client_of(store: StoreProcess, token: str | None = None) -> hvac.Client:
    client = hvac.Client(url=store.url, verify=str(store.certificate))
    client.token = token
    return client


def test_what_is_wrapped_is_unwrapped_once(client: hvac.Client, store: StoreProcess) -> None:
    info = client.sys.wrap({"note": SECRET}, ttl=60)["wrap_info"]
    assert (info["ttl"], info["creation_path"]) == (60, "sys/wrapping/wrap")
    assert client.sys.unwrap(info["token"])["data"] == {"note": SECRET}
    with pytest.raises(hvac.exceptions.InvalidRequest, match="wrapping token is not valid or does not exist"):
        client.sys.unwrap(info["token"])
    again = client.sys.wrap({"note": SECRET})["wrap_info"]
    assert client_of(store, again["token"]).sys.unwrap()["data"] == {"note": SECRET}


def test_a_token_is_handed_on_wrapped(client: hvac.Client, store: StoreProcess) -> None:
    info = client.auth.token.create(policies=["default"], ttl="1h", wrap_ttl="2m")["wrap_info"]
    auth = client_of(store).sys.unwrap(info["token"])["auth"]
    assert auth["accessor"] == info["wrapped_accessor"]
    assert client_of(store, auth["client_token"]).is_authenticated()


@pytest.mark.parametrize("attempt", range(5))
def test_of_many_who_unwrap_at_once_one_gets_it(
    client: hvac.Client, store: StoreProcess, attempt: int
) -> None:
    token = client.sys.wrap({"note": SECRET, "attempt": attempt}, ttl=60)["wrap_info"]["token"]
    outcomes: list[str] = []
    gate = threading.Barrier(8)

    def unwrap(*, has_own_token: bool) -> None:
        mine = client_of(store, store.root_token if has_own_token else token)
        mine.sys.read_health_status()  # connected before the start
        gate.wait(timeout=60)
        try:
            outcomes.append(mine.sys.unwrap(token if has_own_token else None)["data"]["note"])
        except hvac.exceptions.VaultError:
            outcomes.append("refused")

    threads = [
        threading.Thread(target=unwrap, kwargs={"has_own_token": number % 2 == 0}) for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(outcomes) == sorted([SECRET, *["refused"] * 7])


def test_a_cubbyhole_is_one_token_s(client: hvac.Client, store: StoreProcess) -> None:
    token = client.auth.token.create(policies=["default"], ttl="1h")["auth"]["client_token"]
    holder = client_of(store, token)
    holder.write_data("cubbyhole/mine", data={"k": SECRET})
    assert holder.read("cubbyhole/mine")["data"] == {"k": SECRET}
    assert holder.list("cubbyhole")["data"]["keys"] == ["mine"]
    assert client.read("cubbyhole/mine") is None
    assert "cubbyhole/" in client.sys.list_mounted_secrets_engines()["data"]


def test_leases_of_tokens(client: hvac.Client) -> None:
    client.auth.token.create_orphan(policies=["default"], ttl="1h")
    [name] = client.sys.list_leases("auth/token/create-orphan")["data"]["keys"]
    lease = f"auth/token/create-orphan/{name}"
    assert client.sys.read_lease(lease)["data"]["renewable"] is True
    renewed = client.sys.renew_lease(lease, increment=7200)
    assert (renewed["lease_id"], renewed["lease_duration"]) == (lease, 7200)
    assert client.sys.revoke_lease(lease).status_code == 204
    with pytest.raises(hvac.exceptions.InvalidRequest, match="invalid lease"):
        client.sys.read_lease(lease)
    client.auth.token.create_orphan(policies=["default"], ttl="1h")
    client.sys.revoke_prefix("auth/token/create-orphan")
    with pytest.raises(hvac.exceptions.InvalidPath):
        client.sys.list_leases("auth/token/create-orphan")
    assert client.auth.token.tidy().status_code == 202


def test_token_roles(client: hvac.Client) -> None:
    client.auth.token.create_or_update_role(
        "ci", allowed_policies=["default"], orphan=True, token_period="1h", path_suffix="builds"
    )
    assert client.auth.token.list_roles()["data"]["keys"] == ["ci"]
    assert client.auth.token.read_role("ci")["data"]["token_period"] == 3600
    token = client.auth.token.create(role_name="ci")["auth"]
    shown = client.auth.token.lookup(token["client_token"])["data"]
    assert (shown["role"], shown["orphan"], shown["period"]) == ("ci", True, 3600)
    assert token["accessor"] in client.auth.token.list_accessors()["data"]["keys"]
    assert (
        client.auth.token.lookup_accessor(token["accessor"])["data"]["path"] == "auth/token/create/ci/builds"
    )
    client.auth.token.delete_role("ci")
    with pytest.raises(hvac.exceptions.InvalidPath):
        client.auth.token.read_role("ci")


def test_a_mount_moves(client: hvac.Client) -> None:
    client.sys.enable_secrets_engine("kv", path="before", options={"version": "2"})
    client.secrets.kv.v2.create_or_update_secret("a", {"k": "v"}, mount_point="before")
    client.sys.move_backend("before", "after")
    read = client.secrets.kv.v2.read_secret_version("a", mount_point="after", raise_on_deleted_version=True)
    assert read["data"]["data"] == {"k": "v"}
    assert "before/" not in client.sys.list_mounted_secrets_engines()["data"]


def test_no_value_is_in_log_or_audit_file(client: hvac.Client, store: StoreProcess) -> None:
    token = client.sys.wrap({"note": SECRET})["wrap_info"]["token"]
    client.sys.unwrap(token)
    audited = store.audit_path.read_text()
    assert "sys/wrapping/unwrap" in audited
    for text in (audited, store.log()):
        assert SECRET not in text
        assert token not in text
    for file in Path(store.data_path).iterdir():
        assert SECRET.encode() not in file.read_bytes()


def test_quotas(client: hvac.Client, store: StoreProcess) -> None:
    client.sys.enable_secrets_engine("kv", path="scarce", options={"version": "1"})
    client.sys.create_or_update_quota(name="few", path="scarce/", rate=2, interval="10m")
    assert client.sys.list_quotas()["data"]["keys"] == ["few"]
    assert client.sys.read_quota("few")["data"]["interval"] == 600
    for _ in range(2):
        assert client_of(store, store.root_token).read("scarce/a") is None
    for _ in range(8):  # on connections of their own, which both workers take
        with pytest.raises(hvac.exceptions.RateLimitExceeded):
            client_of(store, store.root_token).read("scarce/a")
    assert client.sys.read_health_status(method="GET")["sealed"] is False
    client.sys.delete_quota("few")
    assert client.read("scarce/a") is None


def test_of_many_logins_at_once_no_more_get_in_than_a_quota_of_leases_allows(
    client: hvac.Client, store: StoreProcess
) -> None:
    client.sys.enable_auth_method("approle", path="crowd")
    client.write_data("auth/crowd/role/web", data={"token_type": "service"})
    role_id = client.auth.approle.read_role_id("web", mount_point="crowd")["data"]["role_id"]
    secret_id = client.auth.approle.generate_secret_id("web", mount_point="crowd")["data"]["secret_id"]
    client.write_data("sys/quotas/lease-count/crowd", data={"path": "auth/crowd", "max_leases": 3})
    outcomes: list[str] = []
    gate = threading.Barrier(8)

    def log_in() -> None:
        mine = client_of(store)
        mine.sys.read_health_status()  # connected before the start
        gate.wait(timeout=60)
        try:
            mine.auth.approle.login(role_id, secret_id, mount_point="crowd")
            outcomes.append("in")
        except hvac.exceptions.RateLimitExceeded as error:
            outcomes.append("full" if "lease count quota exceeded" in str(error) else "other")

    threads = [threading.Thread(target=log_in) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(outcomes) == [*["full"] * 5, *["in"] * 3]
    assert client.read("sys/quotas/lease-count/crowd")["data"]["counter"] == 3
    assert client.list("sys/quotas/lease-count")["data"]["keys"] == ["crowd"]
    client.sys.revoke_prefix("auth/crowd")
    assert client.read("sys/quotas/lease-count/crowd")["data"]["counter"] == 0
    client.auth.approle.login(role_id, secret_id, use_token=False, mount_point="crowd")
    client.delete("sys/quotas/lease-count/crowd")


def test_what_operators_watch(client: hvac.Client, store: StoreProcess) -> None:
    def counted() -> int:
        text = client.adapter.get("/v1/sys/metrics?format=prometheus").text
        name = 'holdfast_requests_total{operation="read",outcome="answered"}'
        return int(next(line for line in text.splitlines() if line.startswith(name)).rpartition(" ")[2])

    before = counted()
    for _ in range(20):
        client_of(store, store.root_token).auth.token.lookup_self()  # connections of their own, to any worker
    assert counted() == before + 21
    document = client.adapter.get("/v1/sys/internal/specs/openapi")
    assert "/sys/wrapping/unwrap" in document["paths"]
    shown = client.read("sys/config/state/sanitized")["data"]
    assert shown["workers"] == 2
    assert client.list("sys/version-history")["data"]["keys"]
