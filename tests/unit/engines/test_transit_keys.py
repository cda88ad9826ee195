"""What may become of a key: versions are numbered, kept and erased as the key says, and backups are whole."""

import base64

import msgspec
import pytest
from tests.support.dict_transaction import DictTransaction

from holdfast.engines.transit import backup, changes
from holdfast.engines.transit.changes import KeyChange
from holdfast.engines.transit.describe import describe
from holdfast.engines.transit.export import Exported, Form, check_exportable, export
from holdfast.engines.transit.key_types import KEY_TYPES, key_type
from holdfast.engines.transit.material import Material, generate
from holdfast.engines.transit.records import (
    Key,
    is_key_name,
    list_auto_rotated,
    list_keys,
    load_key,
    load_version,
)
from holdfast.errors import ConflictError, InvalidInputError

FAST = [name for name in KEY_TYPES if not name.startswith("rsa")]
HOUR = 3600


def make(mount, name="k", type_name="aes256-gcm96", *, rotations=0, **settings):
    key = Key(type_name, 0, **settings)
    made = changes.create(mount, name, key, generate(key.type), now=1.0)
    for number in range(rotations):
        made = changes.rotate(mount, name, made, generate(key.type), now=2.0 + number)
    return made


def test_a_new_key_has_version_1_and_rotation_adds_one(mount):
    assert make(mount).latest_version == 1
    first = load_version(mount, "k", 1)
    assert (
        changes.rotate(
            mount, "k", load_key(mount, "k"), generate(key_type("aes256-gcm96")), now=5.0
        ).latest_version
        == 2
    )
    assert load_version(mount, "k", 1) == first != load_version(mount, "k", 2)
    assert load_version(mount, "k", 2).created_at == load_key(mount, "k").rotated_at == 5.0


def test_creating_a_key_that_is_there_changes_nothing(mount):
    make(mount, rotations=1)
    before = dict(mount.entries)
    assert changes.create(mount, "k", Key("ed25519", 0), generate(key_type("ed25519")), now=9.0) is None
    assert load_key(mount, "k").type_name == "aes256-gcm96"
    assert load_key(mount, "k").latest_version == 2
    assert before == mount.entries


@pytest.mark.parametrize("type_name", FAST)
def test_material_of_every_type_is_sound_and_never_the_same(type_name):
    one, two = generate(key_type(type_name)), generate(key_type(type_name))
    assert one.secret != two.secret
    assert one.hmac_key != two.hmac_key
    assert bool(one.public) is key_type(type_name).is_asymmetric


def test_rotation_with_material_of_another_key_is_refused(mount):
    made = make(mount, type_name="ed25519", deletion_allowed=True)
    changes.delete(mount, "k")
    make(mount)
    with pytest.raises(ConflictError, match="replaced by another one"):
        changes.rotate(mount, "k", made, generate(made.type), now=3.0)


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        (Key("aes256-gcm96", 0, convergent=True), "requires derivation"),
        (Key("rsa-2048", 0, derived=True), "not supported for keys of type rsa-2048"),
        (Key("ecdsa-p256", 0, derived=True), "not supported for keys of type ecdsa-p256"),
        (Key("hmac", 0, derived=True), "not supported for keys of type hmac"),
        (Key("ed25519", 0, derived=True, convergent=True), "convergent encryption not supported"),
        (Key("aes256-gcm96", 0, key_bytes=32), "key_size is not valid"),
        (Key("hmac", 0, key_bytes=31), "32 to 512"),
        (Key("hmac", 0, key_bytes=513), "32 to 512"),
        (Key("aes256-gcm96", 0, auto_rotate_seconds=HOUR - 1), "at least an hour"),
    ],
)
def test_a_key_that_cannot_be_is_refused(key, problem):
    with pytest.raises(InvalidInputError, match=problem):
        changes.check_new_key(key)


@pytest.mark.parametrize("name", ["", "md5", "AES256-GCM96", "xchacha20-poly1305"])
def test_an_unknown_type_is_refused_without_repeating_it(name):
    with pytest.raises(InvalidInputError, match="unknown key type: expected one of aes128-gcm96") as refusal:
        key_type(name)
    assert not name or name not in refusal.value.message


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (KeyChange(min_decryption_version=4), "min decryption version above the latest"),
        (KeyChange(min_encryption_version=4), "min encryption version above the latest"),
        (KeyChange(min_decryption_version=3, min_encryption_version=2), "greater than or equal"),
        (KeyChange(auto_rotate_seconds=60), "at least an hour"),
    ],
)
def test_a_configuration_that_cannot_be_is_refused_and_changes_nothing(mount, change, problem):
    before = make(mount, rotations=2)
    with pytest.raises(InvalidInputError, match=problem):
        changes.configure(mount, "k", change)
    assert load_key(mount, "k") == before


