"""What a backup looks like in a bucket. Whoever owns the bucket is trusted with nothing but keeping it.

    hb1/m/<cluster>/<volume>-<set>-<number>[-incr]   the manifest of one backup; written last
    hb1/d/<cluster>/<volume>-<set>/key               the set's data key, wrapped (``protection``)
    hb1/d/<cluster>/<volume>-<set>/p/<page>/<id>     which chunks 4096 neighbours have
    hb1/d/<cluster>/<volume>-<set>/c/<page>/<id>     a chunk: 1 MiB of the backing file

What is cut into chunks is the backing file as it is on disk: of an encrypted volume, ciphertext. Holes and
zeros are left out. Every object is sealed once more, by AES-256-GCM under the set's data key, with its own
whole name as associated data: none can stand in for another, in this backup or an older one. Ids are HMACs
of place and content, so that equal chunks of one place are stored once, and nobody without the key can tell
what is in one.

A full backup begins a set; incremental ones add to it what changed. The data of a set go with its last
backup.
"""

import re
import secrets
import struct
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from holdfast.crypto.aead import Aead, NotAuthenticError
from holdfast.crypto.mac import PreparedHmac
from holdfast.errors import ConflictError, InvalidInputError, NotFoundError, UnsupportedError
from holdfast.model import SecretBytes

CHUNK_BYTES = 1 << 20
PAGE_CHUNKS = 4096
MAX_FILE_BYTES = 16 << 40  # so that a set stays far below what one key of GCM may seal
MAX_MANIFEST_BYTES = 2 << 20
MAX_PAGE_BYTES = 1 << 18
ROOT = "hb1"

_ID = re.compile(
    r"([A-Za-z0-9._]{1,64}|[A-Za-z0-9._][A-Za-z0-9._-]{0,62}[A-Za-z0-9._])/"
    r"([0-9]{1,20})-([0-9a-f]{16})-([0-9]{4})(-incr)?"
)
_ENTRY = struct.Struct(">H32s")


class DamagedBackupError(ConflictError):
    """An object of a backup is missing, or is not what was stored. Nothing of it is used."""


@dataclass(frozen=True, slots=True)
class SetPlace:
    """Where a set is.

    Attributes:
        cluster: which cluster made it.
        volume: id of the volume.
        name: of the set; random.
    """

    cluster: str
    volume: str
    name: str

    @classmethod
    def fresh(cls, cluster: str, volume: str) -> "SetPlace":
        """Return the place of a new set."""
        return cls(cluster, volume, secrets.token_hex(8))

    @property
    def data(self) -> str:
        """What the names of all objects begin with that its backups share."""
        return f"{ROOT}/d/{self.cluster}/{self.volume}-{self.name}/"

    @property
    def key(self) -> str:
        """Name of the object that holds the wrapped data key."""
        return f"{self.data}key"

    def pages(self, number: int) -> str:
        """What the names of the pages of one place begin with."""
        return f"{self.data}p/{number:06x}/"

    def chunks(self, number: int) -> str:
        """What the names of the chunks of a page begin with."""
        return f"{self.data}c/{number:06x}/"

    def backup(self, number: int, *, incremental: bool) -> "BackupId":
        """Return the id of a backup of this set."""
        return BackupId(self, number, incremental)


@dataclass(frozen=True, slots=True)
class BackupId:
    """The id of a backup, which says where it is.

    Attributes:
        place: its set.
        number: which one of the set, from 1.
        incremental: whether it added to a set that was there.
    """

    place: SetPlace
    number: int
    incremental: bool

    @classmethod
    def parse(cls, text: str) -> "BackupId":
        """Read an id.

        Raises:
            InvalidInputError: it is none.
        """
        found = _ID.fullmatch(text)
        if not found:
            raise InvalidInputError("backup_id: expected an id as `hfctl cloudsnap list` shows it")
        return cls(SetPlace(*found.group(1, 2, 3)), int(found[4]), found[5] is not None)

    def __str__(self) -> str:
        place = self.place
        tail = "-incr" if self.incremental else ""
        return f"{place.cluster}/{place.volume}-{place.name}-{self.number:04}{tail}"

    @property
    def leaf(self) -> str:
        """The id without its cluster."""
        return str(self).partition("/")[2]

    @property
    def manifest(self) -> str:
        """Name of the object that is its manifest."""
        return f"{ROOT}/m/{self}"


def check_cluster(cluster: str) -> str:
    """Return the name of a cluster as it stands in names of objects.

    Raises:
        UnsupportedError: it cannot.
    """
    if not _ID.fullmatch(f"{cluster}/1-{'0' * 16}-0001"):
        raise UnsupportedError("the cluster's id has characters that a backup's id cannot have")
    return cluster


