import pytest
from tests.support.local_store import StoreUnderTest


@pytest.fixture
def store():
    """An unsealed store in memory."""
    return StoreUnderTest().initialize()
