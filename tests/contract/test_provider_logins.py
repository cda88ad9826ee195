"""How a node stays logged in: ahead of the end, once for all, and not because something is forbidden."""

import contextlib
import json
import shutil
import threading
import time

import pytest
from tests.support.certificates import TestAuthority
from tests.support.iam import SERVICE_KEY
from tests.support.secret_backends import DCOS_BASE, DCOS_PASSWORD, DCOS_USER, SecretBackends
from tests.support.store_process import StoreProcess
from tests.support.store_talk import eventually

from holdfast.client import DcosClient, Subject
from holdfast.errors import HoldfastError, InvalidInputError
from holdfast.model import SecretBytes
from holdfast.providers import (
    CredentialExpiredError,
    ProviderDeniedError,
    ProviderUnavailableError,
    SecretRef,
    open_provider,
)

REF = SecretRef("logins/key")


@pytest.fixture(scope="module")
def backends(tmp_path_factory):
    with SecretBackends(tmp_path_factory.mktemp("backends")) as running:
        yield running


@pytest.fixture
def closing():
    """Return a function that has a provider closed at the end."""
    providers = []
    yield lambda provider: (providers.append(provider), provider)[1]
    for provider in providers:
        provider.close()


def value(text="v"):
    return SecretBytes(text.encode())


def token_of(provider, namespace=""):
    return provider._session(namespace).live.grant.client.token.reveal().decode()


def with_lives_of_seconds(attempt):
    """Try with tokens that live for seconds; where a busy machine let one end, again with longer lives."""
    for factor in (1, 3):
        with contextlib.suppress(AssertionError, HoldfastError):
            return attempt(factor)
    return attempt(6)


def reviews(backends):
    """Return how many logins the cluster was asked about."""
    return len(backends.cluster.reviews)


def test_the_policy_of_the_seed_is_enough_for_both_versions(backends, closing):
    for options in ({}, {"VAULT_BACKEND_PATH": "kv1"}):
        provider = closing(backends.vault("seed", **options))
        provider.put(REF, value())
        with provider.get(REF).value as found:
            assert found.reveal() == b"v"
        status = provider.status()
        assert (status.usable, status.versioned) == (True, "VAULT_BACKEND_PATH" not in options)


def test_what_the_policy_does_not_grant_is_denied_and_named(backends, closing):
    provider = closing(backends.vault("data-only"))
    provider.put(REF, value())
    with pytest.raises(ProviderDeniedError, match="policies of the node's token"):
        provider.destroy(REF)


def test_a_denial_is_not_taken_for_an_end_and_makes_no_login(backends, closing):
    provider = closing(backends.kubernetes(VAULT_BACKEND="kv-v2", VAULT_BACKEND_PATH="forbidden"))
    with pytest.raises(ProviderDeniedError):
        provider.get(REF)
    token, before = token_of(provider), reviews(backends)
    for _ in range(3):
        with pytest.raises(ProviderDeniedError):
            provider.get(REF)
    assert (token_of(provider), reviews(backends)) == (token, before)


