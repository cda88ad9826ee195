"""A view reaches what is below its prefix, encrypted, and nothing else."""

import pytest

from holdfast.barrier import (
    AllowanceError,
    BarrierReader,
    BarrierTransaction,
    Keyring,
    RecordError,
    RecordKind,
)
from holdfast.errors import InternalError, SealedError
from holdfast.storage.interface import Reader, Transaction

MOUNT = "logical/m1/"


@pytest.fixture
def keyring() -> Keyring:
    return Keyring.generate(now=0.0)


def put(storage, keyring: Keyring, key: str, value: bytes, *, prefix: str = MOUNT) -> None:
    storage.write(lambda tx: BarrierTransaction(tx, keyring, prefix, RecordKind.KV).put(key, value))


@pytest.fixture
def view(storage, keyring) -> BarrierReader:
    return BarrierReader(storage, keyring, MOUNT, RecordKind.KV)


def test_a_transaction_sees_its_own_changes_as_plaintext(storage, keyring):
    def change(tx):
        view: Transaction = BarrierTransaction(tx, keyring, MOUNT, RecordKind.KV)
        view.put("team/db", b"secret text")
        view.put("team/old", b"")
        view.delete("team/old")
        view.delete("team/never")
        return view.get("team/db"), view.get("team/old"), view.list("team/")

    assert storage.write(change) == (b"secret text", None, ["db"])


def test_a_reader_sees_what_a_transaction_wrote(storage, keyring, view):
    reader: Reader = view
    put(storage, keyring, "a", b"")
    assert reader.get("a") == b""
    assert reader.get("b") is None


def test_storage_holds_ciphertext_below_the_prefix_only(storage, disk, keyring):
    put(storage, keyring, "team/db", b"secret text")
    assert list(disk) == ["logical/m1/team/db"]
    assert b"secret" not in disk["logical/m1/team/db"]


def test_listing_is_relative_and_pages(storage, keyring, view):
    for name in ("a", "b/c", "b/d", "e"):
        put(storage, keyring, name, b"")
    assert view.list("") == ["a", "b/", "e"]
    assert view.list("b/") == ["c", "d"]
    assert view.list("", after="a", limit=1) == ["b/"]


def test_confined_views_do_not_see_each_other(storage, keyring, view):
    put(storage, keyring, "a", b"one")
    put(storage, keyring, "a", b"ten", prefix="logical/m10/")
    neighbour = BarrierReader(storage, keyring, "logical/m10/", RecordKind.KV)
    assert view.list("") == ["a"]
    assert (view.get("a"), neighbour.get("a")) == (b"one", b"ten")


@pytest.mark.parametrize("key", ["../m10/a", "./../m10/a", "..", "logical/m10/a"])
def test_confined_no_name_leads_out(storage, disk, keyring, view, key):
    put(storage, keyring, "a", b"ten", prefix="logical/m10/")
    assert view.get(key) is None
    put(storage, keyring, key, b"mine")
    assert set(disk) == {"logical/m10/a", MOUNT + key}


@pytest.mark.parametrize("prefix", ["", "logical/m1", "/logical"])
def test_open_ended_prefix_is_refused(storage, keyring, prefix):
    with pytest.raises(InternalError):
        BarrierReader(storage, keyring, prefix, RecordKind.KV)


def test_copied_record_does_not_open_at_its_new_place(storage, disk, keyring, view):
    put(storage, keyring, "a", b"one")
    disk[MOUNT + "b"] = disk[MOUNT + "a"]
    with pytest.raises(RecordError):
        view.get("b")


def test_record_of_another_kind_does_not_open(storage, keyring):
    put(storage, keyring, "a", b"one")
    with pytest.raises(RecordError):
        BarrierReader(storage, keyring, MOUNT, RecordKind.TOKEN).get("a")


def test_sealed_means_sealed_for_views_that_exist_already(storage, keyring, view):
    put(storage, keyring, "a", b"one")
    keyring.wipe()
    with pytest.raises(SealedError):
        view.get("a")
    with pytest.raises(SealedError):
        put(storage, keyring, "a", b"two")


def test_without_allowance_a_view_only_reads(storage, keyring):
    put(storage, keyring, "a", b"one")
    received = Keyring.from_bytes(keyring.to_bytes())
    with pytest.raises(AllowanceError):
        put(storage, received, "a", b"two")
    assert BarrierReader(storage, received, MOUNT, RecordKind.KV).get("a") == b"one"
