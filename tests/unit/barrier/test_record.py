"""A record opens where it was written, as what it was written, and not otherwise."""

import pytest

from holdfast.barrier import Keyring, RecordError, RecordKind
from holdfast.barrier.record import RECORD_OVERHEAD_BYTES

PATH = "logical/6f3b0d5e/team/db"
PLAINTEXT = b"correct horse battery staple"


@pytest.fixture
def keyring() -> Keyring:
    return Keyring.generate(now=0.0)


@pytest.fixture
def record(keyring: Keyring) -> bytes:
    return keyring.seal(RecordKind.KV, PATH, PLAINTEXT)


def refuses(keyring: Keyring, record: bytes, *, kind: RecordKind = RecordKind.KV, path: str = PATH) -> bool:
    with pytest.raises(RecordError):
        keyring.open(kind, path, record)
    return True


@pytest.mark.parametrize(
    "plaintext",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\0", id="one-zero-byte"),
        pytest.param(PLAINTEXT, id="text"),
        pytest.param(bytes(2**21), id="two-mebibytes"),
    ],
)
def test_what_was_sealed_opens(keyring, plaintext):
    record = keyring.seal(RecordKind.KV, PATH, plaintext)
    assert len(record) == len(plaintext) + RECORD_OVERHEAD_BYTES
    assert keyring.open(RecordKind.KV, PATH, record) == plaintext


def test_path_may_hold_any_name(keyring):
    record = keyring.seal(RecordKind.KV, "logical/Straße/日本", PLAINTEXT)
    assert keyring.open(RecordKind.KV, "logical/Straße/日本", record) == PLAINTEXT


def test_layout_is_as_drawn(record):
    assert record[:6] == bytes.fromhex("010700000001")
    assert len(record) == 6 + 12 + len(PLAINTEXT) + 16


def test_confidential_no_part_of_the_plaintext_is_in_the_record(record):
    assert not any(PLAINTEXT[at : at + 4] in record for at in range(len(PLAINTEXT) - 3))


def test_unique_no_two_records_of_one_plaintext_are_alike(keyring, record):
    again = keyring.seal(RecordKind.KV, PATH, PLAINTEXT)
    assert again != record
    assert again[6:18] != record[6:18]


def test_integrity_every_flipped_bit_is_noticed(keyring, record):
    for position in range(len(record) * 8):
        flipped = bytearray(record)
        flipped[position // 8] ^= 1 << position % 8
        assert refuses(keyring, bytes(flipped))


def test_integrity_every_truncation_is_noticed(keyring, record):
    assert all(refuses(keyring, record[:length]) for length in range(len(record)))


def test_integrity_every_missing_start_is_noticed(keyring, record):
    assert all(refuses(keyring, record[start:]) for start in range(1, len(record)))


@pytest.mark.parametrize("addition", [b"\0", b"\xff" * 16, bytes(1000)], ids=["byte", "block", "long"])
def test_integrity_every_extension_is_noticed(keyring, record, addition):
    assert refuses(keyring, record + addition)
    assert refuses(keyring, addition + record)


@pytest.mark.parametrize(
    "elsewhere",
    [
        pytest.param("logical/6f3b0d5e/team/other", id="neighbour"),
        pytest.param("logical/00000000/team/db", id="other-mount"),
        pytest.param("logical/6f3b0d5e/team/d", id="shorter-name"),
        pytest.param("logical/6f3b0d5e/team/db/", id="directory"),
        pytest.param("logical/6f3b0d5e/team/DB", id="other-case"),
        pytest.param("", id="no-name"),
    ],
)
def test_move_integrity_a_record_opens_only_where_it_was_written(keyring, record, elsewhere):
    assert refuses(keyring, record, path=elsewhere)


@pytest.mark.parametrize("kind", [kind for kind in RecordKind if kind is not RecordKind.KV])
def test_kind_integrity_a_record_opens_only_as_what_it_is(keyring, record, kind):
    relabelled = bytes([record[0], kind]) + record[2:]
    assert refuses(keyring, record, kind=kind)
    assert refuses(keyring, relabelled, kind=kind)


@pytest.mark.parametrize("kind", [0, 10, 255])
def test_unknown_kind_does_not_open(keyring, record, kind):
    assert refuses(keyring, bytes([record[0], kind]) + record[2:])


@pytest.mark.parametrize("version", [0, 2, 255])
def test_unknown_version_does_not_open(keyring, record, version):
    assert refuses(keyring, bytes([version]) + record[1:])


@pytest.mark.parametrize("version", [0, 2, 255])
def test_authentic_record_of_another_version_does_not_open_either(keyring, version):
    [cipher] = keyring._ciphers.values()
    header = bytes([version, RecordKind.KV]) + bytes.fromhex("00000001")
    assert refuses(keyring, header + cipher.seal(PLAINTEXT, header + PATH.encode()))


def test_error_names_the_record_to_the_operator_only_and_never_its_content(keyring, record):
    with pytest.raises(RecordError) as caught:
        keyring.open(RecordKind.KV, PATH, record[:-1])
    assert PATH in caught.value.detail
    assert PATH not in caught.value.message
    assert caught.value.__cause__ is None


def test_error_does_not_tell_one_fault_from_another(keyring, record):
    faults = [b"", record[:-1], b"\2" + record[1:], record[:5] + b"\2" + record[6:], record[:-1] + b"\0"]
    told = set()
    for fault in faults:
        with pytest.raises(RecordError) as caught:
            keyring.open(RecordKind.KV, PATH, fault)
        told.add((caught.value.message, caught.value.detail))
    assert len(told) == 1


def test_kind_numbers_are_stored_and_never_change():
    assert {kind.name: kind.value for kind in RecordKind} == {
        "KEYRING": 1,
        "ROOT_KEY": 2,
        "MOUNT_TABLE": 3,
        "POLICY": 4,
        "TOKEN": 5,
        "TOKEN_INDEX": 6,
        "KV": 7,
        "AUDIT_SALT": 8,
        "CONFIG": 9,
        "IAM": 10,
        "AUTH": 11,
        "IDENTITY": 12,
        "NAMESPACE": 13,
    }
