"""The rules of the Vault API for versioned secrets, a row each."""

import json

import pytest

from holdfast.engines import kv2
from holdfast.engines.errors import (
    CheckAndSetMismatchError,
    CheckAndSetRequiredError,
    SecretExistsError,
    SecretNotFoundError,
    VersionGoneError,
)
from holdfast.engines.kv2 import MetadataChange, Precondition
from holdfast.engines.names import older_version_key
from holdfast.errors import ConflictError, InternalError, InvalidInputError, NotFoundError

NOW = 1_700_000_000.0
PATH = "team/db"


def written(mount, count, *, start=1):
    for number in range(start, start + count):
        kv2.write(mount, PATH, b'{"v":%d}' % number, now=NOW + number)


def metadata(version):
    return json.loads(version.metadata_json)


# What each row needs first, what it does, and the refusal it must meet.
CAS = "check-and-set parameter did not match the current version"
CAS_REQUIRED = "check-and-set parameter required for this call"
REFUSALS = [
    pytest.param(0, {"payload": None}, InvalidInputError, "no data provided", id="no data"),
    pytest.param(0, {"payload": b"null"}, InvalidInputError, "no data provided", id="data is null"),
    pytest.param(
        0, {"payload": b"[1]"}, InvalidInputError, "data: expected a JSON object", id="data is a list"
    ),
    pytest.param(0, {"cas": 1}, CheckAndSetMismatchError, CAS, id="cas 1 before the first version"),
    pytest.param(2, {"cas": 1}, CheckAndSetMismatchError, CAS, id="cas behind"),
    pytest.param(2, {"cas": 3}, CheckAndSetMismatchError, CAS, id="cas ahead"),
    pytest.param(2, {"cas": 0}, CheckAndSetMismatchError, CAS, id="cas 0 over a secret"),
    pytest.param(2, {"cas": -1}, CheckAndSetMismatchError, CAS, id="cas negative"),
]


@pytest.mark.parametrize(("versions", "call", "error", "text"), REFUSALS)
def test_a_refused_write_changes_nothing(mount, versions, call, error, text):
    written(mount, versions)
    before = dict(mount.entries)
    with pytest.raises(error) as raised:
        kv2.write(mount, PATH, **{"payload": b"{}", "now": NOW, **call})
    assert raised.value.message == text
    assert mount.entries == before


def test_kinds_of_refusal_tell_bad_input_from_a_lost_race():
    assert issubclass(CheckAndSetMismatchError, ConflictError)
    assert issubclass(CheckAndSetRequiredError, InvalidInputError)


@pytest.mark.parametrize("cas", [None, 2])
def test_a_matching_or_absent_cas_writes_the_next_version(mount, cas):
    written(mount, 2)
    assert kv2.write(mount, PATH, b"{}", now=NOW, cas=cas).number == 3


def test_cas_0_creates(mount):
    assert kv2.write(mount, PATH, b"{}", now=NOW, cas=0).number == 1


def test_cas_0_creates_under_metadata_that_was_written_first(mount):
    kv2.write_metadata(mount, PATH, MetadataChange(max_versions=3), now=NOW)
    assert kv2.write(mount, PATH, b"{}", now=NOW, cas=0).number == 1


def test_a_soft_deleted_latest_version_still_counts_for_cas(mount):
    written(mount, 1)
    kv2.delete_current(mount, PATH, now=NOW)
    with pytest.raises(CheckAndSetMismatchError):
        kv2.write(mount, PATH, b"{}", now=NOW, cas=0)
    assert kv2.write(mount, PATH, b"{}", now=NOW, cas=1).number == 2


@pytest.mark.parametrize("where", ["mount", "secret"])
@pytest.mark.parametrize("call", [kv2.write, kv2.patch])
def test_cas_can_be_required(mount, where, call):
    written(mount, 1)
    if where == "mount":
        kv2.write_config(mount, cas_required=True)
    else:
        kv2.write_metadata(mount, PATH, MetadataChange(cas_required=True), now=NOW)
    with pytest.raises(CheckAndSetRequiredError, match=rf"^{CAS_REQUIRED}$"):
        call(mount, PATH, b"{}", now=NOW)
    assert call(mount, PATH, b"{}", now=NOW, cas=1).number == 2


