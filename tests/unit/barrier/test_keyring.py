"""Every term opens, the newest seals, and never more often than was reserved."""

import msgspec
import pytest

from holdfast.barrier import AllowanceError, Keyring, RecordError, RecordKind
from holdfast.barrier.keyring import RESERVED_BLOCK, ROTATION_DUE_AT, Term
from holdfast.crypto.aead import MAX_MESSAGES_PER_KEY
from holdfast.errors import InternalError, SealedError
from holdfast.model import SecretBytes

PATH = "logical/m/a"


@pytest.fixture
def keyring() -> Keyring:
    return Keyring.generate(now=1000.0)


def used(reserved: int, *, allowance: int = 0) -> Keyring:
    """A keyring whose only key has been in use for long."""
    return Keyring([Term(1, SecretBytes(bytes(32)), 0.0, reserved)], allowance=allowance)


def test_old_term_opens_and_only_the_newest_seals(keyring):
    old = keyring.seal(RecordKind.KV, PATH, b"old")
    rotated = keyring.rotated(now=2000.0)
    new = rotated.seal(RecordKind.KV, PATH, b"new")
    assert (old[2:6], new[2:6]) == (b"\0\0\0\1", b"\0\0\0\2")
    assert rotated.open(RecordKind.KV, PATH, old) == b"old"
    assert rotated.open(RecordKind.KV, PATH, new) == b"new"
    assert (rotated.active_term, rotated.installed_at) == (2, 2000.0)


def test_unknown_term_does_not_open(keyring):
    record = keyring.rotated(now=0.0).seal(RecordKind.KV, PATH, b"new")
    with pytest.raises(RecordError):
        keyring.open(RecordKind.KV, PATH, record)


def test_term_in_the_header_is_bound_no_other_key_is_tried(keyring):
    rotated = keyring.rotated(now=0.0)
    record = keyring.seal(RecordKind.KV, PATH, b"old")
    with pytest.raises(RecordError):
        rotated.open(RecordKind.KV, PATH, record[:5] + b"\2" + record[6:])


def test_keys_of_terms_and_stores_differ(keyring):
    other = Keyring.generate(now=0.0)
    with pytest.raises(RecordError):
        other.open(RecordKind.KV, PATH, keyring.seal(RecordKind.KV, PATH, b"text"))


def test_handed_over_keyring_opens_every_term(keyring):
    old = keyring.seal(RecordKind.KV, PATH, b"old")
    rotated = keyring.rotated(now=0.0)
    new = rotated.seal(RecordKind.KV, PATH, b"new")
    received = Keyring.from_bytes(rotated.to_bytes())
    assert [received.open(RecordKind.KV, PATH, record) for record in (old, new)] == [b"old", b"new"]
    assert received.active_term == 2


def test_handed_over_keyring_outlives_its_buffer(keyring):
    record = keyring.seal(RecordKind.KV, PATH, b"text")
    buffer = keyring.to_bytes()
    received = Keyring.from_bytes(buffer)
    buffer[:] = bytes(len(buffer))
    assert received.open(RecordKind.KV, PATH, record) == b"text"
    assert Keyring.from_bytes(received.to_bytes()).open(RecordKind.KV, PATH, record) == b"text"


def test_handed_over_keyring_may_not_seal(keyring):
    received = Keyring.from_bytes(keyring.to_bytes())
    assert received.needs_reservation
    with pytest.raises(AllowanceError):
        received.seal(RecordKind.KV, PATH, b"text")


def test_stored_form_may_grow_at_its_end_only(keyring):
    record = keyring.seal(RecordKind.KV, PATH, b"text")
    [stored] = msgspec.msgpack.decode(keyring.to_bytes())
    assert stored[0] == 1
    assert stored[2:] == [1000.0, RESERVED_BLOCK]
    from_the_future = msgspec.msgpack.encode([[*stored, "a field of a later release"]])
    assert Keyring.from_bytes(from_the_future).open(RecordKind.KV, PATH, record) == b"text"


@pytest.mark.parametrize(
    "terms",
    [
        pytest.param([], id="no-term"),
        pytest.param([2], id="first-term-missing"),
        pytest.param([1, 3], id="gap"),
        pytest.param([1, 1], id="twice"),
        pytest.param([2, 1], id="out-of-order"),
    ],
)
def test_keyring_with_wrong_terms_is_refused(terms):
    encoded = msgspec.msgpack.encode([[number, bytes(32), 0.0, 0] for number in terms])
    with pytest.raises(InternalError):
        Keyring.from_bytes(encoded)


@pytest.mark.parametrize(
    "encoded",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\xc1", id="not-msgpack"),
        pytest.param(msgspec.msgpack.encode({"term": 1}), id="other-shape"),
        pytest.param(msgspec.msgpack.encode([[1, "text", 0.0, 0]]), id="key-of-another-type"),
        pytest.param(msgspec.msgpack.encode([[1, bytes(31), 0.0, 0]]), id="short-key"),
    ],
)
def test_unreadable_keyring_is_refused(encoded):
    with pytest.raises(InternalError):
        Keyring.from_bytes(encoded)


def test_wiped_keyring_refuses_and_holds_no_key(keyring):
    record = keyring.seal(RecordKind.KV, PATH, b"text")
    keyring.wipe()
    keyring.wipe()
    with pytest.raises(SealedError):
        keyring.open(RecordKind.KV, PATH, record)
    with pytest.raises(SealedError):
        keyring.seal(RecordKind.KV, PATH, b"text")
    [stored] = msgspec.msgpack.decode(keyring.to_bytes())
    assert stored[1] == b""


def test_keys_show_in_no_text(keyring):
    [stored] = msgspec.msgpack.decode(keyring.to_bytes())
    shown = repr(keyring) + str(keyring) + repr(keyring._terms)
    assert repr(stored[1])[2:-1] not in shown
    assert stored[1].hex() not in shown


def test_allowance_every_encryption_is_counted_and_the_last_is_the_last():
    keyring = used(RESERVED_BLOCK, allowance=3)
    for _ in range(3):
        keyring.seal(RecordKind.KV, PATH, b"text")
    with pytest.raises(AllowanceError):
        keyring.seal(RecordKind.KV, PATH, b"text")
    keyring.grant(2 * RESERVED_BLOCK)
    keyring.seal(RecordKind.KV, PATH, b"text")
    assert keyring.reserved == 2 * RESERVED_BLOCK


def test_new_key_starts_with_a_block_that_counts(keyring):
    assert keyring.reserved == RESERVED_BLOCK
    assert not keyring.needs_reservation
    assert keyring.rotated(now=0.0).reserved == RESERVED_BLOCK


@pytest.mark.parametrize(
    ("reserved", "due"),
    [
        pytest.param(0, False, id="new"),
        pytest.param(ROTATION_DUE_AT - 1, False, id="just-below"),
        pytest.param(ROTATION_DUE_AT, True, id="at"),
        pytest.param(MAX_MESSAGES_PER_KEY, True, id="worn-out"),
    ],
)
def test_rotation_is_due_ten_per_cent_before_the_limit(reserved, due):
    assert used(reserved).rotation_due is due


def test_rotation_ends_the_need_for_it():
    assert not used(ROTATION_DUE_AT).rotated(now=0.0).rotation_due


def test_no_key_is_ever_reserved_beyond_the_limit_of_its_algorithm():
    last = used(MAX_MESSAGES_PER_KEY - RESERVED_BLOCK).with_block_reserved()
    assert last.reserved == MAX_MESSAGES_PER_KEY
    with pytest.raises(AllowanceError, match="rotate"):
        last.with_block_reserved()
