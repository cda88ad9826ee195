"""A directory of files: every plain file exactly, nothing else, and never what a link leads to."""

import os
import socket
from contextlib import closing
from pathlib import Path

import pytest

from holdfast.cli.errors import LocalError
from holdfast.cli.migrate.directory import LINK, NO_PLAIN_FILE, entries_of_directory
from holdfast.errors import HoldfastError
from holdfast.model.path import MAX_DEPTH

OUTSIDE = b"from-outside"


def read(root, *, trim_newline=False, max_bytes=1000):
    found = {}
    for entry in entries_of_directory(Path(root), trim_newline=trim_newline, max_bytes=max_bytes):
        try:
            value = entry.read()
            found[entry.name] = (value.content, value.is_text)
        except HoldfastError as error:
            found[entry.name] = error.message
    return found


@pytest.fixture
def root(tmp_path):
    (tmp_path / "outside").write_bytes(OUTSIDE)
    directory = tmp_path / "root"
    (directory / "team").mkdir(parents=True)
    (directory / "team" / "db").write_bytes(b"pw\n")
    return directory


GOOD = {"team/db": (b"pw\n", True)}


def test_a_file_is_a_secret_byte_for_byte(root):
    contents = {
        "empty": b"",
        "newline": b"\n",
        "all": bytes(range(256)),
        "nul": b"a\0b",
        "bom": b"\xef\xbb\xbfx",
        "tls.crt": b"dotted",
        "team/a b": b"blank",
        "p\u00e4ss": b"umlaut",
        ".hidden/x": b"h",
    }
    for name, content in contents.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(content)
    expected = {name: (content, name != "all") for name, content in contents.items()}
    assert read(root) == GOOD | expected


@pytest.mark.parametrize(
    ("content", "trimmed"),
    [
        pytest.param(b"x\n", b"x", id="newline"),
        pytest.param(b"x\r\n", b"x", id="windows-line-end"),
        pytest.param(b"x\n\n", b"x\n", id="one-of-two"),
        pytest.param(b"x\r", b"x\r", id="carriage-return-alone"),
        pytest.param(b"x", b"x", id="none"),
        pytest.param(b"\n", b"", id="nothing-else"),
        pytest.param(b"\xff\n", b"\xff\n", id="binary-stays"),
    ],
)
def test_the_last_newline_of_a_text_is_left_out_on_demand(root, content, trimmed):
    (root / "file").write_bytes(content)
    assert read(root, trim_newline=True)["file"][0] == trimmed


def _fifo(root):
    os.mkfifo(root / "odd")


def _socket(root):
    with closing(socket.socket(socket.AF_UNIX)) as listener:
        directory = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
        listener.bind(f"/proc/self/fd/{directory}/odd")  # a path of tmp_path may be too long for a socket
        os.close(directory)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        pytest.param(lambda root: (root / "odd").symlink_to("../outside"), LINK, id="link-out"),
        pytest.param(lambda root: (root / "odd").symlink_to("/etc/passwd"), LINK, id="absolute-link"),
        pytest.param(lambda root: (root / "odd").symlink_to("team/db"), LINK, id="link-inside"),
        pytest.param(lambda root: (root / "odd").symlink_to(".."), LINK, id="link-to-the-parent-directory"),
        pytest.param(lambda root: (root / "odd").symlink_to("odd"), LINK, id="link-to-itself"),
        pytest.param(lambda root: (root / "odd").symlink_to("absent"), LINK, id="broken-link"),
        pytest.param(_fifo, NO_PLAIN_FILE, id="fifo"),
        pytest.param(_socket, NO_PLAIN_FILE, id="socket"),
        pytest.param(
            lambda root: (root / "odd").write_bytes(b"x" * 1001),
            "file: expected at most 1000 bytes",
            id="large",
        ),
        pytest.param(
            lambda root: os.truncate(os.open(root / "odd", os.O_CREAT | os.O_WRONLY), 1 << 40),
            "file: expected at most 1000 bytes",
            id="a-terabyte-of-nothing",
        ),
    ],
)
def test_what_is_no_plain_small_file_is_told_and_not_read(root, make, told):
    make(root)
    assert read(root) == GOOD | {"odd": told}


def test_what_is_exchanged_for_a_link_after_it_was_found_is_not_followed(root):
    (root / "late").write_bytes(b"x")
    entries = {entry.name: entry for entry in entries_of_directory(root, trim_newline=False, max_bytes=1000)}
    (root / "late").unlink()
    (root / "late").symlink_to("../outside")
    (root / "team").rename(root.parent / "moved")
    (root / "team").symlink_to("../moved")
    for name in ("late", "team/db"):
        with pytest.raises(LocalError, match="cannot be read"):
            entries[name].read()


def test_what_is_exchanged_for_a_pipe_does_not_hold_us_up(root):
    entries = [*entries_of_directory(root, trim_newline=False, max_bytes=1000)]
    (root / "team" / "db").unlink()
    os.mkfifo(root / "team" / "db")
    with pytest.raises(LocalError, match=NO_PLAIN_FILE):
        entries[0].read()


def test_a_name_that_is_no_text_reaches_the_planner_as_it_is(root):
    Path(os.fsdecode(os.fsencode(root) + b"/\xff")).write_bytes(b"x")
    assert read(root)["\udcff"] == (b"x", True)


def test_directories_too_deep_are_told(root):
    here = root
    for _ in range(MAX_DEPTH + 2):
        here = here / "d"
    here.mkdir(parents=True)
    (here / "x").write_bytes(b"x")
    found = read(root)
    assert (
        found.pop("/".join(["d"] * MAX_DEPTH)) == f"expected at most {MAX_DEPTH} directories in one another"
    )
    assert found == GOOD


def test_ten_thousand_files_are_found(root):
    for number in range(10_000):
        (root / f"n{number}").touch()
    assert len(read(root)) == 10_001


@pytest.mark.parametrize("name", ["absent", "outside"])
def test_what_is_no_directory_is_refused(tmp_path, root, name):
    with pytest.raises(LocalError, match="directory: expected one that can be read"):
        read(tmp_path / name)