# Preconditions of clients that know no versions.


@pytest.mark.parametrize(
    "prepare",
    [
        pytest.param(lambda mount: None, id="never written"),
        pytest.param(
            lambda mount: kv2.write_metadata(mount, PATH, MetadataChange(max_versions=1), now=NOW),
            id="only metadata",
        ),
        pytest.param(
            lambda mount: (written(mount, 1), kv2.delete_current(mount, PATH, now=NOW)), id="deleted"
        ),
        pytest.param(
            lambda mount: (written(mount, 1), kv2.destroy_versions(mount, PATH, [1])), id="destroyed"
        ),
        pytest.param(lambda mount: (written(mount, 1), kv2.erase(mount, PATH)), id="erased"),
    ],
)
def test_what_counts_as_absent(mount, prepare):
    prepare(mount)
    with pytest.raises(SecretNotFoundError, match="does not exist"):
        kv2.write(mount, PATH, b"{}", now=NOW + 9, precondition=Precondition.MUST_EXIST)
    made = kv2.write(mount, PATH, b'{"k":1}', now=NOW + 9, precondition=Precondition.MUST_BE_ABSENT)
    assert kv2.read(mount, PATH, now=NOW + 9) == made


def test_a_live_secret_can_be_replaced_but_not_created(mount):
    written(mount, 1)
    with pytest.raises(SecretExistsError, match="already exists"):
        kv2.write(mount, PATH, b"{}", now=NOW, precondition=Precondition.MUST_BE_ABSENT)
    assert kv2.write(mount, PATH, b"{}", now=NOW, precondition=Precondition.MUST_EXIST).number == 2


def test_a_create_needs_no_cas_where_cas_is_required_and_a_replacement_does(mount):
    kv2.write_config(mount, cas_required=True)
    kv2.write(mount, PATH, b"{}", now=NOW, precondition=Precondition.MUST_BE_ABSENT)
    with pytest.raises(CheckAndSetRequiredError):
        kv2.write(mount, PATH, b"{}", now=NOW, precondition=Precondition.MUST_EXIST)


# Reading.


def test_a_version_is_answered_as_it_was_written(mount):
    payload = b'{ "n": 1.10, "big": 123456789012345678901234567890 }'
    kv2.write(mount, PATH, payload, now=1_767_323_045.5)
    found = kv2.read(mount, PATH, now=NOW)
    assert found.payload == payload
    assert found.metadata_json == (
        b'{"created_time":"2026-01-02T03:04:05.500000000Z","custom_metadata":null,'
        b'"deletion_time":"","destroyed":false,"version":1}'
    )


@pytest.mark.parametrize(
    "version",
    [pytest.param(0, id="current"), pytest.param(1, id="first"), pytest.param(99, id="never written")],
)
def test_a_missing_secret_is_not_found(mount, version):
    with pytest.raises(SecretNotFoundError):
        kv2.read(mount, PATH, now=NOW, version=version)


@pytest.mark.parametrize(
    "version",
    [pytest.param(1, id="trimmed"), pytest.param(13, id="ahead"), pytest.param(2, id="trimmed too")],
)
def test_a_missing_version_is_not_found(mount, version):
    written(mount, 12)
    with pytest.raises(NotFoundError):
        kv2.read(mount, PATH, now=NOW, version=version)


def test_a_negative_version_is_refused(mount):
    written(mount, 1)
    with pytest.raises(InvalidInputError):
        kv2.read(mount, PATH, now=NOW, version=-1)


def test_metadata_alone_is_no_secret(mount):
    kv2.write_metadata(mount, PATH, MetadataChange(max_versions=3), now=NOW)
    with pytest.raises(SecretNotFoundError):
        kv2.read(mount, PATH, now=NOW)
    assert kv2.exists(mount, PATH)


def test_each_kept_version_is_read_by_its_number(mount):
    written(mount, 4)
    for number in range(1, 5):
        found = kv2.read(mount, PATH, now=NOW + 9, version=number)
        assert (found.number, found.payload) == (number, b'{"v":%d}' % number)
        assert metadata(found)["version"] == number


