"""dm-crypt on hosts that have no device-mapper: in a guest, with the host's tools and this very tree.

One boot runs ``MODULES`` and, because other kernels differ, the core of what ``luks-fuse`` promises;
beside them the demo. A volume travels there and back.
"""

import json
from xml.etree import ElementTree as ET

import pytest
from tests.vm import guest, kernel, visitor

from holdfast.volumes.dm_crypt import DmCryptBackend
from holdfast.volumes.luks_fuse import LuksFuseBackend

BOOT_SECONDS = 600.0  # a sixth of it where nothing else runs
MODULES = ("test_dm_crypt", "test_dm_crypt_keys", "test_integrity")
LUKS_FUSE = "tests/scenario/test_volume_luks_fuse.py"
LUKS_FUSE_CORE = (
    "whole_way",
    "whole_way_of_a_volume_that_grows_while_it_is_read_and_written",
    "killed_daemon_loses_nothing_synced",
    "stale_data_never_comes_back",
)


def obstacle() -> str:
    """Return why no guest can be run here; empty if one can."""
    if DmCryptBackend().probe().usable:
        return "no guest is needed: this host has dm-crypt"
    if guest.missing_programs():
        return f"not installed: {', '.join(guest.missing_programs())}"
    if kernel.find() is None:
        return "no kernel for a guest; get one with `python -m tests.vm.kernel`"
    return LuksFuseBackend().probe().why_not


pytestmark = [
    pytest.mark.timeout(BOOT_SECONDS + 60),
    pytest.mark.skipif(bool(obstacle()), reason=obstacle()),
]


@pytest.fixture(scope="module")
def returned(tmp_path_factory):
    """What the guest handed back, after it did everything and switched off."""
    exchange = tmp_path_factory.mktemp("exchange")
    visitor.create(exchange / "visitor", LuksFuseBackend(exchange / "run"))
    place, demo = guest.EXCHANGE, guest.python_command("holdfast.cli.holdfast", "demo", "--json")
    tests = guest.pytest_command(
        f"--junit-xml={place}/tests.xml",
        *(f"tests/vm/{name}.py" for name in MODULES),
        *(f"{LUKS_FUSE}::test_{name}" for name in LUKS_FUSE_CORE),
    )
    # The shell's own status tells of neither: what each left in the exchange directory does.
    session = f"""
        ({demo}) >{place}/demo.json 2>{place}/demo.log &
        export HOLDFAST_VISITOR={place}/visitor
        {tests}
        wait
    """
    ended = guest.run(
        kernel.find(), session, tmp_path_factory.mktemp("guest"), exchange=exchange, seconds=BOOT_SECONDS
    )
    print(ended.console)
    assert ended.status == "0", ended.console[-4000:]
    return ended.exchange


def test_back_ends_keep_their_promises(returned):
    (suite,) = ET.parse(returned / "tests.xml").getroot()
    outcome = {name: int(suite.get(name)) for name in ("failures", "errors", "skipped")}
    assert outcome == {"failures": 0, "errors": 0, "skipped": 0}
    assert {case.get("classname") for case in suite} == {
        *(f"tests.vm.{name}" for name in MODULES),
        "tests.scenario.test_volume_luks_fuse",
    }


def test_demo_goes_by_way_of_dm_crypt(returned):
    log = (returned / "demo.log").read_text()
    assert json.loads((returned / "demo.json").read_text())["passed"] is True, log
    assert "volumes by way of dm-crypt" in log


def test_volume_written_by_either_side_is_read_by_the_other(returned):
    visitor.check(returned / "visitor", LuksFuseBackend(returned / "run"), {"home", "abroad"})
