"""The life of a volume's key on a node, gone through over its API; and whether any key was seen meanwhile."""

import time

from holdfast.errors import UnsupportedError
from holdfast.providers import SecretRef, open_provider
from holdfast.storage.lmdb_engine import LmdbStorage

MIB = 1 << 20
_MAP_BYTES = 16 << 20
_RE_ENCRYPTION_SECONDS = 600


def keys_in(kind, environment, node, names):
    """Return every version of some secrets, from the provider itself; the node has stopped."""
    storage = LmdbStorage(node.storage / "records", map_size=_MAP_BYTES)
    provider = open_provider(kind, {}, environment=environment, storage=storage)
    found = []
    for name in names:
        versions = provider.versions(SecretRef(name)) or (None,)
        found += [provider.get(SecretRef(name, version=version)).value.reveal() for version in versions]
    provider.close()
    storage.close()
    return found


def files_of(node, *passed_over):
    """Return what is in the node's files and its log, but for the content of volumes."""
    paths = [path for path in node.storage.rglob("*") if path.is_file() and path.suffix != ".img"]
    return b"".join(path.read_bytes() for path in [*paths, node.log_path] if path not in passed_over)


def assert_unseen(sampler, seen_in_files, keys):
    assert len(set(keys)) == len(keys) >= 2
    for text in keys:
        assert not sampler.holds(text), "a key was seen in an argument, an environment or an open file"
        assert text not in seen_in_files, "a key was seen in a file or a log of the node"
    assert sampler.holds(b"cryptsetup"), "the sampler looks where it should"


def go_through_life(node, call, *, own_key):
    """Do with volumes what needs a key; return the names of the keys, and a recovery key."""
    target = node.mount_root / "vol1"
    target.mkdir()
    where = {"volume_id": "vol1", "mount_path": str(target)}
    volume = attach_new(call, own_key=own_key)
    call("POST", "mountattach/mount", where)
    names, recovery_key = change_keys(call, volume, own_key=own_key)
    call("PUT", f"volumes/{volume}", {"spec": {"size": str(20 * MIB)}})
    clone = {"parent_id": volume, "name": "copy1", "own_key": own_key}
    copied = call("POST", "volumes/clone", clone)["volume_id"]
    names += [f"holdfast/volumes/{copied}"] if own_key else []
    call("POST", "mountattach/unmount", where)
    call("POST", "mountattach/detach", {"volume_id": "vol1"})
    re_encrypt(call, "vol1")
    return names, recovery_key


def attach_new(call, *, own_key):
    """Make a volume and attach it; return its id."""
    spec = {"size": str(16 * MIB), "encrypted": True, "own_key": own_key}
    volume = call("POST", "volumes", {"name": "vol1", "spec": spec})["volume_id"]
    call("POST", "mountattach/attach", {"volume_id": "vol1"})
    return volume


def change_keys(call, volume, *, own_key):
    """Give the volume another key, and one more; return the names of the keys, and a recovery key."""
    names = ["cluster-key"]
    if own_key:
        names.append(f"holdfast/volumes/{volume}")
        try:
            call("POST", "volumes/rotatekey", {"volume_id": "vol1"})
        except UnsupportedError:  # a provider without versions
            call("POST", "cluster/secrets/generate", {"SecretId": "second-key"})
            call("POST", "volumes/rotatekey", {"volume_id": "vol1", "secret_name": "second-key"})
            names[1] = "second-key"
    recovery_key = call("POST", "volumes/keys/recovery", {"volume_id": "vol1"})["recovery_key"]
    return names, recovery_key.encode()


def re_encrypt(call, volume):
    call("POST", "volumes/keys/reencrypt", {"volume_id": volume})
    deadline = time.monotonic() + _RE_ENCRYPTION_SECONDS
    while (state := call("GET", f"volumes/keys/reencrypt/{volume}")["reencryption"]).get("running"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert not state.get("problem"), state
