"""A token file is used only when it is ours alone, and is never seen half written."""

import os
import stat

import pytest

from holdfast.cli.errors import LocalError
from holdfast.cli.holdfast.token_file import MAX_TOKEN_BYTES, read_token, write_token
from holdfast.model import SecretBytes

TOKEN = "hvs.a-token-to-keep"


def place(path, content=TOKEN, mode=0o600):
    path.write_text(content)
    path.chmod(mode)
    return path


def test_a_token_is_kept_for_its_owner_only(home):
    path = write_token(home, SecretBytes(TOKEN.encode()))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_token(home).reveal() == TOKEN.encode()
    assert [*home.iterdir()] == [path]


def test_a_new_token_replaces_the_old_one(home):
    write_token(home, SecretBytes(b"first, and longer than the second"))
    write_token(home, SecretBytes(b"second"))
    assert read_token(home).reveal() == b"second"


def test_writing_replaces_a_link_and_leaves_its_target_alone(home, tmp_path):
    target = place(tmp_path / "target", "untouched")
    (home / ".holdfast-token").symlink_to(target)
    write_token(home, SecretBytes(TOKEN.encode()))
    assert target.read_text() == "untouched"
    assert not (home / ".holdfast-token").is_symlink()


def test_a_login_made_with_vault_counts(home):
    place(home / ".vault-token", "hvs.from-vault\n")
    assert read_token(home).reveal() == b"hvs.from-vault"


def test_our_own_file_comes_first(home):
    place(home / ".vault-token", "hvs.from-vault")
    place(home / ".holdfast-token", "hvs.from-holdfast")
    assert read_token(home).reveal() == b"hvs.from-holdfast"


@pytest.mark.parametrize("content", [pytest.param("", id="empty"), pytest.param("\n \n", id="blank")])
def test_an_empty_file_is_no_token(home, content):
    place(home / ".holdfast-token", content)
    assert read_token(home) is None


def test_no_file_is_no_token(home):
    assert read_token(home) is None


def link(path):
    place(path.parent / "elsewhere")
    path.symlink_to(path.parent / "elsewhere")


def fifo(path):
    os.mkfifo(path, 0o600)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        pytest.param(lambda path: place(path, mode=0o640), "chmod 600", id="group-can-read"),
        pytest.param(lambda path: place(path, mode=0o604), "chmod 600", id="everybody-can-read"),
        pytest.param(lambda path: place(path, "x" * (MAX_TOKEN_BYTES + 1)), "at most", id="huge"),
        pytest.param(lambda path: path.mkdir(), "plain file", id="directory"),
        pytest.param(link, "plain file", id="link"),
        pytest.param(fifo, "plain file", id="fifo"),
    ],
)
def test_an_unsafe_file_is_refused_by_name(home, make, told):
    make(home / ".holdfast-token")
    with pytest.raises(LocalError) as caught:
        read_token(home)
    assert told in caught.value.message
    assert ".holdfast-token" in caught.value.message
    assert TOKEN not in caught.value.message


def test_a_file_of_somebody_else_is_refused(home, monkeypatch):
    place(home / ".holdfast-token")
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(LocalError, match="belong"):
        read_token(home)
