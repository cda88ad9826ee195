"""What only the embedded engine can get wrong: files, other processes, full and failing disks."""

import os
import signal
import struct
import subprocess
import sys
from pathlib import Path

import lmdb
import pytest

from holdfast.storage import (
    StorageBrokenError,
    StorageError,
    StorageFullError,
    StorageUnavailableError,
)
from holdfast.storage.lmdb_engine import LmdbStorage


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "data"


@pytest.fixture
def storage(directory):
    engine = LmdbStorage(directory)
    yield engine
    engine.close()


def run_child(script, *arguments, **options):
    """Run ``script`` in a Python of its own; its last expression statements print the answer."""
    return subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
        cwd=Path(__file__).parent,
        env={"PATH": os.environ["PATH"]},
        **options,
    ).stdout.split()


def mode_of(path):
    return path.stat().st_mode & 0o777


def put(storage, key, value=b"v"):
    storage.write(lambda transaction: transaction.put(key, value))


# Files


def test_directory_and_files_are_closed_to_others(directory):
    previous = os.umask(0)
    try:
        LmdbStorage(directory).close()
    finally:
        os.umask(previous)
    assert mode_of(directory) == 0o700
    assert {entry.name: mode_of(entry) for entry in directory.iterdir()} == {
        "data.mdb": 0o600,
        "lock.mdb": 0o600,
    }


@pytest.mark.parametrize("mode", [0o755, 0o775, 0o777])
def test_empty_directory_made_by_hand_is_tightened(directory, mode):
    directory.mkdir()
    directory.chmod(mode)
    LmdbStorage(directory).close()
    assert mode_of(directory) == 0o700


def test_own_directory_that_was_opened_to_readers_is_tightened(directory):
    LmdbStorage(directory).close()
    directory.chmod(0o755)
    LmdbStorage(directory).close()
    assert mode_of(directory) == 0o700


def test_directory_that_serves_others_too_keeps_its_mode(directory):
    directory.mkdir(mode=0o755)
    (directory / "README").touch()
    LmdbStorage(directory).close()
    assert mode_of(directory) == 0o755
    assert mode_of(directory / "data.mdb") == 0o600


@pytest.mark.parametrize("name", ["data.mdb", "notes"])
@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o720, 0o702])
def test_directory_into_which_others_may_have_put_files_is_refused(directory, mode, name):
    directory.mkdir()
    (directory / name).touch()
    directory.chmod(mode)
    with pytest.raises(StorageUnavailableError, match="chmod 700"):
        LmdbStorage(directory)
    assert [entry.name for entry in directory.iterdir()] == [name]


def test_path_that_is_a_file_is_refused(directory):
    directory.write_text("mine")
    with pytest.raises(StorageUnavailableError, match="cannot be used"):
        LmdbStorage(directory)
    assert directory.read_text() == "mine"


def damage_nothing_but_the_start(directory):
    with (directory / "data.mdb").open("r+b") as file:
        file.write(b"\xff" * 256)


def cut_short(directory):
    os.truncate(directory / "data.mdb", 100)


def use_old_format(directory):
    (directory / "data.mdb").unlink()
    lmdb.open(str(directory), lib_version=0).close()


@pytest.mark.parametrize("damage", [damage_nothing_but_the_start, cut_short, use_old_format])
def test_file_that_is_not_ours_is_refused_and_kept(directory, damage):
    LmdbStorage(directory).close()
    damage(directory)
    before = (directory / "data.mdb").read_bytes()
    with pytest.raises(StorageBrokenError, match="not one of ours"):
        LmdbStorage(directory)
    assert (directory / "data.mdb").read_bytes() == before


def test_second_open_in_one_process_is_refused(storage, directory):
    with pytest.raises(StorageUnavailableError):
        LmdbStorage(directory)
    put(storage, "a")
    assert storage.get("a") == b"v"


# No room


def test_full_map_changes_nothing_and_goes_on(directory):
    storage = LmdbStorage(directory, map_size=1 << 20)
    put(storage, "small", b"1")
    before = storage.revision()
    with pytest.raises(StorageFullError, match="nothing was changed"):
        storage.write(lambda t: [t.put("small", b"2"), t.put("big", b"x" * (2 << 20))])
    assert storage.revision() == before
    assert storage.list("") == ["small"]
    put(storage, "small", b"3")
    assert storage.get("small") == b"3"
    storage.close()


