import pytest
from tests.support.node_under_test import new_node, release


@pytest.fixture
def under_test(tmp_path):
    made = new_node(tmp_path)
    yield made
    release(made)