@pytest.mark.parametrize("number", [1, 2])
def test_a_deleted_version_answers_with_its_metadata_only(mount, number):
    written(mount, 2)
    kv2.delete_versions(mount, PATH, [number], now=NOW + 50)
    found = kv2.read(mount, PATH, now=NOW + 50, version=number)
    assert found.payload is None
    assert metadata(found)["deletion_time"] == "2023-11-14T22:14:10.000000000Z"
    assert metadata(found)["destroyed"] is False


@pytest.mark.parametrize("number", [1, 2])
def test_a_destroyed_version_leaves_no_payload_behind(mount, number):
    written(mount, 2)
    kv2.destroy_versions(mount, PATH, [number])
    found = kv2.read(mount, PATH, now=NOW + 50, version=number)
    assert found.payload is None
    assert metadata(found)["destroyed"] is True
    assert not any(b'{"v":%d}' % number in value for value in mount.entries.values())
    assert any(b'{"v":%d}' % (3 - number) in value for value in mount.entries.values())


def test_a_reading_does_not_print_its_payload(mount):
    kv2.write(mount, PATH, b'{"k":"canary"}', now=NOW)
    assert "canary" not in repr(kv2.read(mount, PATH, now=NOW))


def test_a_lost_payload_is_a_defect_and_not_a_missing_version(mount):
    written(mount, 2)
    mount.delete(older_version_key(PATH, 1))
    with pytest.raises(InternalError):
        kv2.read(mount, PATH, now=NOW, version=1)


# Deleting, undeleting, destroying.


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (kv2.delete_versions, "No version number provided"),
        (kv2.undelete_versions, "no version number provided"),
        (
            lambda mount, path, versions, now: kv2.destroy_versions(mount, path, versions),
            "no version number provided",
        ),
    ],
    ids=["delete", "undelete", "destroy"],
)
def test_an_empty_list_of_versions_is_refused(mount, call, text):
    written(mount, 1)
    with pytest.raises(InvalidInputError, match=rf"^{text}$"):
        call(mount, PATH, [], now=NOW)


@pytest.mark.parametrize("numbers", [[99], [0], [-1], [99, 2, 2]], ids=str)
def test_unknown_numbers_are_passed_over(mount, numbers):
    written(mount, 2)
    kv2.delete_versions(mount, PATH, numbers, now=NOW + 5)
    kv2.undelete_versions(mount, PATH, numbers, now=NOW + 5)
    kv2.destroy_versions(mount, PATH, numbers)
    assert kv2.read(mount, PATH, now=NOW + 5, version=1).payload == b'{"v":1}'
    assert (kv2.read(mount, PATH, now=NOW + 5).payload is None) == (2 in numbers)


def test_a_missing_secret_is_as_good_as_deleted(mount):
    assert kv2.delete_current(mount, PATH, now=NOW) is False
    kv2.delete_versions(mount, PATH, [1], now=NOW)
    kv2.undelete_versions(mount, PATH, [1], now=NOW)
    kv2.destroy_versions(mount, PATH, [1])
    kv2.erase(mount, PATH)
    assert not mount.entries


def test_deleting_again_keeps_the_first_time(mount):
    written(mount, 1)
    assert kv2.delete_current(mount, PATH, now=NOW + 5) is True
    assert kv2.delete_current(mount, PATH, now=NOW + 9) is False
    kv2.delete_versions(mount, PATH, [1], now=NOW + 9)
    assert metadata(kv2.read(mount, PATH, now=NOW + 9))["deletion_time"].startswith("2023-11-14T22:13:25")


def test_undelete_brings_back_what_was_deleted_and_not_what_was_destroyed(mount):
    written(mount, 3)
    kv2.delete_versions(mount, PATH, [1, 2, 3], now=NOW + 5)
    kv2.destroy_versions(mount, PATH, [2])
    kv2.undelete_versions(mount, PATH, [1, 2, 3], now=NOW + 6)
    payloads = [kv2.read(mount, PATH, now=NOW + 6, version=number).payload for number in (1, 2, 3)]
    assert payloads == [b'{"v":1}', None, b'{"v":3}']


def test_a_new_version_over_a_deleted_one_leaves_that_one_deleted_and_restorable(mount):
    written(mount, 1)
    kv2.delete_current(mount, PATH, now=NOW + 2)
    written(mount, 1, start=2)
    assert kv2.read(mount, PATH, now=NOW + 9, version=1).payload is None
    kv2.undelete_versions(mount, PATH, [1], now=NOW + 9)
    assert kv2.read(mount, PATH, now=NOW + 9, version=1).payload == b'{"v":1}'