def test_change_that_swallows_the_failure_fails_nevertheless(directory):
    storage = LmdbStorage(directory, map_size=1 << 20)

    def change(transaction):
        transaction.put("small", b"1")
        try:
            transaction.put("big", b"x" * (2 << 20))
        except StorageError:
            return "never mind"

    with pytest.raises(StorageFullError):
        storage.write(change)
    assert storage.get("small") is None
    outcomes = storage.write_all([lambda t: t.put("a", b"1"), change, lambda t: t.put("b", b"1")])
    assert [type(item) for item in outcomes] == [type(None), StorageFullError, type(None)]
    assert storage.list("") == ["a", "b"]
    storage.close()


FILL_THE_DISK = """
import os, resource, sys
from holdfast.storage import StorageFullError
from holdfast.storage.lmdb_engine import LmdbStorage
storage = LmdbStorage(sys.argv[1])
storage.write(lambda t: t.put("before", b"1"))
size = os.stat(sys.argv[1] + "/data.mdb").st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + int(sys.argv[2]), resource.RLIM_INFINITY))
def too_much(t):
    t.put("before", b"2")
    t.put("big", b"x" * 1_000_000)
for attempt in (storage.write, lambda change: storage.write_all([change, change])):
    try:
        attempt(too_much)
    except StorageFullError:
        print("full", storage.get("before").decode())
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
storage.write(too_much)
print(storage.get("before").decode())
"""


@pytest.mark.parametrize(
    "room", [pytest.param(0, id="not-a-byte-more"), pytest.param(65_536, id="short-write")]
)
def test_full_disk_changes_nothing_until_there_is_room(directory, room):
    assert run_child(FILL_THE_DISK, directory, room) == ["full", "1", "full", "1", "2"]
    storage = LmdbStorage(directory)
    assert storage.list("") == ["before", "big"]
    storage.close()


# A failing disk

FAIL_THE_FLUSH = """
import sys
from failing_flush import fail_every_flush
from holdfast.storage import StorageBrokenError
from holdfast.storage.lmdb_engine import LmdbStorage
storage = LmdbStorage(sys.argv[1])
storage.write(lambda t: t.put("key", b"flushed"))
fail_every_flush()
for attempt in range(3):
    try:
        storage.write(lambda t: t.put("key", b"lost?"))
        print("acknowledged")
    except StorageBrokenError as error:
        print(error.message.replace(" ", "-"))
print(storage.get("key").decode())
"""


def test_failed_flush_is_fatal_for_the_process(directory):
    first, second, third, value = run_child(FAIL_THE_FLUSH, directory)
    assert first == "storage:-the-engine-failed;-restart-the-process"
    assert second == third == "storage:-an-earlier-commit-failed;-restart-the-process"
    assert value == "flushed"
    storage = LmdbStorage(directory)
    put(storage, "key", b"again")
    assert storage.get("key") == b"again"
    storage.close()


# Other processes

READ_ONE = """
import sys
from holdfast.storage.lmdb_engine import LmdbStorage
storage = LmdbStorage(sys.argv[1], readonly=True)
print(storage.get("a").decode(), flush=True)
sys.stdin.readline()
print(storage.get("a").decode(), storage.get("big") is not None)
"""


