"""Audit files: whole lines, ours alone, in the one directory, through log rotation and a full disk."""

import json
import multiprocessing
import os
import resource
import stat
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from holdfast.audit import AuditConfigurationError, AuditSinkError, FileSink


@pytest.fixture
def directory(tmp_path):
    place = tmp_path / "audit"
    place.mkdir(mode=0o700)
    return place


@pytest.fixture
def sink(directory):
    opened = FileSink(directory, "audit.log")
    yield opened
    opened.close()


def open_descriptors(directory):
    """What is open in a directory; threads of other tests may open and close files of theirs at any time."""
    found: Counter[str] = Counter()
    for entry in list(Path("/proc/self/fd").iterdir()):
        with suppress(OSError):  # that of the listing itself
            found[str(entry.readlink())] += 1
    return Counter({name: number for name, number in found.items() if name.startswith(str(directory))})


def test_lines_are_appended(directory, sink):
    sink.write(b"one\n")
    sink.close()
    again = FileSink(directory, str(directory / "audit.log"))
    again.write(b"two\nthree\n")
    again.close()
    assert (directory / "audit.log").read_bytes() == b"one\ntwo\nthree\n"


@pytest.mark.parametrize("umask", [0o000, 0o077])
@pytest.mark.parametrize("mode", [None, 0o644, 0o777])
def test_the_file_is_for_its_owner_only(directory, mode, umask):
    path = directory / "audit.log"
    if mode is not None:
        path.touch()
        path.chmod(mode)
    before = os.umask(umask)
    try:
        FileSink(directory, "audit.log").close()
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("", id="empty"),
        pytest.param(".", id="dot"),
        pytest.param("..", id="dot dot"),
        pytest.param("../audit.log", id="parent"),
        pytest.param("sub/audit.log", id="sub-directory"),
        pytest.param("/etc/cron.d/job", id="elsewhere"),
        pytest.param("a\nb", id="line break"),
        pytest.param("a\x00b", id="NUL"),
    ],
)
def test_only_files_directly_in_the_directory_are_named(directory, name):
    with pytest.raises(AuditConfigurationError):
        FileSink(directory, name)
    assert list(directory.iterdir()) == []


def make_symlink(path):
    path.with_name("target").touch()
    path.symlink_to("target")


def make_dangling_symlink(path):
    path.symlink_to("nowhere")


def make_hard_link(path):
    path.with_name("target").touch()
    path.hardlink_to(path.with_name("target"))


@pytest.mark.parametrize(
    "make",
    [make_symlink, make_dangling_symlink, make_hard_link, os.mkfifo, Path.mkdir],
    ids=lambda make: make.__name__,
)
def test_only_an_ordinary_file_with_one_name_is_opened(directory, make):
    make(directory / "audit.log")
    before = sorted(directory.iterdir())
    with pytest.raises((AuditConfigurationError, AuditSinkError)):
        FileSink(directory, "audit.log")
    assert sorted(directory.iterdir()) == before


def test_a_pipe_with_a_reader_is_refused_too(directory):
    os.mkfifo(directory / "audit.log")
    reader = os.open(directory / "audit.log", os.O_RDONLY | os.O_NONBLOCK)
    try:
        with pytest.raises(AuditConfigurationError, match="ordinary file"):
            FileSink(directory, "audit.log")
    finally:
        os.close(reader)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a file of somebody else")
def test_a_file_of_somebody_else_is_refused(directory):
    (directory / "audit.log").touch()
    os.chown(directory / "audit.log", 65534, 65534)
    with pytest.raises(AuditConfigurationError):
        FileSink(directory, "audit.log")


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o1777], ids=oct)
def test_a_directory_that_others_write_to_is_refused(directory, mode):
    directory.chmod(mode)
    with pytest.raises(AuditConfigurationError):
        FileSink(directory, "audit.log")


def test_a_missing_directory_and_a_linked_one_are_refused(directory, tmp_path):
    with pytest.raises(AuditSinkError):
        FileSink(tmp_path / "nowhere", "audit.log")
    (tmp_path / "link").symlink_to(directory)
    with pytest.raises(AuditSinkError):
        FileSink(tmp_path / "link", "audit.log")


def test_reopen_follows_log_rotation(directory, sink):
    sink.write(b"old\n")
    (directory / "audit.log").rename(directory / "audit.log.1")
    sink.write(b"late\n")
    sink.reopen()
    sink.write(b"new\n")
    assert (directory / "audit.log.1").read_bytes() == b"old\nlate\n"
    assert (directory / "audit.log").read_bytes() == b"new\n"
    assert stat.S_IMODE((directory / "audit.log").stat().st_mode) == 0o600


def test_a_failed_reopen_goes_on_with_the_old_file(directory, sink):
    (directory / "audit.log").rename(directory / "audit.log.1")
    (directory / "audit.log").symlink_to("audit.log.1")
    with pytest.raises(AuditSinkError):
        sink.reopen()
    sink.write(b"still\n")
    assert (directory / "audit.log.1").read_bytes() == b"still\n"


def test_reopening_does_not_leak_descriptors(directory, sink):
    before = open_descriptors(directory)
    assert before
    for _ in range(20):
        sink.reopen()
    assert open_descriptors(directory) - before == Counter()


def test_refused_files_do_not_leak_descriptors(directory):
    make_hard_link(directory / "audit.log")
    before = open_descriptors(directory)
    for _ in range(20):
        with pytest.raises(AuditConfigurationError):
            FileSink(directory, "audit.log")
    assert open_descriptors(directory) - before == Counter()


def test_a_closed_sink_takes_nothing(sink):
    sink.close()
    sink.close()
    with pytest.raises(AuditSinkError):
        sink.write(b"line\n")


def test_a_full_disk_is_reported_and_the_next_line_stands_alone(directory, sink):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    sink.write(b'{"n":1}\n')
    try:
        resource.setrlimit(
            resource.RLIMIT_FSIZE, (12, before[1])
        )  # the kernel's limit stands in for the disk's
        with pytest.raises(AuditSinkError):
            sink.write(b'{"n":2}\n')
        with pytest.raises(AuditSinkError):
            sink.write(b'{"n":3}\n')
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    sink.write(b'{"n":4}\n')
    sink.write(b'{"n":5}\n')
    assert (directory / "audit.log").read_bytes() == b'{"n":1}\n{"n"\n{"n":4}\n{"n":5}\n'


def append_many(directory, writer, start):
    sink = FileSink(directory, "audit.log")
    start.wait()
    for number in range(200):
        sink.write(json.dumps({"writer": writer, "number": number, "fill": "x" * 3000}).encode() + b"\n")
    sink.close()


def test_lines_of_concurrent_processes_are_whole(directory):
    context = multiprocessing.get_context("fork")
    start = context.Barrier(4)
    writers = [context.Process(target=append_many, args=(directory, number, start)) for number in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    found = [json.loads(line) for line in (directory / "audit.log").read_bytes().splitlines()]
    assert [writer.exitcode for writer in writers] == [0, 0, 0, 0]
    for number in range(4):
        assert [line["number"] for line in found if line["writer"] == number] == list(range(200))
