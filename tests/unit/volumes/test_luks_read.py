"""Our reader of LUKS2 headers agrees with cryptsetup, survives one damaged copy and refuses the rest."""

# ruff: noqa: E501 (tables are read by row)

import hashlib
import json
import os
import struct
import threading
import time

import pytest

from holdfast.model import SecretBytes
from holdfast.process.run import run
from holdfast.volumes import luks_unlock
from holdfast.volumes.backend import VolumeFile
from holdfast.volumes.errors import (
    DamagedHeaderError,
    ErasedVolumeError,
    UnsupportedHeaderError,
    WrongKeyError,
)
from holdfast.volumes.luks_header import HEADER_BYTES, LuksHeader
from holdfast.volumes.luks_read import data_segment, read_header
from holdfast.volumes.luks_unlock import unlock

COPY_BYTES = 16384


def open_volume(vol, key):
    with vol.path.open("rb") as file:
        header = read_header(file.fileno())
        data_segment(header)
        return bytes(unlock(file.fileno(), header, key.view()))


def rewrite(vol, change):
    """Change the JSON of both copies and make their checksums right again: what an attacker can do."""
    with vol.path.open("r+b") as file:
        for offset in (0, COPY_BYTES):
            file.seek(offset)
            raw = bytearray(file.read(COPY_BYTES))
            metadata = json.loads(raw[4096:].split(b"\0", 1)[0])
            text = change(metadata)
            if text is None:
                text = json.dumps(metadata).encode()
            raw[4096:] = text.ljust(COPY_BYTES - 4096, b"\0")
            raw[448:512] = bytes(64)
            raw[448:480] = hashlib.sha256(raw).digest()
            file.seek(offset)
            file.write(raw)


def test_volume_key_is_the_one_cryptsetup_finds(vol, key, volume_key):
    assert len(volume_key) == 64
    assert open_volume(vol, key) == volume_key


def test_passphrase_keyslot_with_argon2(vol, key, volume_key):
    passphrase = SecretBytes(b"correct horse battery staple")
    slot = LuksHeader(vol).add_key(key, passphrase)
    with vol.path.open("rb") as file:
        assert read_header(file.fileno()).metadata["keyslots"][str(slot)]["kdf"]["type"] == "argon2id"
    assert open_volume(vol, passphrase) == volume_key


def test_layout_made_by_others_with_small_sectors(tmp_path, key, dump_volume_key):
    uuid = "7b0a2a5e-6a5c-4f0e-9c1f-1f6d4d1f0a11"
    other = VolumeFile("other", tmp_path / "other.img", 1 << 20, uuid)
    other.path.touch()
    os.truncate(other.path, 20 << 20)
    run(
        ["cryptsetup", "-q", "luksFormat", "--type", "luks2", "--sector-size", "512", "--key-size", "256",
         "--hash", "sha512", "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000", "--uuid", uuid,
         "--key-file=-", str(other.path)],
        stdin=key,
    )  # fmt: skip
    assert open_volume(other, key) == dump_volume_key(other, key)
    with other.path.open("rb") as file:
        assert data_segment(read_header(file.fileno())).sector_bytes == 512


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(lambda key: b"", id="empty"),
        pytest.param(lambda key: key + b"\n", id="trailing-newline"),
        pytest.param(lambda key: key[:-1], id="cut"),
        pytest.param(lambda key: bytes(4096), id="huge"),
    ],
)
def test_wrong_key(vol, key, wrong):
    with pytest.raises(WrongKeyError):
        open_volume(vol, SecretBytes(wrong(key.reveal())))


@pytest.mark.parametrize(
    "place",
    [
        pytest.param(0, id="magic-of-first"),
        pytest.param(300, id="binary-part-of-first"),
        pytest.param(4200, id="json-of-first"),
        pytest.param(COPY_BYTES, id="magic-of-second"),
        pytest.param(COPY_BYTES + 4200, id="json-of-second"),
    ],
)
def test_one_damaged_copy_is_survived(vol, key, volume_key, place):
    flip(vol, place)
    assert open_volume(vol, key) == volume_key


def flip(vol, place):
    with vol.path.open("r+b") as file:
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ 0x40]))


def test_two_damaged_copies_are_not(vol, key):
    flip(vol, 4200)
    flip(vol, COPY_BYTES + 4200)
    with pytest.raises(DamagedHeaderError):
        open_volume(vol, key)


def test_a_header_that_is_written_all_the_time_is_read_all_the_time(vol):
    """Whoever writes leaves one copy at a time half written; a reader may find each of them so."""
    over = threading.Event()

    def write():
        with vol.path.open("r+b", buffering=0) as file:
            while not over.is_set():
                for place in (5000, COPY_BYTES + 5000):
                    whole = os.pread(file.fileno(), 1, place)
                    os.pwrite(file.fileno(), bytes((whole[0] ^ 1,)), place)
                    time.sleep(0.0005)
                    os.pwrite(file.fileno(), whole, place)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        with vol.path.open("rb") as file:
            assert {read_header(file.fileno()).uuid for _ in range(200)} == {vol.uuid}
    finally:
        over.set()
        writer.join()