def start_reader(directory):
    reader = subprocess.Popen(
        [sys.executable, "-c", READ_ONE, str(directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"PATH": os.environ["PATH"]},
    )
    return reader, reader.stdout.readline().strip()


def test_other_process_reads_the_newest_commit(storage, directory):
    put(storage, "a", b"1")
    reader, first = start_reader(directory)
    put(storage, "a", b"2")
    answer, _ = reader.communicate("go on\n", timeout=60)
    assert (first, answer) == ("1", "2 False\n")


GROW_THE_MAP = """
import sys
from holdfast.storage.lmdb_engine import LmdbStorage
storage = LmdbStorage(sys.argv[1], map_size=1 << 26)
storage.write(lambda t: [t.put("a", b"2"), t.put("big", b"x" * (8 << 20))])
"""


def commit_numbers_in(lock_file):
    """Return the numbers in the file that readers take theirs from, by their places."""
    content = lock_file.read_bytes()
    return {
        place: number
        for place, (number,) in enumerate(struct.iter_unpack("<Q", content[: len(content) & ~7]))
    }


@pytest.mark.parametrize("read", ["get", "list", "snapshot"])
def test_reader_that_two_commits_overtake_before_its_first_page_reads_on(
    storage, directory, monkeypatch, read
):
    """The number that readers take is set back by two, and catches up when a reader has failed."""
    put(storage, "d/k", b"old")
    before = commit_numbers_in(directory / "lock.mdb")
    put(storage, "d/k", b"new")
    after = commit_numbers_in(directory / "lock.mdb")
    newest = storage.revision()
    (place,) = (place for place in after if (before[place], after[place]) == (newest - 1, newest))

    def say(number):
        with (directory / "lock.mdb").open("r+b") as file:
            file.seek(place * 8)
            file.write(struct.pack("<Q", number))

    begin, begun = storage._environment.begin, []

    def begin_late(**options):
        say(newest - 2 if not begun else newest)
        begun.append(begin(**options))
        say(newest)
        return begun[-1]

    monkeypatch.setattr(storage, "_begin", begin_late)
    if read == "get":
        assert storage.get("d/k") == b"new"
    elif read == "list":
        assert storage.list("d/") == ["k"]
    else:
        with storage.snapshot() as reader:
            assert reader.get("d/k") == b"new"
    assert len(begun) == 2


def test_damage_is_still_called_damage(directory):
    storage = LmdbStorage(directory)
    put(storage, "a")
    storage.close()
    with (directory / "data.mdb").open("r+b") as file:
        for page in range(2, (directory / "data.mdb").stat().st_size // 4096):
            file.seek(page * 4096 + 8)  # the number of the commit that wrote the page
            file.write(b"\xff" * 8)
    storage = LmdbStorage(directory)
    for read in (lambda: storage.get("a"), lambda: storage.list("")):
        with pytest.raises(StorageBrokenError):
            read()
    storage.close()


def test_map_that_another_process_has_grown_is_followed(directory):
    storage = LmdbStorage(directory, map_size=1 << 20)
    put(storage, "a", b"1")
    run_child(GROW_THE_MAP, directory)
    assert storage.get("a") == b"2"
    assert len(storage.get("big")) == 8 << 20
    run_child(GROW_THE_MAP, directory)
    put(storage, "a", b"3")
    assert storage.get("a") == b"3"
    storage.close()


def test_readonly_opens_what_is_there_and_never_writes(directory):
    with pytest.raises(StorageUnavailableError, match="cannot be opened"):
        LmdbStorage(directory, readonly=True)
    assert not directory.exists()
    writer = LmdbStorage(directory)
    put(writer, "a", b"1")
    writer.close()
    reader = LmdbStorage(directory, readonly=True)
    assert reader.get("a") == b"1"
    with pytest.raises(StorageUnavailableError):
        put(reader, "a", b"2")
    with pytest.raises(StorageUnavailableError):
        reader.write_all([lambda t: t.put("a", b"2")])
    assert reader.get("a") == b"1"
    reader.close()


DIE_IN_A_TRANSACTION = """
import os, signal, sys
from holdfast.storage.lmdb_engine import LmdbStorage
storage = LmdbStorage(sys.argv[1])
reader = storage.snapshot()
def change(t):
    t.put("a", b"half")
    print("inside", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
storage.write(change)
"""


def test_writer_that_dies_in_a_transaction_blocks_nobody(directory):
    died = subprocess.run(
        [sys.executable, "-c", DIE_IN_A_TRANSACTION, str(directory)],
        capture_output=True,
        check=False,
        timeout=60,
        env={"PATH": os.environ["PATH"]},
    )
    assert (died.returncode, died.stdout) == (-signal.SIGKILL, b"inside\n")
    storage = LmdbStorage(directory)
    assert storage.get("a") is None
    put(storage, "a", b"whole")
    assert storage.get("a") == b"whole"
    assert storage._environment.info()["num_readers"] == 1  # the dead reader's slot is free again
    storage.close()


def test_write_after_a_fork_is_refused_in_the_child(storage):
    put(storage, "a", b"parent")
    child = os.fork()
    if child == 0:
        status = 1
        try:
            put(storage, "a", b"child")
        except StorageUnavailableError:
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    assert storage.get("a") == b"parent"


def test_map_takes_address_space_not_disk(storage, directory):
    put(storage, "a")
    assert (directory / "data.mdb").stat().st_size < 1 << 20
