"""Run tests of this tree in guests whose kernel has a device-mapper.

    python -m tests.vm                    get a kernel, then all that `tests/vm` holds
    python -m tests.vm dm-crypt           only what takes a device-mapper; part of `./dev test`
    python -m tests.vm TEST-OR-OPTION...  get a kernel, then pytest with these arguments in a guest
    python -m tests.vm bench              get a kernel, then fio on each back end in a guest; wants fio here

Where the host itself has dm-crypt, the first two need no guest and have none.

Needs root, and of Debian: qemu-system-x86, busybox-static, kmod, e2fsprogs; virtiofsd where it is a package.
HOLDFAST_GUEST_SECONDS limits how long a guest may run.
"""

import os
import sys
import tempfile
from pathlib import Path

import pytest
from tests.vm import guest, kernel, test_guest

from holdfast.volumes.dm_crypt import DmCryptBackend

_HERE = Path(__file__).parent
_PARTS = {(): ("test_guest.py", "test_guest_further.py"), ("dm-crypt",): ("test_guest.py",)}
_BENCH = ("bench", "volumes", "--rounds", "3", "--volumes", "4", "--megabytes", "32", "--no-qemu")


def main(arguments: list[str]) -> int:
    """Run what is asked for; returns the exit status."""
    if {"-h", "--help"} & set(arguments):
        print(__doc__)
        return 0
    if os.geteuid() != 0:
        print("dm-crypt, and a guest that has it, need root", file=sys.stderr)
        return 1
    part = _PARTS.get(tuple(arguments))
    if part and DmCryptBackend().probe().usable:
        return pytest.main([str(guest.ROOT / name) for name in (*test_guest.DEVICE, *test_guest.NODE)])
    missing = guest.missing_programs()
    if missing:
        print(f"not installed: {', '.join(missing)}\n\n{__doc__}", file=sys.stderr)
        return 1
    if part:
        return pytest.main(["-s", *(str(_HERE / name) for name in part)])
    found = kernel.fetch()
    guest.prepare()
    command = guest.python_command(*_BENCH) if arguments == ["bench"] else guest.pytest_command(*arguments)
    with tempfile.TemporaryDirectory(prefix="holdfast-vm-") as work:
        ended = guest.run(found, command, Path(work), seconds=guest.GUEST_SECONDS)
    print(ended.console)
    return int(ended.status) if ended.status.isdigit() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
