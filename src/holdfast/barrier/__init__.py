"""The barrier: every stored byte passes through it, encrypted and bound to its place.

Storage is not trusted. A record that was changed, moved, cut or taken for another kind does not open.
What storage can still do is lose a record, bring back an older version of one, and see names and sizes.

* ``record``: the bytes of a stored record.
* ``keyring``: the data keys by term, and how often the active one may encrypt.
* ``seal``: the chain of keys in storage: initialise, unseal, rotate, reserve.
* ``state``: uninitialized, sealed, unsealed.
* ``attempt``: the shares submitted so far.
* ``seal_intent``: whether operators want the store sealed.
* ``key_pair``: the OpenPGP key pair of a store that opens itself.
* ``view``: the barrier confined to one prefix.
"""

from holdfast.barrier.attempt import UnsealAttempt, parse_share
from holdfast.barrier.errors import (
    AllowanceError,
    AlreadyInitializedError,
    MalformedShareError,
    RecordError,
    RotatedElsewhereError,
    UnknownTermError,
    UnsealFailedError,
)
from holdfast.barrier.keyring import Keyring
from holdfast.barrier.record import RecordKind
from holdfast.barrier.seal import (
    DealtShares,
    InitialKeys,
    PreparedShares,
    current_state,
    initialize,
    is_unseal_key,
    prepare_shares,
    reload_keyring,
    reserve_encryptions,
    rotate_keyring,
    unseal,
)
from holdfast.barrier.seal_config import SealConfig
from holdfast.barrier.state import Sealed, SealState, Uninitialized, Unsealed
from holdfast.barrier.view import BarrierReader, BarrierTransaction

__all__ = [
    "AllowanceError",
    "AlreadyInitializedError",
    "BarrierReader",
    "BarrierTransaction",
    "DealtShares",
    "InitialKeys",
    "Keyring",
    "MalformedShareError",
    "PreparedShares",
    "RecordError",
    "RecordKind",
    "RotatedElsewhereError",
    "SealConfig",
    "SealState",
    "Sealed",
    "Uninitialized",
    "UnknownTermError",
    "UnsealAttempt",
    "UnsealFailedError",
    "Unsealed",
    "current_state",
    "initialize",
    "is_unseal_key",
    "parse_share",
    "prepare_shares",
    "reload_keyring",
    "reserve_encryptions",
    "rotate_keyring",
    "unseal",
]
