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


@pytest.fixture
def view(storage, keyring) -> BarrierTransaction:
    return BarrierTransaction(storage, keyring, MOUNT, RecordKind.KV)


def test_a_view_is_a_transaction_of_plaintext(view):
    transaction: Transaction = view
    transaction.put("team/db", b"secret text")
    assert transaction.get("team/db") == b"secret text"
    transaction.delete("team/db")
    transaction.delete("team/db")
    assert transaction.get("team/db") is None


def test_a_reader_sees_what_a_transaction_wrote(storage, keyring, view):
    reader: Reader = BarrierReader(storage, keyring, MOUNT, RecordKind.KV)
    view.put("a", b"")
    assert reader.get("a") == b""
    assert reader.get("b") is None


def test_storage_holds_ciphertext_below_the_prefix_only(storage, view):
    view.put("team/db", b"secret text")
    assert list(storage.records) == ["logical/m1/team/db"]
    assert b"secret" not in storage.records["logical/m1/team/db"]


def test_listing_is_relative_and_pages(view):
    for name in ("a", "b/c", "b/d", "e"):
        view.put(name, b"")
    assert view.list("") == ["a", "b/", "e"]
    assert view.list("b/") == ["c", "d"]
    assert view.list("", after="a", limit=1) == ["b/"]


def test_confined_views_do_not_see_each_other(storage, keyring, view):
    view.put("a", b"one")
    neighbour = BarrierTransaction(storage, keyring, "logical/m10/", RecordKind.KV)
    neighbour.put("a", b"ten")
    assert view.list("") == ["a"]
    assert (view.get("a"), neighbour.get("a")) == (b"one", b"ten")


@pytest.mark.parametrize("key", ["../m10/a", "/../m10/a", "..", "logical/m10/a"])
def test_confined_no_name_leads_out(storage, keyring, view, key):
    BarrierTransaction(storage, keyring, "logical/m10/", RecordKind.KV).put("a", b"ten")
    assert view.get(key) is None
    view.put(key, b"mine")
    assert all(path == "logical/m10/a" or path.startswith(MOUNT) for path in storage.records)


@pytest.mark.parametrize("prefix", ["", "logical/m1", "/logical"])
def test_open_ended_prefix_is_refused(storage, keyring, prefix):
    with pytest.raises(InternalError):
        BarrierReader(storage, keyring, prefix, RecordKind.KV)


def test_copied_record_does_not_open_at_its_new_place(storage, view):
    view.put("a", b"one")
    storage.records[MOUNT + "b"] = storage.records[MOUNT + "a"]
    with pytest.raises(RecordError):
        view.get("b")


def test_record_of_another_kind_does_not_open(storage, keyring, view):
    view.put("a", b"one")
    with pytest.raises(RecordError):
        BarrierReader(storage, keyring, MOUNT, RecordKind.TOKEN).get("a")


def test_sealed_means_sealed_for_views_that_exist_already(keyring, view):
    view.put("a", b"one")
    keyring.wipe()
    with pytest.raises(SealedError):
        view.get("a")
    with pytest.raises(SealedError):
        view.put("a", b"two")


def test_without_allowance_a_view_only_reads(storage, keyring, view):
    view.put("a", b"one")
    received = BarrierTransaction(storage, Keyring.from_bytes(keyring.to_bytes()), MOUNT, RecordKind.KV)
    assert received.get("a") == b"one"
    with pytest.raises(AllowanceError):
        received.put("a", b"two")
    assert view.get("a") == b"one"
