"""Headers are written so that cryptsetup and our reader agree, and never over anything else."""

# ruff: noqa: E501 (tables are read by row)

import os
import stat
import threading

import pytest

from holdfast.errors import ConflictError, InvalidInputError
from holdfast.model import SecretBytes
from holdfast.process.run import run
from holdfast.volumes.errors import (
    DamagedHeaderError,
    ErasedVolumeError,
    ForeignVolumeError,
    TruncatedVolumeError,
    WrongKeyError,
)
from holdfast.volumes.key_reference import KeyReference
from holdfast.volumes.luks_header import HEADER_BYTES, MAX_KEYSLOTS, LuksHeader
from holdfast.volumes.luks_read import data_segment
from holdfast.volumes.plain_view import open_plain_view

REFERENCE = KeyReference("vault", "secret/hf/vol1", 3)


def test_format_follows_the_layout(vol):
    header = LuksHeader(vol).read()
    segment = data_segment(header)
    assert header.uuid == vol.uuid
    assert (segment.offset_bytes, segment.sector_bytes) == (HEADER_BYTES, 4096)
    assert segment.payload_bytes(vol.path.stat().st_size) == vol.size
    assert header.metadata["keyslots"]["0"]["kdf"]["iterations"] == 1000
    assert header.metadata["keyslots"]["0"]["key_size"] == 64
    shown = run(["cryptsetup", "luksDump", str(vol.path)]).stdout.decode()
    assert "Label:         \tvol1" in shown
    assert "Subsystem:     \tholdfast" in shown


def test_fresh_volume_reads_as_blank_where_signatures_would_be(vol, key):
    view = open_plain_view(str(vol.path), vol.uuid, vol.size, key.view(), readonly=True)
    try:
        assert view.read(0, 1 << 20) == bytes(1 << 20)
        assert view.read(vol.size - 65536, 65536) == bytes(65536)
    finally:
        view.close()
    # ... but not in the file: zeros are encrypted like everything else.
    with vol.path.open("rb") as file:
        file.seek(HEADER_BYTES)
        assert file.read(4096).count(0) < 100


def test_passphrase_gets_a_slow_keyslot(pool):
    volume = pool.create("slow", 16 << 20)
    LuksHeader(volume).format(SecretBytes(b"my dog is called Rex"), REFERENCE)
    kdf = LuksHeader(volume).read().metadata["keyslots"]["0"]["kdf"]
    assert (kdf["type"], kdf["memory"], kdf["time"]) == ("argon2id", 65536, 4)


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(b"", id="empty"),
        pytest.param(bytes(4097), id="over-limit"),
    ],
)
def test_unfit_key_changes_nothing(pool, key):
    volume = pool.create("v", 16 << 20)
    with pytest.raises(InvalidInputError):
        LuksHeader(volume).format(SecretBytes(key), REFERENCE)
    assert not volume.path.read_bytes().strip(b"\0")


@pytest.mark.parametrize(
    "key", [b"\0" * 7 + b"\n", b"with\nnewline\n", b"k" * 4096], ids=["nul", "newline", "4096"]
)
def test_every_byte_of_a_key_counts(pool, key):
    volume = pool.create("v", 16 << 20)
    LuksHeader(volume).format(SecretBytes(key), REFERENCE)
    assert LuksHeader(volume).verify(SecretBytes(key)) == 0
    with pytest.raises(WrongKeyError):
        LuksHeader(volume).verify(SecretBytes(key[:-1]))


@pytest.mark.parametrize(
    ("offset", "data"),
    [
        pytest.param(0, b"#!/bin/sh\n", id="script"),
        pytest.param(0x438, b"\x53\xef", id="ext4-superblock"),
        pytest.param(510, b"\x55\xaa", id="partition-table"),
        pytest.param(HEADER_BYTES + 5000, b"x", id="data-behind-the-header"),
    ],
)
def test_format_refuses_foreign_data(pool, key, offset, data):
    volume = pool.create("v", 16 << 20)
    with volume.path.open("r+b") as file:
        file.seek(offset)
        file.write(data)
    with pytest.raises(ForeignVolumeError):
        LuksHeader(volume).format(key, REFERENCE)
    with volume.path.open("rb") as file:
        file.seek(offset)
        assert file.read(len(data)) == data


