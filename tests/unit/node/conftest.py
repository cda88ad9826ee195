import pytest
from tests.support.node_caller import Caller
from tests.support.node_under_test import new_node, release


@pytest.fixture(autouse=True)
def slow_disk(monkeypatch):
    """A disk that others keep busy may take longer for a copy than users of a volume are to wait for it."""
    monkeypatch.setattr("holdfast.node.volume.copies.FREEZE_SECONDS", 90.0)


@pytest.fixture
def under_test(tmp_path):
    made = new_node(tmp_path)
    yield made
    release(made)


@pytest.fixture
def alice(under_test):
    return Caller(under_test)