def test_a_destroyed_version_is_not_archived_by_the_next_write(mount):
    written(mount, 1)
    kv2.destroy_versions(mount, PATH, [1])
    written(mount, 1, start=2)
    assert list(mount.entries) == [kv2.secret_key(PATH)]


def test_erase_leaves_nothing_and_numbers_begin_again(mount):
    written(mount, 12)
    kv2.write(mount, PATH + "/below", b"{}", now=NOW)
    kv2.erase(mount, PATH)
    assert list(mount.entries) == [kv2.secret_key(PATH + "/below")]
    assert kv2.write(mount, PATH, b"{}", now=NOW, cas=0).number == 1


# Versions kept, and versions that delete themselves.


@pytest.mark.parametrize(
    ("on_mount", "on_secret", "kept"),
    [
        pytest.param(0, 0, 10, id="neither: ten"),
        pytest.param(3, 0, 3, id="mount"),
        pytest.param(0, 4, 4, id="secret"),
        pytest.param(5, 2, 5, id="the larger: mount"),
        pytest.param(2, 5, 5, id="the larger: secret"),
        pytest.param(1, 0, 1, id="only the current one"),
    ],
)
def test_how_many_versions_are_kept(mount, on_mount, on_secret, kept):
    kv2.write_config(mount, max_versions=on_mount)
    kv2.write_metadata(mount, PATH, MetadataChange(max_versions=on_secret), now=NOW)
    written(mount, 14)
    about = json.loads(kv2.read_metadata(mount, PATH))
    assert list(about["versions"]) == [str(number) for number in range(15 - kept, 15)]
    assert about["oldest_version"] == 15 - kept
    assert len([key for key in mount.entries if "\x01" in key]) == kept - 1


def test_lowering_the_number_kept_trims_at_the_next_write(mount):
    written(mount, 8)
    assert json.loads(kv2.read_metadata(mount, PATH))["oldest_version"] == 0
    kv2.write_config(mount, max_versions=2)
    written(mount, 1, start=9)
    assert list(json.loads(kv2.read_metadata(mount, PATH))["versions"]) == ["8", "9"]
    assert len([key for key in mount.entries if "\x01" in key]) == 1


@pytest.mark.parametrize(
    ("on_mount", "on_secret", "delay"),
    [
        pytest.param(0, 0, None, id="neither"),
        pytest.param(60, 0, 60, id="mount"),
        pytest.param(0, 30, 30, id="secret"),
        pytest.param(60, 30, 30, id="the shorter: secret"),
        pytest.param(30, 60, 30, id="the shorter: mount"),
        pytest.param(-1, 30, None, id="switched off by the mount"),
    ],
)
def test_when_a_version_deletes_itself(mount, on_mount, on_secret, delay):
    kv2.write_config(mount, delete_version_after=on_mount)
    kv2.write_metadata(mount, PATH, MetadataChange(delete_version_after=on_secret), now=NOW)
    kv2.write(mount, PATH, b"{}", now=NOW)
    if delay is None:
        assert kv2.read(mount, PATH, now=NOW + 1e6).payload == b"{}"
        return
    assert kv2.read(mount, PATH, now=NOW + delay - 1).payload == b"{}"
    assert kv2.read(mount, PATH, now=NOW + delay).payload is None
    kv2.undelete_versions(mount, PATH, [1], now=NOW + 1000)
    assert kv2.read(mount, PATH, now=NOW + 1000 + delay - 1).payload == b"{}"
    assert kv2.read(mount, PATH, now=NOW + 1000 + delay).payload is None


def test_deleting_before_the_set_time_takes_effect_at_once(mount):
    kv2.write_config(mount, delete_version_after=60)
    kv2.write(mount, PATH, b"{}", now=NOW)
    assert kv2.delete_current(mount, PATH, now=NOW + 1) is True
    assert kv2.read(mount, PATH, now=NOW + 1).payload is None


# PATCH.


