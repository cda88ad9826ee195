"""The thread that keeps a node among the others: it renews the lease, and acts when that is lost."""

import logging
import threading
from collections.abc import Callable

from holdfast.errors import HoldfastError
from holdfast.node.cluster.attach_lock import AttachLock, SharedPool
from holdfast.node.cluster.membership import BEATS_PER_LEASE, Membership, Renewal

_log = logging.getLogger("holdfast.node")


class Heart:
    """See the module.

    Args:
        membership: whose lease.
        lock: what is held under it.
        shared: for the guard of a shared pool, if there is one.
        is_alone: whether nobody shares the state: then one renewal says all there is to say.
        release: detaches a volume by force, upon an administrator's request.
        look: called after each renewal.
    """

    def __init__(
        self,
        membership: Membership,
        lock: AttachLock,
        *,
        shared: SharedPool | None,
        is_alone: bool,
        release: Callable[[str], None],
        look: Callable[[], None],
    ) -> None:
        self._membership = membership
        self._lock = lock
        self._shared = shared
        self._is_alone = is_alone
        self._release = release
        self._look = look
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heart", daemon=True)
        self._is_failing = False
        self._was_replaced = False
        self._on_replaced: Callable[[], None] = lambda: None

    def start(self, address: str, *, on_replaced: Callable[[], None]) -> None:
        """Say where this node is reached, and go on renewing until ``stop``.

        Args:
            address: by which others reach this node.
            on_replaced: called once if another process runs from a copy of this node's directory.
        """
        self._on_replaced = on_replaced
        self._membership.address = address
        self.beat()
        if not self._is_alone:
            self._thread.start()

    def stop(self) -> None:
        """Stop renewing, and say goodbye."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        if self._was_replaced:
            return
        try:
            keeps = self._lock.holds_any()
            self._membership.leave(keep_lease=keeps)
        except HoldfastError as error:
            _log.warning("the cluster could not be told that this node stops: %s", error.message)
            return
        if keeps and self._shared is not None:
            _log.warning(
                "volumes of a shared pool stay attached for %.0f seconds: start the node again before",
                self._membership.own.lease_seconds,
            )

    def beat(self) -> None:
        """Renew once; what goes wrong is logged, and tried again with the next beat."""
        try:
            self._renew()
        except (HoldfastError, OSError) as error:
            if not self._is_failing:
                _log.warning("this node's lease could not be renewed: %s", error)
            self._is_failing = True
        else:
            if self._is_failing:
                _log.info("this node's lease is renewed again")
            self._is_failing = False

    def _run(self) -> None:
        while not self._stop.wait(self._membership.own.lease_seconds / BEATS_PER_LEASE):
            self.beat()
            if self._was_replaced:
                self._on_replaced()
                return

    def _renew(self) -> None:
        outcome = self._membership.renew()
        if outcome is Renewal.RENEWED:
            self._tell_guard()
            self._lock.reconcile()
            for volume_id in self._lock.asked_for():
                threading.Thread(target=self._let_go, args=(volume_id,), name="release", daemon=True).start()
            self._look()
            return
        self._lock.let_go_of_all()
        if outcome is Renewal.REPLACED:
            _log.critical("another process runs as this node, from a copy of its directory: this one stops")
            self._was_replaced = True
            return
        _log.error("this node's lease was ended by another node; what it had attached was let go of")
        self._membership.join()
        self._tell_guard()
        self._lock.take_up()

    def _tell_guard(self) -> None:
        if self._shared is not None:
            self._shared.writer.renew(self._membership.valid_until)
            self._shared.ensure_guard()

    def _let_go(self, volume_id: str) -> None:
        try:
            self._release(volume_id)
        except (HoldfastError, OSError) as error:
            _log.error("volume %s was asked for and could not be let go of: %s", volume_id, error)
