"""What a reader process asks the writer process to do, and how the outcome comes back.

Readers authenticate, authorise and validate; whatever may change between that check and the commit
(does the key exist, is the mount still there, does check-and-set match) is decided again by the
command itself, inside the transaction.

A command is a tagged struct, so that what crosses the process border is data with a closed set of
types, never code. A failure crosses as the name of its kind (see ``holdfast.errors``), its text and its
reason.
"""

from typing import Any, ClassVar, Self

import msgspec

from holdfast import errors
from holdfast.barrier import BarrierTransaction, Keyring
from holdfast.errors import HoldfastError, InternalError, InvalidInputError, NotFoundError
from holdfast.storage.interface import Transaction
from holdfast.store.layout import MOUNTS, NAMESPACES, Place, writing
from holdfast.store.mounts import MountTable, load_mounts
from holdfast.store.namespaces.clearing import clear
from holdfast.store.namespaces.records import ROOT, Namespace, load_at, load_by_uuid
from holdfast.store.request import Answer
from holdfast.store.tokens.purge import Room
from holdfast.store.tokens.records import TokenHasher


class Scope:
    """What a command may touch: one transaction, seen through the barrier, at one time.

    Args:
        tx: the storage transaction.
        keyring: encrypts what is written.
        hasher: makes token names.
        now: Unix seconds.
        namespace: uuid of the namespace that it is about; empty for the root namespace.

    Attributes:
        hasher: makes token names of the namespace.
        namespace: the namespace.
        now: as given.

    Raises:
        NotFoundError: the namespace was deleted, so that nothing is put into it any more.
    """

    __slots__ = ("_keyring", "_tx", "hasher", "namespace", "now")

    def __init__(
        self, tx: Transaction, keyring: Keyring, hasher: TokenHasher, now: float, namespace: str = ""
    ) -> None:
        self._tx = tx
        self._keyring = keyring
        self.hasher = hasher
        self.namespace = ROOT
        self.now = now
        if namespace:
            found = load_by_uuid(self.view(NAMESPACES), namespace)
            if found is None or found.is_tainted:
                raise NotFoundError("namespace not found")
            self.namespace, self.hasher = found, hasher.within(found)

    def view(self, place: Place) -> BarrierTransaction:
        """Return the barrier confined to ``place`` of the namespace."""
        return writing(self._tx, self._keyring, place.within(self.namespace.home))

    def within(self, namespace: Namespace) -> "Scope":
        """Return the same transaction in a namespace that was made in it."""
        return Scope(self._tx, self._keyring, self.hasher, self.now, namespace.uuid)

    def clear_namespace(self, namespace: Namespace, room: Room) -> bool:
        """Remove what a deleted namespace holds, and it; return whether there was room for all of that."""
        return clear(self._tx, self._keyring, self.hasher, namespace, room)

    def mounts(self) -> MountTable:
        """Return the mount table as it is in this transaction."""
        return load_mounts(self.view(MOUNTS))

    def refuse_where_namespace_is(self, path: str) -> None:
        """Return unless a namespace answers where a mount is to answer.

        Raises:
            InvalidInputError: the mount would be out of reach.
        """
        name = path.partition("/")[0]
        if load_at(self.view(NAMESPACES), f"{self.namespace.path}{name}/") is not None:
            raise InvalidInputError(f"path is already in use at {name}/, which is a namespace")

    def require_mount(self, uuid: str) -> None:
        """Refuse to write below a mount that was removed after the request was routed.

        Raises:
            NotFoundError: no mount has this uuid any more.
        """
        if all(mount.uuid != uuid for mount in self.mounts().mounts):
            raise NotFoundError("no handler for route: the mount was removed")


class Command(msgspec.Struct, tag=True, frozen=True, kw_only=True):
    """One change. Subclasses are data plus what ``run`` does with them inside the transaction.

    Attributes:
        namespace: uuid of the namespace that it is for; empty for the root namespace, ``None`` as long as
            nobody has said.
        shared: whether the change touches what reader processes keep in memory (mounts, policies,
            tokens that exist), so that they must drop it before anybody learns of the change.
    """

    shared: ClassVar[bool] = False
    namespace: str | None = None

    def within(self, uuid: str) -> Self:
        """Return the same command for a namespace, given by its uuid, unless it is for one already."""
        return msgspec.structs.replace(self, namespace=uuid) if self.namespace is None else self

    def run(self, scope: Scope) -> Answer:
        """Make the change and return what the caller is told."""
        raise NotImplementedError


class Succeeded(msgspec.Struct, tag=True, frozen=True):
    """The command's answer."""

    answer: Answer


class Failed(msgspec.Struct, tag=True, frozen=True):
    """A refusal on its way to the process that asked."""

    kind: str
    message: str
    reason: str = ""

    def as_error(self) -> HoldfastError:
        """Return the error to raise on this side."""
        error: HoldfastError = getattr(errors, self.kind, InternalError)(self.message)
        error.reason = self.reason
        return error


Outcome = Succeeded | Failed

_encode = msgspec.msgpack.Encoder().encode
_decode_outcome = msgspec.msgpack.Decoder(Outcome).decode


def encode_command(command: Command) -> bytes:
    """Write a command as a frame for the writer."""
    return _encode(command)


def encode_answer(answer: Answer) -> bytes:
    """Write the outcome of a command that succeeded."""
    return _encode(Succeeded(answer))


def encode_failure(error: Exception) -> bytes:
    """Write the outcome of a command that failed; a defect of ours becomes a generic text."""
    if not isinstance(error, HoldfastError):
        error = InternalError("internal error; the server's log says more")
    kind = next(base.__name__ for base in type(error).__mro__ if base.__module__ == errors.__name__)
    return _encode(Failed(kind, error.message, error.reason))


def decode_outcome(frame: bytes) -> Answer | HoldfastError:
    """Read what ``encode_answer`` or ``encode_failure`` wrote."""
    outcome: Any = _decode_outcome(frame)
    return outcome.answer if isinstance(outcome, Succeeded) else outcome.as_error()
