"""A request to create a volume, sent again while the first one is under way, does that volume no harm."""

import threading
import time
from dataclasses import replace

import pytest
from tests.support.node_under_test import new_node

from holdfast.node.errors import VolumeExistsError
from holdfast.node.inventory.catalog import Catalog
from holdfast.node.inventory.records import VolumeState
from holdfast.node.keys.secrets_service import SecretsService
from holdfast.node.volume.volume_service import VolumeService, VolumeSpec
from holdfast.providers import ProviderUnavailableError, SecretRef
from holdfast.providers.file import FileProvider
from holdfast.providers.generate import random_key

PATIENCE_SECONDS = 60.0
SPEC = VolumeSpec(name="vol1", size_bytes=16 << 20, encrypted=True)


class Slow(FileProvider):
    """Answers the first question when it is told to, and no other one after that."""

    asked = 0

    def get(self, ref):
        if self.asked is None:
            return super().get(ref)
        self.asked += 1
        if self.asked > 1:
            raise ProviderUnavailableError("away")
        assert self.may_answer.wait(PATIENCE_SECONDS)
        return super().get(ref)


def test_the_second_of_two_that_fails_does_not_take_away_what_the_first_has_made(tmp_path):
    provider = Slow(tmp_path / "secrets")
    provider.asked, provider.may_answer = None, threading.Event()
    t = new_node(tmp_path, attaching=False, provider=provider)
    t.call(t.admin, SecretsService.set_cluster_key, t.node.secrets, "cluster-key", generate=True)
    provider.asked = 0
    made = []

    def create():
        made.append(t.call(t.token("alice"), VolumeService.create, t.node.volumes, SPEC))

    calls = [threading.Thread(target=create, daemon=True) for _ in range(2)]
    calls[0].start()
    _wait_until(lambda: provider.asked == 1)
    calls[1].start()
    _wait_until(lambda: any(line.get("gate") == "ownership" for line in t.sink.lines))
    provider.may_answer.set()
    for call in calls:
        call.join(PATIENCE_SECONDS)
    record = Catalog(t.storage).find("vol1")
    assert record is not None
    assert record.state is VolumeState.FORMATTED
    assert made == [record, record]
    assert t.devices.file(record).path.exists()


OWN = replace(SPEC, own_key=True)
NAMED = replace(SPEC, secret_name="named")
OTHER = replace(SPEC, secret_name="other")
DEFAULT = replace(SPEC, secret_name="default")


@pytest.mark.parametrize(
    ("first", "again", "is_the_same"),
    [
        (SPEC, SPEC, True),
        (SPEC, DEFAULT, True),
        (SPEC, OWN, False),
        (SPEC, NAMED, False),
        (OWN, OWN, True),
        (OWN, SPEC, False),
        (NAMED, NAMED, True),
        (NAMED, OTHER, False),
        (NAMED, SPEC, False),
    ],
)
def test_who_asks_for_another_key_is_not_given_the_volume_that_is_there(tmp_path, first, again, is_the_same):
    t = new_node(tmp_path, attaching=False)
    t.call(t.admin, SecretsService.set_cluster_key, t.node.secrets, "cluster-key", generate=True)
    for name in ("named", "other"):
        t.provider.put(SecretRef(name), random_key())
    alice = t.token("alice")
    made = t.call(alice, VolumeService.create, t.node.volumes, first)
    if is_the_same:
        assert t.call(alice, VolumeService.create, t.node.volumes, again) == made
        return
    with pytest.raises(VolumeExistsError, match="already exists with another key"):
        t.call(alice, VolumeService.create, t.node.volumes, again)
    assert Catalog(t.storage).find("vol1") == made


def _wait_until(condition):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
