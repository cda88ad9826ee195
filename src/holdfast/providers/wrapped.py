"""Secrets of which the node keeps only ciphertext: each sealed with a key that another party has to unwrap.

    value ──AES-256-GCM── data key, one for each version ──wrapped by── a KMS or an HSM, by its own key

Below ``wrapped/<kind>/`` in the node's storage, in one transaction per change:

    names/<namespace>/<name>              which versions there are, and the highest number ever given out
    values/<digest of both>/<version>     the wrapped data key and the sealed value

The name, namespace and version are bound to the value, and the name and namespace to the wrapped key, so that
no entry can be put in another's place.
"""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Protocol, TypeVar

import msgspec

from holdfast.crypto.aead import Aead, NotAuthenticError
from holdfast.errors import HoldfastError, InvalidInputError
from holdfast.model import SecretBytes
from holdfast.providers.errors import (
    ProviderUnavailableError,
    SecretDataError,
    SecretExistsError,
    SecretNotFoundError,
)
from holdfast.providers.interface import ProviderStatus, Reason, Secret, SecretRef, trouble
from holdfast.storage.interface import Reader, Storage, Transaction

PAGE = 500

T = TypeVar("T")


class KeyWrapper(Protocol):
    """Who wraps data keys."""

    kind: str
    place: str
    login: str

    def new_key(self, context: str) -> tuple[SecretBytes, bytes]:
        """Return a new key of 32 bytes, plain and wrapped.

        Raises:
            CredentialExpiredError, ProviderDeniedError, ProviderUnavailableError: it cannot be done.
        """
        ...

    def unwrap(self, wrapped: bytes, context: str) -> SecretBytes:
        """Return the key that was wrapped; raises as ``new_key``.

        Raises:
            SecretDataError: it is not what was wrapped in this context.
        """
        ...

    def check(self) -> None:
        """Raise as ``new_key`` if it could not be done now."""
        ...

    def times(self) -> tuple[float | None, float | None]:
        """Return when the node's credential was last renewed and when it ends, as far as that is known."""
        ...

    def close(self) -> None:
        """Let go of connections and credentials."""
        ...


class Versions(msgspec.Struct, frozen=True, array_like=True):
    """Which versions of a secret there are.

    Attributes:
        layout: of this record.
        highest: the highest number ever given out.
        kept: those that can be read.
    """

    layout: int = 1
    highest: int = 0
    kept: tuple[int, ...] = ()


class Sealed(msgspec.Struct, frozen=True, array_like=True):
    """One version."""

    layout: int
    wrapped_key: bytes
    sealed_value: bytes


_encode = msgspec.msgpack.encode
_decode_versions = msgspec.msgpack.Decoder(Versions).decode
_decode_sealed = msgspec.msgpack.Decoder(Sealed).decode


