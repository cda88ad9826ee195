"""Secrets as descriptors: files in memory without a name, which only the command and its children have.

The content is sealed, so that nobody who inherits the descriptor can change it for the others. A command
opens it by the path in its variable, as often as it likes and each time from the start.
"""

import fcntl
import os

from holdfast.model import SecretBytes

_SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
_READ_ONLY = 0o400


def open_descriptor(label: str, secret: SecretBytes) -> int:
    """Return an inheritable descriptor on the bytes of a secret.

    Args:
        label: shown in ``/proc/PID/fd``; no secret.
        secret: the content.
    """
    descriptor = os.memfd_create(label, os.MFD_ALLOW_SEALING | os.MFD_CLOEXEC)
    try:
        rest = secret.view()
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.fchmod(descriptor, _READ_ONLY)
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _SEALS)
        os.set_inheritable(descriptor, True)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
