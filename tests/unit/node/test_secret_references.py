"""No caller has the node fetch a secret for him that he may not name, by whichever call he names it."""

import pytest
from tests.support.node_under_test import new_node, release

from holdfast.errors import NotFoundError, PermissionDeniedError
from holdfast.model import SecretBytes
from holdfast.node.errors import SecretDeniedError
from holdfast.node.keys.provider_service import ProviderService
from holdfast.node.keys.secret_scopes import ScopeBook
from holdfast.node.keys.secrets_service import SecretsService
from holdfast.node.volume.attach_service import AttachService
from holdfast.node.volume.snapshot_service import CloneSpec, SnapshotService
from holdfast.node.volume.volume_service import VolumeService, VolumeSpec
from holdfast.policy.secret_scopes import SecretScope
from holdfast.providers import SecretNotFoundError, SecretRef

SIZE = 32 << 20


@pytest.fixture
def under_test(tmp_path):
    made = new_node(tmp_path, any_secret=False)
    for name in ("theirs/key", "users/alice/key", "users/bob/key", "cluster-key"):
        made.provider.put(SecretRef(name), SecretBytes(name.encode()))
    made.call(made.admin, SecretsService.set_cluster_key, made.node.secrets, "cluster-key")
    yield made
    release(made)


@pytest.fixture
def alice(under_test):
    return under_test.token("alice")


def create(made, token, name="vol1", **spec):
    return made.call(
        token, VolumeService.create, made.node.volumes, VolumeSpec(name=name, size_bytes=SIZE, **spec)
    )


def scopes(made):
    return ScopeBook(made.storage, cluster_key=lambda: None)


# One row for each call that takes the name of a secret.
CALLS = {
    "create": lambda made, token, name: create(made, token, "other", secret_name=name),
    "attach": lambda made, token, name: made.call(
        token, AttachService.attach, made.node.attachments, "vol1", secret_name=name
    ),
    "rotate": lambda made, token, name: made.call(
        token, VolumeService.rotate_key, made.node.volumes, "vol1", secret_name=name
    ),
    "clone": lambda made, token, name: made.call(
        token,
        SnapshotService.clone,
        made.node.snapshots,
        CloneSpec(name="copy", parent="vol1", secret_name=name),
    ),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("name", ["theirs/key", "users/bob/key", "theirs/nothing", "holdfast/volumes/1"])
def test_anothers_secret_is_refused_be_it_there_or_not(under_test, alice, call, name):
    create(under_test, alice, encrypted=True)
    with pytest.raises(SecretDeniedError, match="Access denied to the secret") as caught:
        CALLS[call](under_test, alice, name)
    assert name not in caught.value.message
    line = under_test.sink.lines[-1]
    assert (line["decision"], line["gate"], line["resource"]) == ("denied", "secret", name)
    assert line["user"] == "alice"
    assert "no secret scope" in line["reason"] or "the node's own" in line["reason"]


@pytest.mark.parametrize("call", ["create", "rotate", "clone"])
@pytest.mark.parametrize("name", ["users/alice/key", "cluster-key", "default"])
def test_ones_own_and_the_cluster_wide_key_are_no_secret_to_ask_for(under_test, alice, call, name):
    create(under_test, alice, encrypted=True)
    CALLS[call](under_test, alice, name)


def test_ones_own_that_is_not_there_is_not_found(under_test, alice):
    with pytest.raises(SecretNotFoundError):
        create(under_test, alice, secret_name="users/alice/other")


def test_an_administrators_scope_acts_at_once_and_ends_at_once(under_test, alice):
    with pytest.raises(SecretDeniedError):
        create(under_test, alice, secret_name="theirs/key")
    scopes(under_test).put(SecretScope(name="shared", prefix="theirs", users=("alice",)))
    create(under_test, alice, secret_name="theirs/key")
    scopes(under_test).remove("shared")
    with pytest.raises(SecretDeniedError):
        create(under_test, alice, "second", secret_name="theirs/key")
    with pytest.raises(NotFoundError):
        scopes(under_test).remove("shared")


def test_a_namespace_that_is_nobody_elses_business(under_test, alice):
    scopes(under_test).put(SecretScope(name="tenant", prefix="", namespace="{group}"))
    blue = under_test.token("alice", groups=("blue",))
    create(under_test, blue, "own-key", own_key=True, secret_namespace="blue")
    for token, namespace in ((alice, "blue"), (blue, "red")):
        with pytest.raises(SecretDeniedError):
            create(under_test, token, "refused", own_key=True, secret_namespace=namespace)


def test_who_may_set_the_cluster_key_needs_the_right_to_the_secret_as_well(under_test):
    setter = under_test.token("carol", roles=("system.admin",))  # every API, and no storage administrator
    for name in ("theirs/key", "users/bob/key"):
        with pytest.raises(PermissionDeniedError):
            under_test.call(
                setter, SecretsService.set_cluster_key, under_test.node.secrets, name, overwrite=True
            )


def test_a_storage_administrator_names_any(under_test):
    create(under_test, under_test.admin, secret_name="users/bob/key")


def test_a_secret_that_is_called_default_is_one_like_others(under_test):
    made, eve = under_test, under_test.token("eve", roles=("system.admin",))  # every call, and no secret
    with pytest.raises(SecretDeniedError):
        made.call(eve, SecretsService.set_cluster_key, made.node.secrets, "default", overwrite=True)
    with pytest.raises(SecretDeniedError):
        made.call(eve, ProviderService.generate, made.node.provider, "default")
    with pytest.raises(SecretNotFoundError):
        made.provider.get(SecretRef("default"))
