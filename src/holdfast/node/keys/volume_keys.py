"""The keys of volumes: fetched for the moment they are needed, made from 256 random bits, never kept.

A key is text in the secrets provider: the base64 of its random bytes. That text, byte for byte, is what
opens a volume's header.
"""

import threading
from typing import Self

import msgspec

from holdfast.errors import HoldfastError, UnavailableError
from holdfast.model import SecretBytes
from holdfast.node.errors import NoProviderError
from holdfast.node.inventory.records import KeyNote, KeyOrigin
from holdfast.providers import (
    ProviderStatus,
    ProviderUnavailableError,
    SecretNotFoundError,
    SecretRef,
    SecretsProvider,
    generate_key,
)
from holdfast.volumes.key_reference import KeyReference


class FetchedKeys:
    """The keys of one run over many volumes: each fetched once, all wiped at the end of the block.

    Args:
        keys: where they are.
    """

    def __init__(self, keys: "VolumeKeys") -> None:
        self._keys = keys
        self._guard = threading.Lock()
        self._fetched: dict[KeyReference, SecretBytes] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        for key in self._fetched.values():
            key.wipe()
        self._fetched.clear()

    def get(self, reference: KeyReference) -> SecretBytes:
        """Return a key, which stays usable until the end of the block; raises as ``VolumeKeys.fetch``."""
        with self._guard:
            if reference not in self._fetched:
                self._fetched[reference] = self._keys.fetch(reference)
            return self._fetched[reference]


class VolumeKeys:
    """Keys in the node's secrets provider.

    Args:
        provider: where keys are kept; ``None`` if the node has no provider.
        former: where keys were kept before, of another type; they are read there until they are moved.
    """

    def __init__(self, provider: SecretsProvider | None, former: SecretsProvider | None = None) -> None:
        self._provider = provider
        self._former = former

    def fetch(self, reference: KeyReference) -> SecretBytes:
        """Return the key that a volume's header refers to; the caller wipes it.

        Raises:
            ProviderUnavailableError: the provider is sealed, away, or refuses the node.
            SecretNotFoundError, SecretDataError: the key is gone, or is no key.
            UnavailableError: another provider than the node's has it.
        """
        provider = self._of(reference.provider)
        return provider.get(SecretRef(reference.path, reference.namespace, reference.version)).value

    def newest_version(self, reference: KeyReference) -> int | None:
        """Return the newest version of a secret; ``None`` if none are kept, or it cannot be had now."""
        try:
            secret = self._of(reference.provider).get(SecretRef(reference.path, reference.namespace))
        except HoldfastError:
            return None
        secret.value.wipe()
        return secret.version

    def newest(self, name: str, namespace: str, origin: KeyOrigin) -> tuple[KeyNote, SecretBytes]:
        """Return the newest version of a secret, and a note of which that is; raises as ``fetch``."""
        provider = self._usable()
        secret = provider.get(SecretRef(name, namespace))
        return KeyNote(provider.kind, name, namespace, secret.version, origin), secret.value

    def at(self, note: KeyNote) -> tuple[KeyNote, SecretBytes]:
        """Return the key that a note means, and the note with its version; raises as ``fetch``."""
        if note.version is not None:
            return note, self.fetch(note.reference())
        secret = self._of(note.provider).get(SecretRef(note.name, note.namespace))
        return note.at(secret.version), secret.value

    def note(self, name: str, namespace: str, origin: KeyOrigin) -> KeyNote:
        """Return a note of a secret that is yet to be made.

        Raises:
            NoProviderError: there is no provider to make it in.
            InvalidInputError: the name cannot be one.
        """
        SecretRef(name, namespace)
        return KeyNote(self._usable().kind, name, namespace, None, origin)

    def make(self, note: KeyNote) -> tuple[KeyNote, SecretBytes]:
        """Store a new random key as the newest version of a secret, and prove that it can be read back.

        It is stored in the present provider, wherever the note says that the one before is.
        Nobody else's change is lost: the write is refused when the secret changed meanwhile.

        Raises:
            SecretExistsError: it did.
            ProviderUnavailableError: the provider is sealed, away, or refuses the node.
        """
        provider = self._usable()
        version, key = generate_key(provider, SecretRef(note.name, note.namespace))
        return msgspec.structs.replace(note, provider=provider.kind, version=version), key

    def make_first(self, note: KeyNote) -> tuple[KeyNote, SecretBytes]:
        """Store a random key as the first of a secret, or read the one an earlier attempt stored."""
        try:
            found, key = self.newest(note.name, note.namespace, note.origin)
        except SecretNotFoundError:
            return self.make(note)
        return found, key

    def make_again(self, note: KeyNote) -> tuple[KeyNote, SecretBytes]:
        """Store a random key in the present provider for one that is in the former.

        A secret that is there under that name already is not replaced: where versions are kept, it gets one
        more; otherwise it is the key.
        """
        note = self.note(note.name, note.namespace, note.origin)
        return self.make(note) if self.keeps_versions() else self.make_first(note)

    def serves(self, kind: str) -> bool:
        """Whether keys can be had from a provider of this type."""
        return kind in {provider.kind for provider in (self._provider, self._former) if provider is not None}

    @property
    def kind(self) -> str:
        """The type of the present provider; empty if the node has none."""
        return "" if self._provider is None else self._provider.kind

    @property
    def former_kind(self) -> str:
        """The type of the former provider; empty if the node has none."""
        return "" if self._former is None else self._former.kind

    def keeps_versions(self) -> bool:
        """Whether an older key can still be read after a newer one was stored.

        Raises:
            ProviderUnavailableError: the provider is sealed, away, or refuses the node: nobody can say now.
        """
        status = self._usable().status()
        if status.versioned is None and not status.usable:
            raise ProviderUnavailableError(status.problem)
        return status.versioned is True

    def destroy(self, note: KeyNote) -> None:
        """Remove all versions of a secret for good; nothing there is no error.

        Raises:
            UnavailableError: it is not in the present provider; a former one is only read.
        """
        provider = self._usable()
        if note.provider != provider.kind:
            raise UnavailableError(f"it is kept by a provider of type {note.provider}, which is only read")
        provider.destroy(SecretRef(note.name, note.namespace))

    def status(self) -> ProviderStatus | None:
        """Try whether keys can be had now; ``None`` without a provider."""
        return None if self._provider is None else self._provider.status()

    def former_status(self) -> ProviderStatus | None:
        """Try whether keys can be had from the former provider; ``None`` without one."""
        return None if self._former is None else self._former.status()

    def _of(self, kind: str) -> SecretsProvider:
        provider = self._usable()
        if kind == provider.kind:
            return provider
        if self._former is not None and kind == self._former.kind:
            return self._former
        raise UnavailableError(
            f"the volume's key is kept by a provider of type {kind}, and this node uses {provider.kind}; "
            f"start it with --former-secret-type {kind} and move the keys"
        )

    def _usable(self) -> SecretsProvider:
        if self._provider is None:
            raise NoProviderError("this node has no secrets provider; start it with -secret_type")
        return self._provider
