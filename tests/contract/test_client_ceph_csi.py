"""Client ceph-csi (and Rook): the passphrase of a volume, nested as it nests it, and gone when destroyed."""

import pytest
from tests.support.go_client import GoClient, done
from tests.support.local_store import StoreUnderTest

# The policy of its examples: sys/mounts itself, data and metadata of one prefix.
RULES = {
    "sys/mounts": ["read"],
    "secret/data/ceph-csi/*": ["create", "update", "delete", "read", "list"],
    "secret/metadata/ceph-csi/*": ["read", "delete", "list"],
}
VOLUME = "ceph-csi/0001-0011-rook-ceph-0000000000000001-8d0ba728"


@pytest.fixture
def plugin():
    store = StoreUnderTest()
    store.initialize()
    return GoClient(store, store.token_for(RULES))


def test_a_passphrase_is_nested_three_deep_and_comes_back_so(plugin):
    assert done(plugin.read("sys/mounts"), 200).json["secret/"]["options"]["version"] == "2"
    body = {"data": {"data": {"passphrase": "s3cr3t"}}}
    done(plugin.write(f"secret/data/{VOLUME}", body), 200)
    assert (
        done(plugin.read(f"secret/data/{VOLUME}"), 200).json["data"]["data"]["data"]["passphrase"] == "s3cr3t"
    )


def test_a_volume_that_is_deleted_leaves_no_version_of_its_passphrase(plugin):
    for passphrase in ("one", "two"):
        plugin.write(f"secret/data/{VOLUME}", {"data": {"data": {"passphrase": passphrase}}})
    done(plugin.delete(f"secret/metadata/{VOLUME}"))
    for version in ("", "?version=1", "?version=2"):
        gone = plugin.read(f"secret/data/{VOLUME}{version}")
        assert (gone.status, gone.json) == (404, {"errors": []})


def test_rook_looks_for_its_mount_by_the_path_without_slashes(plugin):
    mounts = done(plugin.read("sys/mounts"), 200).json
    assert [path for path in mounts if path.strip("/") == "secret"] == ["secret/"]


def test_other_secrets_are_none_of_its_business(plugin):
    assert plugin.read("secret/data/other").status == 403
    assert plugin.delete("secret/metadata/other").status == 403
