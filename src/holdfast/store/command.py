"""What a reader process asks the writer process to do, and how the outcome comes back.

Readers authenticate, authorise and validate; whatever may change between that check and the commit
(does the key exist, is the mount still there, does check-and-set match) is decided again by the
command itself, inside the transaction.

A command is a tagged struct, so that what crosses the process border is data with a closed set of
types, never code. A failure crosses as the name of its kind (see ``holdfast.errors``), its text and its
reason.
"""

from typing import Any, ClassVar

import msgspec

from holdfast import errors
from holdfast.barrier import BarrierTransaction, Keyring
from holdfast.errors import HoldfastError, InternalError, NotFoundError
from holdfast.storage.interface import Transaction
from holdfast.store.layout import MOUNTS, Place, writing
from holdfast.store.mounts import MountTable, load_mounts
from holdfast.store.request import Answer
from holdfast.store.token_records import TokenHasher


class Scope:
    """What a command may touch: one transaction, seen through the barrier, at one time.

    Args:
        tx: the storage transaction.
        keyring: encrypts what is written.
        hasher: makes token names.
        now: Unix seconds.
    """

    __slots__ = ("_keyring", "_tx", "hasher", "now")

    def __init__(self, tx: Transaction, keyring: Keyring, hasher: TokenHasher, now: float) -> None:
        self._tx = tx
        self._keyring = keyring
        self.hasher = hasher
        self.now = now

    def view(self, place: Place) -> BarrierTransaction:
        """Return the barrier confined to ``place``."""
        return writing(self._tx, self._keyring, place)

    def mounts(self) -> MountTable:
        """Return the mount table as it is in this transaction."""
        return load_mounts(self.view(MOUNTS))

    def require_mount(self, uuid: str) -> None:
        """Refuse to write below a mount that was removed after the request was routed.

        Raises:
            NotFoundError: no mount has this uuid any more.
        """
        if all(mount.uuid != uuid for mount in self.mounts().mounts):
            raise NotFoundError("no handler for route: the mount was removed")


class Command(msgspec.Struct, tag=True, frozen=True):
    """One change. Subclasses are data plus what ``run`` does with them inside the transaction.

    Attributes:
        shared: whether the change touches what reader processes keep in memory (mounts, policies,
            tokens that exist), so that they must drop it before anybody learns of the change.
    """

    shared: ClassVar[bool] = False

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
