"""Calling ``cryptsetup``, and what its complaints mean.

cryptsetup 2.6 tells most failures apart only in words, so it is run with ``LC_ALL=C`` and its words
are looked up here. There is no maintained Python binding of its library.
"""

from collections.abc import Collection

from holdfast.errors import ConflictError, UnsupportedError
from holdfast.model.secret_bytes import SecretBytes
from holdfast.process.run import ChildFailedError, Completed, run
from holdfast.volumes.errors import DamagedHeaderError, ErasedVolumeError, VolumeBusyError, WrongKeyError

TIMEOUT_SECONDS = 60.0

_WRONG_KEY_STATUS = 2  # cryptsetup(8), "no permission (bad passphrase)"; not always put in words
_MEANINGS = (
    (
        "No usable keyslot is available",
        ErasedVolumeError,
        "the volume was erased: no key can open it any more",
    ),
    ("is not a valid LUKS device", DamagedHeaderError, "the volume has no intact LUKS2 header"),
    ("concurrent LUKS2 metadata update", VolumeBusyError, "the header is being changed by somebody else"),
    ("All key slots full", ConflictError, "every keyslot of the volume is in use"),
    ("already exists", VolumeBusyError, "the volume is attached already"),
    ("is still in use", VolumeBusyError, "the volume's device is still in use"),
    ("Cannot initialize device-mapper", UnsupportedError, "this host has no device-mapper"),
)


def cryptsetup(
    *arguments: str,
    stdin: SecretBytes | bytes = b"",
    pass_fds: Collection[int] = (),
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> Completed:
    """Run cryptsetup; ``-q`` and the like are up to the caller.

    Raises:
        WrongKeyError, ErasedVolumeError, DamagedHeaderError, VolumeBusyError, ConflictError,
        UnsupportedError: as it complained.
        ChildFailedError: it complained about something that is not in the table.
    """
    try:
        return run(
            ["cryptsetup", *arguments], stdin=stdin, pass_fds=pass_fds, timeout_seconds=timeout_seconds
        )
    except ChildFailedError as error:
        if error.completed.returncode == _WRONG_KEY_STATUS:
            raise WrongKeyError("no keyslot of the volume opens with this key") from None
        for words, kind, message in _MEANINGS:
            if words in error.detail:
                raise kind(message, detail=error.detail) from None
        raise
