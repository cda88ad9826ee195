import pytest
from tests.support.identity import Identity


@pytest.fixture
def identity(store):
    return Identity(store)
