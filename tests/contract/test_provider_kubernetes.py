"""Kubernetes as the original's users have it: px-vol-encryption, objects and keys, px-vault, roles."""

import threading

import pytest
from tests.support.kubernetes_secrets import PX_VERBS, KubernetesSecrets
from tests.support.store_process import StoreProcess
from tests.support.store_talk import eventually

from holdfast.errors import InvalidInputError
from holdfast.model import SecretBytes
from holdfast.providers import (
    CredentialExpiredError,
    NoCredentialError,
    ProviderDeniedError,
    ProviderUnavailableError,
    SecretDataError,
    SecretRef,
    open_provider,
)


@pytest.fixture
def cluster(tmp_path):
    with KubernetesSecrets(tmp_path) as running:
        yield running


@pytest.fixture
def provider(cluster):
    opened = open_provider("k8s", {}, environment=cluster.environment)
    yield opened
    opened.close()


def test_the_cluster_wide_key_is_an_entry_of_px_vol_encryption(cluster, provider):
    cluster.put("portworx", "px-vol-encryption", **{"cluster-wide-secret-key": "geheim", "other": "o"})
    assert provider.get(SecretRef("cluster-wide-secret-key")).value.reveal() == b"geheim"
    provider.put(SecretRef("cluster-wide-secret-key"), SecretBytes(b"new"))
    assert cluster.texts("portworx", "px-vol-encryption") == {"cluster-wide-secret-key": "new", "other": "o"}


def test_a_volumes_secret_is_named_by_object_key_and_namespace(cluster, provider):
    cluster.roles["team-a"] = frozenset({"get"})
    cluster.put("team-a", "pvc-secrets", mysql="one", redis="two")
    assert provider.get(SecretRef("pvc-secrets/redis", "team-a")).value.reveal() == b"two"
    with pytest.raises(ProviderDeniedError, match="roles do not allow"):
        provider.get(SecretRef("pvc-secrets/redis", "team-b"))


def test_the_originals_role_which_may_not_delete_is_enough(cluster, provider):
    assert "delete" not in PX_VERBS
    ref = SecretRef("holdfast/volumes/17")
    provider.put(ref, SecretBytes(b"k"))
    provider.destroy(ref)
    provider.destroy(ref)
    ((_, left),) = cluster.objects.items()
    assert "data" not in left
    assert left["metadata"]["annotations"] == {"holdfast/secret-name": "holdfast/volumes/17"}


def test_with_the_right_to_delete_nothing_is_left(cluster, provider):
    cluster.roles["portworx"] = PX_VERBS | {"delete"}
    ref = SecretRef("holdfast/volumes/17")
    provider.put(ref, SecretBytes(b"k"))
    provider.destroy(ref)
    assert cluster.objects == {}


def test_a_role_that_may_only_read_is_not_taken_for_a_removal(cluster, provider):
    cluster.put("portworx", "o", k="v")
    cluster.roles["portworx"] = frozenset({"get"})
    for refused in (
        lambda: provider.destroy(SecretRef("o/k")),
        lambda: provider.put(SecretRef("o/k"), SecretBytes(b"x")),
    ):
        with pytest.raises(ProviderDeniedError):
            refused()
    assert cluster.texts("portworx", "o") == {"k": "v"}


def test_names_are_listed_without_a_value_travelling(cluster, provider):
    for name in ("a/b", "a/c/d", "e"):
        provider.put(SecretRef(name), SecretBytes(b"v"))
    assert provider.list() == ["a/", "e"]
    assert provider.list("a") == ["b", "c/"]


