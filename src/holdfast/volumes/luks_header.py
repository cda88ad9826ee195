"""Changing a LUKS2 header, by means of ``cryptsetup``. Works on plain files and needs no privileges.

Layout of a volume: 8 MiB of header (two copies of the metadata, room for 16 keyslots), then the data,
AES-256-XTS over 4096-byte sectors. The first and last blocks of the data are written as encrypted
zeros, so that a fresh volume reads as blank exactly where signatures of file systems would be.

Nothing here takes the volume's lock: ``lifecycle`` and the back ends do. cryptsetup itself refuses
concurrent updates without damage. The last keyslot is never removed except by ``erase``.
"""

import errno
import os
import re
import stat
from collections.abc import Callable

from holdfast.errors import ConflictError, InternalError
from holdfast.model.secret_bytes import SecretBytes
from holdfast.process.run import ChildFailedError, descriptor_path, secret_pipe
from holdfast.volumes.backend import VolumeFile
from holdfast.volumes.cryptsetup import cryptsetup
from holdfast.volumes.errors import (
    DamagedHeaderError,
    ErasedVolumeError,
    ForeignVolumeError,
    TruncatedVolumeError,
    WrongKeyError,
)
from holdfast.volumes.key_reference import (
    GROWTH_TOKEN_NUMBER,
    RECOVERY_TOKEN_NUMBER,
    TOKEN_NUMBER,
    KeyReference,
    NotedKey,
    growth,
    growth_token,
    noted_key,
    planned_recovery_slots,
    planned_recovery_token,
    recovery_slots,
    recovery_token,
)
from holdfast.volumes.key_strength import kdf_options, require_usable
from holdfast.volumes.luks_read import CIPHER, Luks2Header, read_header
from holdfast.volumes.plain_view import open_plain_view

HEADER_BYTES = 8 << 20
SUBSYSTEM = "holdfast"
MAX_KEYSLOTS = 16
REENCRYPT_TIMEOUT_SECONDS = 3600.0

