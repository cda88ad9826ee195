"""A recovery key is handed out once: it is in a file of its own, or whoever asked for it knows better."""

import errno
import os
import stat

import pytest

from holdfast.cli.hfctl import volume_recovery

KEY = "canary-of-a-recovery-key"
OTHERS = "the key of another volume"


class Node:
    """Hands out a key; something happens while it is made."""

    def __init__(self, meanwhile):
        self._meanwhile = meanwhile

    def request(self, *_):
        self._meanwhile()
        return {"recovery_key": KEY, "keyslot": 1}


@pytest.fixture
def add(hfctl, monkeypatch):
    def run(path, *, meanwhile=lambda: None):
        monkeypatch.setattr(volume_recovery, "node_client", lambda _: Node(meanwhile))
        return hfctl("volume", "key", "recovery", "add", "vol1", "--output-file", str(path))

    return run


def test_it_is_whole_and_ours_alone(add, tmp_path):
    path = tmp_path / "key"
    code, out, err = add(path)
    assert (code, path.read_text()) == (0, KEY)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert KEY not in out + err


@pytest.mark.parametrize("is_link", [False, True])
def test_it_takes_no_place_of_what_came_there_while_it_was_made(add, tmp_path, is_link):
    path, elsewhere = tmp_path / "key", tmp_path / "elsewhere"

    def another_is_quicker():
        elsewhere.write_text(OTHERS)
        path.symlink_to(elsewhere) if is_link else path.write_text(OTHERS)

    code, out, err = add(path, meanwhile=another_is_quicker)
    assert (code, path.read_text(), path.is_symlink()) == (1, OTHERS, is_link)
    assert "cannot be written (File exists), so nobody has the key; remove it with" in err
    assert KEY not in out + err


def test_nothing_is_left_of_one_that_the_disk_does_not_take(add, tmp_path, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("holdfast.cli.private_file.os.fsync", full)
    code, _, err = add(tmp_path / "key")
    assert (code, list(tmp_path.iterdir())) == (1, [])
    assert "No space left on device" in err
