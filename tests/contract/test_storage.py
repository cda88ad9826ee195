"""The promises of ``storage.interface``, held against every engine."""

import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.support import postgresql
from tests.support.zookeeper import shared_server

from holdfast.clock import ManualClock
from holdfast.storage import (
    MAX_KEY_BYTES,
    InvalidKeyError,
    KeyTooLongError,
    StorageUnavailableError,
)
from holdfast.storage.lmdb_engine import LmdbStorage
from holdfast.storage.memory import MemoryStorage
from holdfast.storage.postgresql import PostgresqlStorage
from holdfast.storage.postgresql import read_settings as read_postgresql_settings
from holdfast.storage.zookeeper import ZookeeperStorage, read_settings

ENGINES = ["inmem", "lmdb", "zookeeper", "postgresql"]


def make_engine(kind, directory, clock):
    if kind == "inmem":
        return MemoryStorage(clock=clock)
    if kind == "lmdb":
        return LmdbStorage(directory, clock=clock)
    name = hashlib.sha256(str(directory).encode()).hexdigest()[:16]
    if kind == "postgresql":
        options = {"connection_url": postgresql.shared_server().url(), "table": f"contract.t_{name}"}
        return PostgresqlStorage(read_postgresql_settings(options), clock=clock)
    path = f"/contract/{name}"
    options = {"address": shared_server(), "path": path, "unprotected": True}
    return ZookeeperStorage(read_settings(options), clock=clock)


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture(params=ENGINES)
def storage(request, tmp_path, clock):
    engine = make_engine(request.param, tmp_path / "data", clock)
    yield engine
    engine.close()


def put(storage, **entries):
    """Store keyword arguments; ``__`` in a name stands for a slash."""

    def change(transaction):
        for name, value in entries.items():
            transaction.put(name.replace("__", "/"), value)

    storage.write(change)


def put_keys(storage, keys, value=b"v"):
    storage.write(lambda transaction: [transaction.put(key, value) for key in keys])


class RefusedError(Exception):
    """What a change raises to be undone."""


# One key


def test_stores_replaces_and_deletes(storage):
    assert storage.get("a") is None
    put(storage, a=b"1")
    assert storage.get("a") == b"1"
    put(storage, a=b"2")
    assert storage.get("a") == b"2"
    storage.write(lambda transaction: transaction.delete("a"))
    assert storage.get("a") is None
    storage.write(lambda transaction: transaction.delete("a"))


def test_catching_up_shows_what_was_written_before(storage):
    put(storage, a=b"1")
    storage.catch_up()
    assert storage.get("a") == b"1"


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\0", id="nul"),
        pytest.param(bytes(range(256)), id="every-byte"),
        pytest.param(b"x" * 4096, id="one-page"),
        pytest.param(random.Random(1).randbytes(2 << 20), id="two-mebibytes"),
    ],
)
def test_value_comes_back_as_it_was(storage, value):
    put(storage, key=value)
    assert storage.get("key") == value
    with storage.snapshot() as reader:
        assert reader.get("key") == value


LONGEST = "d" * 700 + "/" + "k" * (MAX_KEY_BYTES - 701)


