"""What the kernel lets this process do, whatever its user is called.

Being root is not it: a container's root has few of these, and a service of another user may have one.
Numbers are those of ``<linux/capability.h>``.
"""

CAP_IPC_LOCK = 14
CAP_SYS_ADMIN = 21
CAP_SYS_RESOURCE = 24


def has_capability(number: int) -> bool:
    """Whether the process has an effective capability, such as ``CAP_SYS_ADMIN``."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as status:  # noqa: PTH123 - import time
        for line in status:
            if line.startswith("CapEff:"):
                return bool(int(line.split()[1], 16) >> number & 1)
    return False
