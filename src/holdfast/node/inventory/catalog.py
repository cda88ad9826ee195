"""The node's records in its storage: volumes by id and by name, and the cluster-wide key.

    volumes/<id>       VolumeRecord
    names/<name>       the id, so that a name is taken exactly once
    owned/...          who can read which volume; see ``ownership_index``
    copies/<id>/<id>   of which volume which other was copied; nothing is in it
    removed/...        which volumes somebody removed last; see ``removals``
    snapshot-plans/<id>   when snapshots are taken by themselves; see ``schedules``
    cluster-key        ClusterKey
    leftover-keys/...  LeftoverKey, of a volume that is gone

Names have no slash and no control character, so no key can be mistaken for another.
"""

import hashlib
import secrets
from collections.abc import Callable, Iterator
from contextlib import suppress

import msgspec

from holdfast.errors import InternalError, NotFoundError
from holdfast.model import Principal
from holdfast.node.access.ownership_index import OwnershipIndex
from holdfast.node.access.ownership_note import note_of
from holdfast.node.access.resource import PAGE
from holdfast.node.errors import VolumeExistsError
from holdfast.node.inventory.records import (
    ClusterKey,
    KeyNote,
    LeftoverKey,
    VolumeRecord,
    check_reference,
    decode_cluster_key,
    decode_leftover_key,
    decode_volume,
    encode_record,
)
from holdfast.node.inventory.removals import note_removal, was_removed_by
from holdfast.policy.ownership import Ownership, is_storage_administrator
from holdfast.storage.interface import Reader, Storage, Transaction
from holdfast.storage.reading import read_one_state

CLUSTER_KEY = "cluster-key"
LEFTOVER_KEYS = "leftover-keys/"
SNAPSHOT_PLANS = "snapshot-plans/"


