"""Run tests of this tree in a guest whose kernel has a device-mapper.

    python -m tests.vm                    get a kernel, then everything that `tests/vm/test_guest.py` holds
    python -m tests.vm TEST-OR-OPTION...  get a kernel, then pytest with these arguments in the guest
    python -m tests.vm bench              get a kernel, then fio on each back end in the guest; wants fio here

Needs root, and of Debian: qemu-system-x86, busybox-static, kmod, e2fsprogs; virtiofsd where it is a package.
"""

import sys
import tempfile
from pathlib import Path

import pytest
from tests.vm import guest, kernel

_SECONDS = 1800.0
_BENCH = ("bench", "volumes", "--rounds", "1", "--volumes", "4", "--megabytes", "32", "--no-qemu")


def main(arguments: list[str]) -> int:
    """Run what is asked for; returns the exit status."""
    if {"-h", "--help"} & set(arguments):
        print(__doc__)
        return 0
    missing = guest.missing_programs()
    if missing:
        print(f"not installed: {', '.join(missing)}\n\n{__doc__}", file=sys.stderr)
        return 1
    found = kernel.fetch()
    if not arguments:
        return pytest.main(["-s", str(guest.ROOT / "tests" / "vm" / "test_guest.py")])
    command = guest.python_command(*_BENCH) if arguments == ["bench"] else guest.pytest_command(*arguments)
    with tempfile.TemporaryDirectory(prefix="holdfast-vm-") as work:
        ended = guest.run(found, command, Path(work), seconds=_SECONDS)
    print(ended.console)
    return int(ended.status) if ended.status.isdigit() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