def test_a_revoked_token_is_replaced_by_one_login_whoever_asks(backends, closing):
    provider = closing(backends.kubernetes(VAULT_AUTH_KUBERNETES_ROLE="service"))
    provider.put(REF, value())
    backends.root().revoke_token(token_of(provider))
    before = reviews(backends)
    got = []
    threads = [
        threading.Thread(target=lambda: got.append(provider.get(REF).value.reveal())) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert got == [b"v"] * 8
    assert reviews(backends) == before + 1


def test_the_service_accounts_token_is_read_anew_at_each_login(backends, closing):
    provider = closing(backends.kubernetes(VAULT_AUTH_KUBERNETES_ROLE="service"))
    provider.put(REF, value())
    good = backends.account_file.read_text()
    try:
        backends.account_file.write_text("not-a-token\n")
        backends.root().revoke_token(token_of(provider))
        with pytest.raises(CredentialExpiredError, match="refuses the login at auth/kubernetes"):
            provider.get(REF)
        backends.account_file.unlink()
        with pytest.raises(ProviderUnavailableError):
            provider.get(REF)
    finally:
        backends.account_file.write_text(good)
    eventually(lambda: provider.status().usable)
    assert provider.get(REF).value.reveal() == b"v"


def test_tokens_are_renewed_ahead_of_their_end_without_being_used(backends, closing):
    def attempt(factor):
        life, longest = f"{3 * factor}s", f"{4 * factor}s"
        roles = {
            "renewable": {"token_type": "service", "ttl": life},
            "not-renewable": {"token_type": "batch", "ttl": life},
            "longest-life": {"token_type": "service", "ttl": life, "max_ttl": longest},
        }
        providers, first = {}, {}
        for role, fields in roles.items():
            backends.kubernetes_role(backends.root(), role, policies="node", **fields)
            providers[role] = closing(backends.kubernetes(VAULT_AUTH_KUBERNETES_ROLE=role))
            providers[role].put(SecretRef(role), value())
            first[role] = token_of(providers[role])
        lives = [provider._session("").live for provider in providers.values()]
        began = max(live.grant.obtained_at for live in lives)
        later = began + 4.5 * factor
        eventually(lambda: all(live.grant.obtained_at > later for live in lives), seconds=8 * factor)
        assert all(live.grant.expires_at > time.time() for live in lives)
        kept = {role for role, provider in providers.items() if token_of(provider) == first[role]}
        assert kept == {"renewable"}
        for role, provider in providers.items():
            assert provider.get(SecretRef(role)).value.reveal() == b"v"

    with_lives_of_seconds(attempt)


def test_a_given_token_is_renewed_and_its_successor_taken_from_the_file(backends, closing, tmp_path):
    file, root = tmp_path / "token", backends.root()
    options = {"VAULT_ADDR": backends.store.url, "VAULT_TOKEN_FILE": str(file)}

    def attempt(factor):
        token = root.create_token(policies=["node"], ttl=f"{3 * factor}s")["client_token"]
        file.write_text(token)
        provider = closing(open_provider("vault", options, environment={}))
        provider.put(REF, value())
        live = provider._session("").live
        later = live.grant.obtained_at + 4 * factor
        eventually(lambda: live.grant.obtained_at > later, seconds=8 * factor)
        root.revoke_token(token)
        return provider, token

    provider, token = with_lives_of_seconds(attempt)
    with pytest.raises(CredentialExpiredError, match="Not authenticated with the secrets endpoint") as caught:
        provider.get(REF)
    assert token not in caught.value.message + caught.value.detail
    assert "VAULT_TOKEN" in provider.status().problem
    file.write_text(root.create_token(policies=["node"])["client_token"])
    eventually(lambda: provider.status().usable)
    assert provider.get(REF).value.reveal() == b"v"


def test_a_given_token_of_the_root_is_renewed_though_it_is_used_below_only(backends, closing):
    root = backends.root()
    rule = 'path "team-a/secret/data/*" { capabilities = ["create", "read", "update"] }'
    root.put_policy("from-above", rule)

    def attempt(factor):
        token = root.create_token(policies=["from-above"], ttl=f"{3 * factor}s")["client_token"]
        options = {"VAULT_ADDR": backends.store.url, "VAULT_TOKEN": token, "VAULT_BACKEND": "kv-v2"}
        provider = closing(open_provider("vault", options, environment={}))
        ref = SecretRef("below", "team-a")
        provider.put(ref, value())
        live = provider._session("team-a").live
        later = live.grant.obtained_at + 3 * factor
        with pytest.raises(ProviderDeniedError):  # not taken for an end, though it cannot look itself up here
            provider.destroy(ref)
        eventually(lambda: live.grant.obtained_at > later, seconds=8 * factor)
        assert provider.get(ref).value.reveal() == b"v"

    with_lives_of_seconds(attempt)


def test_a_token_without_the_right_to_look_itself_up_is_told_from_a_dead_one(backends, closing):
    root = backends.root()
    token = root.create_token(policies=["node"], no_default_policy=True)["client_token"]
    provider = closing(
        open_provider("vault", {"VAULT_ADDR": backends.store.url, "VAULT_TOKEN": token}, environment={})
    )
    provider.put(REF, value())
    assert provider.get(REF).value.reveal() == b"v"


def test_each_namespace_has_a_token_of_its_own(backends, closing):
    provider = closing(backends.kubernetes())
    for namespace in ("", "team-a"):
        provider.put(SecretRef("who", namespace), value(namespace or "root"))
    tokens, before = {token_of(provider, name) for name in ("", "team-a")}, reviews(backends)
    for _ in range(3):
        for namespace in ("", "team-a"):
            assert provider.get(SecretRef("who", namespace)).value.reveal().decode() == (namespace or "root")
    assert len(tokens) == 2
    assert reviews(backends) == before


def test_a_call_may_name_another_namespace_than_the_global_one(backends, closing):
    backends.vault().put(SecretRef("where"), value("in-root"))
    provider = closing(backends.kubernetes(VAULT_NAMESPACE="team-a"))
    provider.put(SecretRef("where"), value("in-team-a"))
    assert provider.get(SecretRef("where")).value.reveal() == b"in-team-a"
    assert provider.get(SecretRef("where", "team-a")).value.reveal() == b"in-team-a"
    assert provider.get(SecretRef("where", "root")).value.reveal() == b"in-root"


def test_a_namespace_that_is_not_there_is_the_nodes_trouble(backends, closing):
    provider = closing(backends.vault())
    with pytest.raises(ProviderUnavailableError):
        provider.get(SecretRef("k", "nowhere"))


def is_in_cooldown(provider):
    with pytest.raises(CredentialExpiredError) as caught:
        provider.get(REF)
    return "is in cooldown; next attempt in" in caught.value.message


def test_a_login_that_fails_is_told_at_once_and_tried_again_soon(backends, closing):
    provider = closing(backends.kubernetes(VAULT_AUTH_KUBERNETES_ROLE="later"))
    for _ in range(20):
        with pytest.raises(CredentialExpiredError):
            provider.get(REF)
    live = provider._session("").live
    assert live._failures < 5  # of twenty callers one tried, or a few where they took longer than its pauses
    eventually(lambda: is_in_cooldown(provider))
    backends.kubernetes_role(backends.root(), "later", policies="node")
    eventually(lambda: provider.status().usable)


def test_the_tokens_that_a_node_logged_in_for_end_with_it(backends):
    provider = backends.approle()
    provider.put(REF, value())
    token = token_of(provider)
    held = provider._session("").live.grant.client.token
    assert backends.store.client(token).lookup_self()
    provider.close()
    assert len(held) == 0
    with pytest.raises(HoldfastError):
        backends.store.client(token).lookup_self()


@pytest.fixture(scope="module")
def tls_store(tmp_path_factory):
    directory = tmp_path_factory.mktemp("tls")
    with StoreProcess(directory, tls=True, workers=1) as store:
        store.initialize(shares=1, threshold=1)
        yield store


def test_a_store_is_trusted_by_ca_file_before_ca_directory_and_by_name(tls_store, tmp_path, closing):
    other = TestAuthority("Other").write_authority(tmp_path / "other.pem")
    base = {"VAULT_ADDR": tls_store.url, "VAULT_TOKEN": tls_store.root_token}
    good = str(tls_store.certificate)
    directories = {}
    for name, authority in (("good", good), ("other", other)):
        directory = tmp_path / name
        directory.mkdir()
        shutil.copy(authority, directory / "authority.pem")
        (directory / "README").write_bytes(b"of our company\xff")
        directories[name] = str(directory)
    rows = [
        ({"VAULT_CACERT": good}, True),
        ({"VAULT_CACERT": good, "VAULT_CAPATH": directories["other"]}, True),
        ({"VAULT_CACERT": str(other)}, False),
        ({"VAULT_CAPATH": directories["good"]}, True),
        ({"VAULT_CAPATH": directories["other"]}, False),
        ({"VAULT_CACERT": str(other), "VAULT_CAPATH": directories["good"]}, False),
        ({}, False),
        ({"VAULT_CACERT": good, "VAULT_TLS_SERVER_NAME": "elsewhere.example"}, False),
    ]
    for options, usable in rows:
        status = closing(open_provider("vault", base | options, environment={})).status()
        assert status.usable is usable, options
        assert usable or "certificate was not accepted" in status.problem


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_without_verification_the_status_says_so(tls_store, closing):
    options = {
        "VAULT_ADDR": tls_store.url,
        "VAULT_TOKEN": tls_store.root_token,
        "VAULT_SKIP_VERIFY": "true",
    }
    status = closing(open_provider("vault", options, environment={})).status()
    assert status.usable
    assert "VAULT_SKIP_VERIFY is on" in status.notes[0]


# --- DC/OS ----------------------------------------------------------------------------------------


def test_dcos_values_are_maps_below_the_base_path_and_plain_text_is_read_as_it_is(backends, closing):
    provider = closing(backends.dcos())
    provider.put(SecretRef("shape"), value("geheim"))
    raw = DcosClient(backends.store.url, backends.store.root_token)
    assert raw.get(f"{DCOS_BASE}/shape") == '{"value":"geheim"}'
    raw.create(f"{DCOS_BASE}/plain", "by an operator")
    assert provider.get(SecretRef("plain")).value.reveal() == b"by an operator"


def test_dcos_logs_in_again_when_its_token_counts_for_nothing_and_not_for_a_denial(backends, closing):
    provider = closing(backends.dcos())
    provider.put(REF, value())
    first = provider._live.grant
    backends.iam.request("PUT", "users", "px-other", body={"password": DCOS_PASSWORD})
    denied = closing(backends.dcos(DCOS_SECRETS_USERNAME="px-other"))
    for _ in range(2):
        with pytest.raises(ProviderDeniedError, match="API Error: Forbidden"):
            denied.get(REF)
    first.client.clients["default"]._token = SecretBytes(b"stale")
    assert provider.get(REF).value.reveal() == b"v"
    assert provider._live.grant is not first


def test_dcos_renews_ahead_of_the_end_of_its_token(backends, closing):
    provider = closing(backends.dcos())
    provider.put(REF, value())
    grant = provider._live.grant
    assert grant.obtained_at + 4.9 * 86_400 < grant.expires_at < grant.obtained_at + 5.1 * 86_400
    assert grant.renew_at < grant.expires_at - 86_400


@pytest.mark.parametrize(
    ("options", "text"),
    [
        pytest.param({}, "Username and password are required to authenticate", id="nothing"),
        pytest.param({"DCOS_SECRETS_USERNAME": "u"}, "Username and password", id="no-password"),
        pytest.param(
            {
                "DCOS_SECRETS_USERNAME": "u",
                "DCOS_SECRETS_PASSWORD": "p",
                "DCOS_SECRETS_CA_CERT_FILE": "/none",
            },
            "DCOS_SECRETS_CA_CERT_FILE: expected a readable PEM",
            id="ca-file",
        ),
        pytest.param(
            {
                "DCOS_SECRETS_USERNAME": "u",
                "DCOS_SECRETS_PASSWORD": "p",
                "DCOS_CLUSTER_URL": "http://10.0.0.1",
            },
            "DCOS_CLUSTER_URL: .* loopback",
            id="plain-http",
        ),
    ],
)
def test_dcos_settings_that_are_missing_or_malformed_are_named(options, text):
    with pytest.raises(InvalidInputError, match=text):
        open_provider("dcos", options, environment={})


def test_dcos_without_a_ca_file_trusts_nobody_but_the_hosts_authorities(tls_store, closing):
    options = {
        "DCOS_CLUSTER_URL": tls_store.url,
        "DCOS_SECRETS_USERNAME": DCOS_USER,
        "DCOS_SECRETS_PASSWORD": DCOS_PASSWORD,
    }
    provider = closing(open_provider("dcos", options, environment={}))
    assert "certificate was not accepted" in provider.status().problem


def test_dcos_wrong_password_is_refused_without_a_word_of_it(backends, closing):
    provider = closing(backends.dcos(DCOS_SECRETS_PASSWORD="canary-password"))
    with pytest.raises(CredentialExpiredError) as caught:
        provider.get(REF)
    assert "canary" not in caught.value.message + caught.value.detail


@pytest.fixture(scope="module")
def service_account(backends, tmp_path_factory):
    """A service account that may read where a user's name and password are, and nothing else."""
    public = SERVICE_KEY.verifying_key().pem().decode()
    backends.iam.request("PUT", "users", "px-service", body={"public_key": public})
    backends.iam.grant("dcos:secrets:default:/portworx/*", Subject.USER, "px-service", "read")
    raw = DcosClient(backends.store.url, backends.store.root_token)
    raw.create("portworx/dcos_username", DCOS_USER)
    raw.create("portworx/dcos_password", DCOS_PASSWORD)
    private = SERVICE_KEY.pem().reveal().decode()
    credential = {"uid": "px-service", "private_key": private, "login_endpoint": "https://elsewhere.example"}
    path = tmp_path_factory.mktemp("account") / "credential.json"
    path.write_text(json.dumps(credential))
    return path


def test_dcos_name_and_password_are_secrets_that_a_service_account_reads(backends, service_account, closing):
    for account in (str(service_account), service_account.read_text()):
        options = {
            "DCOS_SECRETS_USERNAME": "",
            "DCOS_SERVICE_ACCOUNT_CREDENTIAL": account,
            "SECRETS_DCOS_USERNAME": "portworx/dcos_username",
            "SECRETS_DCOS_PASSWORD": "portworx/dcos_password",
        }
        provider = closing(backends.dcos(**options))
        provider.put(REF, value())
        assert provider.get(REF).value.reveal() == b"v"
        assert provider.status().login == "password"


def test_dcos_a_service_account_may_use_the_secrets_itself(backends, service_account, closing):
    options = {"DCOS_SECRETS_USERNAME": "", "DCOS_SERVICE_ACCOUNT_CREDENTIAL": str(service_account)}
    provider = closing(backends.dcos(SECRETS_BASE_PATH="portworx", **options))
    assert provider.get(SecretRef("dcos_username")).value.reveal() == DCOS_USER.encode()
    assert provider.status().login == "service account"
    with pytest.raises(ProviderDeniedError):
        provider.put(REF, value())


@pytest.mark.parametrize(
    ("credential", "text"),
    [
        pytest.param("/none", "readable file", id="no-file"),
        pytest.param("{}", "uid and private_key", id="empty"),
        pytest.param('{"uid": "u", "private_key": "canary"}', "an RSA key in PEM", id="no-key"),
        pytest.param('{"uid": 1, "private_key": "canary"}', "uid and private_key", id="no-name"),
        pytest.param("{canary", "uid and private_key", id="no-json"),
    ],
)
def test_dcos_a_service_account_that_is_none_is_refused_at_start(credential, text):
    with pytest.raises(InvalidInputError, match=text) as caught:
        open_provider("dcos", {"DCOS_SERVICE_ACCOUNT_CREDENTIAL": credential}, environment={})
    assert "canary" not in caught.value.message
