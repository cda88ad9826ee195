"""The Vault provider: settings, both KV versions, and its trouble in the node's own words."""

from typing import ClassVar

import pytest

from holdfast.errors import HoldfastError, InvalidInputError, UnavailableError, UnsupportedError
from holdfast.model import SecretBytes
from holdfast.providers import (
    ProviderRefusedError,
    ProviderUnavailableError,
    SecretDataError,
    SecretRef,
    open_provider,
)
from holdfast.providers.settings import Settings
from holdfast.providers.vault_options import read_vault_options

REF = SecretRef("key")


def read_options(options, environment):
    return read_vault_options(Settings(options, environment))


def token_of(options):
    return options.login._source().reveal()


_opened = []


@pytest.fixture(autouse=True)
def close():
    """Leave no thread behind that renews a token of a test that is over."""
    yield
    while _opened:
        _opened.pop().close()


def provider_of(vault, **options):
    made = open_provider(
        "vault", {"VAULT_ADDR": vault.address, "VAULT_TOKEN": vault.token, **options}, environment={}
    )
    _opened.append(made)
    return made


def test_detection_asks_the_narrow_call_first_and_only_once(vault):
    provider = provider_of(vault)
    provider.put(REF, SecretBytes(b"v"))
    provider.get(REF)
    lookups = [target for target in vault.targets if "mounts" in target]
    assert lookups == ["GET /v1/sys/internal/ui/mounts/secret"]


def test_detection_falls_back_to_the_table_that_older_policies_grant(vault):
    vault.preflight = False
    assert provider_of(vault).put(REF, SecretBytes(b"v")) == 1


def test_without_either_lookup_the_node_says_it_was_refused(vault):
    vault.preflight = vault.table = False
    with pytest.raises(ProviderRefusedError):
        provider_of(vault).get(REF)


def test_a_named_backend_version_needs_no_lookup(vault):
    vault.preflight = vault.table = False
    assert provider_of(vault, VAULT_BACKEND="kv-v2").put(REF, SecretBytes(b"v")) == 1


def test_an_unknown_mount_is_the_nodes_trouble_and_not_a_missing_secret(vault):
    with pytest.raises(ProviderUnavailableError, match="'other' not found"):
        provider_of(vault, VAULT_BACKEND_PATH="other").get(REF)


def test_sealed_is_said_plainly_and_heals_by_itself(vault):
    provider = provider_of(vault)
    provider.put(REF, SecretBytes(b"v"))
    vault.sealed = True
    with pytest.raises(ProviderUnavailableError, match="is sealed; unseal it and try again"):
        provider.get(REF)
    assert "sealed" in provider.status().problem
    vault.sealed = False
    assert provider.get(REF).value.reveal() == b"v"


def test_a_refusal_of_the_nodes_token_is_not_the_users_403(vault):
    with pytest.raises(UnavailableError, match="Not authenticated with the secrets endpoint") as caught:
        provider_of(vault, VAULT_TOKEN="hvs.other-canary").get(REF)
    assert "canary" not in caught.value.message + caught.value.detail


def test_nobody_there_is_said_plainly():
    options = {"VAULT_ADDR": "http://127.0.0.1:1", "VAULT_TOKEN": "t"}
    with pytest.raises(ProviderUnavailableError, match="nothing accepts connections"):
        open_provider("vault", options, environment={}).put(REF, SecretBytes(b"v"))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param({}, id="empty"),
        pytest.param({"a": "1", "b": "2"}, id="two-values"),
        pytest.param({"a": 1}, id="number"),
        pytest.param({"a": {"b": "c"}}, id="nested"),
        pytest.param({"a": ""}, id="empty-value"),
    ],
)
def test_a_secret_that_is_not_one_text_value_is_refused(vault, data):
    vault.secrets["key"] = [data]
    with pytest.raises(SecretDataError, match="invalid secret data retrieved using the secret key"):
        provider_of(vault).get(REF)


def test_any_field_name_will_do(vault):
    vault.secrets["key"] = [{"passphrase": "p"}]
    assert provider_of(vault).get(REF).value.reveal() == b"p"


def test_base_path_and_namespace_travel(vault):
    provider = provider_of(vault, VAULT_BASE_PATH="/pwx/", VAULT_NAMESPACE="global")
    provider.put(REF, SecretBytes(b"v"))
    assert "PUT /v1/secret/data/pwx/key global" in vault.targets
    provider.put(SecretRef("key", namespace="own"), SecretBytes(b"v"))
    assert "PUT /v1/secret/data/pwx/key own" in vault.targets


def test_a_namespace_that_the_store_has_not_is_thought_of(vault):
    vault.unknown_namespaces = ("canary", "gone")
    provider, elsewhere = provider_of(vault), provider_of(vault, VAULT_NAMESPACE="gone")
    for action in (
        lambda: provider.get(SecretRef("key", namespace="canary")),
        lambda: provider.list(namespace="canary"),
        lambda: elsewhere.get(REF),
    ):
        with pytest.raises(
            ProviderUnavailableError, match="refuses the request; has it the namespace"
        ) as caught:
            action()
        assert "canary" not in caught.value.message
    assert "has it the namespace" in elsewhere.status().problem
    assert provider.status().usable


