import pytest
from tests.support.node_under_test import new_node, release
from tests.support.sdk_face import Face


@pytest.fixture
def face(tmp_path):
    under_test = new_node(tmp_path)
    made = Face(under_test)
    yield made
    made.dialect.close()
    release(under_test)
