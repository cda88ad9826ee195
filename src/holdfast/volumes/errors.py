"""What can go wrong with a volume.

InvalidInputError
└── VolumeNameError         not a name that may become a file name
ConflictError
├── WrongKeyError           no keyslot opens with this key
├── ErasedVolumeError       the header has no keyslot left: no key can ever open it
├── DamagedHeaderError      not a LUKS2 header, or neither copy of it is intact
├── DamagedFileSystemError  the header is sound, the file system inside is not, or there is none
├── ForeignVolumeError      intact, but not the volume that was expected, or data we must not overwrite
├── TruncatedVolumeError    the backing file is shorter than the volume was made
└── VolumeBusyError         attached, mounted or being changed by somebody else
UnsupportedError
└── UnsupportedHeaderError  a sound header that this program does not serve
UnavailableError
├── PoolFullError           not enough room in the pool
└── AttachFailedError       the host refused a step of attaching; everything done so far was undone
"""

from holdfast.errors import ConflictError, InvalidInputError, UnavailableError, UnsupportedError

__all__ = [
    "AttachFailedError",
    "DamagedFileSystemError",
    "DamagedHeaderError",
    "ErasedVolumeError",
    "ForeignVolumeError",
    "PoolFullError",
    "TruncatedVolumeError",
    "UnsupportedHeaderError",
    "VolumeBusyError",
    "VolumeNameError",
    "WrongKeyError",
]


class VolumeNameError(InvalidInputError):
    """A volume's name may not become a file name."""


class WrongKeyError(ConflictError):
    """No keyslot of the volume opens with the key."""


class ErasedVolumeError(ConflictError):
    """The volume has no keyslot left."""


class DamagedHeaderError(ConflictError):
    """There is no intact LUKS2 header."""


class DamagedFileSystemError(ConflictError):
    """A check of the file system on the volume failed."""


class ForeignVolumeError(ConflictError):
    """Something else is where the volume, or free space, was expected."""


class TruncatedVolumeError(ConflictError):
    """The backing file is too short. LUKS2 itself would open it without complaint."""


class VolumeBusyError(ConflictError):
    """The volume is in use or being changed."""


class UnsupportedHeaderError(UnsupportedError):
    """The header asks for something that is not offered here."""


class PoolFullError(UnavailableError):
    """The pool has too little free space."""


class AttachFailedError(UnavailableError):
    """The host refused a step of attaching a volume."""
