"""The thread that looks again and again which snapshots are due by themselves."""

import logging
import threading
from collections.abc import Callable

from holdfast.process.defect import describe_defect

LOOK_SECONDS = 10.0

_log = logging.getLogger("holdfast.node")


class PlanThread:
    """See the module.

    Args:
        look: does what is due, until it is done or the event is set.
        seconds: how long to wait between two looks.
    """

    def __init__(self, look: Callable[[threading.Event], None], *, seconds: float = LOOK_SECONDS) -> None:
        self._look = look
        self._seconds = seconds
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="plans", daemon=True)
        self._is_failing = False

    def start(self) -> None:
        """Begin, and go on until ``stop``."""
        self._thread.start()

    def stop(self) -> None:
        """End; waits for the snapshot that is being taken, which a node that stops has told to end."""
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                self._look(self._over)
            except Exception as error:  # noqa: BLE001 - whatever went wrong once, the next look may go well
                if not self._is_failing:
                    _log.warning("snapshots that are due cannot be looked for: %s", describe_defect(error))
                self._is_failing = True
            else:
                self._is_failing = False
            self._over.wait(self._seconds)
