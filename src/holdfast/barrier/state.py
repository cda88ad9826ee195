"""The seal as a state machine: uninitialized, sealed with some shares submitted, or unsealed.

    Uninitialized ── initialize ──▶ Sealed ── enough right shares ──▶ Unsealed
                                      ▲                                  │
                                      └────────────── seal ──────────────┘

Each state is a type of its own: code that needs keys asks for ``Unsealed`` and cannot be handed
anything less. Nothing here reads or writes; ``seal`` holds the functions that do.
"""

from dataclasses import dataclass, replace
from typing import Self

from holdfast.barrier.attempt import UnsealAttempt
from holdfast.barrier.keyring import Keyring
from holdfast.barrier.seal_config import SealConfig
from holdfast.clock import Clock
from holdfast.model import SecretBytes


@dataclass(frozen=True, slots=True)
class Uninitialized:
    """There are no keys yet."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """The keys are in storage, and nobody here can use them.

    Attributes:
        config: how the unseal key was split.
        attempt: the shares submitted so far.
    """

    config: SealConfig
    attempt: UnsealAttempt


@dataclass(frozen=True, slots=True)
class Unsealed:
    """The keys are in memory.

    Attributes:
        config: how the unseal key was split.
        root_key: wraps the keyring whenever that changes.
        keyring: opens and seals every other record.
    """

    config: SealConfig
    root_key: SecretBytes
    keyring: Keyring

    def with_keyring(self, keyring: Keyring) -> Self:
        """Return the state after a rotation; the keyring that is replaced is wiped."""
        self.keyring.wipe()
        return replace(self, keyring=keyring)

    def seal(self, clock: Clock) -> Sealed:
        """Wipe every key and return the sealed state. Whoever still holds the keyring is refused."""
        self.keyring.wipe()
        self.root_key.wipe()
        return Sealed(self.config, UnsealAttempt(self.config, clock))


SealState = Uninitialized | Sealed | Unsealed