def test_two_who_write_different_entries_of_one_object_lose_nothing(cluster, provider):
    threads = [
        threading.Thread(target=provider.put, args=(SecretRef(f"shared/k{number}"), SecretBytes(b"v")))
        for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert set(cluster.texts("portworx", "shared")) == {f"k{number}" for number in range(8)}


def test_a_token_that_kubernetes_replaced_counts_at_once(cluster, provider):
    cluster.put("portworx", "o", k="v")
    assert provider.get(SecretRef("o/k")).value.reveal() == b"v"
    cluster.rotate_token()
    assert provider.get(SecretRef("o/k")).value.reveal() == b"v"
    (cluster.mounted / "token").write_text("canary-token")
    with pytest.raises(CredentialExpiredError, match="does not accept the service account's token") as caught:
        provider.get(SecretRef("o/k"))
    assert "canary" not in caught.value.message + caught.value.detail


@pytest.mark.parametrize(
    ("name", "namespace"),
    [
        pytest.param("Upper/k", "", id="object-with-capitals"),
        pytest.param("o/bad key", "", id="key-with-blank"),
        pytest.param("o/..", "", id="key-that-leads-up"),
        pytest.param("o/..key", "", id="key-that-begins-so"),
        pytest.param("holdfast-0123/value", "", id="an-object-of-the-nodes-own"),
        pytest.param("o/k", "../kube-system", id="namespace-that-leads-elsewhere"),
        pytest.param("o/k", "Team", id="namespace-with-capitals"),
    ],
)
def test_hostile_names_never_reach_the_cluster(cluster, provider, name, namespace):
    asked = len(cluster.asked)
    with pytest.raises(InvalidInputError):
        provider.get(SecretRef(name, namespace))
    assert len(cluster.asked) == asked


def test_an_object_that_may_not_change_or_holds_an_empty_entry_is_said_so(cluster, provider):
    cluster.put("portworx", "o", empty="", k="v")
    with pytest.raises(SecretDataError):
        provider.get(SecretRef("o/empty"))
    cluster.objects["portworx", "o"]["immutable"] = True
    with pytest.raises(ProviderUnavailableError, match="refuses the request"):
        provider.put(SecretRef("o/k"), SecretBytes(b"w"))


def test_a_namespace_that_the_cluster_has_not_is_named_so(cluster, provider):
    cluster.roles["team-a"] = PX_VERBS
    cluster.namespaces_gone.add("team-a")
    with pytest.raises(InvalidInputError, match="secret namespace: expected one that the cluster has"):
        provider.put(SecretRef("o/k", "team-a"), SecretBytes(b"v"))


def test_what_is_no_cluster_is_not_believed_that_a_key_is_gone(cluster, provider):
    """A proxy, or another server at the same address, knows no such path either."""
    cluster.put("portworx", "o", k="v")
    cluster.no_cluster = True
    for refused in (provider.get, provider.destroy):
        with pytest.raises(ProviderUnavailableError, match="is the address right"):
            refused(SecretRef("o/k"))
    assert not provider.status().usable
    cluster.no_cluster = False
    assert provider.status().usable
    assert provider.get(SecretRef("o/k")).value.reveal() == b"v"


def test_an_entry_of_the_largest_object_is_read_though_it_comes_in_pieces(cluster, provider):
    large = "x" * ((1 << 20) - 1)
    cluster.put("portworx", "large", large=large, k="v")
    assert provider.get(SecretRef("large/k")).value.reveal() == b"v"
    assert provider.get(SecretRef("large/large")).value.reveal() == large.encode()
    with pytest.raises(ProviderUnavailableError, match="refuses the request"):
        provider.put(SecretRef("large/one-more"), SecretBytes(b"x"))


def test_the_clusters_certificate_is_verified(cluster, tmp_path):
    from tests.support.certificates import TestAuthority

    TestAuthority("Other").write_authority(cluster.mounted / "ca.crt")
    provider = open_provider("k8s", {}, environment=cluster.environment)
    assert "certificate was not accepted" in provider.status().problem


def test_outside_of_a_pod_there_is_nothing_to_log_in_with():
    with pytest.raises(NoCredentialError, match="does not run in a pod"):
        open_provider("k8s", {}, environment={})


def test_px_vault_configures_vault_and_its_new_token_counts_without_a_restart(cluster, tmp_path):
    (tmp_path / "store").mkdir()
    with StoreProcess(tmp_path / "store", workers=1) as store:
        store.initialize(shares=1, threshold=1)
        root = store.client()
        rule = 'path "secret/data/*" { capabilities = ["create", "read", "update"] }'
        root.put_policy("node", rule)
        first, second = (root.create_token(policies=["node"])["client_token"] for _ in range(2))
        cluster.put("portworx", "px-vault", VAULT_ADDR=store.url, VAULT_TOKEN=first, UNRELATED="x")
        provider = open_provider("vault", {}, environment=cluster.environment)
        provider.put(SecretRef("k"), SecretBytes(b"v"))
        cluster.put("portworx", "px-vault", VAULT_ADDR=store.url, VAULT_TOKEN=second)
        root.revoke_token(first)
        eventually(lambda: provider.status().usable)
        assert provider.get(SecretRef("k")).value.reveal() == b"v"
        # What the configuration says wins, and then the cluster is not asked at all.
        asked = len(cluster.asked)
        options = {"VAULT_ADDR": store.url, "VAULT_TOKEN": second}
        other = open_provider("vault", options, environment=cluster.environment)
        assert other.status().usable
        assert len(cluster.asked) == asked
        for opened in (provider, other):
            opened.close()


def test_without_px_vault_there_is_nothing_to_log_in_with(cluster):
    with pytest.raises(NoCredentialError, match="VAULT_ADDR not set"):
        open_provider("vault", {}, environment=cluster.environment)
