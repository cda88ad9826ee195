"""The keyring against a naive model of it: processes that encrypt, rotate, fall behind, die, and come back.

Nothing that was ever encrypted is lost, no process encrypts with a key that it does not hold or was not
allowed to use, and storage never counts fewer encryptions than there were.
"""

from dataclasses import dataclass

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

import holdfast.barrier
from holdfast.barrier import (
    AllowanceError,
    Keyring,
    RecordKind,
    RotatedElsewhereError,
    Sealed,
    UnknownTermError,
    Unsealed,
    current_state,
    reload_keyring,
    reserve_encryptions,
    rotate_keyring,
    unseal,
)
from holdfast.barrier.record import TERM_SLICE
from holdfast.clock import ManualClock
from holdfast.model import SecretBytes
from holdfast.storage.memory import MemoryStorage

PLACES = ("logical/a", "logical/b", "sys/token/c")


@dataclass
class Process:
    """One process that holds the keys, and how many encryptions it may still do for all we know."""

    state: Unsealed
    allowed: bool = False

    @property
    def term(self):
        return self.state.keyring.active_term


@dataclass(frozen=True)
class Record:
    path: str
    plaintext: bytes
    term: int
    text: bytes


class KeyringMachine(RuleBasedStateMachine):
    processes = Bundle("processes")
    records = Bundle("records")

    @initialize()
    def begin(self):
        self.clock = ManualClock()
        self.storage = MemoryStorage(clock=self.clock)
        keys = self.storage.write(
            lambda tx: holdfast.barrier.initialize(tx, shares=1, threshold=1, now=self.clock.now())
        )
        self.share = keys.shares[0].reveal()
        self.term = 1
        self.encrypted = {1: 0}

    def _open(self):
        sealed = current_state(self.storage, self.clock)
        assert isinstance(sealed, Sealed)
        return unseal(self.storage, sealed, SecretBytes(bytes(self.share)))

    @rule(target=processes)
    def start(self):
        return Process(self._open())

    @rule(process=consumes(processes))
    def die(self, process):
        process.state.keyring.wipe()

    @rule(process=processes)
    def reserve(self, process):
        if process.term == self.term:
            reserve_encryptions(self.storage, process.state)
            process.allowed = True
        else:
            with pytest.raises(RotatedElsewhereError):
                reserve_encryptions(self.storage, process.state)

    @rule(process=processes)
    def rotate(self, process):
        behind = process.term != self.term
        rotated = self.storage.write(lambda tx: rotate_keyring(tx, process.state, now=self.clock.now()))
        if not behind:
            self.term += 1
            self.encrypted[self.term] = 0
        assert rotated.active_term == self.term
        process.state = process.state.with_keyring(rotated)
        process.allowed = not behind  # a block comes with the new key, to whoever made it

    @rule(process=processes)
    def catch_up(self, process):
        process.state = process.state.with_keyring(reload_keyring(self.storage, process.state))
        process.allowed = False
        assert process.term == self.term

    @rule(
        target=records,
        process=processes,
        path=st.sampled_from(PLACES),
        plaintext=st.binary(max_size=40),
    )
    def encrypt(self, process, path, plaintext):
        """A process that fell behind goes on with its own term, as far as it was allowed to."""
        if not process.allowed:
            with pytest.raises(AllowanceError):
                process.state.keyring.seal(RecordKind.KV, path, plaintext)
            return Record(path, b"", 0, b"")
        text = process.state.keyring.seal(RecordKind.KV, path, plaintext)
        self.encrypted[process.term] += 1
        assert int.from_bytes(text[TERM_SLICE], "big") == process.term
        return Record(path, plaintext, process.term, text)

    @rule(process=processes, record=records)
    def decrypt(self, process, record):
        if not record.term:
            return
        if record.term > process.term:
            with pytest.raises(UnknownTermError):
                process.state.keyring.open(RecordKind.KV, record.path, record.text)
        else:
            opened = process.state.keyring.open(RecordKind.KV, record.path, record.text)
            assert opened == record.plaintext

    @rule(process=processes, record=records)
    def encrypt_anew(self, process, record):
        """What was read under an old key is written under the newest, and reads the same."""
        if record.term and process.allowed and record.term <= process.term:
            plaintext = process.state.keyring.open(RecordKind.KV, record.path, record.text)
            text = process.state.keyring.seal(RecordKind.KV, record.path, plaintext)
            self.encrypted[process.term] += 1
            assert process.state.keyring.open(RecordKind.KV, record.path, text) == record.plaintext

    @rule(process=processes)
    def hand_over(self, process):
        """What another process is given opens all the same, and encrypts nothing."""
        copy = Keyring.from_bytes(process.state.keyring.to_bytes())
        assert copy.active_term == process.term
        with pytest.raises(AllowanceError):
            copy.seal(RecordKind.KV, PLACES[0], b"")
        copy.wipe()

    @rule()
    def lose_power(self):
        self.storage = self.storage.survivor()

    @invariant()
    def storage_counts_no_less_than_happened(self):
        if hasattr(self, "term"):
            stored = self._open().keyring
            assert stored.active_term == self.term
            assert stored.reserved >= self.encrypted[self.term]
            stored.wipe()


KeyringMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestKeyrings = KeyringMachine.TestCase
