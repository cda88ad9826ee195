"""The data keys, one for each term, and how often the newest may still encrypt.

Every term opens; only the newest, the active one, seals. A record names its term and is opened with
that term's key or not at all. Rotating adds a term and rewrites nothing.

AES-GCM with random nonces must not encrypt more than 2^32 messages under one key, counted over all
processes and restarts. So encryptions are reserved in blocks: a block is added to the stored keyring
(``seal.reserve_encryptions``) before the first encryption of that block happens. A crash loses what was
left of a block and so counts too many, never too few. A keyring that was read from storage or handed
over by another process has no allowance: it opens, and seals nothing until one is granted.

A keyring belongs to one thread that seals. Any thread may open.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import msgspec

from holdfast.barrier.errors import AllowanceError, UnknownTermError
from holdfast.barrier.record import TERM_BYTES, TERM_SLICE, RecordKind, open_record, seal_record
from holdfast.crypto.aead import KEY_BYTES, MAX_MESSAGES_PER_KEY, Aead, new_key
from holdfast.errors import InternalError, SealedError
from holdfast.model import SecretBytes

FIRST_TERM = 1
RESERVED_BLOCK = 2**20  # a store that restarts 3,600 times without writing anything wears out one key
ROTATION_DUE_AT = 3_865_470_566  # 90 % of MAX_MESSAGES_PER_KEY; Vault rotates there too


@dataclass(frozen=True, slots=True)
class Term:
    """One key of the keyring.

    Attributes:
        number: 1 for the first.
        key: 32 bytes.
        installed_at: Unix seconds.
        reserved: encryptions that may have happened with this key.
    """

    number: int
    key: SecretBytes
    installed_at: float
    reserved: int


class _StoredTerm(msgspec.Struct, array_like=True):
    """A term as it is stored. Fields are only ever appended: their order is the format."""

    number: int
    key: memoryview
    installed_at: float
    reserved: int


_encode_into = msgspec.msgpack.Encoder().encode_into
_decode = msgspec.msgpack.Decoder(tuple[_StoredTerm, ...]).decode


class Keyring:
    """The data keys of an unsealed store.

    Args:
        terms: numbered without a gap from ``FIRST_TERM``, so the last one is the active one. The keyring
            takes over their keys, and wipes them in ``wipe``.
        allowance: reserved encryptions with the active term that have not happened yet.
    """

    __slots__ = ("_allowance", "_ciphers", "_terms")

    def __init__(self, terms: Sequence[Term], *, allowance: int = 0) -> None:
        if not terms or [term.number for term in terms] != list(range(FIRST_TERM, FIRST_TERM + len(terms))):
            raise InternalError("the keyring is incomplete", detail="keyring without a term, or with a gap")
        self._terms = tuple(terms)
        # Found by the bytes that stand in a record, to spare every read a conversion.
        self._ciphers = {_term_bytes(term.number): Aead(term.key.view()) for term in terms}
        self._allowance = allowance

    @classmethod
    def generate(cls, *, now: float) -> Self:
        """Return a keyring with one new key and a first block of encryptions.

        The block counts as reserved once this keyring is stored; a keyring that never is may be used up.
        """
        return cls([_new_term(FIRST_TERM, now)], allowance=RESERVED_BLOCK)

    def rotated(self, *, now: float) -> "Keyring":
        """Return a keyring with one more term, which is active and has a first block of encryptions.

        Both keyrings share the older keys: wiping one of them wipes these in the other too.
        """
        added = _new_term(self.active_term + 1, now)
        return Keyring((*self._terms, added), allowance=RESERVED_BLOCK)

    def with_block_reserved(self) -> "Keyring":
        """Return a keyring that records one more block for the active term, and grants none of it.

        Raises:
            AllowanceError: the active key is at its limit; only rotating helps.
        """
        *older, active = self._terms
        reserved = active.reserved + RESERVED_BLOCK
        if reserved > MAX_MESSAGES_PER_KEY:
            raise AllowanceError("the active key has encrypted as much as it may: rotate the keyring")
        return Keyring((*older, replace(active, reserved=reserved)))

    @property
    def active_term(self) -> int:
        """Number of the term that seals."""
        return self._terms[-1].number

    @property
    def installed_at(self) -> float:
        """When the active term was made, in Unix seconds."""
        return self._terms[-1].installed_at

    @property
    def reserved(self) -> int:
        """Encryptions with the active term that may have happened: never too few."""
        return self._terms[-1].reserved

    @property
    def rotation_due(self) -> bool:
        """Whether the active key comes near the limit of its algorithm."""
        return self.reserved >= ROTATION_DUE_AT

    @property
    def needs_reservation(self) -> bool:
        """Whether less than half a block is left, so that the next one should be reserved."""
        return self._allowance < RESERVED_BLOCK // 2

    def grant(self, reserved: int) -> None:
        """Allow one more block, now that storage holds ``reserved`` encryptions for the active term."""
        self._terms = (*self._terms[:-1], replace(self._terms[-1], reserved=reserved))
        self._allowance += RESERVED_BLOCK

    def seal(self, kind: RecordKind, path: str, plaintext: bytes) -> bytes:
        """Return the record that keeps ``plaintext`` at ``path``, encrypted with the active term.

        Raises:
            AllowanceError: no reserved encryption is left.
            SealedError: the keyring was wiped.
        """
        if not self._ciphers:
            raise SealedError
        if self._allowance <= 0:
            raise AllowanceError("the active key may not encrypt: no encryptions are reserved for it")
        self._allowance -= 1
        term = self._terms[-1].number
        return seal_record(self._ciphers[_term_bytes(term)], kind, term, path, plaintext)

    def open(self, kind: RecordKind, path: str, record: bytes) -> bytes:
        """Return the plaintext of the record found at ``path``.

        Raises:
            RecordError: it is not what was stored there.
            UnknownTermError: its term is not in this keyring.
            SealedError: the keyring was wiped.
        """
        cipher = self._ciphers.get(record[TERM_SLICE])
        if cipher is None:
            raise UnknownTermError(path) if self._ciphers else SealedError
        return open_record(cipher, kind, path, record)

    def cipher_for(self, term: int, purpose: bytes, salt: bytes) -> Aead:
        """Return a cipher under a key of its own, made from that of a term with HMAC-SHA256 (SP 800-108).

        It is for what is never stored. With a random salt of 32 bytes for every message no key seals twice,
        so that nothing has to be reserved, and every process may seal.

        Args:
            term: the number of a term.
            purpose: what the key is for; another purpose makes another key.
            salt: as random as a key.

        Raises:
            UnknownTermError: the term is not in this keyring.
            SealedError: the keyring was wiped.
        """
        if not self._ciphers:
            raise SealedError
        if not FIRST_TERM <= term <= self.active_term:
            raise UnknownTermError(purpose.decode())
        key = bytearray(
            hmac.digest(self._terms[term - FIRST_TERM].key.view(), purpose + b"\0" + salt, "sha256")
        )
        try:
            return Aead(key)
        finally:
            key[:] = bytes(len(key))

    def to_bytes(self) -> bytearray:
        """Return the keyring for storage or for another process; the caller wipes the buffer.

        The allowance does not travel: it can be spent only once.
        """
        buffer = bytearray()
        _encode_into(
            [
                _StoredTerm(term.number, term.key.view(), term.installed_at, term.reserved)
                for term in self._terms
            ],
            buffer,
        )
        return buffer

    @classmethod
    def from_bytes(cls, buffer: bytes | bytearray | memoryview) -> Self:
        """Return the keyring that ``to_bytes`` wrote, without an allowance; the caller wipes the buffer.

        Raises:
            InternalError: nothing that ``to_bytes`` writes.
        """
        try:
            stored = _decode(buffer)
        except msgspec.DecodeError:
            stored = ()
        if not stored or any(len(term.key) != KEY_BYTES for term in stored):
            raise InternalError("the keyring is unreadable", detail="keyring of an unknown form")
        return cls(
            [Term(term.number, SecretBytes(term.key), term.installed_at, term.reserved) for term in stored]
        )

    def wipe(self) -> None:
        """Forget every key. The keyring then raises ``SealedError``. Safe to call twice."""
        self._ciphers.clear()
        self._allowance = 0
        for term in self._terms:
            term.key.wipe()

    def __repr__(self) -> str:
        return f"Keyring(active_term={self.active_term})"


def _new_term(number: int, now: float) -> Term:
    return Term(number, SecretBytes(new_key()), now, RESERVED_BLOCK)


def _term_bytes(number: int) -> bytes:
    return number.to_bytes(TERM_BYTES, "big")