def test_format_refuses_another_volumes_header(pool, vol, key):
    other = pool.volume("vol1", vol.size, "00000000-0000-4000-8000-000000000000")
    with pytest.raises(ForeignVolumeError):
        LuksHeader(other).format(key, REFERENCE)
    assert LuksHeader(vol).verify(key) == 0


def test_format_again_is_harmless(vol, key, volume_key, dump_volume_key):
    LuksHeader(vol).format(key, REFERENCE)
    assert dump_volume_key(vol, key) == volume_key


def test_format_again_with_another_key_is_refused(vol, key, new_key):
    with pytest.raises(WrongKeyError):
        LuksHeader(vol).format(new_key(), REFERENCE)
    assert LuksHeader(vol).keyslots() == (0,)


def test_format_finishes_what_a_crash_cut_short(vol, key, volume_key, dump_volume_key):
    run(["cryptsetup", "token", "remove", "--token-id", "0", str(vol.path)])
    with vol.path.open("r+b") as file:
        file.seek(HEADER_BYTES)
        file.write(b"not blank yet" * 100)
    LuksHeader(vol).format(key, REFERENCE)
    assert dump_volume_key(vol, key) == volume_key
    assert LuksHeader(vol).noted_key().reference == REFERENCE
    test_fresh_volume_reads_as_blank_where_signatures_would_be(vol, key)


def test_format_refuses_a_short_file(pool, key):
    volume = pool.create("v", 16 << 20)
    with volume.path.open("r+b") as file:
        file.truncate(HEADER_BYTES + volume.size - 4096)
    with pytest.raises(TruncatedVolumeError):
        LuksHeader(volume).format(key, REFERENCE)


def test_added_key_opens_its_slot_only(vol, key, new_key):
    header, second = LuksHeader(vol), new_key()
    assert header.add_key(key, second) == 1
    assert header.verify(second) == 1
    assert header.verify(key, 0) == 0
    with pytest.raises(WrongKeyError):
        header.verify(second, 0)
    with pytest.raises(WrongKeyError):
        header.verify(key, 7)
    assert header.read().metadata["keyslots"]["1"]["kdf"]["type"] == "pbkdf2"


def test_adding_needs_a_key_that_opens(vol, new_key):
    with pytest.raises(WrongKeyError):
        LuksHeader(vol).add_key(new_key(), new_key())
    assert LuksHeader(vol).keyslots() == (0,)


def test_keyslots_run_out_clearly(vol, key, new_key):
    header = LuksHeader(vol)
    for _ in range(MAX_KEYSLOTS - 1):
        header.add_key(key, new_key())
    with pytest.raises(ConflictError, match="every keyslot"):
        header.add_key(key, new_key())


def test_last_slot_is_never_killed(vol, key):
    with pytest.raises(WrongKeyError):
        LuksHeader(vol).kill_slot(0, surviving_key=key)
    assert LuksHeader(vol).verify(key) == 0


def test_slot_is_not_killed_for_a_key_that_does_not_survive(vol, key, new_key):
    header = LuksHeader(vol)
    header.add_key(key, new_key())
    with pytest.raises(WrongKeyError):
        header.kill_slot(0, surviving_key=new_key())
    assert header.keyslots() == (0, 1)


def test_killing_twice_is_no_error(vol, key, new_key):
    header, second = LuksHeader(vol), new_key()
    header.add_key(key, second)
    header.kill_slot(0, surviving_key=second)
    header.kill_slot(0, surviving_key=second)
    assert header.keyslots() == (1,)
    with pytest.raises(WrongKeyError):
        header.verify(key)


def test_erased_header_says_so(vol, key):
    header = LuksHeader(vol)
    header.erase()
    header.erase()
    assert header.keyslots() == ()
    with pytest.raises(ErasedVolumeError):
        header.verify(key)
    with pytest.raises(ErasedVolumeError):
        header.format(key, REFERENCE)


