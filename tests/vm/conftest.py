"""What holds for tests in guests, beside or, as `guest.LEAN` says, in place of what holds for all tests."""

import pytest
from tests.support import node_process, striking_node
from tests.support.provider_surroundings import Surroundings

from holdfast.volumes import teardown


@pytest.fixture(autouse=True, scope="session")
def _patience():
    """An emulated kernel that others keep busy needs longer to let go of a device."""
    teardown.SETTLE_SECONDS = 60.0


@pytest.fixture
def patient_nodes(monkeypatch):
    """On an emulated processor the start of a node takes many times as long, and more if others use it."""
    for module in (node_process, striking_node):
        monkeypatch.setattr(module, "START_SECONDS", 1200.0)
    monkeypatch.setattr(node_process, "STOP_SECONDS", 600.0)


@pytest.fixture(scope="module")
def starter():
    running = striking_node.Starter()
    yield running
    running.close()


@pytest.fixture(scope="module")
def surroundings(tmp_path_factory):
    with Surroundings(tmp_path_factory.mktemp("services")) as running:
        yield running