class TestOptions:
    BASE: ClassVar[dict[str, str]] = {"VAULT_ADDR": "https://v.example", "VAULT_TOKEN": "t"}

    def test_the_configuration_wins_even_when_empty(self):
        environment = {**self.BASE, "VAULT_NAMESPACE": "env", "VAULT_TLS_SERVER_NAME": "name"}
        options = read_options({"VAULT_NAMESPACE": "", "VAULT_TOKEN": " config "}, environment)
        assert (options.namespace, token_of(options), options.tls.server_name) == ("", b"config", "name")

    @pytest.mark.parametrize(
        ("environment", "text"),
        [
            pytest.param({}, "VAULT_ADDR not set", id="nothing"),
            pytest.param(
                {"VAULT_ADDR": "https://v"}, "VAULT_TOKEN or VAULT_AUTH_METHOD not set", id="no-token"
            ),
            pytest.param({**BASE, "VAULT_SKIP_VERIFY": "maybe"}, "VAULT_SKIP_VERIFY is invalid", id="skip"),
            pytest.param({**BASE, "VAULT_TOKEN": "a\nb"}, "printable ASCII", id="token-with-newline"),
            pytest.param(
                {**BASE, "VAULT_TOKEN": "", "VAULT_TOKEN_FILE": "/none"}, "readable file", id="file"
            ),
            pytest.param(
                {**BASE, "VAULT_ADDR": "v.example:8200"}, "VAULT_ADDR: expected https", id="address"
            ),
            pytest.param({**BASE, "VAULT_CACERT": "/none"}, "VAULT_CACERT: expected a readable", id="ca"),
            pytest.param(
                {**BASE, "VAULT_CAPATH": "/none"}, "VAULT_CAPATH: expected a readable", id="ca-path"
            ),
            pytest.param(
                {**BASE, "VAULT_CLIENT_CERT": "/none", "VAULT_CLIENT_KEY": "/none"},
                "VAULT_CLIENT_CERT, VAULT_CLIENT_KEY: expected a readable",
                id="client-certificate",
            ),
            pytest.param({**BASE, "VAULT_COOLDOWN_PERIOD": "60s"}, "0, or more than a minute", id="cooldown"),
            pytest.param({**BASE, "VAULT_CLIENT_TIMEOUT": "61s"}, "VAULT_CLIENT_TIMEOUT: ", id="timeout"),
        ],
    )
    def test_what_is_missing_or_malformed_is_named(self, environment, text):
        with pytest.raises(InvalidInputError, match=text):
            read_options({}, environment)

    @pytest.mark.parametrize(
        ("environment", "read", "expected"),
        [
            ({"VAULT_BACKEND_PATH": "/keys/"}, lambda o: o.mount, "keys"),
            ({"VAULT_BACKEND": "kv"}, lambda o: o.kv_version, 1),
            ({"VAULT_BACKEND": "kv-v2"}, lambda o: o.kv_version, 2),
            ({"VAULT_BACKEND": "anything"}, lambda o: o.kv_version, None),
            ({"VAULT_BASE_PATH": "/pwx/"}, lambda o: o.base_path, "pwx"),
            ({"VAULT_AUTH_NAMESPACE": "/ops/"}, lambda o: o.login_namespace, "ops"),
            ({}, lambda o: o.login_namespace, None),
            ({"VAULT_COOLDOWN_PERIOD": "0"}, lambda o: o.longest_pause, 0.0),
            ({"VAULT_COOLDOWN_PERIOD": "5m"}, lambda o: o.longest_pause, 30.0),
            ({"VAULT_CLIENT_TIMEOUT": "7"}, lambda o: o.timeout_seconds, 7.0),
            ({"VAULT_TLS_SERVER_NAME": "n"}, lambda o: o.tls.server_name, "n"),
        ],
    )
    def test_each_setting_counts(self, environment, read, expected):
        assert read(read_options({}, {**self.BASE, **environment})) == expected

    @pytest.mark.parametrize(
        ("method", "needs"),
        [
            ("kubernetes", {"VAULT_AUTH_KUBERNETES_ROLE": "r", "VAULT_AUTH_KUBERNETES_TOKEN_PATH": "{file}"}),
            ("approle", {"VAULT_APPROLE_ROLE_ID": "r", "VAULT_APPROLE_SECRET_ID_FILE": "{file}"}),
            ("AppRole", {"VAULT_APPROLE_ROLE_ID": "r", "VAULT_APPROLE_SECRET_ID_FILE": "{file}"}),
        ],
    )
    @pytest.mark.parametrize("mount", ["", "teams/px"])
    def test_a_login_takes_place_where_its_method_is_mounted(self, vault, tmp_path, method, needs, mount):
        (tmp_path / "proof").write_text("proof\n")
        needs = {name: text.format(file=tmp_path / "proof") for name, text in needs.items()}
        environment = {"VAULT_ADDR": vault.address, "VAULT_AUTH_METHOD": method, **needs}
        provider = open_provider("vault", {"VAULT_AUTH_MOUNT_PATH": mount}, environment=environment)
        with pytest.raises(HoldfastError):
            provider.get(REF)
        provider.close()
        assert f"POST /v1/auth/{mount or method.lower()}/login" in vault.targets

    def test_token_from_a_file(self, tmp_path):
        (tmp_path / "token").write_text("hvs.canary\n")
        options = read_options({}, {"VAULT_ADDR": "https://v", "VAULT_TOKEN_FILE": str(tmp_path / "token")})
        assert token_of(options) == b"hvs.canary"
        assert "canary" not in repr(options)

    def test_plain_http_to_another_machine_is_refused_at_start(self):
        with pytest.raises(InvalidInputError, match="loopback"):
            open_provider("vault", {**self.BASE, "VAULT_ADDR": "http://10.0.0.1:8200"}, environment={})

    def test_verification_is_on_unless_switched_off_by_name(self):
        assert read_options({}, self.BASE).tls.unsafe_skip_verification is False
        assert read_options({"VAULT_SKIP_VERIFY": "1"}, self.BASE).tls.unsafe_skip_verification is True


def test_an_unknown_type_is_unsupported():
    with pytest.raises(UnsupportedError, match="implementation not supported"):
        open_provider("etcd", {}, environment={})
