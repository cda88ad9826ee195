"""Real volumes in a real pool; whatever a test leaves attached is taken away by force."""

import base64
import os

import pytest

from holdfast.model import SecretBytes
from holdfast.process.run import run
from holdfast.volumes.key_reference import KeyReference
from holdfast.volumes.key_strength import is_random
from holdfast.volumes.luks_header import LuksHeader
from holdfast.volumes.pool import Pool

REFERENCE = KeyReference("vault", "secret/hf/vol1", 3)


def random_key() -> SecretBytes:
    """Make a key as a secrets provider does; not the one in 1,500 that is derived like a passphrase."""
    while not is_random(key := SecretBytes(base64.b64encode(os.urandom(32)))):
        pass
    return key


@pytest.fixture
def pool(tmp_path):
    return Pool(tmp_path / "pool")


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    """A volume formatted once, and its key; tests work on copies of it."""
    made = random_key()
    volume = Pool(tmp_path_factory.mktemp("template")).create("vol1", 16 << 20)
    LuksHeader(volume).format(made, REFERENCE)
    return volume, made


@pytest.fixture
def key(template):
    return SecretBytes(template[1].reveal())


@pytest.fixture
def vol(pool, template):
    """A formatted volume of 16 MiB."""
    original, _ = template
    volume = pool.create("vol1", original.size, uuid=original.uuid)
    run(["cp", "--sparse=always", str(original.path), str(volume.path)])
    return volume


@pytest.fixture
def dump_volume_key():
    """What cryptsetup says the volume key is: an independent reader of the header."""

    def dump(volume, key) -> bytes:
        arguments = ["-q", "luksDump", "--dump-volume-key", "--key-file=-", str(volume.path)]
        printed = run(["cryptsetup", *arguments], stdin=key).stdout.decode()
        return bytes.fromhex("".join(printed.partition("MK dump:")[2].split()))

    return dump


@pytest.fixture
def volume_key(vol, key, dump_volume_key):
    return dump_volume_key(vol, key)


@pytest.fixture
def new_key():
    """Makes random keys as a secrets provider does."""
    return random_key


@pytest.fixture
def attachable():
    """Takes a backend and a volume to detach by force at the end, however the test goes."""
    attached = []

    def note(backend, volume):
        attached.append((backend, volume))
        return backend

    yield note
    for backend, volume in attached:
        backend.detach(volume, force=True)
