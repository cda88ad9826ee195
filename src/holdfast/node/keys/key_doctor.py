"""Looking for volumes whose key is missing, old or unreadable before a reboot finds them.

For each volume: its header is read, the key that the header refers to is fetched, and proven to open a
keyslot. Nothing is changed. Each key is fetched once, however many volumes it opens.
"""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from enum import StrEnum

from holdfast.errors import HoldfastError
from holdfast.model import SecretBytes
from holdfast.node.inventory.devices import Devices
from holdfast.node.inventory.records import KeyNote, KeyOrigin, VolumeRecord, VolumeState
from holdfast.node.keys.cluster_key import ClusterKeyReference
from holdfast.node.keys.volume_keys import FetchedKeys, VolumeKeys
from holdfast.providers import SecretNotFoundError
from holdfast.volumes.errors import (
    DamagedHeaderError,
    ErasedVolumeError,
    ForeignVolumeError,
    TruncatedVolumeError,
    UnsupportedHeaderError,
    WrongKeyError,
)
from holdfast.volumes.key_reference import KeyReference, NotedKey
from holdfast.volumes.luks_header import LuksHeader
from holdfast.volumes.whole import require_whole

PARALLEL = 4


class Verdict(StrEnum):
    """How a volume and its key stand to each other. All but the first two keep the volume from opening."""

    GOOD = "good"  # the key is there and opens the volume
    OLD = "old"  # ... and there is a newer version, or another provider, that the volume should move to
    UNPROVEN = "unproven"  # the key is there; whether it opens the volume was not tried
    UNFINISHED = "unfinished"  # its creation or removal was interrupted; the same request finishes it
    NO_FILE = "no-file"  # the backing file is gone
    BAD_HEADER = "bad-header"  # the header is damaged, foreign, or of a kind that is not served
    TRUNCATED = "truncated"  # the backing file is shorter than the volume was made
    ERASED = "erased"  # no keyslot is left: nothing ever opens it again
    MISSING = "missing"  # the provider has no such secret, or not that version
    UNREADABLE = "unreadable"  # the provider is sealed, away, refuses the node, or holds no key there
    WRONG = "wrong"  # the key is there and does not open the volume


