"""What holds for tests in guests, beside or, as `guest.LEAN` says, in place of what holds for all tests."""

import pytest

from holdfast.volumes import teardown


@pytest.fixture(autouse=True, scope="session")
def _patience():
    """An emulated kernel that others keep busy needs longer to let go of a device."""
    teardown.SETTLE_SECONDS = 60.0
