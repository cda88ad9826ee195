"""No key that a store or systemd keeps is in an argument, an environment, a file or a log by way of dm-crypt.

What takes too long for ``test_keys_unseen_by_dm_crypt``: see ``test_guest_further``. Even here DC/OS
is left out: an emulated store takes about as long to check a password as a node waits for it.
"""

import pytest
from tests.support import store_process
from tests.vm.short_life import go_through_short_life

from holdfast.volumes.dm_crypt import DmCryptBackend

pytestmark = [
    pytest.mark.skipif(
        not DmCryptBackend().probe().usable, reason=f"no dm-crypt here: {DmCryptBackend().probe().why_not}"
    ),
    pytest.mark.usefixtures("patient_nodes"),
]


@pytest.mark.parametrize("kind", ["vault", "systemd"])
def test_with_further_keys(kind, surroundings, starter, tmp_path, monkeypatch):
    monkeypatch.setattr(store_process, "START_SECONDS", 1200.0)
    go_through_short_life(kind, surroundings, starter, tmp_path)
