import pytest
from tests.support.dict_transaction import DictTransaction


@pytest.fixture
def mount():
    return DictTransaction()
