"""A thread that looks again and again whether there is something to do, such as a snapshot that is due."""

import logging
import threading
from collections.abc import Callable

from holdfast.process.defect import describe_defect

_log = logging.getLogger("holdfast.node")


class RegularThread:
    """See the module.

    Args:
        look: does what there is to do, until it is done or the event is set.
        name: of the thread.
        work: what cannot be done if looking fails, for the log.
        seconds: how long to wait between two looks.
    """

    def __init__(
        self, look: Callable[[threading.Event], object], *, name: str, work: str, seconds: float
    ) -> None:
        self._look = look
        self._work = work
        self._seconds = seconds
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._is_failing = False

    def start(self) -> None:
        """Begin, and go on until ``stop``."""
        self._thread.start()

    def stop(self) -> None:
        """End; waits for what is being done, which a node that stops has told to end."""
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                self._look(self._over)
            except Exception as error:  # noqa: BLE001 - whatever went wrong once, the next look may go well
                if not self._is_failing:
                    _log.warning("%s cannot be looked for: %s", self._work, describe_defect(error))
                self._is_failing = True
            else:
                self._is_failing = False
            self._over.wait(self._seconds)