def test_what_was_allowed_once_can_have_happened_and_stays_allowed(mount):
    make(mount)
    changes.configure(mount, "k", KeyChange(exportable=True, allow_plaintext_backup=True))
    key, _ = changes.configure(mount, "k", KeyChange(exportable=False, allow_plaintext_backup=False))
    assert key.exportable
    assert key.allow_plaintext_backup


def test_minimum_version_0_means_1_and_says_so(mount):
    make(mount, rotations=1)
    changes.configure(mount, "k", KeyChange(min_decryption_version=2))
    key, warnings = changes.configure(mount, "k", KeyChange(min_decryption_version=0))
    assert key.min_decryption_version == 1
    assert len(warnings) == 1


def test_auto_rotated_keys_are_listed_as_long_as_they_are(mount):
    make(mount, "a", auto_rotate_seconds=HOUR)
    make(mount, "b")
    assert list_auto_rotated(mount) == ["a"]
    changes.configure(mount, "b", KeyChange(auto_rotate_seconds=2 * HOUR))
    changes.configure(mount, "a", KeyChange(auto_rotate_seconds=0))
    assert list_auto_rotated(mount) == ["b"]
    assert load_key(mount, "b").due_at == 1.0 + 2 * HOUR
    assert load_key(mount, "a").due_at == float("inf")
    changes.configure(mount, "b", KeyChange(deletion_allowed=True))
    changes.delete(mount, "b")
    assert list_auto_rotated(mount) == []


@pytest.mark.parametrize(
    ("settings", "minimum", "problem"),
    [
        ({}, 1, "minimum encryption version is not set"),
        ({"min_encryption_version": 2}, 2, "greater than minimum decryption"),
        ({"min_encryption_version": 2, "min_decryption_version": 2}, 3, "greater than minmum encryption"),
        ({"min_encryption_version": 3, "min_decryption_version": 3}, 0, "should be positive"),
    ],
)
def test_versions_that_are_still_allowed_are_not_trimmed(mount, settings, minimum, problem):
    make(mount, rotations=2)
    changes.configure(mount, "k", KeyChange(**settings))
    with pytest.raises(InvalidInputError, match=problem):
        changes.trim(mount, "k", minimum)
    assert all(load_version(mount, "k", number) for number in (1, 2, 3))


def test_trimming_erases_old_versions_for_good(mount):
    make(mount, rotations=3)
    changes.configure(mount, "k", KeyChange(min_encryption_version=3, min_decryption_version=3))
    assert changes.trim(mount, "k", 3).min_available_version == 3
    for number in (1, 2):
        with pytest.raises(InvalidInputError, match="no such key version"):
            load_version(mount, "k", number)
    assert sorted(describe(mount, "k", load_key(mount, "k"))["keys"]) == ["3", "4"]
    with pytest.raises(InvalidInputError, match="cannot be decremented"):
        changes.trim(mount, "k", 2)
    with pytest.raises(InvalidInputError, match="min available version"):
        changes.configure(mount, "k", KeyChange(min_decryption_version=1))


def test_a_key_is_deleted_with_everything_once_it_allows_that(mount):
    make(mount, rotations=2, exportable=True)
    with pytest.raises(InvalidInputError, match="deletion is not allowed for this key"):
        changes.delete(mount, "k")
    changes.configure(mount, "k", KeyChange(deletion_allowed=True))
    changes.delete(mount, "k")
    assert list_keys(mount) == []
    assert mount.list("") == []
    with pytest.raises(InvalidInputError, match="not found"):
        changes.delete(mount, "k")


@pytest.mark.parametrize("type_name", FAST)
def test_what_is_told_of_a_key_has_nothing_secret(mount, type_name):
    key = make(mount, type_name=type_name, rotations=1, exportable=True)
    text = msgspec.json.encode(describe(mount, "k", key))
    for number in (1, 2):
        material = load_version(mount, "k", number).material
        for secret in (material.secret, material.hmac_key):
            assert base64.b64encode(secret) not in text
            assert secret.hex().encode() not in text
    assert b"PRIVATE" not in text


def test_a_derived_signing_key_shows_its_public_key_only_for_a_context(mount):
    key = make(mount, type_name="ed25519", derived=True)
    assert describe(mount, "k", key)["keys"]["1"]["public_key"] == ""
    shown = describe(mount, "k", key, context=b"c")["keys"]["1"]["public_key"]
    assert len(base64.b64decode(shown)) == 32


@pytest.mark.parametrize(
    ("type_name", "what", "exportable", "problem"),
    [
        ("aes256-gcm96", Exported.ENCRYPTION_KEY, False, "not exportable"),
        ("aes256-gcm96", Exported.HMAC_KEY, False, "not exportable"),
        ("ed25519", Exported.SIGNING_KEY, False, "not exportable"),
        ("aes256-gcm96", Exported.SIGNING_KEY, True, "signing not supported"),
        ("ed25519", Exported.ENCRYPTION_KEY, True, "encryption not supported"),
        ("aes256-gcm96", Exported.PUBLIC_KEY, True, "for export type public-key"),
    ],
)
def test_what_a_key_does_not_give_away(type_name, what, exportable, problem):
    with pytest.raises(InvalidInputError, match=problem):
        check_exportable(Key(type_name, 1, exportable=exportable), what)