def manifests_of(cluster: str = "", volume: str = "") -> str:
    """What the names of all manifests begin with, or of those of a cluster, or of a volume in it."""
    if not cluster:
        return f"{ROOT}/m/"
    return f"{ROOT}/m/{cluster}/{volume}-" if volume else f"{ROOT}/m/{cluster}/"


def data_of(cluster: str, volume: str) -> str:
    """What the names of all data of a volume begin with."""
    return f"{ROOT}/d/{cluster}/{volume}-"


class Manifest(msgspec.Struct, frozen=True, kw_only=True, tag="holdfast-backup", forbid_unknown_fields=True):
    """One backup.

    Attributes:
        layout: of what this describes; another one is not read.
        backup_id: its own id.
        volume_id: which volume.
        volume_name: its name then.
        size_bytes: what it offers.
        file_system: ``ext4`` or ``xfs``.
        encrypted: whether the backing file begins with a LUKS2 header.
        file_bytes: length of the backing file.
        header_key: what opens the header, which has no other keyslot; empty if it has no header.
        grow_pending: whether the file system does not fill the volume yet.
        created_at: Unix seconds.
        volume_labels: of the volume.
        labels: of the backup.
        pages: number, id and count of chunks of each page that is not empty.
        stored_bytes: all chunks together.
        uploaded_bytes: those that this backup added.
        integrity: whether the volume's encryption is authenticated.
    """

    layout: int = 1
    backup_id: str
    volume_id: str
    volume_name: str
    size_bytes: int
    file_system: str
    encrypted: bool
    file_bytes: int
    header_key: str
    grow_pending: bool
    created_at: int
    volume_labels: dict[str, str]
    labels: dict[str, str]
    pages: list[tuple[int, str, int]]
    stored_bytes: int
    uploaded_bytes: int
    integrity: bool = False


class SetKeys:
    """Seals and opens the objects of a set, and names them.

    Args:
        data_key: 32 random bytes; copied.
    """

    def __init__(self, data_key: SecretBytes) -> None:
        root = PreparedHmac(data_key.reveal())
        self._aead = Aead(root.digest(b"holdfast backup: seal"))
        self._names = PreparedHmac(root.digest(b"holdfast backup: name"))

    def chunk_id(self, index: int, content: bytes) -> bytes:
        """Return the id of a chunk: of its place and its content."""
        return self._names.digest(b"chunk %d " % index + content)

    def page_id(self, number: int, content: bytes) -> bytes:
        """Return the id of a page."""
        return self._names.digest(b"page %d " % number + content)

    def seal(self, name: str, content: bytes) -> bytes:
        """Seal an object, for its name alone."""
        return self._aead.seal(content, name.encode())

    def open(self, name: str, sealed: bytes | None) -> bytes:
        """Open an object.

        Raises:
            DamagedBackupError: it is missing, or is not what was stored under this name.
        """
        if sealed is None:
            raise DamagedBackupError("an object of the backup is missing in the bucket")
        try:
            return self._aead.open(sealed, name.encode())
        except NotAuthenticError:
            raise DamagedBackupError("an object of the backup is not what was stored") from None


def encode_page(entries: Mapping[int, bytes]) -> bytes:
    """Write a page: index within the page and id of each chunk."""
    return b"".join(_ENTRY.pack(index, entries[index]) for index in sorted(entries))


def decode_page(content: bytes) -> dict[int, bytes]:
    """Read a page, whose seal was opened."""
    if len(content) % _ENTRY.size:
        raise DamagedBackupError("a page of the backup has another form than this node knows")
    return dict(_ENTRY.iter_unpack(content))


def encode_manifest(manifest: Manifest) -> bytes:
    """Write a manifest."""
    return msgspec.json.encode(manifest)


def read_manifest(keys: SetKeys, identity: BackupId, sealed: bytes | None) -> Manifest:
    """Open a manifest.

    Raises:
        NotFoundError: there is no such backup.
        DamagedBackupError: it is not what was stored, or of another layout.
    """
    if sealed is None:
        raise NotFoundError("there is no such backup in the bucket")
    try:
        manifest = msgspec.json.decode(keys.open(identity.manifest, sealed), type=Manifest)
    except (msgspec.DecodeError, ValueError):
        raise DamagedBackupError("the manifest has another form than this node knows") from None
    if manifest.layout != 1 or manifest.backup_id != str(identity):
        raise DamagedBackupError("the manifest is of another layout or another backup")
    if not 0 < manifest.file_bytes <= MAX_FILE_BYTES:
        raise DamagedBackupError("the manifest tells a length that cannot be")
    return manifest
