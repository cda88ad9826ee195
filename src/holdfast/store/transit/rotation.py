"""Transit keys that are to be rotated from time to time, rotated when their time has come.

The writer looks about once a minute. Making an RSA key takes long, and the writer has others waiting, so that
it is made in a thread beside and found finished at a later look. What was made for a keyring that is gone is
forgotten.
"""

import logging
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from holdfast.barrier import Keyring
from holdfast.clock import Clock
from holdfast.engines.transit.changes import rotate
from holdfast.engines.transit.material import Material, generate, is_slow
from holdfast.engines.transit.records import Key, list_auto_rotated, load_key
from holdfast.errors import HoldfastError
from holdfast.storage.interface import Storage, Transaction
from holdfast.store.layout import MOUNTS, NAMESPACES, engine_place, reading, writing
from holdfast.store.mounts import Mount, load_mounts
from holdfast.store.namespaces.records import ROOT, Namespace, uuids

LOOK_EVERY_SECONDS = 60.0
NAMESPACES_AT_ONCE = 500  # to look into in one turn; where there are more, their keys wait some minutes
_PAGE = 500

log = logging.getLogger(__name__)


class KeyRotation:
    """Rotates keys whose time has come.

    Args:
        storage: where the keys are.
        clock: tells what is due.
    """

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock
        self._look_again_at = 0.0
        self._keyring: Keyring | None = None
        self._making: dict[tuple[str, str, str], Future[Material]] = {}
        self._thread: ThreadPoolExecutor | None = None
        self._last_looked_into = ""

    def run(self, keyring: Keyring) -> None:
        """Rotate what is due; call it as often as you like."""
        now = self._clock.now()
        if keyring is not self._keyring:
            self._keyring = keyring
            self._making.clear()
        elif now < self._look_again_at and not self._making:
            return
        self._look_again_at = now + LOOK_EVERY_SECONDS
        for home, mount, name, key in self._due(keyring, now):
            material = self._material(mount, name, key)
            if material is None:
                continue
            try:
                self._rotate(home, mount, name, key, material=material, now=now)
            except HoldfastError as error:
                log.warning("%skeys/%s was not rotated: %s", mount.path, name, error.message)

    def _homes(self, keyring: Keyring) -> Iterator[str]:
        """Yield the homes of the root namespace and of some others: each time those that come next."""
        yield ROOT.home
        view, after = reading(self._storage, keyring, NAMESPACES), self._last_looked_into
        found = uuids(view, after=after, limit=NAMESPACES_AT_ONCE)
        self._last_looked_into = found[-1] if len(found) == NAMESPACES_AT_ONCE else ""
        for uuid in found:
            yield Namespace(uuid, "", "").home

    def _due(self, keyring: Keyring, now: float) -> Iterator[tuple[str, Mount, str, Key]]:
        for home in self._homes(keyring):
            for mount in load_mounts(reading(self._storage, keyring, MOUNTS.within(home))).mounts:
                if mount.type != "transit":
                    continue
                view = reading(self._storage, keyring, engine_place(mount.storage_prefix).within(home))
                after = ""
                while names := list_auto_rotated(view, after=after, limit=_PAGE):
                    for name in names:
                        key = load_key(view, name)
                        if key is not None and key.due_at <= now:
                            yield home, mount, name, key
                    after = names[-1]

    def _material(self, mount: Mount, name: str, key: Key) -> Material | None:
        """Return new material for a key, ``None`` while it is being made."""
        if not is_slow(key.type):
            return generate(key.type, key_bytes=key.key_bytes)
        what = (mount.uuid, name, key.type_name)
        making = self._making.get(what)
        if making is None:
            self._thread = self._thread or ThreadPoolExecutor(1, thread_name_prefix="key-rotation")
            self._making[what] = self._thread.submit(generate, key.type)
            return None
        if not making.done():
            return None
        del self._making[what]
        return making.result()

    def _rotate(
        self, home: str, mount: Mount, name: str, made_for: Key, *, material: Material, now: float
    ) -> None:
        keyring = self._keyring
        if keyring is None:
            return

        def change(tx: Transaction) -> None:
            mounts = load_mounts(writing(tx, keyring, MOUNTS.within(home))).mounts
            view = writing(tx, keyring, engine_place(mount.storage_prefix).within(home))
            key = load_key(view, name)
            if key is None or key.due_at > now or all(other.uuid != mount.uuid for other in mounts):
                return
            rotate(view, name, made_for, material, now=now)
            log.info("rotated %skeys/%s, because its time had come", mount.path, name)

        self._storage.write(change)
