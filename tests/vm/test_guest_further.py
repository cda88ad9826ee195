"""What else Debian's kernel shows: the core of ``luks-fuse``, deaths at work, more keys, and the demo.

The demo goes by way of dm-crypt there. All of it takes long for what is new in it, so `./dev test` leaves it
out; `./dev vm` does not.
"""

import json

import pytest
from tests.vm import guest, kernel
from tests.vm.guest import EXCHANGE, GUEST_SECONDS

DEATHS = "tests/vm/test_integrity_killed.py"
KEYS = "tests/vm/test_keys_unseen_further.py"
LUKS_FUSE = "tests/scenario/test_volume_luks_fuse.py"
LUKS_FUSE_CORE = (
    "whole_way",
    "whole_way_of_a_volume_that_grows_while_it_is_read_and_written",
    "killed_daemon_loses_nothing_synced",
    "stale_data_never_comes_back",
)

pytestmark = pytest.mark.timeout(GUEST_SECONDS + 120)


@pytest.fixture(scope="module")
def returned(tmp_path_factory):
    """What the guest handed back, after it did everything and switched off."""
    found = kernel.fetch()
    guest.prepare(LUKS_FUSE, DEATHS, KEYS)
    demo = guest.python_command("holdfast.cli.holdfast", "demo", "--json")
    core = (f"{LUKS_FUSE}::test_{name}" for name in LUKS_FUSE_CORE)
    tests = guest.pytest_command(*guest.LEAN, *core, DEATHS, KEYS)
    # The demo's own status is not told, but what it left in the exchange directory.
    session = f"({demo}) >{EXCHANGE}/demo.json 2>{EXCHANGE}/demo.log; {tests}"
    ended = guest.run(found, session, tmp_path_factory.mktemp("guest"), seconds=GUEST_SECONDS)
    print(ended.console)
    return ended


def test_they_keep_their_promises(returned):
    assert returned.passed_files() == {LUKS_FUSE, DEATHS, KEYS}


def test_demo_goes_by_way_of_dm_crypt(returned):
    log = (returned.exchange / "demo.log").read_text()
    assert json.loads((returned.exchange / "demo.json").read_text())["passed"] is True, log
    assert "volumes by way of dm-crypt" in log