class WrappedSecrets:
    """A provider of secrets that somebody else's key protects.

    Args:
        wrapper: wraps data keys.
        storage: where what was wrapped is kept, for all nodes that share it.
        imported: finds the value of a secret that this node has not written, such as one of the original's.
    """

    def __init__(
        self,
        wrapper: KeyWrapper,
        storage: Storage,
        *,
        imported: Callable[[SecretRef], SecretBytes | None] = lambda _: None,
    ) -> None:
        self.kind = wrapper.kind
        self._wrapper = wrapper
        self._storage = storage
        self._imported = imported
        self._root = f"wrapped/{wrapper.kind}"

    def get(self, ref: SecretRef) -> Secret:
        """Return the value of a secret; see ``SecretsProvider``."""

        def read(reader: Reader) -> tuple[int, bytes | None]:
            kept = self._versions(reader, ref).kept
            version = ref.version if ref.version is not None else max(kept, default=0)
            return version, reader.get(self._value_key(ref, version)) if version in kept else None

        with self._storage.snapshot() as reader:
            version, stored = read(reader)
        if stored is None:
            value = self._imported(ref) if ref.version is None else None
            if value is None:
                raise SecretNotFoundError
            return Secret(value, None)
        return Secret(self._open(ref, version, stored), version)

    def put(self, ref: SecretRef, value: SecretBytes, *, expected_version: int | None = None) -> int:
        """Store a value as the newest version; see ``SecretsProvider``."""
        if not len(value):
            raise SecretDataError
        if expected_version == 0 and (there := self._imported(ref)) is not None:
            there.wipe()
            raise SecretExistsError
        key, wrapped = self._wrapper.new_key(_context(ref))
        with key:
            aead = Aead(key.view())

        def change(transaction: Transaction) -> int:
            versions = self._versions(transaction, ref)
            newest = max(versions.kept, default=0)
            if expected_version is not None and expected_version != newest:
                raise SecretExistsError
            version = versions.highest + 1
            sealed = Sealed(1, wrapped, aead.seal(value.view(), _binding(ref, version)))
            transaction.put(self._value_key(ref, version), _encode(sealed))
            transaction.put(self._name_key(ref), _encode(Versions(1, version, (*versions.kept, version))))
            return version

        return self._storage.write(change)

    def destroy(self, ref: SecretRef) -> None:
        """Remove a version, or all; see ``SecretsProvider``."""

        def change(transaction: Transaction) -> None:
            versions = self._versions(transaction, ref)
            if ref.version is None:
                for version in versions.kept:
                    transaction.delete(self._value_key(ref, version))
                transaction.delete(self._name_key(ref))
            elif ref.version in versions.kept:
                # The entry stays, so that the number is never given out again.
                kept = tuple(version for version in versions.kept if version != ref.version)
                transaction.delete(self._value_key(ref, ref.version))
                transaction.put(self._name_key(ref), _encode(Versions(1, versions.highest, kept)))

        self._storage.write(change)

    def versions(self, ref: SecretRef) -> tuple[int, ...]:
        """Return the versions that can be read; see ``SecretsProvider``."""
        return self._versions(self._storage, ref).kept

    def list(self, prefix: str = "", *, namespace: str = "") -> list[str]:
        """Return the names one level below ``prefix``; see ``SecretsProvider``."""
        start = f"{self._names(namespace)}/{prefix.strip('/')}".rstrip("/") + "/"
        names: list[str] = []
        after = ""
        while page := self._storage.list(start, after=after, limit=PAGE):
            names += page
            after = page[-1]
        return names

    def status(self) -> ProviderStatus:
        """Try whether keys can be had now; see ``SecretsProvider``."""
        problem, reason = "", Reason.NONE
        try:
            self._wrapper.check()
        except HoldfastError as error:
            problem, reason = trouble(error)
        renewed_at, expires_at = self._wrapper.times()
        return ProviderStatus(
            kind=self.kind,
            place=self._wrapper.place,
            usable=not problem,
            problem=problem,
            reason=reason,
            versioned=True,
            login=self._wrapper.login,
            renewed_at=renewed_at,
            expires_at=expires_at,
        )

    def close(self) -> None:
        """Let go of the wrapper; see ``SecretsProvider``."""
        self._wrapper.close()

    def _open(self, ref: SecretRef, version: int, stored: bytes) -> SecretBytes:
        try:
            sealed = _decode_sealed(stored)
        except msgspec.DecodeError:
            raise ProviderUnavailableError("a wrapped secret in the node's storage cannot be read") from None
        with self._wrapper.unwrap(sealed.wrapped_key, _context(ref)) as key:
            try:
                opened = Aead(key.view()).open_key(sealed.sealed_value, _binding(ref, version))
            except (NotAuthenticError, ValueError):
                raise ProviderUnavailableError(
                    "a wrapped secret in the node's storage is damaged or stands in another's place"
                ) from None
        value = SecretBytes(opened)
        opened[:] = bytes(len(opened))
        return value

    def _versions(self, reader: Reader, ref: SecretRef) -> Versions:
        stored = reader.get(self._name_key(ref))
        try:
            return Versions() if stored is None else _decode_versions(stored)
        except msgspec.DecodeError:
            raise ProviderUnavailableError("a wrapped secret in the node's storage cannot be read") from None

    def _names(self, namespace: str) -> str:
        encoded = urlsafe_b64encode(namespace.encode()).decode()
        if len(encoded) > 255:  # noqa: PLR2004 - of one segment
            raise InvalidInputError("secret namespace: expected at most 190 bytes")
        return f"{self._root}/names/_{encoded}"

    def _name_key(self, ref: SecretRef) -> str:
        return f"{self._names(ref.namespace)}/{ref.name}"

    def _value_key(self, ref: SecretRef, version: int) -> str:
        digest = hashlib.sha256(_context(ref).encode()).hexdigest()
        return f"{self._root}/values/{digest}/{version}"


def _context(ref: SecretRef) -> str:
    return f"{len(ref.namespace)}:{ref.namespace}:{ref.name}"


def _binding(ref: SecretRef, version: int) -> bytes:
    return f"holdfast wrapped secret 1:{version}:{_context(ref)}".encode()
