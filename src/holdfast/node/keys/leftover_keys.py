"""Keys of volumes that are gone, which the provider did not let the node destroy then: tried again and again.

Each look goes through one lot of them, from where the one before it ended, and round again. So however many
there are, each has its turn, and no look takes longer for it. A look ends where the provider cannot be used,
as each of the others would wait as long; the next one goes on behind that key, for it may be that key's
fault. One that the provider will not have destroyed, or whose note cannot be read, keeps no other from it.
"""

import logging
from threading import Event

from holdfast.errors import HoldfastError
from holdfast.node.inventory.catalog import Catalog
from holdfast.node.inventory.records import KeyNote
from holdfast.node.keys.volume_keys import VolumeKeys
from holdfast.providers import ProviderDeniedError

LOT = 100

_log = logging.getLogger("holdfast.node")


class LeftoverKeys:
    """See the module. One thread uses it.

    Args:
        catalog: has a note of each.
        keys: where they are.
    """

    def __init__(self, *, catalog: Catalog, keys: VolumeKeys) -> None:
        self._catalog = catalog
        self._keys = keys
        self._after = ""  # which note was looked at last
        self._told: set[str] = set()  # notes whose trouble is known, so that it is told once
        self._is_away = False  # the provider, as was told

    def look(self, over: Event) -> int:
        """Destroy the keys of one lot that the provider lets us destroy by now; return how many there were.

        Args:
            over: set when the node stops.
        """
        destroyed = 0
        trouble: dict[str, str] = {}
        for name, note in self._next_lot():
            if over.is_set():
                break
            self._after = name
            if note is None:
                trouble[name] = "what is stored of it cannot be read"
                continue
            if note.provider != self._keys.kind:
                continue
            try:
                self._keys.destroy(note)
            except ProviderDeniedError as error:
                trouble[name] = error.message
                continue
            except HoldfastError as error:
                self._tell_away(error)
                break
            self._is_away = False
            self._catalog.forget_leftover_key(name)
            self._told.discard(name)
            destroyed += 1
        self._tell(trouble)
        if destroyed:
            _log.info("keys of volumes that are gone, destroyed now: %s", destroyed)
        return destroyed

    def _next_lot(self) -> list[tuple[str, KeyNote | None]]:
        found = self._catalog.leftover_keys(after=self._after, limit=LOT)
        if not found and self._after:
            self._after = ""
            found = self._catalog.leftover_keys(limit=LOT)
        return found

    def _tell(self, trouble: dict[str, str]) -> None:
        new = [name for name in trouble if name not in self._told]
        if new:
            _log.warning(
                "keys of volumes that are gone and cannot be destroyed now: %s; of one of them: %s",
                len(new),
                trouble[new[0]],
            )
        self._told.update(new)

    def _tell_away(self, error: HoldfastError) -> None:
        if not self._is_away:
            _log.warning("keys of volumes that are gone cannot be destroyed now: %s", error.message)
        self._is_away = True
