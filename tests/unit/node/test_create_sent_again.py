"""A request to create a volume, sent again while the first one is under way, does that volume no harm."""

import threading
import time

from tests.support.node_under_test import new_node

from holdfast.node.inventory.catalog import Catalog
from holdfast.node.inventory.records import VolumeState
from holdfast.node.keys.secrets_service import SecretsService
from holdfast.node.volume.volume_service import VolumeService, VolumeSpec
from holdfast.providers import ProviderUnavailableError
from holdfast.providers.file import FileProvider

PATIENCE_SECONDS = 20.0
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


def _wait_until(condition):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
