"""No key is in an argument, an environment, a file or a log while a node uses volumes by way of dm-crypt.

Needs a device-mapper; hosts without one run this in a guest: see ``test_guest``. The other ways to a volume
are in ``tests/scenario/test_keys_unseen.py``.
"""

import pytest
from tests.support.key_life import MIB, assert_unseen, files_of, go_through_life, keys_in, re_encrypt
from tests.support.node_process import NodeProcess
from tests.support.sampler import Sampler
from tests.vm.short_life import PAUSE_SECONDS, go_through_short_life

from holdfast.volumes.dm_crypt import DmCryptBackend

pytestmark = [
    pytest.mark.skipif(
        not DmCryptBackend().probe().usable, reason=f"no dm-crypt here: {DmCryptBackend().probe().why_not}"
    ),
    pytest.mark.usefixtures("patient_nodes"),
]


def test_with_a_mapping(surroundings, tmp_path):
    """The whole life of keys; the volume key is changed below a mounted file system, too."""
    environment = surroundings.of("file", tmp_path)
    options = ("-secret_type", "file", "--backend", "dm-crypt", "--grpc-listen", "off")
    with (
        Sampler(tmp_path / "secrets", pause_seconds=PAUSE_SECONDS) as sampler,
        NodeProcess(tmp_path, *options, environment=environment) as node,
    ):
        call = node.client(node.admin()).request
        key = {"DefaultSecretKey": "cluster-key", "Generate": True, "Override": True}
        call("PUT", "cluster/secrets/defaultsecretkey", key)
        names, recovery_key = go_through_life(node, call, own_key=True)
        re_encrypt_while_mounted(node, call)
        names.append(use_with_integrity(call))
        node.stop()
        seen_in_files = files_of(node)
        keys = [*keys_in("file", environment, node, names), recovery_key]
    assert_unseen(sampler, seen_in_files, keys)
    for work in (b"\0luksFormat\0", b"\0open\0", b"\0reencrypt\0"):
        assert sampler.holds(work), "cryptsetup was seen at work, so its keys would have been"


def re_encrypt_while_mounted(node, call):
    target = node.mount_root / "vol1"
    where = {"volume_id": "vol1", "mount_path": str(target)}
    call("POST", "mountattach/attach", {"volume_id": "vol1"})
    call("POST", "mountattach/mount", where)
    (target / "letter").write_bytes(b"kept")
    re_encrypt(call, "vol1")
    assert (target / "letter").read_bytes() == b"kept"
    call("POST", "mountattach/unmount", where)
    call("POST", "mountattach/detach", {"volume_id": "vol1"})


def use_with_integrity(call):
    """Make a volume with authenticated encryption and attach it; return the name of its key."""
    spec = {"size": str(8 * MIB), "encrypted": True, "own_key": True, "integrity": True}
    volume = call("POST", "volumes", {"name": "vol2", "spec": spec})["volume_id"]
    call("POST", "mountattach/attach", {"volume_id": "vol2"})
    call("POST", "volumes/rotatekey", {"volume_id": "vol2"})
    call("POST", "mountattach/detach", {"volume_id": "vol2"})
    return f"holdfast/volumes/{volume}"


@pytest.mark.parametrize("kind", ["k8s", "pkcs11"])
def test_with_keys_from_elsewhere(kind, surroundings, starter, tmp_path):
    """Others are in ``test_keys_unseen_further``; the stand-in for AWS takes too long to load here."""
    go_through_short_life(kind, surroundings, starter, tmp_path)