@pytest.mark.parametrize(
    "key",
    [
        pytest.param("a", id="short"),
        pytest.param("a b/c:d@e", id="punctuation"),
        pytest.param("v/path\0" + "1", id="nul-inside"),
        pytest.param("日本/ключ/\U0001f511", id="unicode"),
        pytest.param("../etc", id="dots"),
        pytest.param("x" * 511, id="511-bytes"),
        pytest.param("x" * 512, id="512-bytes"),
        pytest.param(LONGEST, id="longest"),
        pytest.param("é" * (MAX_KEY_BYTES // 2), id="longest-in-two-byte-letters"),
    ],
)
def test_key_is_kept_faithfully(storage, key):
    neighbours = [key[:-1] + "A", key[:-1] + "z"]
    put_keys(storage, neighbours)
    put_keys(storage, [key], b"mine")
    assert storage.get(key) == b"mine"
    directory, _, name = key.rpartition("/")
    assert name in storage.list(directory + "/" if directory else "")
    storage.write(lambda transaction: transaction.delete(key))
    assert storage.get(key) is None
    assert [storage.get(neighbour) for neighbour in neighbours] == [b"v", b"v"]


IMPOSSIBLE_KEYS = [
    pytest.param("", InvalidKeyError, id="empty"),
    pytest.param("/a", InvalidKeyError, id="leading-slash"),
    pytest.param("a/", InvalidKeyError, id="trailing-slash"),
    pytest.param("a//b", InvalidKeyError, id="empty-segment"),
    pytest.param("/", InvalidKeyError, id="only-a-slash"),
    pytest.param("a\ud800", InvalidKeyError, id="lone-surrogate"),
    pytest.param("x" * (MAX_KEY_BYTES + 1), KeyTooLongError, id="one-byte-too-long"),
    pytest.param("é" * MAX_KEY_BYTES, KeyTooLongError, id="too-long-in-bytes-only"),
    pytest.param("x" * 100_000, KeyTooLongError, id="huge"),
]


@pytest.mark.parametrize(("key", "error"), IMPOSSIBLE_KEYS)
def test_impossible_key_is_not_found_and_not_written(storage, key, error):
    before = storage.revision()
    assert storage.get(key) is None
    with storage.snapshot() as reader:
        assert reader.get(key) is None
    for operation in (lambda t: t.put(key, b"v"), lambda t: t.delete(key)):
        with pytest.raises(error) as caught:
            storage.write(operation)
        assert "x" * 20 not in str(caught.value)
    assert storage.revision() == before


# Listing


def test_lists_one_level_sorted_by_bytes(storage):
    put_keys(storage, ["b", "a/x", "a/y/z", "a", "a-b", "a!", "c/d/e/f", "Z", "é", "\U0001f511/k"])
    assert storage.list("") == ["Z", "a", "a!", "a-b", "a/", "b", "c/", "é", "\U0001f511/"]
    assert storage.list("a/") == ["x", "y/"]
    assert storage.list("a/y/") == ["z"]
    assert storage.list("c/") == ["d/"]
    assert storage.list("nothing/") == []
    assert storage.list("b/") == []


def test_value_and_directory_at_one_name_are_both_listed(storage):
    put_keys(storage, ["team/db", "team/db/replica", "team/db0", "team/db-"])
    assert storage.list("team/") == ["db", "db-", "db/", "db0"]
    assert storage.list("team/", after="db") == ["db-", "db/", "db0"]
    assert storage.list("team/", after="db/") == ["db0"]


def test_prefix_is_a_directory_not_the_start_of_a_name(storage):
    put_keys(storage, ["ab/c", "abc/d", "abb"])
    assert storage.list("ab/") == ["c"]
    with pytest.raises(InvalidKeyError, match="slash"):
        storage.list("ab")


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_pages_add_up_to_the_whole(storage, size):
    keys = [f"p/{i:02}" + suffix for i in range(20) for suffix in ("", "/x", "/y/z")]
    put_keys(storage, keys)
    whole = storage.list("p/")
    assert whole == sorted([f"{i:02}" for i in range(20)] + [f"{i:02}/" for i in range(20)])
    pages, after = [], ""
    while page := storage.list("p/", after=after, limit=size):
        assert len(page) <= size
        pages += page
        after = page[-1]
    assert pages == whole


def test_paging_goes_on_where_a_name_has_vanished(storage):
    put_keys(storage, ["p/a", "p/c"])
    assert storage.list("p/", after="b") == ["c"]
    assert storage.list("p/", after="b/") == ["c"]
    assert storage.list("p/", after="z") == []
    assert storage.list("p/", after="x" * 5000) == []
    assert storage.list("p/", after="a" * 5000) == ["c"]
    assert storage.list("x" * 5000 + "/") == []
    assert storage.list("p/", limit=0) == []


def test_level_above_many_keys_is_listed_without_walking_them(storage):
    put_keys(storage, [f"big/{i}" for i in range(2000)] + ["after"])
    assert storage.list("") == ["after", "big/"]
    assert len(storage.list("big/")) == 1000


# Transactions


def test_transaction_sees_its_own_changes(storage):
    put(storage, a__old=b"1", a__both=b"1")

    def change(transaction):
        transaction.put("a/new", b"2")
        transaction.put("a/sub/x", b"2")
        transaction.put("a/both", b"2")
        transaction.delete("a/old")
        assert transaction.get("a/new") == b"2"
        assert transaction.get("a/old") is None
        assert transaction.list("a/") == ["both", "new", "sub/"]
        transaction.delete("a/sub/x")
        assert transaction.list("a/") == ["both", "new"]
        transaction.put("a/old", b"3")
        return transaction.list("a/")

    assert storage.write(change) == ["both", "new", "old"]
    assert storage.list("a/") == ["both", "new", "old"]


def test_failed_change_leaves_nothing(storage):
    put(storage, a=b"1")
    before = storage.revision()

    def change(transaction):
        transaction.put("a", b"2")
        transaction.put("b/c", b"2")
        transaction.delete("a")
        raise RefusedError

    with pytest.raises(RefusedError):
        storage.write(change)
    assert storage.get("a") == b"1"
    assert storage.list("") == ["a"]
    assert storage.revision() == before


def test_batch_fails_change_by_change(storage):
    put(storage, counter=b"0")

    def increment(transaction):
        number = int(transaction.get("counter")) + 1
        transaction.put("counter", b"%d" % number)
        return number

    def refuse(transaction):
        increment(transaction)
        transaction.put("debris", b"x")
        raise RefusedError

    outcomes = storage.write_all([increment, refuse, increment, lambda t: t.put("", b""), increment])
    assert [outcomes[0], outcomes[2], outcomes[4]] == [1, 2, 3]
    assert isinstance(outcomes[1], RefusedError)
    assert isinstance(outcomes[3], InvalidKeyError)
    assert storage.get("counter") == b"3"
    assert storage.get("debris") is None


def test_batch_changes_see_deletions_and_lists_of_those_before(storage):
    put_keys(storage, ["d/a", "d/b"])
    outcomes = storage.write_all(
        [
            lambda t: t.delete("d/a"),
            lambda t: t.list("d/"),
            lambda t: t.put("d/c/x", b""),
            lambda t: t.list("d/"),
        ]
    )
    assert outcomes == [None, ["b"], None, ["b", "c/"]]


def test_batch_of_nothing(storage):
    before = storage.revision()
    assert storage.write_all([]) == []
    assert storage.revision() == before


def test_batch_that_is_interrupted_leaves_nothing(storage):
    def interrupted(transaction):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        storage.write_all([lambda t: t.put("a", b"1"), interrupted])
    assert storage.get("a") is None
    put(storage, a=b"2")
    assert storage.get("a") == b"2"


def test_uncommitted_changes_are_seen_by_nobody(storage):
    put(storage, a=b"1")
    seen = []

    def look():
        seen.append(storage.get("a"))
        with storage.snapshot() as reader:
            seen.append(reader.list(""))

    def change(transaction):
        transaction.put("a", b"2")
        transaction.put("b", b"2")
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()

    storage.write(change)
    assert seen == [b"1", ["a"]]
    assert storage.get("a") == b"2"


def test_snapshot_stands_still(storage):
    put(storage, a=b"1", b__c=b"1")
    with storage.snapshot() as old:
        put(storage, a=b"2", d=b"2")
        storage.write(lambda t: t.delete("b/c"))
        assert old.get("a") == b"1"
        assert old.list("") == ["a", "b/"]
        with storage.snapshot() as new:
            assert new.get("a") == b"2"
            assert new.list("") == ["a", "d"]
    assert storage.list("") == ["a", "d"]


def test_no_update_is_lost(storage):
    put(storage, n=b"0")

    def increment(transaction):
        transaction.put("n", b"%d" % (int(transaction.get("n")) + 1))

    def work():
        for _ in range(25):
            storage.write(increment)
            storage.write_all([increment, increment])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert storage.get("n") == b"300"


def test_readers_always_see_a_whole_commit(storage):
    put(storage, left=b"0", right=b"0")
    torn, stop = [], threading.Event()

    def read():
        while not stop.is_set():
            with storage.snapshot() as reader:
                left, right = reader.get("left"), reader.get("right")
            if left != right:
                torn.append((left, right))

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for i in range(200):
        put(storage, left=b"%d" % i, right=b"%d" % i)
    stop.set()
    for reader in readers:
        reader.join()
    assert torn == []
    assert storage.get("left") == b"199"


# Revision


def test_revision_grows_with_every_change(storage):
    seen = [storage.revision()]
    put(storage, a=b"1")
    seen.append(storage.revision())
    put(storage, a=b"2")
    seen.append(storage.revision())
    storage.write_all([lambda t: t.put("b", b"1"), lambda t: t.put("c", b"1")])
    seen.append(storage.revision())
    storage.write(lambda t: t.delete("b"))
    seen.append(storage.revision())
    assert seen == sorted(set(seen))
    storage.get("a")
    storage.list("")
    storage.write(lambda t: t.get("a"))
    assert storage.revision() == seen[-1]


# Leases


def test_lease_has_one_holder_at_a_time(storage, clock):
    first = storage.acquire_lease("expiry", holder="a", ttl_seconds=10)
    assert first is not None
    assert storage.acquire_lease("expiry", holder="b", ttl_seconds=10) is None
    assert storage.acquire_lease("expiry", holder="a", ttl_seconds=10) is None
    assert storage.acquire_lease("other", holder="b", ttl_seconds=10) is not None
    clock.advance(9)
    assert first.renew()
    clock.advance(9)
    assert storage.acquire_lease("expiry", holder="b", ttl_seconds=10) is None


def test_fence_grows_with_every_holder(storage, clock):
    fences = []
    for holder in "abcab":
        lease = storage.acquire_lease("expiry", holder=holder, ttl_seconds=10)
        fences.append(lease.fence)
        if holder == "b":
            lease.release()
        else:
            clock.advance(10)
    assert fences == sorted(set(fences))


def test_lost_lease_cannot_be_renewed_or_released(storage, clock):
    old = storage.acquire_lease("expiry", holder="a", ttl_seconds=10)
    clock.advance(10)
    new = storage.acquire_lease("expiry", holder="b", ttl_seconds=10)
    assert new.fence > old.fence
    assert not old.renew()
    old.release()
    assert storage.acquire_lease("expiry", holder="c", ttl_seconds=10) is None
    assert new.renew()


def test_released_lease_is_free_at_once_and_stays_released(storage):
    lease = storage.acquire_lease("expiry", holder="a", ttl_seconds=1e9)
    lease.release()
    assert not lease.renew()
    assert storage.acquire_lease("expiry", holder="b", ttl_seconds=10) is not None


def test_run_out_lease_that_nobody_took_can_be_renewed(storage, clock):
    lease = storage.acquire_lease("expiry", holder="a", ttl_seconds=10)
    clock.advance(60)
    assert lease.renew()
    assert storage.acquire_lease("expiry", holder="b", ttl_seconds=10) is None


def test_of_many_who_ask_at_once_one_gets_the_lease(storage):
    got = []

    def ask(number):
        if storage.acquire_lease("expiry", holder=str(number), ttl_seconds=60) is not None:
            got.append(number)

    threads = [threading.Thread(target=ask, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 1


@pytest.mark.parametrize("ttl", [0, -1])
def test_lease_without_duration_is_refused(storage, ttl):
    with pytest.raises(ValueError, match="lease"):
        storage.acquire_lease("expiry", holder="a", ttl_seconds=ttl)


# The end


def test_closed_storage_serves_nothing(storage):
    put(storage, a=b"1")
    storage.close()
    for use in (
        lambda: storage.get("a"),
        lambda: storage.list(""),
        storage.snapshot,
        storage.revision,
        lambda: storage.write(lambda t: t.put("a", b"2")),
        lambda: storage.write_all([lambda t: t.put("a", b"2")]),
    ):
        with pytest.raises(StorageUnavailableError):
            use()


# Durability of the engine that has a disk

WRITER = """
import sys
from holdfast.storage.lmdb_engine import LmdbStorage
storage = LmdbStorage(sys.argv[1])
number = int(sys.argv[2])
while True:
    def change(transaction, number=number):
        transaction.put(f"left/{number:08}", b"x" * 3000)
        transaction.put("newest", b"%d" % number)
        transaction.put(f"right/{number:08}", b"x" * 3000)
    if number % 2:
        storage.write(change)
    else:
        storage.write_all([change, lambda transaction: 1 / 0])
    sys.stdout.write(f"{number}\\n")
    sys.stdout.flush()
    number += 1
"""


def test_acknowledged_writes_survive_kill_minus_nine(tmp_path):
    directory, first = tmp_path / "data", 1
    for killed_after in (1, 2, 17, 60):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(directory), str(first)],
            stdout=subprocess.PIPE,
            env={"PATH": os.environ["PATH"]},
        ) as writer:
            acknowledged = [int(writer.stdout.readline()) for _ in range(killed_after)]
            writer.send_signal(signal.SIGKILL)
            acknowledged += [
                int(line) for line in writer.stdout.read().splitlines(keepends=True) if b"\n" in line
            ]
        storage = LmdbStorage(directory)
        stored = storage.list("left/", limit=10**6)
        newest = int(storage.get("newest"))
        # What was acknowledged is there; at most one commit more had been made; nothing is half there.
        assert acknowledged[-1] <= newest <= acknowledged[-1] + 1
        assert stored == storage.list("right/", limit=10**6) == [f"{n:08}" for n in range(1, newest + 1)]
        storage.close()
        first = newest + 1


# All of it at once, against a dictionary

SEGMENTS = st.text(st.sampled_from("ab-0é"), min_size=1, max_size=2)
KEYS = st.lists(SEGMENTS, min_size=1, max_size=3).map("/".join)
CHANGES = st.lists(st.tuples(KEYS, st.none() | st.binary(max_size=3)), max_size=4)


def names_in(model, prefix):
    """List one level the slow and obvious way."""
    names = set()
    for key in model:
        if key.startswith(prefix):
            head, slash, _ = key[len(prefix) :].partition("/")
            names.add(head + slash)
    return sorted(names, key=str.encode)


class EveryEngineBehavesLikeADictionary(RuleBasedStateMachine):
    @initialize()
    def open(self):
        self.directory = tempfile.TemporaryDirectory()
        self.engines = [make_engine(kind, self.directory.name + "/data", ManualClock()) for kind in ENGINES]
        self.model = {}

    @staticmethod
    def apply(transaction, changes):
        for key, value in changes:
            if value is None:
                transaction.delete(key)
            else:
                transaction.put(key, value)

    def apply_to_model(self, changes):
        for key, value in changes:
            if value is None:
                self.model.pop(key, None)
            else:
                self.model[key] = value

    @rule(changes=CHANGES)
    def write(self, changes):
        for engine in self.engines:
            engine.write(lambda transaction: self.apply(transaction, changes))
        self.apply_to_model(changes)

    @rule(batch=st.lists(st.tuples(CHANGES, st.booleans()), max_size=4))
    def write_batch(self, batch):
        def make(changes, good):
            def change(transaction):
                self.apply(transaction, changes)
                if not good:
                    raise RefusedError
                return transaction.list("")

            return change

        expected = []
        for changes, good in batch:
            if good:
                self.apply_to_model(changes)
                expected.append(names_in(self.model, ""))
            else:
                expected.append(RefusedError)
        for engine in self.engines:
            outcomes = engine.write_all([make(changes, good) for changes, good in batch])
            assert [RefusedError if isinstance(item, RefusedError) else item for item in outcomes] == expected

    @rule(prefix=st.lists(SEGMENTS, max_size=2), after=SEGMENTS | st.just(""), limit=st.integers(0, 4))
    def page(self, prefix, after, limit):
        directory = "".join(segment + "/" for segment in prefix)
        names = [name for name in names_in(self.model, directory) if name.encode() > after.encode()]
        for engine in self.engines:
            assert engine.list(directory, after=after, limit=limit) == names[:limit]

    @rule()
    def reopen(self):
        self.engines[0] = self.engines[0].survivor()
        for index, kind in enumerate(ENGINES[1:], 1):
            self.engines[index].close()
            self.engines[index] = make_engine(kind, self.directory.name + "/data", ManualClock())

    @invariant()
    def all_keys_are_there(self):
        for engine in getattr(self, "engines", []):
            with engine.snapshot() as reader:
                assert {key: reader.get(key) for key in self.model} == self.model
                assert reader.list("") == names_in(self.model, "")

    def teardown(self):
        for engine in getattr(self, "engines", []):
            engine.close()
        if hasattr(self, "directory"):
            self.directory.cleanup()


TestEveryEngineBehavesLikeADictionary = EveryEngineBehavesLikeADictionary.TestCase
TestEveryEngineBehavesLikeADictionary.settings = settings(max_examples=25, stateful_step_count=20)
