"""The KV engines where they really run: through the barrier, over every storage engine."""

import json

import pytest

from holdfast.barrier import BarrierReader, BarrierTransaction, Keyring, RecordKind
from holdfast.engines import kv1, kv2
from holdfast.engines.errors import CheckAndSetMismatchError, SecretExistsError
from holdfast.engines.kv2 import MetadataChange, Precondition
from holdfast.errors import NotFoundError
from holdfast.model.path import MAX_PATH_BYTES, parse_path
from holdfast.storage.factory import open_storage

NOW = 1_700_000_000.0
PREFIX = "logical/6f3b0d5e-0c3b-4d4b-9a43-2d1f0f6a1c77/"
LONGEST_PATH = "/".join(["x" * 255] * 4)


class Mount:
    """A mount as the store sees it: a prefix, a keyring and a storage engine."""

    def __init__(self, storage):
        self.storage = storage
        self.keyring = Keyring.generate(now=NOW)

    def change(self, function, *arguments, **options):
        return self.storage.write(self.changes(function, *arguments, **options))

    def changes(self, function, *arguments, **options):
        return lambda transaction: function(
            BarrierTransaction(transaction, self.keyring, PREFIX, RecordKind.KV), *arguments, **options
        )

    def read(self, function, *arguments, **options):
        with self.storage.snapshot() as snapshot:
            reader = BarrierReader(snapshot, self.keyring, PREFIX, RecordKind.KV)
            return function(reader, *arguments, **options)


@pytest.fixture(params=["inmem", "file"])
def mount(request, tmp_path):
    options = {"path": str(tmp_path / "data")} if request.param == "file" else {}
    storage = open_storage(request.param, options)
    yield Mount(storage)
    storage.close()


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("a", id="short"),
        pytest.param("team/db", id="directory"),
        pytest.param("with space/ünïçødé/key=1&x:@", id="unusual names"),
        pytest.param(LONGEST_PATH, id="longest path"),
    ],
)
def test_versions_live_through_their_whole_story(mount, path):
    assert len(LONGEST_PATH) == MAX_PATH_BYTES - 1
    assert parse_path(path).text == path
    for number in range(1, 13):
        made = mount.change(kv2.write, path, b'{"v":%d}' % number, now=NOW, cas=number - 1)
        assert made.number == number
    assert mount.read(kv2.read, path, now=NOW).payload == b'{"v":12}'
    assert mount.read(kv2.read, path, now=NOW, version=3).payload == b'{"v":3}'
    with pytest.raises(NotFoundError):
        mount.read(kv2.read, path, now=NOW, version=2)
    mount.change(kv2.destroy_versions, path, [4, 12])
    assert mount.read(kv2.read, path, now=NOW, version=4).payload is None
    assert mount.read(kv2.list_live_below, "", now=NOW).names == []
    mount.change(kv2.patch_metadata, path, MetadataChange(custom_metadata={"owner": "x"}))
    assert json.loads(mount.read(kv2.read_metadata, path))["oldest_version"] == 3
    mount.change(kv2.erase, path)
    with mount.storage.snapshot() as snapshot:
        assert snapshot.list(PREFIX) == []


def test_the_hot_path_reads_what_a_write_made(mount):
    made = mount.change(kv2.write, "team/db", b'{"v":1}', now=NOW)
    key = PREFIX + kv2.secret_key("team/db")
    record = mount.keyring.open(RecordKind.KV, key, mount.storage.get(key))
    assert kv2.current(record, NOW) == made


def test_listings_name_secrets_and_directories_only(mount):
    paths = ["a", "a!", "a/b", "a/b/c", "b é", "dir/x"]
    for path in paths:
        mount.change(kv2.write, path, b"{}", now=NOW)
        mount.change(kv2.write, path, b"{}", now=NOW)
    assert mount.read(kv2.list_names, "") == ["a", "a!", "a/", "b é", "dir/"]
    assert mount.read(kv2.list_names, "a/") == ["b", "b/"]
    assert mount.read(kv2.list_names, "", after="a", limit=2) == ["a!", "a/"]
    assert mount.read(kv2.list_live_below, "", now=NOW).names == paths
    assert mount.read(kv2.list_live_below, "", now=NOW, after="a/b", limit=2) == (["a/b/c", "b é"], "b é")


def test_of_two_writes_with_one_expectation_one_wins(mount):
    mount.change(kv2.write, "a", b'{"v":1}', now=NOW)
    first, second = mount.storage.write_all(
        [mount.changes(kv2.write, "a", b'{"v":%d}' % number, now=NOW, cas=1) for number in (2, 3)]
    )
    assert first.number == 2
    assert isinstance(second, CheckAndSetMismatchError)
    assert mount.read(kv2.read, "a", now=NOW).payload == b'{"v":2}'


def test_of_two_creates_one_wins(mount):
    create = {"now": NOW, "precondition": Precondition.MUST_BE_ABSENT}
    first, second = mount.storage.write_all(
        [mount.changes(kv2.write, "a", b"{}", **create) for _ in range(2)]
    )
    assert first.number == 1
    assert isinstance(second, SecretExistsError)


def test_nothing_of_a_secret_is_stored_in_clear(mount):
    canary = b"canary-7f1d"
    for _ in range(2):
        mount.change(kv2.write, "a", b'{"k":"%b"}' % canary, now=NOW)
    mount.change(kv1.write, "b", b'{"k":"%b"}' % canary)
    mount.change(kv2.write_metadata, "a", MetadataChange(custom_metadata={"k": canary.decode()}), now=NOW)
    keys = [PREFIX + key for key in ("s/a", "s/a\x01/1", "s/b")]
    with mount.storage.snapshot() as snapshot:
        stored = [snapshot.get(key) for key in keys]
    assert all(stored)
    assert not any(canary in record for record in stored)


def test_kv1_keeps_one_value_a_path(mount):
    mount.change(kv1.write, "team/db", b'{"n":1.10}')
    assert mount.read(kv1.read, "team/db") == b'{"n":1.10}'
    assert mount.read(kv1.list_names, "team/") == ["db"]
    mount.change(kv1.delete, "team/db")
    with pytest.raises(NotFoundError):
        mount.read(kv1.read, "team/db")
