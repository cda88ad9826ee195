"""What holds for all tests."""

import pytest
from hypothesis import settings

# How long an example takes says something about the machine, and nothing about what is promised.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse tests whose names differ from process to process, as several processes share one run."""
    odd = sorted({item.nodeid.partition("[")[0] for item in items if " at 0x" in item.nodeid})
    if odd:
        raise pytest.UsageError(f"give the parameters of these tests ids: {', '.join(odd)}")