_BLANK_HEAD_BYTES, _BLANK_TAIL_BYTES = 1 << 20, 1 << 16  # where blkid(8) looks for signatures
_NO_FILE = "something else than a file is where the backing file is expected"
_ERASED = "the volume was erased: no key can open it any more"
_OPENED_SLOT = re.compile(rb"^Key slot ([0-9]{1,2}) unlocked\.$", re.MULTILINE)
_REMOVED_SLOT = re.compile(rb"^Key slot ([0-9]{1,2}) removed\.$", re.MULTILINE)
_LAYOUT_OPTIONS = (
    *("--type", "luks2", "--cipher", CIPHER, "--key-size", "512", "--sector-size", "4096"),
    *("--luks2-metadata-size", "16k", "--luks2-keyslots-size", "4M"),
    *("--offset", str(HEADER_BYTES // 512)),
)
_INTEGRITY_OPTIONS = ("--integrity", "hmac-sha256", "--integrity-no-wipe")


class LuksHeader:
    """The header of one volume.

    Args:
        vol: the volume; its backing file exists.
    """

    __slots__ = ("_path", "_vol")

    def __init__(self, vol: VolumeFile) -> None:
        self._vol = vol
        self._path = str(vol.path)

    def format(
        self, key: SecretBytes, reference: KeyReference, *, blank: Callable[[], None] | None = None
    ) -> None:
        """Write a new header and note where its key is kept.

        Repeating it after a crash finishes what is missing; it never writes over a header.

        Args:
            key: what is to open it.
            reference: where the key is kept.
            blank: makes a volume with a new header read as blank; ``None`` for one of ours.

        Raises:
            ForeignVolumeError: the file holds data already, or another volume's header.
            WrongKeyError: it holds this volume's header, for another key.
            TruncatedVolumeError: the file is too short.
            InvalidInputError: the key is empty or too long.
        """
        require_usable(key)
        if self._vol.path.stat().st_size < HEADER_BYTES + self._vol.area_bytes:
            raise TruncatedVolumeError("the backing file is shorter than the volume was made")
        if not self._is_formatted():
            identity = ("--uuid", self._vol.uuid, "--label", self._vol.id[:47], "--subsystem", SUBSYSTEM)
            cryptsetup(
                *("-q", "luksFormat", *kdf_options(key), *_LAYOUT_OPTIONS, *identity),
                *(_INTEGRITY_OPTIONS if self._vol.integrity else ()),
                *("--key-file=-", f"--keyfile-size={len(key)}", self._path),
                stdin=key,
            )
        slot = self.verify(key)
        if self.noted_key() is None:  # the note is written last: without it, nothing was stored yet
            if blank is None:
                self._blank_ends(key)
            else:
                blank()
            self.set_reference(reference, slot)

    def read(self) -> Luks2Header:
        """Return the header as it is now.

        Raises:
            DamagedHeaderError: no copy of it is intact.
            ForeignVolumeError: it is another volume's, or there is something else than a file.
        """
        descriptor = _open_file(self._path)
        try:
            header = read_header(descriptor)
        finally:
            os.close(descriptor)
        if header.uuid != self._vol.uuid:
            raise ForeignVolumeError("the backing file holds another volume than the one expected")
        return header

    def keyslots(self) -> tuple[int, ...]:
        """Return the numbers of the keyslots in use."""
        return self.read().keyslots

    def noted_key(self) -> NotedKey | None:
        """Return the note about where the key is kept, if there is one."""
        return noted_key(self.read())

    def verify(self, key: SecretBytes, slot: int | None = None) -> int:
        """Prove that a key opens a keyslot, and return which.

        Args:
            key: the key to try.
            slot: only this keyslot; any of them unless given.

        Raises:
            WrongKeyError: it opens none, or not this one.
            ErasedVolumeError: there is no keyslot.
        """
        require_usable(key)
        if not self.keyslots():
            raise ErasedVolumeError(_ERASED)
        try:
            answer = cryptsetup(
                *("open", "-v", "--test-passphrase", "--type", "luks2"),
                *(() if slot is None else ("--key-slot", str(slot))),
                *("--key-file=-", f"--keyfile-size={len(key)}", self._path),
                stdin=key,
            )
        except ErasedVolumeError:  # so it says of one keyslot that is not in use
            raise WrongKeyError("the keyslot is not in use") from None
        return _slot_in(_OPENED_SLOT, answer.stdout)

    def find(self, key: SecretBytes, slot: int | None = None) -> int | None:
        """Return which keyslot a key opens, ``None`` if it opens none; see ``verify``."""
        try:
            return self.verify(key, slot)
        except WrongKeyError:
            return None

    def add_key(self, existing: SecretBytes, new: SecretBytes) -> int:
        """Give the volume one more key; returns the number of its keyslot.

        Raises:
            WrongKeyError: the existing key does not open the volume.
            ConflictError: every keyslot is in use.
        """
        require_usable(new)
        slot = self.free_slot()
        with secret_pipe(existing) as old_pipe, secret_pipe(new) as new_pipe:
            cryptsetup(
                *("-q", "luksAddKey", *kdf_options(new), "--new-key-slot", str(slot)),
                *("--key-file", descriptor_path(old_pipe), f"--keyfile-size={len(existing)}"),
                *("--new-keyfile-size", str(len(new)), self._path, descriptor_path(new_pipe)),
                pass_fds=(old_pipe, new_pipe),
            )
        return slot

    def free_slot(self) -> int:
        """Return the number of the keyslot that the next key gets.

        Raises:
            ErasedVolumeError: there is none: no key could say what the next one is to open.
            ConflictError: every keyslot is in use.
        """
        present = self.keyslots()
        if not present:
            raise ErasedVolumeError(_ERASED)
        free = sorted(set(range(MAX_KEYSLOTS)) - set(present))
        if not free:
            raise ConflictError("every keyslot of the volume is in use")
        return free[0]

    def remove_key(self, key: SecretBytes, *, proven_slot: int) -> int:
        """Destroy a keyslot that a key opens, and return which.

        Args:
            key: the key that is no longer to open the volume.
            proven_slot: a keyslot that another key was proven to open since the volume's lock was taken.

        Raises:
            WrongKeyError: it opens none; nothing was destroyed.
            ConflictError: the proven keyslot is not there, so this one might be the last.
        """
        require_usable(key)
        if proven_slot not in self.keyslots():
            raise ConflictError("the keyslot that is to stay is not there")
        answer = cryptsetup(
            *("-q", "luksRemoveKey", "-v", "--key-file=-", f"--keyfile-size={len(key)}", self._path),
            stdin=key,
        )
        return _slot_in(_REMOVED_SLOT, answer.stdout)

    def kill_slot(self, slot: int, *, surviving_key: SecretBytes) -> None:
        """Destroy one keyslot; one that is gone already is no error.

        Args:
            slot: the keyslot.
            surviving_key: a key that is proven, just before, to open another keyslot.

        Raises:
            WrongKeyError: it does not. cryptsetup would have removed the last keyslot without a word.
        """
        others = [number for number in self.keyslots() if number != slot]
        if not any(self.find(surviving_key, number) is not None for number in others):
            raise WrongKeyError("no other keyslot opens with the key that is to stay")
        try:
            cryptsetup("-q", "luksKillSlot", self._path, str(slot))
        except ChildFailedError as error:
            if "is not active" not in error.detail:
                raise

    def set_reference(self, reference: KeyReference, slot: int) -> None:
        """Note where the key of a keyslot is kept, in place of the note so far."""
        cryptsetup(
            *("token", "import", "--token-id", str(TOKEN_NUMBER), "--token-replace", "--json-file", "-"),
            self._path,
            stdin=reference.to_token(slot),
        )

    def set_identity(self) -> None:
        """Make the header of a copied file this volume's; its keyslots and its note stay. Safe to repeat."""
        cryptsetup("-q", "luksUUID", "--uuid", self._vol.uuid, self._path)
        cryptsetup("-q", "config", "--label", self._vol.id[:47], "--subsystem", SUBSYSTEM, self._path)

    def reencrypt(self, key: SecretBytes) -> None:
        """Give a file that nobody uses another volume key; only the keyslot of ``key`` stays.

        Every block is written anew, so the file is no longer sparse. What is cut short can only be thrown
        away: this is for copies that are not a volume yet.
        """
        slot = self.verify(key)
        cryptsetup(
            *("-q", "reencrypt", "--force-offline-reencrypt", *kdf_options(key), "--key-slot", str(slot)),
            *("--key-file=-", f"--keyfile-size={len(key)}", self._path),
            stdin=key,
            timeout_seconds=REENCRYPT_TIMEOUT_SECONDS,
        )
        noted = self.noted_key()
        if noted is not None:  # the new volume key has a keyslot of another number
            self.set_reference(noted.reference, self.verify(key))

    def recovery_slots(self) -> tuple[int, ...]:
        """Return the keyslots that are noted as opened by a recovery key."""
        return recovery_slots(self.read())

    def planned_recovery_slots(self) -> tuple[int, ...]:
        """Return the keyslot of a recovery key that was never given to anybody; empty if there is none."""
        return planned_recovery_slots(self.read())

    def note_recovery(self, slot: int, *, planned: bool = False) -> None:
        """Note that a recovery key opens a keyslot, or is planned to."""
        cryptsetup(
            *("token", "import", "--token-id", str(RECOVERY_TOKEN_NUMBER), "--token-replace"),
            *("--json-file", "-", self._path),
            stdin=planned_recovery_token(slot) if planned else recovery_token(slot),
        )

    def forget_recovery(self) -> None:
        """Take that note away; none there is no error."""
        self._forget(RECOVERY_TOKEN_NUMBER)

    def growth(self) -> int | None:
        """Return how large the volume is to become, ``None`` unless its growth is noted."""
        return growth(self.read())

    def note_growth(self, size_bytes: int) -> None:
        """Note that the volume grows, and how large it is to become."""
        cryptsetup(
            *("token", "import", "--token-id", str(GROWTH_TOKEN_NUMBER), "--token-replace"),
            *("--json-file", "-", self._path),
            stdin=growth_token(size_bytes),
        )

    def forget_growth(self) -> None:
        """Take that note away; none there is no error."""
        self._forget(GROWTH_TOKEN_NUMBER)

    def _forget(self, token: int) -> None:
        if str(token) in self.read().metadata["tokens"]:
            cryptsetup("-q", "token", "remove", "--token-id", str(token), self._path)

    def erase(self) -> None:
        """Destroy every keyslot: from now on no key opens this header. Safe to repeat."""
        cryptsetup("-q", "luksErase", self._path)

    def _is_formatted(self) -> bool:
        """Whether the file holds our header; False only if it is blank."""
        try:
            self.read()
        except DamagedHeaderError:
            with self._vol.path.open("rb") as file:
                # With integrity, cryptsetup writes the kernel's block behind the header before the header.
                looked_at = HEADER_BYTES + (0 if self._vol.integrity else _BLANK_HEAD_BYTES)
                if file.read(looked_at).strip(b"\0"):
                    raise ForeignVolumeError(
                        "the backing file holds data already; it is not overwritten"
                    ) from None
            return False
        return True

    def _blank_ends(self, key: SecretBytes) -> None:
        view = open_plain_view(self._path, self._vol.uuid, self._vol.size, key.view())
        try:
            head = min(_BLANK_HEAD_BYTES, self._vol.size)
            view.write(0, memoryview(bytearray(head)))
            view.write(self._vol.size - _BLANK_TAIL_BYTES, memoryview(bytearray(_BLANK_TAIL_BYTES)))
            view.sync()
        finally:
            view.close()


def _slot_in(words: re.Pattern[bytes], answer: bytes) -> int:
    """Return the number of the keyslot that cryptsetup's words tell."""
    found = words.search(answer)
    if found is None:
        raise InternalError("cryptsetup did not say which keyslot it used")
    return int(found[1])


def _open_file(path: str) -> int:
    """Open a backing file, or a device, for reading; without waiting for anybody, as at a named pipe."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno not in {errno.ELOOP, errno.ENXIO}:
            raise
        raise ForeignVolumeError(_NO_FILE) from None
    kind = os.fstat(descriptor).st_mode
    if not (stat.S_ISREG(kind) or stat.S_ISBLK(kind)):
        os.close(descriptor)
        raise ForeignVolumeError(_NO_FILE)
    return descriptor
