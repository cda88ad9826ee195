"""Client libopenstorage/secrets (Portworx, ceph-csi, Rook): how a storage node uses a store.

It logs in with the token of its pod, finds out which version of KV it has to speak, and works with one secret
for each volume. Its traps are the names of the tests.
"""

import pytest
from tests.support.auth import enable, write
from tests.support.cluster import Cluster
from tests.support.go_client import GoClient, done
from tests.support.https_service import HttpsService
from tests.support.local_store import StoreUnderTest

POLICY = """
# As the node's guide has it: below sys/mounts/, which is not what the node asks for.
path "sys/mounts/*" { capabilities = ["read", "list"] }
path "secret/data/*" { capabilities = ["read", "create", "update", "delete", "list"] }
path "secret/metadata/*" { capabilities = ["delete"] }
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with HttpsService(tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.fixture
def cluster(service):
    service.status, service.asked[:] = None, []
    return Cluster(service)


@pytest.fixture
def store(cluster):
    store = StoreUnderTest()
    store.initialize()
    store.policy("portworx", POLICY)
    enable(store, "kubernetes")
    reviewer = cluster.token("kube-system", "vault-auth", now=store.clock.now(), seconds=10**8)
    write(
        store,
        "kubernetes/config",
        token_reviewer_jwt=reviewer,
        kubernetes_host=cluster.service.url,
        kubernetes_ca_cert=cluster.service.ca_pem,
    )
    write(
        store,
        "kubernetes/role/portworx",
        bound_service_account_names="px-account",
        bound_service_account_namespaces="kube-system",
        policies="portworx",
        ttl="24h",
    )
    return store


@pytest.fixture
def node(store, cluster):
    client = GoClient(store)
    done(client.log_in("auth/kubernetes/login", login(store, cluster)), 200)
    return client


def login(store, cluster):
    return {"jwt": cluster.token("kube-system", "px-account", now=store.clock.now()), "role": "portworx"}


def test_it_logs_in_and_finds_the_version_of_the_mount_as_a_text(node):
    mounts = done(node.read("sys/mounts"), 200)
    # It looks through the members of the answer itself, and compares the version with a text.
    assert mounts.json["secret/"]["options"]["version"] == "2"
    assert mounts.data["secret/"]["type"] == "kv"


def test_a_policy_for_what_is_below_the_table_of_mounts_is_enough_to_start(node):
    assert done(node.read("sys/mounts"), 200).data.keys() >= {"secret/"}


def test_a_secret_is_written_read_and_deleted(node):
    written = done(node.write("secret/data/pvc-1", {"data": {"pvc-1": "a-passphrase"}}), 200)
    assert written.data["version"] == 1
    assert done(node.read("secret/data/pvc-1"), 200).data["data"] == {"pvc-1": "a-passphrase"}
    done(node.delete("secret/data/pvc-1"))
    deleted = node.read("secret/data/pvc-1")
    assert (deleted.status, deleted.data["data"]) == (404, None)
    assert deleted.data["metadata"]["deletion_time"]


def test_deleting_all_versions_goes_to_the_metadata(node):
    node.write("secret/data/pvc-1", {"data": {"k": "v"}})
    done(node.delete("secret/metadata/pvc-1"))
    gone = node.read("secret/data/pvc-1")
    assert (gone.status, gone.json) == (404, {"errors": []})


def test_what_was_never_there_is_404_without_errors(node):
    missing = node.read("secret/data/never")
    assert (missing.status, missing.json) == (404, {"errors": []})


def test_the_first_version_of_kv_works_the_same_way(store, node):
    done(store.vault("POST", "sys/mounts/kv1", {"type": "generic"}, token=store.root))
    store.policy(
        "portworx", POLICY + 'path "kv1/*" { capabilities = ["read", "create", "update", "delete"] }'
    )
    assert done(node.read("sys/mounts"), 200).json["kv1/"]["options"]["version"] == "1"
    done(node.write("kv1/pvc-1", {"k": "v"}))
    assert done(node.read("kv1/pvc-1"), 200).data == {"k": "v"}
    done(node.delete("kv1/pvc-1"))
    assert node.read("kv1/pvc-1").status == 404


def test_a_token_that_ended_is_refused_in_the_words_that_make_it_log_in_again(store, cluster, node):
    store.clock.advance(25 * 3600)
    refused = node.read("secret/data/pvc-1")
    assert refused.status == 403
    assert "permission denied" in refused.errors[0]
    done(node.log_in("auth/kubernetes/login", login(store, cluster)), 200)
    assert node.read("secret/data/pvc-1").status == 404


def test_what_a_policy_does_not_allow_is_refused_in_the_same_words(node):
    refused = node.read("secret/config")
    assert refused.status == 403
    assert "permission denied" in refused.errors[0]


def test_a_sealed_store_is_never_a_refusal(store, cluster, node):
    """After a refused login the node rests for five minutes, so the store must not sound like one."""
    store.seal()
    for answer in (
        node.read("secret/data/pvc-1"),
        node.write("secret/data/pvc-1", {"data": {}}),
        node.log_in("auth/kubernetes/login", login(store, cluster)),
    ):
        assert (answer.status, answer.errors) == (503, ["Vault is sealed"])


def test_a_cluster_that_is_away_is_never_a_refusal_either(store, cluster, node):
    cluster.service.status = 500
    answer = node.log_in("auth/kubernetes/login", login(store, cluster))
    assert answer.status == 503
    assert "permission denied" not in answer.errors[0]


def test_the_namespace_is_a_header_at_login_and_in_front_of_the_path_afterwards(store):
    done(store.vault("POST", "sys/namespaces/team", {}, token=store.root), 200)
    inside = GoClient(store, store.root, "team")
    done(inside.post("sys/mounts/secret", {"type": "kv", "options": {"version": "2"}}))
    done(inside.write("sys/policies/acl/portworx", {"policy": POLICY}))
    done(inside.post("sys/auth/approle", {"type": "approle"}))
    done(inside.write("auth/approle/role/node", {"token_policies": "portworx"}))
    role_id = inside.read("auth/approle/role/node/role-id").data["role_id"]
    secret_id = inside.write("auth/approle/role/node/secret-id").data["secret_id"]

    node = GoClient(store, namespace="team")
    done(node.log_in("auth/approle/login", {"role_id": role_id, "secret_id": secret_id}), 200)
    node.namespace = ""
    done(node.write("team/secret/data/pvc-1", {"data": {"k": "v"}}), 200)
    assert done(node.read("team/secret/data/pvc-1"), 200).data["data"] == {"k": "v"}
    assert store.vault("GET", "secret/data/pvc-1", token=store.root).status == 404
    done(node.delete("team/secret/metadata/pvc-1"))


class TestTransit:
    """Kind ``vault-transit``: the store keeps one key, and the node what was encrypted with it."""

    @pytest.fixture
    def node(self, store):
        done(store.vault("POST", "sys/mounts/transit", {"type": "transit"}, token=store.root))
        return GoClient(store, store.token_for({"transit/*": ["create", "read", "update"]}))

    def test_a_data_key_is_made_wrapped_and_unwrapped_later(self, node):
        assert node.read("transit/keys/px").status == 404
        done(node.write("transit/keys/px", {"type": "aes256-gcm96"}), 200)
        assert done(node.read("transit/keys/px"), 200).data["type"] == "aes256-gcm96"
        wrapped = done(node.write("transit/datakey/wrapped/px", {}), 200).data
        assert "plaintext" not in wrapped
        opened = done(node.write("transit/decrypt/px", {"ciphertext": wrapped["ciphertext"]}), 200).data
        assert len(opened["plaintext"]) == 44  # 32 bytes in base64
        again = done(node.write("transit/encrypt/px", {"plaintext": opened["plaintext"]}), 200).data
        assert again["ciphertext"].startswith("vault:v1:")

    def test_a_key_is_made_deletable_by_its_configuration(self, node):
        node.write("transit/keys/px", {})
        assert node.write("transit/keys/px/config", {"deletion_allowed": True}).status in {200, 204}
