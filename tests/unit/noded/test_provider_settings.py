"""How a node is told of its provider: by arguments, file and environment; no secret as an argument."""

import json

import pytest

from holdfast.errors import InvalidInputError, UnsupportedError
from holdfast.noded.config import read_config
from holdfast.noded.options import NodeOptions
from holdfast.providers import CredentialExpiredError, SecretRef
from holdfast.providers.registry import BUILT, KNOWN
from holdfast.storage.memory import MemoryStorage

ENVIRONMENT = {"PORTWORX_AUTH_JWT_SHAREDSECRET": "s" * 64}
# Every type that the original has, with what each one here needs to be opened.
NEEDS = {
    "vault": {"VAULT_ADDR": "https://v.example", "VAULT_TOKEN": "t"},
    "vault-transit": {"VAULT_ADDR": "https://v.example", "VAULT_TOKEN": "t"},
    "dcos": {"DCOS_SECRETS_USERNAME": "u", "DCOS_SECRETS_PASSWORD": "p"},
    "k8s": {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": "1"},
    "aws-kms": {"AWS_CMK": "c", "AWS_REGION": "us-east-1"},
    "aws-secrets-manager": {"AWS_REGION": "us-east-1"},
    "docker": {"DOCKER_SECRETS_DIRECTORY": "/"},
}


def config_of(tmp_path, file=None, environment=None, **options):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(file or {}))
    return read_config(NodeOptions(config=str(path), **options), {**ENVIRONMENT, **(environment or {})})


def opened(config):
    return config.provider(MemoryStorage())


@pytest.mark.parametrize("kind", [*NEEDS, "azure-kv", "gcloud-kms", "ibm-kp", "kvdb"])
def test_every_type_of_the_original_is_known(tmp_path, kind):
    if kind in KNOWN:
        with pytest.raises(UnsupportedError, match="implementation not supported"):
            config_of(tmp_path, secret_type=kind)
        return
    slot = opened(config_of(tmp_path, environment=NEEDS[kind], secret_type=kind))
    assert slot.kind == kind
    slot.close()


def test_what_is_built_and_what_is_only_known_are_two_things():
    assert not set(BUILT) & set(KNOWN)


@pytest.mark.parametrize("kind", ["aws-kms", "aws-secrets-manager"])
def test_the_file_calls_the_settings_of_both_kinds_of_aws_by_one_name(tmp_path, kind):
    secret = {
        "secret_type": kind,
        "cluster_secret_key": "name",
        "aws": {"AWS_CMK": "c", "AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL": "http://127.0.0.1:1"},
    }
    config = config_of(tmp_path, {"secret": secret}, {"AWS_REGION": "us-east-1"})
    slot = opened(config)
    assert "eu-west-1" in slot.status().place
    assert config.settings.configured_cluster_key == "name"
    slot.close()
    other = opened(config_of(tmp_path, {"secret": secret}, provider_settings=("AWS_REGION=ap-south-1",)))
    assert "ap-south-1" in other.status().place
    other.close()


def test_the_file_has_the_settings_of_a_provider_whoever_names_its_type(tmp_path):
    secret = {
        "secret_type": "dcos",
        "dcos": {"DCOS_CLUSTER_URL": "https://dcos.example"},
        "vault": {"VAULT_ADDR": "https://v.example", "VAULT_TOKEN": "t"},
    }
    for file in (secret, {"vault": secret["vault"]}):
        slot = opened(config_of(tmp_path, {"secret": file}, secret_type="vault"))
        assert slot.kind == "vault"
        assert "https://v.example" in slot.status().place
        slot.close()
    config = config_of(tmp_path, {"secret": secret}, secret_type="vault", former_secret_type="dcos")
    former = config.former_provider(MemoryStorage())
    assert former.kind == "dcos"
    with pytest.raises(CredentialExpiredError, match="hfctl secrets dcos login"):
        former.get(SecretRef("k"))


def test_what_is_no_text_is_named_with_its_place(tmp_path):
    with pytest.raises(InvalidInputError, match=r"config.json: secret.vault.VAULT_ADDR: expected text"):
        config_of(tmp_path, {"secret": {"vault": {"VAULT_ADDR": ["canary"]}}}, secret_type="vault")


@pytest.mark.parametrize(
    "name",
    [
        "VAULT_TOKEN",
        "VAULT_APPROLE_SECRET_ID",
        "DCOS_SECRETS_PASSWORD",
        "AWS_SECRET_ACCESS_KEY",
        "PKCS11_PIN",
    ],
)
def test_a_secret_is_refused_as_an_argument_and_its_file_is_not(tmp_path, name):
    with pytest.raises(InvalidInputError, match=f"name a file with {name}_FILE") as caught:
        config_of(tmp_path, provider_settings=(f"{name}=canary",))
    assert "canary" not in caught.value.message
    config_of(tmp_path, provider_settings=(f"{name}_FILE=/run/secret", "VAULT_AUTH_KUBERNETES_TOKEN_PATH=/t"))


@pytest.mark.parametrize("kind", ["dcos", "vault", "vault-transit", "aws-kms", "aws-secrets-manager"])
def test_without_a_credential_the_node_starts_and_says_what_to_do(tmp_path, kind):
    slot = opened(config_of(tmp_path, secret_type=kind))
    with pytest.raises(CredentialExpiredError, match=f"hfctl secrets {kind.partition('-')[0]} login"):
        slot.get(SecretRef("k"))
    assert not slot.status().usable
    slot.close()
