"""A login reaches the provider that the node was started with, by its type or by its family, and no other."""

import pytest
from tests.support.node_under_test import new_node

from holdfast.errors import ConflictError
from holdfast.node.keys.provider_service import ProviderService
from holdfast.providers import NoCredentialError, ProviderSlot
from holdfast.providers.file import FileProvider


def node_with(tmp_path, kind):
    def opened(settings):
        if not settings:
            raise NoCredentialError("nothing is configured")
        return FileProvider(tmp_path / "secrets")

    return new_node(tmp_path, provider=ProviderSlot(kind, opened), attaching=False)


@pytest.mark.parametrize(
    ("started_with", "said", "settings"),
    [
        ("vault", "vault", {"VAULT_TOKEN": "t"}),
        ("vault-transit", "vault", {"VAULT_TOKEN": "t"}),
        ("vault-transit", "vault-transit", {"VAULT_TOKEN": "t"}),
        ("aws-kms", "aws", {"AWS_REGION": "r"}),
        ("aws-secrets-manager", "aws", {"AWS_REGION": "r"}),
    ],
)
def test_by_type_or_family(tmp_path, started_with, said, settings):
    made = node_with(tmp_path, started_with)
    assert not made.provider.status().usable
    made.call(made.admin, ProviderService.log_in, made.node.provider, said, settings)
    assert made.provider.status().usable


@pytest.mark.parametrize("said", ["dcos", "vault-transit", "", "va"])
def test_no_other(tmp_path, said):
    made = node_with(tmp_path, "vault")
    with pytest.raises(ConflictError, match="started with -secret_type vault"):
        made.call(made.admin, ProviderService.log_in, made.node.provider, said, {"VAULT_TOKEN": "t"})
    assert not made.provider.status().usable
