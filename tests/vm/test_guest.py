"""dm-crypt on hosts that have no device-mapper: in guests, with the host's tools and this very tree.

Two guests at once, as one keeps a single processor busy most of the time. A volume travels there and back.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.vm import guest, kernel, visitor
from tests.vm.guest import EXCHANGE, GUEST_SECONDS

from holdfast.volumes.luks_fuse import LuksFuseBackend

# What takes about as long as the other.
DEVICE = ("tests/vm/test_dm_crypt.py", "tests/vm/test_dm_crypt_keys.py")
NODE = ("tests/vm/test_integrity.py", "tests/vm/test_keys_unseen_by_dm_crypt.py")

pytestmark = pytest.mark.timeout(GUEST_SECONDS + 120)


@pytest.fixture(scope="module")
def returned(tmp_path_factory):
    """What the guests handed back, by what they tested, after they had switched themselves off."""
    return_of = tmp_path_factory.mktemp("guests")
    visitor.create(return_of / "visitors" / "visitor", LuksFuseBackend(return_of / "run"))
    (return_of / "empty").mkdir()
    found = kernel.fetch()
    guest.prepare(*DEVICE, *NODE)

    def ended(tests, handed_over):
        work = return_of / f"guest-with-{handed_over.name}"
        work.mkdir()
        command = f"export HOLDFAST_VISITOR={EXCHANGE}/visitor; {guest.pytest_command(*guest.LEAN, *tests)}"
        return guest.run(found, command, work, exchange=handed_over, seconds=GUEST_SECONDS)

    with ThreadPoolExecutor(2) as both:
        device = both.submit(ended, DEVICE, return_of / "visitors")
        node = both.submit(ended, NODE, return_of / "empty")
    for each in (device.result(), node.result()):
        print(each.console)
    return {DEVICE: device.result(), NODE: node.result()}


@pytest.mark.parametrize("tests", [pytest.param(DEVICE, id="device"), pytest.param(NODE, id="node")])
def test_dm_crypt_keeps_its_promises(returned, tests):
    assert returned[tests].passed_files() == set(tests)


def test_volume_written_by_either_side_is_read_by_the_other(returned, tmp_path):
    visitor.check(returned[DEVICE].exchange / "visitor", LuksFuseBackend(tmp_path), {"home", "abroad"})