@pytest.mark.parametrize(
    "reference",
    [
        pytest.param(KeyReference("vault", "secret/a/b", 12), id="with-version"),
        pytest.param(KeyReference("file", "cluster-key"), id="without-version"),
        pytest.param(KeyReference("vault", "k", 1, "team/eu"), id="with-namespace"),
        pytest.param(KeyReference("vault", 'quote"and\\ümlaut', 1), id="characters-json-escapes"),
    ],
)
def test_reference_survives_in_the_header(vol, reference):
    header = LuksHeader(vol)
    header.set_reference(reference, 0)
    found = header.noted_key()
    assert (found.reference, found.slots) == (reference, (0,))


def test_reference_to_a_missing_slot_is_refused(vol):
    from holdfast.process.run import ChildFailedError

    with pytest.raises(ChildFailedError):
        LuksHeader(vol).set_reference(REFERENCE, 5)


@pytest.mark.parametrize(
    "token",
    [
        pytest.param('{"type":"holdfast","keyslots":["0"]}', id="fields-missing"),
        pytest.param('{"type":"holdfast","keyslots":["0"],"provider":1,"path":"p"}', id="provider-no-text"),
        pytest.param('{"type":"holdfast","keyslots":["0"],"provider":"v","path":"p","version":true}', id="version-no-number"),
    ],
)  # fmt: skip
def test_reference_of_another_form_is_refused(vol, token):
    run(
        ["cryptsetup", "token", "import", "--token-id", "0", "--token-replace", "--json-file", "-", str(vol.path)],
        stdin=token.encode(),
    )  # fmt: skip
    with pytest.raises(DamagedHeaderError):
        LuksHeader(vol).noted_key()


def test_token_of_somebody_else_is_not_ours(vol):
    run(
        ["cryptsetup", "token", "import", "--token-id", "0", "--token-replace", "--json-file", "-", str(vol.path)],
        stdin=b'{"type":"other","keyslots":["0"]}',
    )  # fmt: skip
    assert LuksHeader(vol).noted_key() is None


def test_concurrent_additions_leave_a_sound_header(vol, key, new_key):
    keys, added = [new_key() for _ in range(4)], []

    def add(fresh):
        try:
            LuksHeader(vol).add_key(key, fresh)
            added.append(fresh)
        except Exception:  # noqa: BLE001 (losing the race is fine; damage is not)
            return

    threads = [threading.Thread(target=add, args=(fresh,)) for fresh in keys]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert LuksHeader(vol).verify(key) == 0
    assert run(["cryptsetup", "isLuks", "--type", "luks2", str(vol.path)]).returncode == 0
    assert len(LuksHeader(vol).keyslots()) <= 1 + len(keys)


def test_removing_a_key_destroys_the_slot_it_opens_and_never_the_proven_one(vol, key, new_key):
    header, second, other = LuksHeader(vol), new_key(), new_key()
    slot = header.add_key(key, second)
    with pytest.raises(WrongKeyError):
        header.remove_key(other, proven_slot=slot)
    with pytest.raises(ConflictError, match="that is to stay"):
        header.remove_key(key, proven_slot=7)
    assert header.keyslots() == (0, slot)
    assert header.remove_key(key, proven_slot=slot) == 0
    assert header.keyslots() == (slot,)


@pytest.mark.parametrize("kind", ["named-pipe", "directory", "link", "socket"])
def test_what_is_no_file_is_refused_at_once(vol, key, kind):
    original = vol.path.with_suffix(".away")
    vol.path.rename(original)
    match kind:
        case "named-pipe":
            os.mkfifo(vol.path)
        case "directory":
            vol.path.mkdir()
        case "link":
            vol.path.symlink_to(original)
        case "socket":
            os.mknod(vol.path, stat.S_IFSOCK | 0o600)
    for use in (LuksHeader(vol).keyslots, lambda: LuksHeader(vol).verify(key)):
        with pytest.raises(ForeignVolumeError, match="something else than a file"):
            use()


def test_an_erased_volume_takes_no_further_key_and_says_why(vol, key, new_key):
    header = LuksHeader(vol)
    header.erase()
    with pytest.raises(ErasedVolumeError):
        header.add_key(key, new_key())
