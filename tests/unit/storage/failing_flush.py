"""Make every later ``fdatasync`` and ``fsync`` of this process fail with EIO, as a dying disk would.

A seccomp filter answers the two system calls in the kernel, so the code under test and the library below
it are the real ones. Linux only; needs no privilege; cannot be undone.
"""

import ctypes
import errno
import platform
import struct

SYSTEM_CALLS = {"x86_64": (75, 74), "aarch64": (83, 82)}  # fdatasync, fsync

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
LOAD_SYSTEM_CALL = (0x20, 0, 0, 0)
ANSWER_ALLOW = (0x06, 0, 0, 0x7FFF0000)
ANSWER_EIO = (0x06, 0, 0, 0x00050000 | errno.EIO)


def jump_if_equal(number, then, otherwise):
    return (0x15, then, otherwise, number)


def fail_every_flush():
    first, second = SYSTEM_CALLS[platform.machine()]
    program = [
        LOAD_SYSTEM_CALL,
        jump_if_equal(first, 2, 0),
        jump_if_equal(second, 1, 0),
        ANSWER_ALLOW,
        ANSWER_EIO,
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *line) for line in program))
    header = ctypes.create_string_buffer(struct.pack("@HP", len(program), ctypes.addressof(code)))
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    for arguments in ((PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, header, 0, 0)):
        if prctl(*arguments) != 0:
            raise OSError(ctypes.get_errno(), "prctl")
