"""A rotation of many volumes: a few at a time, each key fetched once, progress told, never two at once."""

import threading
from collections import Counter

import pytest
from tests.support.node_under_test import new_node

from holdfast.errors import ConflictError
from holdfast.node.keys.key_rotation import RotationProgress
from holdfast.node.keys.secrets_service import SecretsService
from holdfast.node.volume.volume_service import VolumeService, VolumeSpec
from holdfast.providers import SecretRef
from holdfast.providers.file import FileProvider
from holdfast.volumes.luks_header import LuksHeader

VOLUMES = 6
KEY = "cluster-key"


class CountingProvider(FileProvider):
    """Counts what is fetched, and waits before it hands out a version that a test wants held back."""

    def __init__(self, directory):
        super().__init__(directory)
        self.fetched = Counter()
        self.held_back = None
        self.is_waiting, self.go_on = threading.Event(), threading.Event()

    def get(self, ref):
        self.fetched[ref.name, ref.version] += 1
        if (ref.name, ref.version) == self.held_back:
            self.is_waiting.set()
            assert self.go_on.wait(60)
        return super().get(ref)


@pytest.fixture
def provider(tmp_path):
    return CountingProvider(tmp_path / "secrets")


@pytest.fixture
def under_test(tmp_path, provider):
    made = new_node(tmp_path, provider=provider, attaching=False)
    made.call(made.admin, SecretsService.set_cluster_key, made.node.secrets, KEY, generate=True)
    for number in range(VOLUMES):
        spec = VolumeSpec(name=f"vol{number}", size_bytes=4 << 20, encrypted=True)
        made.call(made.token("alice"), VolumeService.create, made.node.volumes, spec)
    provider.fetched.clear()
    return made


def rotate(under_test, **options):
    return under_test.call(
        under_test.admin, SecretsService.rotate_cluster_key, under_test.node.secrets, **options
    )


def progress(under_test):
    return under_test.call(under_test.admin, SecretsService.rotation_status, under_test.node.secrets)


def test_all_move_and_the_old_key_is_fetched_once(under_test, provider):
    assert [outcome.rotated for outcome in rotate(under_test).outcomes] == [True] * VOLUMES
    assert provider.fetched[KEY, 1] == 1
    assert progress(under_test) == RotationProgress(running=False, total=VOLUMES, moved=VOLUMES)


def test_what_is_left_is_counted_and_moves_later(under_test):
    record = under_test.node.volumes._catalog.find("vol3")
    path = under_test.devices.file(record).path
    path.rename(path.with_suffix(".away"))
    rotate(under_test)
    assert progress(under_test) == RotationProgress(total=VOLUMES, moved=VOLUMES - 1, left=1)
    path.with_suffix(".away").rename(path)
    (outcome,) = rotate(under_test, resume=True).outcomes
    assert (outcome.name, outcome.rotated) == ("vol3", True)
    with provider_key(under_test, 2) as key:
        LuksHeader(under_test.devices.file(record)).verify(key)


def test_a_second_run_at_the_same_time_is_refused_and_makes_no_key(under_test, provider):
    provider.held_back = (KEY, 1)
    first = threading.Thread(target=rotate, args=(under_test,))
    first.start()
    try:
        assert provider.is_waiting.wait(60)
        assert progress(under_test).running
        with pytest.raises(ConflictError, match="being changed already"):
            rotate(under_test)
    finally:
        provider.go_on.set()
        first.join()
    assert provider.get(SecretRef(KEY)).version == 2
    assert progress(under_test) == RotationProgress(total=VOLUMES, moved=VOLUMES)


def provider_key(under_test, version):
    return under_test.provider.get(SecretRef(KEY, version=version)).value
