"""A whole store in one process: the keeper and one reader, joined by calls instead of pipes.

The same parts as with worker processes, in the same order of events. Servers of one process use it, and
whatever embeds a store.
"""

from collections.abc import Callable, Mapping

from holdfast.audit import AuditBroker
from holdfast.clock import Clock, SystemClock
from holdfast.iam.settings import IamSettings
from holdfast.storage.interface import Storage
from holdfast.store.audit.trail import OpenDevices, Schedule, call_at_once
from holdfast.store.changes import StoredCounter
from holdfast.store.core import DEFAULT_MAX_SECRET_BYTES, DEFAULT_SECRET_MOUNTS, Peers, Store
from holdfast.store.facts import Facts
from holdfast.store.founding import Furniture
from holdfast.store.keeper import Keeper
from holdfast.store.login_steps import Offload, run_here
from holdfast.store.seal_settings import SealSettings


class LocalCounter:
    """A change counter for one process."""

    __slots__ = ("_value",)

    def __init__(self) -> None:
        self._value = 0

    def read(self) -> int:
        """Return the number of changes so far."""
        return self._value

    def bump(self) -> None:
        """Count one more."""
        self._value += 1


class LocalStore:
    """Keeper and reader of one store in this process.

    Args:
        storage: where records go.
        clock: the time; the host's by default.
        audit_devices: names of the audit devices that ``open_audit_devices`` opens.
        open_audit_devices: opens them.
        schedule: how answers wait for the audit lines of a turn of the event loop, if there is one.
        offload: runs what is too slow for the event loop.
        outside: runs what waits for other machines.
        max_secret_bytes: the largest secret that may be written.
        iam: what the operator decided about users.
        secret_mounts: which mount holds the secrets of which store of the DC/OS API.
        seal: how a new store is sealed, and how it opens itself.
        node_id: the name of this node among those that share the storage.
        peers: the way to these.
        facts: what is known of the server around it.

    Attributes:
        store: serves requests.
        keeper: makes the changes.
    """

    def __init__(
        self,
        storage: Storage,
        *,
        clock: Clock | None = None,
        audit_devices: tuple[str, ...] = (),
        open_audit_devices: OpenDevices | None = None,
        schedule: Schedule = call_at_once,
        offload: Offload = run_here,
        outside: Offload = run_here,
        max_secret_bytes: int = DEFAULT_MAX_SECRET_BYTES,
        iam: IamSettings | None = None,
        secret_mounts: Mapping[str, str] = DEFAULT_SECRET_MOUNTS,
        seal: SealSettings | None = None,
        node_id: str = "",
        peers: Peers | None = None,
        facts: Facts | None = None,
    ) -> None:
        clock = clock or SystemClock()
        self._counter = LocalCounter()
        furniture = Furniture(
            audit_devices=audit_devices, iam=iam or IamSettings(), seal=seal or SealSettings()
        )
        self.keeper = Keeper(storage, self, clock, furniture=furniture, node_id=node_id)
        self.store = Store(
            storage,
            self,
            StoredCounter(storage) if storage.shared else self._counter,
            clock,
            open_audit_devices=open_audit_devices or _no_devices,
            schedule=schedule,
            offload=offload,
            outside=outside,
            max_secret_bytes=max_secret_bytes,
            iam=iam,
            secret_mounts=secret_mounts,
            node_id=node_id,
            peers=peers,
            facts=facts,
        )

    def submit(self, frame: bytes, done: Callable[[bytes], None]) -> None:
        """Run one command now."""
        done(self.keeper.apply([frame])[0])

    def open(self, keyring: bytearray) -> None:
        """Hand the keyring to the reader."""
        self.store.open(keyring)

    def close(self) -> None:
        """Make the reader drop its keyring."""
        self.store.close()

    def changed(self) -> None:
        """Move the change counter."""
        self._counter.bump()


def _no_devices(_keys: Mapping[str, bytes]) -> AuditBroker:
    return AuditBroker()