HEALTHY = frozenset({Verdict.GOOD, Verdict.UNPROVEN})
_ADVICE = {
    Verdict.OLD: "move it: hfctl volume key rotate, hfctl secrets rotate-cluster-key --resume, or move-keys",
    Verdict.UNFINISHED: "repeat the request that created it, or delete it",
    Verdict.NO_FILE: "restore the backing file from a backup, or delete the volume",
    Verdict.BAD_HEADER: "see that the pool's disk works; if it does, restore the file's first 8 MiB",
    Verdict.TRUNCATED: "restore the backing file from a backup; it is not attached like this",
    Verdict.ERASED: "delete the volume; its content is gone for good",
    Verdict.MISSING: "bring the secret back in the provider before the volume is next detached",
    Verdict.UNREADABLE: "unseal the provider, or let the node read the secret, before the next reboot",
    Verdict.WRONG: "bring back the version of the secret that opened it",
}
_WHOSE = {
    KeyOrigin.CLUSTER: "the cluster-wide key",
    KeyOrigin.NAMED: "the secret that its creator named",
}
# The first row whose kinds an error is an instance of.
_VERDICTS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], Verdict], ...] = (
    (FileNotFoundError, Verdict.NO_FILE),
    (ErasedVolumeError, Verdict.ERASED),
    (TruncatedVolumeError, Verdict.TRUNCATED),
    ((DamagedHeaderError, ForeignVolumeError, UnsupportedHeaderError, OSError), Verdict.BAD_HEADER),
    (WrongKeyError, Verdict.WRONG),
    (SecretNotFoundError, Verdict.MISSING),
    (HoldfastError, Verdict.UNREADABLE),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was found out about one volume.

    Attributes:
        volume_id: which volume.
        name: its name.
        reference: where its header says the key is; where its record says so, if the header cannot be read.
        verdict: how it stands.
        problem: what is wrong, in a sentence; empty if nothing is.
    """

    volume_id: str
    name: str
    reference: KeyReference
    verdict: Verdict
    problem: str = ""

    @property
    def advice(self) -> str:
        """What to do; empty if there is nothing to do."""
        return _ADVICE.get(self.verdict, "")


class KeyDoctor:
    """Examines volumes. The caller has passed the gates."""

    def __init__(self, *, devices: Devices, keys: VolumeKeys, cluster_key: ClusterKeyReference) -> None:
        self._devices = devices
        self._keys = keys
        self._cluster_key = cluster_key

    def examine(self, records: Sequence[VolumeRecord], *, prove: bool = True) -> list[Finding]:
        """Return one finding for each volume that is encrypted, in the order given.

        Args:
            records: the volumes; those that are not encrypted are passed over.
            prove: also try whether the key opens the volume, which takes longer.
        """
        current = self._current_cluster_key()
        with FetchedKeys(self._keys) as fetched, ThreadPoolExecutor(PARALLEL, "key-doctor") as pool:
            former = self._keys.former_kind
            examination = _Examination(
                self._devices, self._keys, fetched, current, prove=prove, former_kind=former
            )
            encrypted = [(record, record.key) for record in records if record.key is not None]
            return list(pool.map(lambda pair: examination.of(*pair), encrypted))

    def _current_cluster_key(self) -> KeyNote | None:
        """Return the cluster-wide key that new volumes get, if there is one."""
        try:
            return self._cluster_key.current()
        except HoldfastError:
            return None  # none is set, or there is no provider: every volume's finding says so


class _Examination:
    """One run. Why a key could not be fetched is remembered too: a provider that is away is asked once."""

    def __init__(
        self,
        devices: Devices,
        keys: VolumeKeys,
        fetched: FetchedKeys,
        cluster_key: KeyNote | None,
        *,
        prove: bool,
        former_kind: str,
    ) -> None:
        self._devices = devices
        self._keys = keys
        self._fetched = fetched
        self._cluster_key = cluster_key
        self._prove = prove
        self._former_kind = former_kind
        self._guard = threading.Lock()
        self._refusals: dict[KeyReference, HoldfastError] = {}
        self._newest: dict[KeyReference, int | None] = {}

    def of(self, record: VolumeRecord, note: KeyNote) -> Finding:
        """Examine one volume."""
        reference = note.reference()
        vol = self._devices.file(record)
        header = LuksHeader(vol)
        verdict, problem = Verdict.GOOD if self._prove else Verdict.UNPROVEN, ""
        try:
            noted = header.noted_key()
            reference = noted.reference if noted else reference
            self._open(header, noted)
            require_whole(vol)
            if reference.provider == self._former_kind:
                verdict, problem = Verdict.OLD, f"its key is in the former provider, {reference.provider}"
            elif self._is_old(note, reference):
                verdict, problem = Verdict.OLD, f"{_WHOSE[note.origin]} has another version by now"
        except (HoldfastError, OSError) as error:
            verdict = next(verdict for kinds, verdict in _VERDICTS if isinstance(error, kinds))
            problem = (
                error.message
                if isinstance(error, HoldfastError)
                else f"its file cannot be read ({error.strerror or type(error).__name__})"
            )
        if record.state is VolumeState.PREPARED and verdict in {Verdict.NO_FILE, Verdict.BAD_HEADER}:
            verdict, problem = Verdict.UNFINISHED, "its creation was interrupted"
        if record.state is VolumeState.REMOVING:
            verdict, problem = Verdict.UNFINISHED, "its removal was interrupted; delete it again"
        return Finding(
            volume_id=record.id, name=record.name, reference=reference, verdict=verdict, problem=problem
        )

    def _open(self, header: LuksHeader, noted: NotedKey | None) -> None:
        """Fetch the key and prove that it opens the volume; raises what is wrong."""
        if noted is None:
            raise DamagedHeaderError("the header does not say where the key is kept")
        if not header.keyslots():
            raise ErasedVolumeError("the volume was erased: no key can open it any more")
        key = self._key(noted.reference)
        if self._prove:
            header.verify(key)

    def _is_old(self, note: KeyNote, reference: KeyReference) -> bool:
        if note.origin is KeyOrigin.OWN:
            return False  # each snapshot needs the version that its volume had then
        if note.origin is KeyOrigin.NAMED:
            newest = self._newest_version(reference)
            return newest is not None and reference.version is not None and newest > reference.version
        current = self._cluster_key
        if current is None or current.version is None:
            return False  # one from the configuration has no version: it is the newest, whichever that is
        return reference != current.reference()

    def _newest_version(self, reference: KeyReference) -> int | None:
        """Return the newest version of a secret that somebody named; stores forget old ones in the end."""
        place = replace(reference, version=None)
        with self._guard:
            if place not in self._newest:
                self._newest[place] = self._keys.newest_version(place)
            return self._newest[place]

    def _key(self, reference: KeyReference) -> SecretBytes:
        with self._guard:
            if (refusal := self._refusals.get(reference)) is not None:
                raise refusal
        try:
            return self._fetched.get(reference)
        except HoldfastError as error:
            with self._guard:
                self._refusals[reference] = error
            raise
