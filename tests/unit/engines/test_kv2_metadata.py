"""Settings, notes and states of versions, and what they do to the writes that follow."""

import json

import pytest

from holdfast.engines import kv2
from holdfast.engines.errors import SecretNotFoundError
from holdfast.engines.kv2 import MetadataChange, MountConfig
from holdfast.errors import InvalidInputError

NOW = 1_767_323_045.0
PATH = "team/db"


def about(mount):
    return json.loads(kv2.read_metadata(mount, PATH))


def test_metadata_says_everything_but_the_payload(mount):
    kv2.write_metadata(
        mount,
        PATH,
        MetadataChange(
            max_versions=2, cas_required=True, delete_version_after=1800, custom_metadata={"owner": "team-db"}
        ),
        now=NOW,
    )
    for number in range(3):
        kv2.write(mount, PATH, b'{"k":"canary"}', now=NOW + number, cas=number)
    kv2.destroy_versions(mount, PATH, [2])
    assert b"canary" not in kv2.read_metadata(mount, PATH)
    assert about(mount) == {
        "cas_required": True,
        "created_time": "2026-01-02T03:04:05.000000000Z",
        "current_metadata_version": 1,
        "current_version": 3,
        "custom_metadata": {"owner": "team-db"},
        "delete_version_after": "30m0s",
        "max_versions": 2,
        "metadata_cas_required": False,
        "oldest_version": 2,
        "updated_time": "2026-01-02T03:04:07.000000000Z",
        "versions": {
            "2": {
                "created_time": "2026-01-02T03:04:06.000000000Z",
                "deletion_time": "2026-01-02T03:34:06.000000000Z",
                "destroyed": True,
            },
            "3": {
                "created_time": "2026-01-02T03:04:07.000000000Z",
                "deletion_time": "2026-01-02T03:34:07.000000000Z",
                "destroyed": False,
            },
        },
    }


def test_a_secret_starts_with_the_defaults(mount):
    kv2.write(mount, PATH, b"{}", now=NOW)
    found = about(mount)
    assert (found["custom_metadata"], found["delete_version_after"], found["max_versions"]) == (None, "0s", 0)
    assert (found["oldest_version"], found["cas_required"]) == (0, False)


def test_a_change_touches_only_what_it_names(mount):
    kv2.write_metadata(mount, PATH, MetadataChange(max_versions=4, custom_metadata={"a": "1"}), now=NOW)
    kv2.write_metadata(mount, PATH, MetadataChange(cas_required=True), now=NOW)
    kv2.patch_metadata(mount, PATH, MetadataChange(delete_version_after=60))
    found = about(mount)
    assert (found["max_versions"], found["cas_required"], found["delete_version_after"]) == (4, True, "1m0s")
    assert found["custom_metadata"] == {"a": "1"}


def test_null_goes_back_to_the_default(mount):
    everything = MetadataChange(
        max_versions=4, cas_required=True, delete_version_after=5, custom_metadata={"a": "1"}
    )
    kv2.write_metadata(mount, PATH, everything, now=NOW)
    nothing = MetadataChange(
        max_versions=None, cas_required=None, delete_version_after=None, custom_metadata=None
    )
    kv2.patch_metadata(mount, PATH, nothing)
    found = about(mount)
    assert (found["max_versions"], found["cas_required"], found["delete_version_after"]) == (0, False, "0s")
    assert found["custom_metadata"] is None


def test_a_write_replaces_notes_and_a_patch_merges_them(mount):
    kv2.write_metadata(mount, PATH, MetadataChange(custom_metadata={"a": "1", "b": "2"}), now=NOW)
    kv2.patch_metadata(mount, PATH, MetadataChange(custom_metadata={"a": None, "c": "3"}))
    assert about(mount)["custom_metadata"] == {"b": "2", "c": "3"}
    kv2.write_metadata(mount, PATH, MetadataChange(custom_metadata={"d": "4"}), now=NOW)
    assert about(mount)["custom_metadata"] == {"d": "4"}


def test_notes_come_with_every_version_at_once(mount):
    kv2.write(mount, PATH, b'{"v":1}', now=NOW)
    kv2.write(mount, PATH, b'{"v":2}', now=NOW)
    kv2.write_metadata(mount, PATH, MetadataChange(custom_metadata={"owner": "x"}), now=NOW)
    for version in (0, 1):
        found = kv2.read(mount, PATH, now=NOW, version=version)
        assert json.loads(found.metadata_json)["custom_metadata"] == {"owner": "x"}
        assert found.payload == (b'{"v":1}' if version else b'{"v":2}')


def test_a_change_of_nothing_creates_nothing(mount):
    assert kv2.write_metadata(mount, PATH, MetadataChange(), now=NOW) == ()
    assert not mount.entries


