"""Trouble that lasts, such as a full disk: logged when it begins and when it ends, not at every request."""

import logging

from holdfast.errors import HoldfastError


class Trouble:
    """One kind of lasting trouble.

    Args:
        log: where to say so.
        what: the subject of the sentence, such as ``the audit trail``.
    """

    __slots__ = ("_is_on", "_log", "_what")

    def __init__(self, log: logging.Logger, what: str) -> None:
        self._log = log
        self._what = what
        self._is_on = False

    def met(self, error: HoldfastError) -> None:
        """Note that it is there; the first time, say so."""
        if not self._is_on:
            self._is_on = True
            self._log.error("%s fails: %s %s", self._what, error.message, error.detail)

    def over(self) -> None:
        """Note that all is well; the first time after trouble, say so."""
        if self._is_on:
            self._is_on = False
            self._log.info("%s works again", self._what)