class Catalog:
    """Reads and writes of the node's records; each change is one transaction. The collection of volumes.

    Args:
        storage: where they are kept.
    """

    kind = "volume"

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._index = OwnershipIndex("volumes")
        self._is_indexed = False

    def check_reference(self, reference: str) -> str:
        """Return ``reference`` if it has the form of a volume's id or name, or raise."""
        return check_reference(reference)

    def find(self, reference: str) -> VolumeRecord | None:
        """Return the volume with this id or name, or ``None``."""

        def read(reader: Reader) -> bytes | None:
            stored = reader.get(f"volumes/{reference}")
            if stored is not None:
                return stored
            identity = reader.get(f"names/{reference}")
            return reader.get(f"volumes/{identity.decode()}") if identity is not None else None

        stored = read_one_state(self._storage, read)
        return None if stored is None else decode_volume(stored)

    def get(self, volume_id: str) -> VolumeRecord:
        """Return a volume by id.

        Raises:
            NotFoundError: it is gone.
        """
        stored = self._storage.get(f"volumes/{volume_id}")
        if stored is None:
            raise NotFoundError(f"Volume {volume_id} not found")
        return decode_volume(stored)

    def enumerate(self, *, after: str = "", page: int = PAGE) -> Iterator[VolumeRecord]:
        """Yield all volumes, by id.

        Args:
            after: only volumes whose ids sort after this one.
            page: how many are read at once.
        """
        return self._walk(
            lambda reader, after: reader.list("volumes/", after=after, limit=page), after=after, page=page
        )

    def candidates(
        self, principal: Principal, *, ownerless: bool, after: str = "", page: int = PAGE
    ) -> Iterator[VolumeRecord]:
        """Yield by id every volume that ``principal`` may read, and perhaps others.

        Args:
            principal: who asks.
            ownerless: whether everybody may read what has no owner.
            after: only volumes whose ids sort after this one.
            page: how many are read at once.
        """
        self._is_indexed = self._is_indexed or self._index.is_ready(self._storage)
        if not self._is_indexed or is_storage_administrator(principal):
            return self.enumerate(after=after, page=page)

        def find(reader: Reader, after: str) -> list[str]:
            return self._index.find(reader, principal, ownerless=ownerless, after=after, limit=page)

        return self._walk(find, after=after, page=page)

    def _walk(
        self, find: Callable[[Reader, str], list[str]], *, after: str, page: int
    ) -> Iterator[VolumeRecord]:
        def read(reader: Reader) -> tuple[list[str], list[bytes | None]]:
            names = find(reader, after)
            return names, [reader.get(f"volumes/{name}") for name in names]

        while True:
            names, found = read_one_state(self._storage, read)
            yield from (decode_volume(stored) for stored in found if stored is not None)
            if len(names) < page:
                return
            after = names[-1]

    def revision(self) -> int:
        """Return a number that grows with every change of any record, by whichever node."""
        self._storage.catch_up()
        return self._storage.revision()

    def ownerless(self, *, limit: int) -> list[str]:
        """Return ids of volumes that belong to nobody, sorted; at most ``limit``."""
        return self._index.of_nobody(self._storage, limit=limit)

    def index_ownership(self) -> None:
        """Bring the index up to records from before there was one; nothing happens if it is complete.

        Nodes may do so at once, and others may change volumes meanwhile.
        """
        while not self._index.is_ready(self._storage):
            after: str | None = ""
            while after is not None:
                after = self._index_some(after)
            self._storage.write(self._index.set_ready)

    def _index_some(self, after: str) -> str | None:
        """Index a page of volumes; return where the next one begins, ``None`` at the end."""

        def change(transaction: Transaction) -> str | None:
            names = transaction.list("volumes/", after=after, limit=PAGE)
            for name in names:
                stored = transaction.get(f"volumes/{name}")
                # One that cannot be read is in nobody's list; a node starts in spite of it.
                with suppress(InternalError):
                    if stored is not None:
                        self._index.move(transaction, name, None, decode_volume(stored).ownership)
            return names[-1] if len(names) == PAGE else None

        return self._storage.write(change)

    def insert(self, record: VolumeRecord, *, also: Callable[[Transaction], None] = lambda _: None) -> None:
        """Store a new volume.

        Args:
            record: of the volume.
            also: changes of other records, in the same transaction.

        Raises:
            VolumeExistsError: the name is taken.
        """

        def change(transaction: Transaction) -> None:
            if transaction.get(f"names/{record.name}") is not None:
                raise VolumeExistsError("name: another volume has it already")
            if transaction.get(f"volumes/{record.id}") is not None:
                raise InternalError("a fresh volume id is taken")
            transaction.put(f"names/{record.name}", record.id.encode())
            transaction.put(f"volumes/{record.id}", encode_record(record))
            if record.parent:
                transaction.put(f"copies/{record.parent}/{record.id}", b"")
            self._index.move(transaction, record.id, None, record.ownership)
            also(transaction)

        self._storage.write(change)

    def update(
        self,
        volume_id: str,
        edit: Callable[[VolumeRecord], VolumeRecord],
        *,
        also: Callable[[Transaction], None] = lambda _: None,
    ) -> VolumeRecord:
        """Change a volume's record; the name and the id stay.

        Args:
            volume_id: of the volume.
            edit: from what is stored at that moment to what is to be; may refuse.
            also: changes of other records, in the same transaction.

        Raises:
            NotFoundError: it is gone.
        """

        def change(transaction: Transaction) -> VolumeRecord:
            stored = transaction.get(f"volumes/{volume_id}")
            if stored is None:
                raise NotFoundError(f"Volume {volume_id} not found")
            present = decode_volume(stored)
            edited = edit(present)
            transaction.put(f"volumes/{volume_id}", encode_record(edited))
            self._index.move(transaction, volume_id, present.ownership, edited.ownership)
            also(transaction)
            return edited

        return self._storage.write(change)

    def change_ownership(self, identity: str, edit: Callable[[Ownership], Ownership]) -> VolumeRecord:
        """Change whom a volume belongs to.

        Raises:
            NotFoundError: it is gone.
        """
        return self.update(
            identity,
            lambda now: msgspec.structs.replace(now, stored_ownership=note_of(edit(now.ownership))),
        )

    def was_removed_by(self, user: str, volume_id: str) -> bool:
        """Whether a user removed a volume not long ago."""
        return was_removed_by(self._storage, user, volume_id)

    def remove(self, record: VolumeRecord, *, by: str = "") -> None:
        """Forget a volume; nothing happens if it is forgotten already.

        Args:
            record: the volume.
            by: the user who asked for it.
        """

        def change(transaction: Transaction) -> None:
            stored = transaction.get(f"volumes/{record.id}")
            if stored is None:
                return
            transaction.delete(f"names/{record.name}")
            transaction.delete(f"volumes/{record.id}")
            if record.parent:
                transaction.delete(f"copies/{record.parent}/{record.id}")
            transaction.delete(SNAPSHOT_PLANS + record.id)
            self._index.move(transaction, record.id, decode_volume(stored).ownership, None)
            note_removal(transaction, by, record.id)

        self._storage.write(change)

    def copies_of(self, volume_id: str) -> list[VolumeRecord]:
        """Return the snapshots and clones that were made of a volume, which need not be there any more."""

        def read(reader: Reader) -> list[bytes]:
            names: list[str] = []
            while page := reader.list(f"copies/{volume_id}/", after=names[-1] if names else "", limit=PAGE):
                names += page
            found = (reader.get(f"volumes/{name}") for name in names)
            return [stored for stored in found if stored is not None]

        return [decode_volume(stored) for stored in read_one_state(self._storage, read)]

    def note_leftover_key(self, note: KeyNote) -> None:
        """Remember a key that is still to be destroyed in the provider."""
        record = encode_record(LeftoverKey(key=note))
        self._storage.write(lambda transaction: transaction.put(_leftover(note), record))

    def leftover_keys(self, *, after: str = "", limit: int = PAGE) -> list[tuple[str, KeyNote | None]]:
        """Return keys that are still to be destroyed, by the name of their note.

        Args:
            after: only those whose notes sort after this one.
            limit: at most so many.

        Returns:
            Each with what is noted of it; ``None`` if that cannot be read.
        """

        def read(reader: Reader) -> list[tuple[str, bytes | None]]:
            names = reader.list(LEFTOVER_KEYS, after=after, limit=limit)
            return [(name, reader.get(LEFTOVER_KEYS + name)) for name in names]

        found = read_one_state(self._storage, read)
        return [(name, _leftover_key(stored)) for name, stored in found if stored is not None]

    def forget_leftover_key(self, name: str) -> None:
        """Forget a key that is destroyed by now, by the name of its note."""
        self._storage.write(lambda transaction: transaction.delete(LEFTOVER_KEYS + name))

    def cluster_key(self) -> ClusterKey | None:
        """Return the reference to the cluster-wide key, if one was set."""
        stored = self._storage.get(CLUSTER_KEY)
        return None if stored is None else decode_cluster_key(stored)

    def set_cluster_key(self, key: ClusterKey) -> None:
        """Replace the reference to the cluster-wide key."""
        self._storage.write(lambda transaction: transaction.put(CLUSTER_KEY, encode_record(key)))


def _leftover(note: KeyNote) -> str:
    place = f"{note.provider}\0{note.namespace}\0{note.name}"
    return LEFTOVER_KEYS + hashlib.blake2b(place.encode(), digest_size=16).hexdigest()


def _leftover_key(stored: bytes) -> KeyNote | None:
    try:
        return decode_leftover_key(stored).key
    except InternalError:
        return None


def new_volume_id() -> str:
    """Return a fresh id: 18 digits, as the original's are, so that scripts can cut them out."""
    return str(secrets.randbelow(9 * 10**17) + 10**17)