def test_metadata_of_nothing_is_not_found(mount):
    with pytest.raises(SecretNotFoundError):
        kv2.read_metadata(mount, PATH)
    with pytest.raises(SecretNotFoundError):
        kv2.patch_metadata(mount, PATH, MetadataChange(max_versions=1))


def test_a_warning_says_that_the_mount_wins(mount):
    kv2.write_config(mount, cas_required=True)
    assert len(kv2.write_metadata(mount, PATH, MetadataChange(cas_required=False), now=NOW)) == 1
    assert kv2.write_metadata(mount, PATH, MetadataChange(cas_required=True), now=NOW) == ()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(MetadataChange(max_versions=-1), id="negative versions"),
        pytest.param(MetadataChange(max_versions=65_536), id="too many versions"),
        pytest.param(MetadataChange(delete_version_after=-1), id="negative delay"),
        pytest.param(MetadataChange(delete_version_after=10**12), id="delay of millennia"),
        pytest.param(MetadataChange(custom_metadata={f"k{i}": "v" for i in range(65)}), id="65 notes"),
        pytest.param(MetadataChange(custom_metadata={"": "v"}), id="empty key"),
        pytest.param(MetadataChange(custom_metadata={"k" * 129: "v"}), id="long key"),
        pytest.param(MetadataChange(custom_metadata={"é" * 65: "v"}), id="long key in bytes"),
        pytest.param(MetadataChange(custom_metadata={"k": ""}), id="empty value"),
        pytest.param(MetadataChange(custom_metadata={"k": "v" * 513}), id="long value"),
        pytest.param(MetadataChange(custom_metadata={"k\n": "v"}), id="line break in key"),
        pytest.param(MetadataChange(custom_metadata={"k": "a\x00"}), id="NUL in value"),
        pytest.param(MetadataChange(custom_metadata={"k": 5}), id="value is a number"),
    ],
)
def test_a_refused_change_changes_nothing(mount, change):
    kv2.write(mount, PATH, b"{}", now=NOW)
    before = dict(mount.entries)
    with pytest.raises(InvalidInputError):
        kv2.write_metadata(mount, PATH, change, now=NOW)
    with pytest.raises(InvalidInputError):
        kv2.patch_metadata(mount, PATH, change)
    assert mount.entries == before


def test_notes_at_their_limits_are_taken(mount):
    notes = {f"{i:02}" + "k" * 126: "v" * 512 for i in range(64)}
    kv2.write_metadata(mount, PATH, MetadataChange(custom_metadata=notes), now=NOW)
    assert about(mount)["custom_metadata"] == notes


def test_every_violation_is_named_and_no_submitted_text_is_echoed(mount):
    notes = {"canary-key\n": "fine", "ok": "", "k" * 129: "canary-value\x00"}
    with pytest.raises(InvalidInputError) as raised:
        kv2.write_metadata(mount, PATH, MetadataChange(custom_metadata=notes), now=NOW)
    text = raised.value.message
    assert text.startswith("custom_metadata validation failed")
    assert all(part in text for part in ("key 1", "value 2", "key 3", "value 3"))
    assert "canary" not in text


def test_a_patch_that_makes_too_many_notes_is_refused(mount):
    kv2.write_metadata(
        mount, PATH, MetadataChange(custom_metadata={f"a{i}": "v" for i in range(40)}), now=NOW
    )
    with pytest.raises(InvalidInputError):
        kv2.patch_metadata(mount, PATH, MetadataChange(custom_metadata={f"b{i}": "v" for i in range(40)}))


# Settings of the mount.


def test_a_mount_starts_with_the_defaults(mount):
    assert kv2.read_config(mount) == MountConfig()
    assert json.loads(kv2.read_config(mount).to_json()) == {
        "cas_required": False,
        "delete_version_after": "0s",
        "max_versions": 0,
        "metadata_cas_required": False,
    }


def test_a_mount_keeps_what_a_change_does_not_name(mount):
    kv2.write_config(mount, max_versions=5, delete_version_after=90)
    kv2.write_config(mount, cas_required=True)
    assert kv2.read_config(mount) == MountConfig(max_versions=5, cas_required=True, delete_version_after=90)
    kv2.write_config(mount, delete_version_after=-7200)
    assert json.loads(kv2.read_config(mount).to_json())["delete_version_after"] == "-1s"


@pytest.mark.parametrize(
    "setting", [{"max_versions": -1}, {"max_versions": 65_536}, {"delete_version_after": 10**12}]
)
def test_a_refused_setting_changes_nothing(mount, setting):
    with pytest.raises(InvalidInputError):
        kv2.write_config(mount, **setting)
    assert not mount.entries
