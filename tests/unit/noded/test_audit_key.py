"""The key of a node's audit chain: made once, whole, and readable for the node's user only."""

import stat
import threading

import pytest

from holdfast.errors import InvalidInputError
from holdfast.noded.audit_key import KEY_BYTES, read_audit_key


def test_it_is_made_once(tmp_path):
    key = read_audit_key(tmp_path)
    path = tmp_path / "audit.key"
    assert read_audit_key(tmp_path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(path.read_bytes()) == KEY_BYTES
    assert [entry.name for entry in tmp_path.iterdir()] == ["audit.key"]


def test_the_chain_is_not_under_the_very_bytes_of_the_file(tmp_path):
    assert read_audit_key(tmp_path) != (tmp_path / "audit.key").read_bytes()


def test_two_at_once_agree_on_one_key(tmp_path):
    keys = []
    threads = [threading.Thread(target=lambda: keys.append(read_audit_key(tmp_path))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == len(threads)
    assert len(set(keys)) == 1


@pytest.mark.parametrize(
    ("content", "mode", "text"),
    [
        pytest.param(b"", 0o600, "expected 32 bytes", id="empty"),
        pytest.param(b"k" * 31, 0o600, "expected 32 bytes", id="short"),
        pytest.param(b"k" * 33, 0o600, "expected 32 bytes", id="long"),
        pytest.param(b"k" * 32, 0o640, "nobody else may read", id="readable-for-a-group"),
    ],
)
def test_a_file_that_cannot_be_ours_is_refused_and_left(tmp_path, content, mode, text):
    path = tmp_path / "audit.key"
    path.write_bytes(content)
    path.chmod(mode)
    with pytest.raises(InvalidInputError, match=text):
        read_audit_key(tmp_path)
    assert path.read_bytes() == content


def test_a_link_is_not_followed(tmp_path):
    other = tmp_path / "other"
    other.write_bytes(b"k" * 32)
    (tmp_path / "audit.key").symlink_to(other)
    with pytest.raises(InvalidInputError, match="cannot be used"):
        read_audit_key(tmp_path)