def test_a_secret_key_is_exported_as_it_is(mount):
    key = make(mount, exportable=True)
    version = load_version(mount, "k", 1)
    text = export(key, version, Exported.ENCRYPTION_KEY, Form.RAW)
    assert base64.b64decode(text) == version.material.secret
    text = export(key, version, Exported.HMAC_KEY, Form.DEFAULT)
    assert base64.b64decode(text) == version.material.hmac_key
    with pytest.raises(InvalidInputError, match="format"):
        export(key, version, Exported.ENCRYPTION_KEY, Form.PEM)


@pytest.mark.parametrize("type_name", [*FAST, "rsa-2048"])
def test_a_restored_key_is_the_key_that_was_backed_up(mount, type_name):
    make(mount, type_name=type_name, rotations=2, exportable=True, allow_plaintext_backup=True)
    changes.configure(mount, "k", KeyChange(min_encryption_version=2, min_decryption_version=2))
    changes.trim(mount, "k", 2)
    saved = backup.read_backup(backup.back_up(mount, "k", now=50.0))
    other = DictTransaction()
    restored = backup.restore(other, "twin", saved, now=60.0, force=False)
    assert restored.restored.time == 60.0
    assert restored.backup.time == 50.0
    for number in (2, 3):
        assert load_version(other, "twin", number) == load_version(mount, "k", number)
    with pytest.raises(ConflictError, match="already exists"):
        backup.restore(other, "twin", saved, now=61.0, force=False)
    backup.restore(other, "twin", saved, now=61.0, force=True)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [({}, "exporting is disallowed"), ({"exportable": True}, "plaintext backup is disallowed")],
)
def test_only_a_key_that_allows_it_is_backed_up(mount, settings, problem):
    make(mount, **settings)
    with pytest.raises(InvalidInputError, match=problem):
        backup.back_up(mount, "k", now=1.0)
    with pytest.raises(InvalidInputError, match="not found"):
        backup.back_up(mount, "absent", now=1.0)


def saved_key(mount, **changed):
    made = make(mount, type_name="ed25519", exportable=True, allow_plaintext_backup=True)
    versions = {1: load_version(mount, "k", 1)}
    return backup.Backup(
        changed.pop("name", "k"), msgspec.structs.replace(made, **changed), changed.pop("versions", versions)
    )


def packed(saved):
    return base64.b64encode(b"holdfast-transit\x01" + msgspec.msgpack.encode(saved)).decode()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("%%%", id="no base64"),
        pytest.param(base64.b64encode(b"{}").decode(), id="another store's"),
        pytest.param(base64.b64encode(b"holdfast-transit\x01").decode(), id="cut off"),
        pytest.param(base64.b64encode(b"holdfast-transit\x02\x93").decode(), id="a later format"),
    ],
)
def test_what_is_no_backup_is_refused(text):
    with pytest.raises(InvalidInputError, match="backup: expected what Holdfast's backup"):
        backup.read_backup(text)


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "../a"},
        {"type_name": "rot13"},
        {"latest_version": 2},
        {"latest_version": 2**60},
        {"latest_version": 0},
        {"min_decryption_version": 0},
        {"min_decryption_version": 2},
        {"min_encryption_version": 5},
        {"min_available_version": -1},
        {"auto_rotate_seconds": -1},
        {"auto_rotate_seconds": 5},
        {"convergent": True},
        {"type_name": "aes256-gcm96"},
        {"type_name": "rsa-2048"},
        {"type_name": "ecdsa-p256"},
    ],
    ids=str,
)
def test_a_backup_that_was_tampered_with_is_refused(mount, changed):
    assert backup.read_backup(packed(saved_key(DictTransaction()))).name == "k"
    with pytest.raises(InvalidInputError):
        backup.read_backup(packed(saved_key(mount, **changed)))


def test_halves_of_two_keys_are_no_key(mount):
    saved = saved_key(mount)
    one, two = saved.versions[1].material, generate(key_type("ed25519"))
    mixed = Material(one.secret, two.public, one.hmac_key)
    saved.versions[1] = msgspec.structs.replace(saved.versions[1], material=mixed)
    with pytest.raises(InvalidInputError, match="expected whole keys of type ed25519"):
        backup.read_backup(packed(saved))


def test_a_backup_shows_nothing_of_itself(mount):
    assert repr(saved_key(mount)) == "Backup(...)"


@pytest.mark.parametrize("name", ["a", "A_1", "team.app-key", "a" * 255])
def test_names_of_keys(name):
    assert is_key_name(name)


@pytest.mark.parametrize("name", ["", ".", "..", "-a", "a-", "a/b", "a b", "ä", "a\n", "a" * 256])
def test_no_names_of_keys(name):
    assert not is_key_name(name)
