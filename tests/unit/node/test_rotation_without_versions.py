"""A provider that keeps no versions is not made to replace the only copy of a key that volumes still need.

One that is sealed or away is named as that: nobody knows then what it keeps.
"""

import pytest
from tests.support.kubernetes_secrets import KubernetesSecrets
from tests.support.node_under_test import new_node, release

from holdfast.errors import UnsupportedError
from holdfast.node.keys.secrets_service import SecretsService
from holdfast.node.volume.attach_service import AttachService
from holdfast.node.volume.snapshot_service import SnapshotService
from holdfast.node.volume.volume_service import VolumeService, VolumeSpec
from holdfast.providers import ProviderStatus, ProviderUnavailableError, open_provider


@pytest.fixture
def made(tmp_path):
    with KubernetesSecrets(tmp_path) as cluster:
        node = new_node(tmp_path, provider=open_provider("k8s", {}, environment=cluster.environment))
        yield node
        release(node)


def test_a_volumes_own_key_is_not_overwritten(made):
    alice = made.token("alice")
    spec = VolumeSpec(name="vol1", size_bytes=16 << 20, own_key=True)
    made.call(alice, VolumeService.create, made.node.volumes, spec)
    made.call(alice, SnapshotService.create, made.node.snapshots, "vol1", "snap1")
    with pytest.raises(UnsupportedError, match="keeps no versions"):
        made.call(alice, VolumeService.rotate_key, made.node.volumes, "vol1")
    for name in ("vol1", "snap1"):
        made.call(alice, AttachService.attach, made.node.attachments, name)
        made.call(alice, AttachService.detach, made.node.attachments, name)


def test_a_provider_that_is_away_is_not_taken_for_one_without_versions(made):
    alice = made.token("alice")
    spec = VolumeSpec(name="vol1", size_bytes=16 << 20, own_key=True)
    made.call(alice, VolumeService.create, made.node.volumes, spec)
    made.call(made.admin, SecretsService.set_cluster_key, made.node.secrets, "common", generate=True)
    made.provider.status = lambda: ProviderStatus(
        kind="vault", place="", usable=False, problem="it is sealed; unseal it", versioned=None
    )
    for change in (
        lambda: made.call(alice, VolumeService.rotate_key, made.node.volumes, "vol1"),
        lambda: made.call(made.admin, SecretsService.rotate_cluster_key, made.node.secrets),
    ):
        with pytest.raises(ProviderUnavailableError, match="it is sealed; unseal it"):
            change()