def test_newest_intact_copy_wins(vol, key):
    before = vol.path.read_bytes()[:COPY_BYTES]
    LuksHeader(vol).erase()
    with vol.path.open("r+b") as file:  # an old first copy comes back
        file.write(before)
    with pytest.raises(ErasedVolumeError):
        open_volume(vol, key)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"LUKS\xba\xbe", id="only-magic"),
        pytest.param(b"LUKS\xba\xbe" + bytes(30000), id="zeros-after-magic"),
        pytest.param(os.urandom(65536), id="noise"),
        pytest.param(b"LUKS\xba\xbe\0\1" + bytes(65536), id="luks1"),
        pytest.param(b"LUKS\xba\xbe" + struct.pack(">HQ", 2, 1 << 60) + bytes(65536), id="absurd-size"),
    ],
)
def test_no_header(tmp_path, content):
    path = tmp_path / "file"
    path.write_bytes(content)
    with path.open("rb") as file, pytest.raises(DamagedHeaderError):
        read_header(file.fileno())


def put(*path_and_value):
    *path, last, value = path_and_value

    def change(metadata):
        place = metadata
        for name in path:
            place = place[name]
        place[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        pytest.param(put("config", "requirements", {"mandatory": ["online-reencrypt-v2"]}), UnsupportedHeaderError, id="half-re-encrypted"),
        pytest.param(put("config", "requirements", []), DamagedHeaderError, id="requirements-no-object"),
        pytest.param(put("segments", "1", {}), UnsupportedHeaderError, id="two-segments"),
        pytest.param(put("segments", {}), UnsupportedHeaderError, id="no-segment"),
        pytest.param(put("segments", "0", "encryption", "aes-cbc-essiv:sha256"), UnsupportedHeaderError, id="other-cipher"),
        pytest.param(put("segments", "0", "encryption", "cipher_null-ecb"), UnsupportedHeaderError, id="no-encryption"),
        pytest.param(put("segments", "0", "type", "linear"), UnsupportedHeaderError, id="plain-segment"),
        pytest.param(put("segments", "0", "integrity", {}), UnsupportedHeaderError, id="integrity"),
        pytest.param(put("segments", "0", "iv_tweak", "8"), UnsupportedHeaderError, id="shifted-tweak"),
        pytest.param(put("segments", "0", "sector_size", 4095), UnsupportedHeaderError, id="odd-sector"),
        pytest.param(put("segments", "0", "offset", "-4096"), UnsupportedHeaderError, id="negative-offset"),
        pytest.param(put("segments", "0", "offset", None), DamagedHeaderError, id="offset-missing"),
        pytest.param(put("keyslots", "0", "kdf", "iterations", 1 << 40), UnsupportedHeaderError, id="endless-pbkdf2"),
        pytest.param(put("keyslots", "0", "kdf", {"type": "argon2id", "salt": "", "time": 1, "memory": 1 << 30, "cpus": 1}), UnsupportedHeaderError, id="memory-bomb"),
        pytest.param(put("keyslots", "0", "kdf", "type", "none"), UnsupportedHeaderError, id="unknown-kdf"),
        pytest.param(put("keyslots", "0", "kdf", "iterations", "many"), DamagedHeaderError, id="iterations-no-number"),
        pytest.param(put("keyslots", "0", "kdf", "salt", "*"), DamagedHeaderError, id="salt-no-base64"),
        pytest.param(put("keyslots", "0", "kdf", None), DamagedHeaderError, id="kdf-missing"),
        pytest.param(put("keyslots", "0", "key_size", 1 << 30), UnsupportedHeaderError, id="huge-volume-key"),
        pytest.param(put("keyslots", "0", "area", "offset", str(1 << 50)), DamagedHeaderError, id="area-beyond-the-file"),
        pytest.param(put("keyslots", "0", "af", "hash", "no-such-hash"), DamagedHeaderError, id="unknown-hash"),
        pytest.param(put("keyslots", "0", []), DamagedHeaderError, id="keyslot-no-object"),
        pytest.param(put("keyslots", "99", {}), DamagedHeaderError, id="keyslot-number-out-of-range"),
        pytest.param(put("keyslots", []), DamagedHeaderError, id="keyslots-no-object"),
        pytest.param(put("digests", {}), WrongKeyError, id="no-digest-proves-nothing"),
        pytest.param(put("digests", "0", "digest", ""), DamagedHeaderError, id="empty-digest-proves-nothing"),
        pytest.param(put("digests", "0", "iterations", 1 << 40), UnsupportedHeaderError, id="endless-digest"),
        pytest.param(lambda _: b"[" * 10000, DamagedHeaderError, id="depth-bomb"),
        pytest.param(lambda _: b"\xff{}", DamagedHeaderError, id="json-not-utf-8"),
        pytest.param(lambda _: b"[]", DamagedHeaderError, id="json-no-object"),
    ],
)  # fmt: skip
def test_hostile_header_is_refused(vol, key, change, kind):
    rewrite(vol, change)
    with pytest.raises(kind):
        open_volume(vol, key)


def test_rewriting_alone_does_not_refuse(vol, key, volume_key):
    rewrite(vol, lambda metadata: None)
    assert open_volume(vol, key) == volume_key


def test_every_stripe_of_a_keyslot_counts(vol, key):
    for stripe in (0, 1777, 3999):
        flip(vol, 32768 + stripe * 64)
        with pytest.raises(WrongKeyError):
            open_volume(vol, key)
        flip(vol, 32768 + stripe * 64)
    assert open_volume(vol, key)


def test_caps_allow_what_cryptsetup_makes_by_default():
    assert luks_unlock.MAX_ARGON2_KIB >= 1 << 20
    assert HEADER_BYTES % 4096 == 0
