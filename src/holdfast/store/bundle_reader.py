"""Does the reads of a bundle in one state: for each the order of events of a request of its own."""

from collections.abc import Callable

from holdfast.barrier import UnknownTermError
from holdfast.errors import HoldfastError, InvalidInputError
from holdfast.storage.errors import OvertakenError, StorageUnavailableError
from holdfast.storage.interface import Reader
from holdfast.store.audit.trail import AuditTrail
from holdfast.store.authorization import permit_of
from holdfast.store.bundle import MAX_BYTES, Bundle, require_kv
from holdfast.store.caller import Caller
from holdfast.store.destination import Mounted
from holdfast.store.kv.routes import read_kv
from holdfast.store.layout import Place, engine_place
from holdfast.store.mount_visit import MountVisit
from holdfast.store.open_store import OpenStore
from holdfast.store.quotas.gate import Gate
from holdfast.store.refusal import refusal_of
from holdfast.store.request import Answer, StoreRequest


class BundleReader:
    """See the module.

    Args:
        audit: takes a line for each read.
        gate: counts each read for quotas.
        max_secret_bytes: the largest secret that there may be.
    """

    def __init__(self, audit: AuditTrail, gate: Gate, *, max_secret_bytes: int) -> None:
        self._audit = audit
        self._gate = gate
        self._max_secret_bytes = max_secret_bytes

    def read(self, opened: OpenStore, caller: Caller, bundle: Bundle, now: float) -> Answer:
        """Return what came of each read.

        Raises:
            InvalidInputError: together they are more than one answer may hold.
        """
        done: list[tuple[StoreRequest, Answer | HoldfastError]] = []
        size = 0
        with opened.one_state() as view:
            for read in bundle.reads:
                outcome = self._read_one(opened, caller, read, view, now)
                done.append((read, outcome))
                size += len(outcome.document() or b"") if isinstance(outcome, Answer) else 0
                if size > MAX_BYTES:
                    break
        too_large = InvalidInputError(f"paths: expected secrets of at most {MAX_BYTES} bytes; ask for fewer")
        for read, outcome in done:
            self._audit.part(read, caller, too_large if size > MAX_BYTES else outcome, now)
        if size > MAX_BYTES:
            raise too_large
        return bundle.answered([outcome for _, outcome in done])

    def _read_one(
        self,
        opened: OpenStore,
        caller: Caller,
        read: StoreRequest,
        view: Callable[[Place], Reader],
        now: float,
    ) -> Answer | HoldfastError:
        try:
            read.namespace, read.within = opened.namespace.path, opened.namespace
            self._gate.check(opened.quotas, read.namespace + read.path, read.peer, now)
            permit = permit_of(caller, read)
            mount, path = require_kv(opened.destination(read.operation, read.path), read.path)
            mounted = Mounted(mount, path, view(engine_place(mount.storage_prefix)))
            visit = MountVisit(
                read, mounted, caller, permit, opened, now, self._max_secret_bytes, is_one_state=True
            )
            return read_kv(visit)
        except (UnknownTermError, OvertakenError, StorageUnavailableError):
            raise  # of the whole: it is served again, or later
        except Exception as error:  # noqa: BLE001 - fail closed, whatever it was
            return refusal_of(read.id, error)
