"""Keys kept for a while in locked memory, for attaches while the provider is away. Off unless asked for.

    HOLDFAST_KEY_CACHE=10m    how long each key is kept, an hour at most

Nothing of it is ever on disk. All keys are dropped as soon as the provider says that it is sealed, or that
the node's credential counts for nothing any more; while there are any, it is asked every few seconds. That it
does not answer drops none: for that there is the cache. The newest version of a secret is never taken from
here where there are versions.
"""

import threading
from collections import OrderedDict

from holdfast.clock import Clock, SystemClock
from holdfast.errors import HoldfastError, UnavailableError
from holdfast.model import SecretBytes
from holdfast.process.locked_memory import LockedBytes
from holdfast.providers.errors import CredentialExpiredError, ProviderSealedError
from holdfast.providers.interface import ProviderStatus, Reason, Secret, SecretRef, SecretsProvider

LONGEST_SECONDS = 3600.0
LOOK_SECONDS = 5.0
MAX_KEYS = 1024

_ENDS_ALL = frozenset({Reason.SEALED, Reason.REFUSED})


class KeyCache:
    """A provider whose keys are remembered.

    Args:
        provider: where they come from.
        seconds: how long a key is kept.
        clock: the time.
        look_seconds: how often the provider is asked how it fares, while there are keys.
    """

    def __init__(
        self,
        provider: SecretsProvider,
        *,
        seconds: float,
        clock: Clock | None = None,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        self.kind = provider.kind
        self._provider = provider
        self._seconds = min(seconds, LONGEST_SECONDS)
        self._clock = clock or SystemClock()
        self._look_seconds = look_seconds
        self._guard = threading.Lock()
        self._kept: OrderedDict[SecretRef, tuple[float, LockedBytes]] = OrderedDict()
        self._generation = 0
        self._stop = threading.Event()
        self._watch: threading.Thread | None = None

    def get(self, ref: SecretRef) -> Secret:
        """Return the value of a secret, from memory if it is there; see ``SecretsProvider``."""
        if (value := self._remembered(ref)) is not None:
            return Secret(value, ref.version)
        generation = self._generation
        try:
            secret = self._provider.get(ref)
        except (CredentialExpiredError, ProviderSealedError):
            self.drop()
            raise
        self._remember(ref.at(secret.version), secret.value, generation)
        return secret

    def put(self, ref: SecretRef, value: SecretBytes, *, expected_version: int | None = None) -> int | None:
        """Store a value as the newest version; see ``SecretsProvider``."""
        try:
            return self._provider.put(ref, value, expected_version=expected_version)
        finally:
            self._forget(ref)

    def destroy(self, ref: SecretRef) -> None:
        """Remove a version, or all; see ``SecretsProvider``."""
        try:
            self._provider.destroy(ref)
        finally:
            self._forget(ref)

    def versions(self, ref: SecretRef) -> tuple[int, ...]:
        """Return the versions that can be read; see ``SecretsProvider``."""
        return self._provider.versions(ref)

    def list(self, prefix: str = "", *, namespace: str = "") -> list[str]:
        """Return the names one level below ``prefix``; see ``SecretsProvider``."""
        return self._provider.list(prefix, namespace=namespace)

    def status(self) -> ProviderStatus:
        """Try whether keys can be had now; see ``SecretsProvider``."""
        status = self._provider.status()
        if status.reason in _ENDS_ALL:
            self.drop()
        return status

    def close(self) -> None:
        """Drop all keys, and let go of the provider; see ``SecretsProvider``."""
        self._stop.set()
        self.drop()
        if self._watch is not None:
            self._watch.join(self._look_seconds + 30)
        self._provider.close()

    def drop(self) -> None:
        """Wipe every key, also those that are being fetched at this moment."""
        with self._guard:
            self._generation += 1
            for _, kept in self._kept.values():
                kept.wipe()
            self._kept.clear()

    def __len__(self) -> int:
        return len(self._kept)

    def _remembered(self, ref: SecretRef) -> SecretBytes | None:
        with self._guard:
            found = self._kept.get(ref)
            if found is None:
                return None
            until, kept = found
            if self._clock.now() >= until:
                kept.wipe()
                del self._kept[ref]
                return None
            copy = kept.copy()
        value = SecretBytes(copy)
        copy[:] = bytes(len(copy))
        return value

    def _remember(self, ref: SecretRef, value: SecretBytes, generation: int) -> None:
        with self._guard:
            if generation != self._generation or self._stop.is_set():
                return  # all was dropped while this one was under way
            try:
                kept = LockedBytes(value.view())
            except UnavailableError:
                return  # what cannot be locked is not kept
            if ref in self._kept:
                self._kept.pop(ref)[1].wipe()
            self._kept[ref] = (self._clock.now() + self._seconds, kept)
            while len(self._kept) > MAX_KEYS:
                self._kept.popitem(last=False)[1][1].wipe()
            if self._watch is None:
                self._watch = threading.Thread(target=self._look, name="key-cache", daemon=True)
                self._watch.start()

    def _forget(self, ref: SecretRef) -> None:
        with self._guard:
            self._generation += 1
            for known in [known for known in self._kept if known.at(None) == ref.at(None)]:
                self._kept.pop(known)[1].wipe()

    def _look(self) -> None:
        while not self._stop.wait(self._look_seconds):
            self._drop_what_is_over()
            if not self._kept:
                continue
            try:
                self.status()
            except HoldfastError:
                continue

    def _drop_what_is_over(self) -> None:
        now = self._clock.now()
        with self._guard:
            for ref in [ref for ref, (until, _) in self._kept.items() if now >= until]:
                self._kept.pop(ref)[1].wipe()
