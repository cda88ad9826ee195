"""The process that holds a file system frozen, so that no crash of the node can leave it so.

    python -m holdfast.volumes.freezer DESCRIPTOR SECONDS

DESCRIPTOR is an open directory of the file system. It is frozen, ``frozen`` is printed, and it is thawed when
standard input ends (whoever asked is done, or dead), after SECONDS, or when the directory cannot be frozen.
Status 0: it was frozen up to the end of standard input. Status 3: time ran out. Otherwise the errno is
printed and the status is 1.
"""

import fcntl
import os
import select
import signal
import sys

FIFREEZE, FITHAW = 0xC0045877, 0xC0045878  # include/uapi/linux/fs.h
FROZEN = b"frozen\n"
TIME_RAN_OUT = 3


def main(arguments: list[str]) -> int:
    """Freeze, wait, thaw."""
    directory, seconds = int(arguments[0]), float(arguments[1])
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    try:
        fcntl.ioctl(directory, FIFREEZE, 0)
    except OSError as error:
        os.write(1, f"{error.errno}\n".encode())
        return 1
    try:
        os.write(1, FROZEN)
        over = bool(select.select([0], [], [], seconds)[0])
    finally:
        fcntl.ioctl(directory, FITHAW, 0)
    return 0 if over else TIME_RAN_OUT


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
