"""Whether a backing file is as long as its volume was made; LUKS2 opens a shorter one without complaint."""

from holdfast.volumes.backend import VolumeFile
from holdfast.volumes.errors import TruncatedVolumeError
from holdfast.volumes.luks_header import HEADER_BYTES


def require_whole(vol: VolumeFile) -> None:
    """Raise ``TruncatedVolumeError`` for a backing file that something has cut short.

    Raises:
        FileNotFoundError: it is gone.
    """
    if vol.path.stat().st_size < vol.area_bytes + (HEADER_BYTES if vol.encrypted else 0):
        raise TruncatedVolumeError(
            "the backing file is shorter than the volume was made; restore it from a backup"
        )
