"""The secret parts of cloud credentials: in the secrets provider, all those of one credential in one secret.

    holdfast/credentials/<credential>.<random>     ["holdfast-credential", 1, {"secret_key": ...}]

A secret is never overwritten: a change writes another one, and the old one goes when the record has moved on.
What a crash leaves behind is marked (``credential_catalog``) and removed at the next chance: the next change
of any credential, or the next start.
"""

import hmac
import logging
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Lock
from typing import Literal, TypeAlias

import msgspec

from holdfast.clock import Clock
from holdfast.errors import ConflictError, HoldfastError, InternalError, NotFoundError, UnavailableError
from holdfast.model import SecretBytes
from holdfast.node.credentials.credential_catalog import CredentialCatalog
from holdfast.node.credentials.credential_records import SecretMark, SecretNote, SecretPart
from holdfast.node.errors import NoProviderError
from holdfast.providers import SecretRef, SecretsProvider

Parts: TypeAlias = Mapping[SecretPart, SecretBytes]

PREFIX = "holdfast/credentials"
FORM: Literal["holdfast-credential"] = "holdfast-credential"
StoredParts: TypeAlias = tuple[Literal["holdfast-credential"], Literal[1], dict[str, str]]
FOREIGN_PATIENCE_SECONDS = 3600  # another node's mark may be of a change that is under way there

_log = logging.getLogger(__name__)


class CredentialSecrets:
    """Keeps the secret parts.

    Args:
        provider: where; ``None`` if the node has no provider.
        catalog: holds the marks.
        node_id: which node this is, for the marks.
        clock: the time, for the marks.
    """

    def __init__(
        self, provider: SecretsProvider | None, *, catalog: CredentialCatalog, node_id: str, clock: Clock
    ) -> None:
        self._provider = provider
        self._catalog = catalog
        self._node_id = node_id
        self._clock = clock
        self._guard = Lock()
        self._under_way: set[str] = set()

    @contextmanager
    def keeping(self, identity: str, parts: Parts) -> Iterator[SecretNote | None]:
        """Store the secret parts of a credential, for a block that gives them a record.

        If the block fails, they are removed again, now or at the next chance.

        Args:
            identity: of the credential.
            parts: none, and nothing is stored.

        Raises:
            NoProviderError: there is no provider.
            ReadOnlyProviderError: it takes nothing.
            ProviderUnavailableError: it is sealed, away, or refuses the node.
        """
        if not parts:
            yield None
            return
        provider = self._usable()
        leaf = f"{identity}.{secrets.token_hex(8)}"
        note = SecretNote(provider.kind, f"{PREFIX}/{leaf}", sorted(parts))
        with self._busy_with(leaf):
            self._catalog.put_mark(leaf, self.mark(note))
            try:
                self._write(provider, note, parts)
                yield note
            except (ConflictError, NotFoundError):
                self.drop(note)  # certainly without a record; after other failures one may yet come true
                raise

    def fetch(self, note: SecretNote | None) -> dict[SecretPart, SecretBytes]:
        """Return the secret parts of a credential; the caller wipes them.

        Raises:
            ProviderUnavailableError: the provider is sealed, away, or refuses the node.
            SecretNotFoundError: somebody removed them there.
            UnavailableError: another provider than the node's has them.
        """
        if note is None:
            return {}
        provider = self._usable()
        if provider.kind != note.provider:
            raise UnavailableError(
                f"the credential's secret parts are kept by a provider of type {note.provider}, "
                f"and this node uses {provider.kind}"
            )
        with provider.get(SecretRef(note.name)).value as stored:
            return _read(stored)

    def mark(self, note: SecretNote) -> SecretMark:
        """Return the mark for a secret that is to go."""
        return SecretMark(provider=note.provider, node=self._node_id, marked_at=int(self._clock.now()))

    def drop(self, note: SecretNote) -> bool:
        """Remove a secret without a record from the provider; return whether that was possible now."""
        return self._remove(note.leaf, note.provider)

    def sweep(self) -> int:
        """Remove what crashes and failures left behind; return how many secrets are still to go."""
        waiting = [(leaf, mark) for leaf, mark in self._catalog.marks() if not self._is_under_way(leaf, mark)]
        kind = None if self._provider is None else self._provider.kind
        removed = 0
        for leaf in (leaf for leaf, mark in waiting if mark.provider == kind):
            if not self._remove(leaf, kind):
                break  # the provider is away; each of the others would wait for it as long again
            removed += 1
        return len(waiting) - removed

    def _remove(self, leaf: str, kind: str | None) -> bool:
        if self._provider is None or kind != self._provider.kind:
            return False  # the provider that has it may come back
        try:
            if self._catalog.is_marked(leaf):
                self._provider.destroy(SecretRef(f"{PREFIX}/{leaf}"))
                self._catalog.remove_mark(leaf)
        except HoldfastError as error:
            _log.warning("the secret of a credential that is gone cannot be removed now: %s", error.message)
            return False
        return True

    def _is_under_way(self, leaf: str, mark: SecretMark) -> bool:
        if mark.node != self._node_id:
            return self._clock.now() - mark.marked_at < FOREIGN_PATIENCE_SECONDS
        with self._guard:
            return leaf in self._under_way

    @contextmanager
    def _busy_with(self, leaf: str) -> Iterator[None]:
        with self._guard:
            self._under_way.add(leaf)
        try:
            yield
        finally:
            with self._guard:
                self._under_way.discard(leaf)

    def _usable(self) -> SecretsProvider:
        if self._provider is None:
            raise NoProviderError(
                "this node has no secrets provider to keep the credential's secret parts in; start it with "
                "-secret_type"
            )
        return self._provider

    @staticmethod
    def _write(provider: SecretsProvider, note: SecretNote, parts: Parts) -> None:
        ref = SecretRef(note.name)
        words = {part.value: text.reveal().decode() for part, text in parts.items()}
        with SecretBytes(msgspec.json.encode((FORM, 1, words))) as value:
            provider.put(ref, value, expected_version=0)
            with provider.get(ref).value as stored:
                if not hmac.compare_digest(stored.view(), value.view()):
                    raise InternalError("the secrets provider gave back another secret than was stored")


def _read(stored: SecretBytes) -> dict[SecretPart, SecretBytes]:
    try:
        _, _, words = msgspec.json.decode(stored.view(), type=StoredParts)
        return {SecretPart(name): SecretBytes(text.encode()) for name, text in words.items()}
    except (msgspec.DecodeError, ValueError):
        raise InternalError("the stored secret parts of a credential cannot be read") from None