def test_a_patch_makes_a_new_version_of_the_merged_data(mount):
    kv2.write(mount, PATH, b'{"keep":1.10,"drop":1,"in":{"a":1}}', now=NOW)
    patched = kv2.patch(mount, PATH, b'{"drop":null,"in":{"b":2}}', now=NOW + 1, cas=1)
    assert (patched.number, patched.payload) == (2, b'{"keep":1.10,"in":{"a":1,"b":2}}')
    assert kv2.read(mount, PATH, now=NOW + 1, version=1).payload == b'{"keep":1.10,"drop":1,"in":{"a":1}}'


@pytest.mark.parametrize("gone", ["deleted", "destroyed"])
def test_a_patch_of_a_gone_version_is_refused_with_its_metadata(mount, gone):
    written(mount, 1)
    if gone == "deleted":
        kv2.delete_current(mount, PATH, now=NOW + 2)
    else:
        kv2.destroy_versions(mount, PATH, [1])
    with pytest.raises(VersionGoneError) as raised:
        kv2.patch(mount, PATH, b"{}", now=NOW + 3)
    assert raised.value.metadata_json == kv2.read(mount, PATH, now=NOW + 3).metadata_json


@pytest.mark.parametrize("metadata_only", [False, True])
def test_a_patch_of_nothing_is_not_found(mount, metadata_only):
    if metadata_only:
        kv2.write_metadata(mount, PATH, MetadataChange(max_versions=1), now=NOW)
    with pytest.raises(SecretNotFoundError):
        kv2.patch(mount, PATH, b"{}", now=NOW)


def test_a_patch_without_data_is_refused(mount):
    written(mount, 1)
    with pytest.raises(InvalidInputError, match=r"^no data provided$"):
        kv2.patch(mount, PATH, None, now=NOW)


def test_a_patch_with_a_stale_cas_is_refused(mount):
    written(mount, 2)
    with pytest.raises(CheckAndSetMismatchError):
        kv2.patch(mount, PATH, b"{}", now=NOW, cas=1)


# Shape without values.


@pytest.mark.parametrize(
    ("depth", "shape"),
    [
        (0, {"a": None, "b": {"c": {"d": None}, "e": None}, "f": None}),
        (1, {"a": None, "b": None, "f": None}),
        (2, {"a": None, "b": {"c": None, "e": None}, "f": None}),
        (9, {"a": None, "b": {"c": {"d": None}, "e": None}, "f": None}),
    ],
)
def test_subkeys_show_the_shape_and_no_value(mount, depth, shape):
    kv2.write(mount, PATH, b'{"a":"canary","b":{"c":{"d":[{"x":1}]},"e":{}},"f":7}', now=NOW)
    found = kv2.read_subkeys(mount, PATH, now=NOW, depth=depth)
    assert json.loads(found.payload) == shape
    assert metadata(found)["version"] == 1


def test_subkeys_of_a_deleted_version_show_metadata_only(mount):
    written(mount, 1)
    kv2.delete_current(mount, PATH, now=NOW)
    assert kv2.read_subkeys(mount, PATH, now=NOW).payload is None


def test_a_negative_depth_is_refused(mount):
    written(mount, 1)
    with pytest.raises(InvalidInputError):
        kv2.read_subkeys(mount, PATH, now=NOW, depth=-1)


# Listing for clients without versions.


def test_live_names_leave_out_what_cannot_be_read(mount):
    for path in ("a", "d/deleted", "d/live", "d/x/expired", "d/x/y/live", "z"):
        kv2.write(mount, path, b"{}", now=NOW)
    kv2.delete_current(mount, "d/deleted", now=NOW)
    kv2.write_metadata(mount, "d/empty", MetadataChange(max_versions=1), now=NOW)
    kv2.write_metadata(mount, "d/x/expired", MetadataChange(delete_version_after=5), now=NOW)
    kv2.write(mount, "d/x/expired", b"{}", now=NOW)
    assert kv2.list_live_below(mount, "d/", now=NOW + 6) == (["live", "x/y/live"], None)
    names, after = [], ""
    while after is not None:
        page = kv2.list_live_below(mount, "", now=NOW, after=after, limit=2)
        names, after = names + page.names, page.after
    assert names == ["a", "d/live", "d/x/expired", "d/x/y/live", "z"]


def test_a_page_of_no_names_is_refused(mount):
    with pytest.raises(InvalidInputError):
        kv2.list_live_below(mount, "", now=NOW, limit=0)
