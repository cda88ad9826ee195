"""Whether operators want the store sealed: what a restart, and every other node, has to obey.

Stored in clear, because it is asked for while nothing can be opened. Who writes to storage can therefore have
the store sealed, which deleting records does as well. He can also take back a seal that somebody set by hand:
then a store that opens itself does so at the next start, as it would have after a loss of power. Where
that is too much, the private key must not be where the store finds it.
"""

from dataclasses import dataclass

import msgspec

from holdfast.barrier.errors import RecordError
from holdfast.storage.interface import Reader, Transaction

SEAL_INTENT_PATH = "core/seal-intent"


class SealIntent(msgspec.Struct, frozen=True, kw_only=True):
    """What operators asked for last.

    Attributes:
        generation: grows with every seal and unseal by hand.
        sealed: whether all nodes shall be sealed.
        closed: ids of nodes that shall be sealed though the others are not.
        opened: ids of nodes that shall not be though the others are.
        by: id of the node where it was asked for last.
        at: when, in Unix seconds.
    """

    generation: int = 0
    sealed: bool = False
    closed: tuple[str, ...] = ()
    opened: tuple[str, ...] = ()
    by: str = ""
    at: float = 0.0

    def wants_sealed(self, node: str) -> bool:
        """Whether the node with this id shall be sealed."""
        return node in self.closed or (self.sealed and node not in self.opened)


@dataclass(frozen=True, slots=True)
class Asked:
    """A wish of an operator.

    Attributes:
        sealed: seal, or unseal.
        node: id of the node that was asked.
        only: whether the wish is about this node alone.
        now: Unix seconds.
    """

    sealed: bool
    node: str
    only: bool
    now: float

    def applied_to(self, intent: SealIntent) -> SealIntent:
        """Return the intent after it."""
        closed, opened = (set(intent.closed), set(intent.opened)) if self.only else (set(), set())
        if self.only:
            (closed if self.sealed else opened).add(self.node)
            (opened if self.sealed else closed).discard(self.node)
        return SealIntent(
            generation=intent.generation + 1,
            sealed=intent.sealed if self.only else self.sealed,
            closed=tuple(sorted(closed)),
            opened=tuple(sorted(opened)),
            by=self.node,
            at=self.now,
        )


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(SealIntent).decode


def load_seal_intent(reader: Reader) -> SealIntent:
    """Return what operators want; nobody ever asked for anything in a new store.

    Raises:
        RecordError: what is stored is no intent.
    """
    record = reader.get(SEAL_INTENT_PATH)
    if record is None:
        return SealIntent()
    try:
        return _decode(record)
    except msgspec.DecodeError:
        raise RecordError(SEAL_INTENT_PATH) from None


def record_wish(tx: Transaction, wish: Asked) -> SealIntent:
    """Store what an operator asked for; return the intent that it leads to."""
    intent = wish.applied_to(load_seal_intent(tx))
    tx.put(SEAL_INTENT_PATH, _encode(intent))
    return intent
