"""Auth methods of a real store: hvac, the guide's commands, several workers, an outage, a restart."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import hvac
import pytest
import requests
from cryptography.x509 import load_pem_x509_certificate
from tests.support.certificates import TestAuthority
from tests.support.cluster import Cluster
from tests.support.https_service import HttpsService
from tests.support.provider import JWKS, Provider
from tests.support.store_process import StoreProcess
from tests.support.store_talk import ENOUGH_FOR_EVERY_WORKER, ask
from tests.support.transcript import play

TRANSCRIPTS = Path(__file__).parent / "transcripts"
PASSWORD = "correct-horse-7f3a"

pytestmark = pytest.mark.timeout(300)  # dozens of commands, on a machine that may be busy


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Iterator[StoreProcess]:
    with StoreProcess(tmp_path_factory.mktemp("auth"), tls=True, audit=True) as process:
        process.initialize()
        yield process


@pytest.fixture(scope="module")
def service(tmp_path_factory) -> Iterator[HttpsService]:
    with HttpsService(tmp_path_factory.mktemp("outside")) as running:
        yield running


@pytest.fixture(scope="module")
def client(store) -> hvac.Client:
    client = hvac.Client(url=store.url, token=store.root_token, verify=str(store.certificate))
    client.sys.create_or_update_policy("reader", 'path "secret/data/*" { capabilities = ["read", "create"] }')
    return client


def anybody(store) -> hvac.Client:
    return hvac.Client(url=store.url, verify=str(store.certificate))


def test_hvac_mounts_tunes_and_unmounts(client):
    client.sys.enable_auth_method("userpass", path="people", description="x")
    assert client.sys.list_auth_methods()["data"]["people/"]["type"] == "userpass"
    client.sys.tune_auth_method("people", default_lease_ttl="20m", max_lease_ttl="40m")
    assert client.sys.read_auth_method_tuning("people")["data"]["default_lease_ttl"] == 1200
    client.sys.disable_auth_method("people")
    assert "people/" not in client.sys.list_auth_methods()["data"]


def test_hvac_userpass(store, client):
    client.sys.enable_auth_method("userpass")
    client.auth.userpass.create_or_update_user("ann", PASSWORD, policies="reader")
    assert client.auth.userpass.list_user()["data"]["keys"] == ["ann"]
    assert client.auth.userpass.read_user("ann")["data"]["policies"] == ["reader"]
    ann = anybody(store)
    ann.auth.userpass.login("ann", PASSWORD)
    assert ann.is_authenticated()
    assert ann.lookup_token()["data"]["display_name"] == "userpass-ann"
    ann.secrets.kv.v2.create_or_update_secret("ann", {"k": "v"})
    client.auth.userpass.update_password_on_user("ann", "another good password")
    with pytest.raises(hvac.exceptions.InvalidRequest, match="invalid username or password"):
        anybody(store).auth.userpass.login("ann", PASSWORD)
    ann.auth.token.renew_self()
    ann.auth.token.revoke_self()
    assert not ann.is_authenticated()
    client.auth.userpass.delete_user("ann")


def test_hvac_approle(store, client):
    client.sys.enable_auth_method("approle")
    approle = client.auth.approle
    approle.create_or_update_approle("web", token_policies=["reader"], token_ttl="10m", secret_id_num_uses=2)
    assert approle.list_roles()["data"]["keys"] == ["web"]
    assert approle.read_role("web")["data"]["token_ttl"] == 600
    role_id = approle.read_role_id("web")["data"]["role_id"]
    made = approle.generate_secret_id("web", metadata={"team": "a"})["data"]
    program = anybody(store)
    auth = program.auth.approle.login(role_id, made["secret_id"])["auth"]
    assert (auth["token_type"], auth["metadata"]) == ("batch", {"role_name": "web", "team": "a"})
    assert program.is_authenticated()
    left = approle.read_secret_id("web", made["secret_id"])["data"]
    assert left["secret_id_num_uses"] == 1
    by_accessor = approle.read_secret_id_accessor("web", made["secret_id_accessor"])["data"]
    assert by_accessor["metadata"] == {"team": "a"}
    assert approle.list_secret_id_accessors("web")["data"]["keys"] == [made["secret_id_accessor"]]
    approle.destroy_secret_id_accessor("web", made["secret_id_accessor"])
    with pytest.raises(hvac.exceptions.InvalidRequest, match="invalid role or secret ID"):
        anybody(store).auth.approle.login(role_id, made["secret_id"])
    chosen = approle.create_custom_secret_id("web", "some-secret-id")["data"]
    assert chosen["secret_id"] == "some-secret-id"
    assert anybody(store).auth.approle.login(role_id, "some-secret-id")["auth"]["client_token"]
    approle.update_role_id("web", "web-1")
    assert anybody(store).auth.approle.login("web-1", "some-secret-id")
    approle.delete_role("web")


def test_hvac_jwt(store, client, service):
    provider = Provider(service)
    client.sys.enable_auth_method("jwt")
    client.auth.jwt.configure(
        jwks_url=service.url + JWKS, jwks_ca_pem=service.ca_pem, bound_issuer="https://ci.example"
    )
    assert client.auth.jwt.read_config()["data"]["jwks_url"] == service.url + JWKS
    client.auth.jwt.create_role(
        "ci",
        user_claim="sub",
        allowed_redirect_uris=[],
        role_type="jwt",
        bound_audiences=["vault"],
        bound_claims={"project": "web-*"},
        bound_claims_type="glob",
        token_policies=["reader"],
    )
    now = time.time()
    claims = {"iss": "https://ci.example", "aud": "vault", "sub": "job", "iat": now, "exp": now + 60}
    token = provider.sign(claims | {"project": "web-1"})
    job = anybody(store)
    auth = job.auth.jwt.jwt_login("ci", token)["auth"]
    assert auth["policies"] == ["default", "reader"]
    job.token = auth["client_token"]
    assert job.is_authenticated()
    with pytest.raises(hvac.exceptions.InvalidRequest, match="does not match any associated bound claim"):
        anybody(store).auth.jwt.jwt_login("ci", provider.sign(claims | {"project": "db"}))
    service.status = 500
    for _ in range(ENOUGH_FOR_EVERY_WORKER):
        answer = ask(store, "POST", "/v1/auth/jwt/login", {"role": "ci", "jwt": token}, token="")
        assert answer.status in {200, 503}, answer.body  # a worker that never asked before knows no keys
    service.status = None
    client.sys.disable_auth_method("jwt")
    assert not job.is_authenticated()


def test_hvac_kubernetes(store, client, service):
    cluster = Cluster(service)
    now = time.time()
    client.sys.enable_auth_method("kubernetes")
    client.auth.kubernetes.configure(
        kubernetes_host=service.url,
        kubernetes_ca_cert=service.ca_pem,
        token_reviewer_jwt=cluster.token("kube-system", "vault-auth", now=now),
    )
    client.auth.kubernetes.create_role(
        "px",
        bound_service_account_names=["px-*"],
        bound_service_account_namespaces=["portworx"],
        policies=["reader"],
        ttl="1h",
    )
    assert client.auth.kubernetes.list_roles()["keys"] == ["px"]
    pod = anybody(store)
    token = cluster.token("portworx", "px-node", now=now)
    auth = pod.auth.kubernetes.login("px", token)["auth"]
    assert auth["metadata"]["service_account_name"] == "px-node"
    assert pod.is_authenticated()
    del cluster.accounts["portworx", "px-node"]
    with pytest.raises(hvac.exceptions.Forbidden, match="permission denied"):
        anybody(store).auth.kubernetes.login("px", token)
    service.status = 500
    with pytest.raises(hvac.exceptions.VaultDown):
        anybody(store).auth.kubernetes.login("px", token)
    service.status = None
    client.auth.kubernetes.delete_role("px")


def test_a_batch_token_works_with_every_worker_and_after_a_restart(store, client):
    made = client.auth.token.create(policies=["reader"], type="batch", ttl="1h")["auth"]["client_token"]
    path = "/v1/auth/token/lookup-self"
    for _ in range(ENOUGH_FOR_EVERY_WORKER):
        assert ask(store, "GET", path, token=made).status == 200
    store.stop()
    store.start()
    store.unseal()
    for _ in range(ENOUGH_FOR_EVERY_WORKER):
        assert ask(store, "GET", path, token=made).status == 200


def test_a_role_may_bind_its_tokens_to_networks(store, client):
    client.sys.enable_auth_method("userpass", path="bound")
    for name, network in (("here", "127.0.0.0/8"), ("there", "10.0.0.0/8")):
        body = {"password": PASSWORD, "token_bound_cidrs": network}
        assert ask(store, "POST", f"/v1/auth/bound/users/{name}", body).status == 204
    answer = ask(store, "POST", "/v1/auth/bound/login/here", {"password": PASSWORD}, token="")
    token = answer.json["auth"]["client_token"]
    assert ask(store, "GET", "/v1/auth/token/lookup-self", token=token).json["data"]["bound_cidrs"] == [
        "127.0.0.0/8"
    ]
    answer = ask(store, "POST", "/v1/auth/bound/login/there", {"password": PASSWORD}, token="")
    assert answer.status == 403


def test_passwords_are_checked_while_a_provider_keeps_us_waiting(store, client, service):
    """The provider takes seconds; logins of people do not wait for it, and neither do reads."""
    import threading

    client.sys.enable_auth_method("userpass", path="quick")
    client.auth.userpass.create_or_update_user("ann", PASSWORD, mount_point="quick")

    def comes_first(slow):
        release = threading.Event()
        service.pages[JWKS + slow] = lambda *_: (release.wait(60), (200, {"keys": []}))[1]
        client.sys.enable_auth_method("jwt", path=slow)
        config = {"jwks_url": service.url + JWKS + slow, "jwks_ca_pem": service.ca_pem}
        waiting = threading.Thread(target=ask, args=(store, "POST", f"/v1/auth/{slow}/config", config))
        waiting.start()
        try:
            anybody(store).auth.userpass.login("ann", PASSWORD, mount_point="quick")
            assert ask(store, "GET", "/v1/sys/auth").status == 200
            return waiting.is_alive()
        finally:
            release.set()
            waiting.join(60)

    # The provider is given up after seconds, for which the disk may hold up a login, but not each time.
    assert any(comes_first(f"slow-{attempt}") for attempt in range(3))


def test_no_secret_of_a_login_is_in_the_audit_file_or_the_log(store):
    recorded = store.audit_path.read_bytes() + store.log_path.read_bytes()
    assert b"auth/userpass/login/ann" in recorded
    for secret in (PASSWORD, "some-secret-id", "eyJ", "hvb."):
        assert secret.encode() not in recorded


# -- at a terminal -----------------------------------------------------------------------------------------


def terminal(store: StoreProcess, directory: Path) -> tuple[Path, dict[str, str]]:
    home, work = directory / "home", directory / "work"
    for place in (home, work):
        place.mkdir()
    environment = {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "HOME": str(home),
        "HOLDFAST_ADDR": store.url,
        "HOLDFAST_CACERT": str(store.certificate),
        "HOLDFAST_TOKEN": store.root_token,
        "LC_ALL": "C.UTF-8",
    }
    return work, environment


def test_the_guide_s_commands_let_a_storage_node_in(tmp_path, service):
    cluster = Cluster(service)
    now = time.time()
    with StoreProcess(tmp_path, tls=True) as store:
        store.initialize()
        work, environment = terminal(store, tmp_path)
        (work / "reviewer.jwt").write_text(cluster.token("kube-system", "vault-auth", now=now))
        (work / "pod.jwt").write_text(cluster.token("kube-system", "px-account", now=now))
        (work / "stranger.jwt").write_text(cluster.token("kube-system", "stranger", now=now))
        (work / "ca.crt").write_text(service.ca_pem)
        (work / "endpoint").write_text(service.url)
        text = (TRANSCRIPTS / "auth_kubernetes.txt").read_text(encoding="utf-8")
        play(text, directory=work, environment=environment)


def test_people_and_programs_at_a_terminal(tmp_path):
    with StoreProcess(tmp_path, tls=True) as store:
        store.initialize()
        work, environment = terminal(store, tmp_path)
        text = (TRANSCRIPTS / "auth_people.txt").read_text(encoding="utf-8")
        play(text, directory=work, environment=environment)


def test_hvac_cert_over_a_listener_that_asks_for_certificates(tmp_path):
    authority, stranger = TestAuthority("clients"), TestAuthority("strangers")
    clients = authority.write_authority(tmp_path / "clients.pem")
    certificate, key = authority.issue(tmp_path, "localhost")
    foreign = stranger.issue(tmp_path, "foreign")
    store = StoreProcess(tmp_path, tls=True)
    config = store.config_path.read_text()
    store.config_path.write_text(
        config.replace("  tls_key_file", f'  tls_client_ca_file = "{clients}"\n  tls_key_file')
    )
    with store:
        store.initialize()
        client = hvac.Client(url=store.url, token=store.root_token, verify=str(store.certificate))
        client.sys.enable_auth_method("cert")
        client.auth.cert.create_ca_certificate_role(
            "web", certificate=Path(clients).read_text(), allowed_dns_sans="localhost", token_ttl="5m"
        )
        machine = hvac.Client(url=store.url, verify=str(store.certificate), cert=(certificate, key))
        answer = machine.auth.cert.login(name="web", cert_pem=certificate, key_pem=key)
        assert answer["auth"]["metadata"]["common_name"] == "localhost"
        assert answer["auth"]["lease_duration"] == 300
        with pytest.raises(hvac.exceptions.InvalidRequest, match="no client certificate supplied"):
            ask_hvac(store).post("/v1/auth/cert/login")
        with pytest.raises(requests.exceptions.RequestException):
            ask_hvac(store, cert=foreign).post("/v1/auth/cert/login")
        renewing_is_bound(store, client, machine, certificate, key)
        serial = load_pem_x509_certificate(Path(certificate).read_bytes()).serial_number
        revoked = authority.write_revocation_list(tmp_path / "revoked.pem", serial)
        client.write("auth/cert/crls/clients", crl=Path(revoked).read_text())
        with pytest.raises(hvac.exceptions.InvalidRequest, match="invalid certificate"):
            machine.auth.cert.login(name="web", cert_pem=certificate, key_pem=key)


def renewing_is_bound(store, client, machine, certificate, key) -> None:
    client.write("auth/cert/certs/web", token_type="service")
    token = machine.auth.cert.login(name="web", cert_pem=certificate, key_pem=key)["auth"]["client_token"]
    url, verify = store.url, str(store.certificate)
    holder = hvac.Client(url=url, token=token, verify=verify, cert=(certificate, key))
    assert holder.auth.token.renew_self()["auth"]["renewable"] is True
    thief = hvac.Client(url=url, token=token, verify=verify)
    with pytest.raises(hvac.exceptions.InvalidRequest, match="expected the one that logged in"):
        thief.auth.token.renew_self()


def ask_hvac(store: StoreProcess, **how) -> hvac.adapters.Adapter:
    return hvac.Client(url=store.url, verify=str(store.certificate), **how).adapter
