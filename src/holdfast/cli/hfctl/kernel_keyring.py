"""Secrets in the kernel's keyring of this user: never on a disk, gone when the machine restarts.

The keys are of the type ``user`` (keyrings(7)) in the keyring that all processes of a user share, and open
to that user alone. Where system calls for it are filtered, as in many containers, every call raises
``OSError``; so does any other machine than those whose numbers of system calls stand here.
"""

import ctypes
import errno
import os
import platform

# <asm/unistd.h>: add_key, keyctl
_CALLS = {"x86_64": (248, 250), "aarch64": (217, 219), "riscv64": (217, 219), "ppc64le": (269, 271)}
# <linux/keyctl.h>
_PROCESS_KEYRING = -2
_USER_KEYRING = -4
_SETPERM, _LINK, _SEARCH, _READ, _SET_TIMEOUT, _INVALIDATE = 5, 8, 10, 11, 15, 21
_FOR_ITS_USER = 0x3F3F0000  # whoever has it, and the user that it belongs to; no group, nobody else
_GONE = frozenset({errno.ENOKEY, errno.EKEYEXPIRED, errno.EKEYREVOKED})
MAX_BYTES = 32_767  # of a key of the type user


def keep(name: str, secret: bytes, *, seconds: int) -> None:
    """Keep a secret under ``name``, in the place of what was there.

    Args:
        name: of the key, which every process of the user can list.
        secret: up to ``MAX_BYTES``.
        seconds: after which the kernel forgets it; 0 for never.

    Raises:
        OSError: the kernel does not keep it.
    """
    _join_user_keyring()
    add_key, _ = _numbers()
    key = _call(
        add_key,
        b"user",
        name.encode(),
        secret,
        ctypes.c_size_t(len(secret)),
        ctypes.c_int(_USER_KEYRING),
    )
    _keyctl(_SETPERM, key, ctypes.c_uint32(_FOR_ITS_USER))
    _keyctl(_SET_TIMEOUT, key, ctypes.c_uint(seconds))


def fetch(name: str) -> bytes | None:
    """Return the secret that is kept under ``name``, ``None`` if there is none, or none any more.

    Raises:
        OSError: the kernel does not say.
    """
    _join_user_keyring()
    key = _find(name)
    if key is None:
        return None
    buffer = ctypes.create_string_buffer(MAX_BYTES)
    length = _keyctl(_READ, key, buffer, ctypes.c_size_t(MAX_BYTES))
    return buffer.raw[:length]


def forget(name: str) -> None:
    """Remove what is kept under ``name``; that nothing is there is no error.

    Raises:
        OSError: the kernel does not let us.
    """
    _join_user_keyring()
    key = _find(name)
    if key is not None:
        _keyctl(_INVALIDATE, key)


def _find(name: str) -> int | None:
    try:
        return _keyctl(_SEARCH, _USER_KEYRING, b"user", name.encode(), ctypes.c_int(0))
    except OSError as error:
        if error.errno in _GONE:
            return None
        raise


def _join_user_keyring() -> None:
    # A session that was not begun by PAM does not have the user's keyring, and without having it a process
    # may not read what it has put there. What this process has for itself ends with it.
    _keyctl(_LINK, ctypes.c_int(_USER_KEYRING), ctypes.c_int(_PROCESS_KEYRING))


def _keyctl(operation: int, *arguments: object) -> int:
    _, keyctl = _numbers()
    return _call(keyctl, ctypes.c_int(operation), *arguments)


def _numbers() -> tuple[int, int]:
    numbers = _CALLS.get(platform.machine())
    if numbers is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    return numbers


def _call(number: int, *arguments: object) -> int:
    system_call = ctypes.CDLL(None, use_errno=True).syscall
    system_call.restype = ctypes.c_long
    result: int = system_call(ctypes.c_long(number), *arguments)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result
