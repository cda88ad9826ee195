"""The file provider keeps what it is given whole, private and numbered."""

import stat

import pytest

from holdfast.errors import InvalidInputError
from holdfast.model import SecretBytes
from holdfast.providers import SecretDataError, SecretRef
from holdfast.providers.file import FileProvider
from holdfast.providers.value import value_of_text


def test_a_directory_that_others_may_read_is_refused(tmp_path):
    (tmp_path / "open").mkdir(mode=0o755)
    with pytest.raises(InvalidInputError, match="0700"):
        FileProvider(tmp_path / "open")


def test_a_directory_that_cannot_be_made_is_refused_by_its_setting(tmp_path):
    (tmp_path / "file").touch()
    for path, reason in (
        (tmp_path / "file", "File exists"),
        (tmp_path / "file" / "below", "Not a directory"),
    ):
        with pytest.raises(InvalidInputError) as caught:
            FileProvider(path)
        assert caught.value.message.startswith("HOLDFAST_SECRETS_DIRECTORY: expected a directory")
        assert reason in caught.value.message


def test_files_are_private_and_no_name_becomes_a_file_name(tmp_path):
    FileProvider(tmp_path / "s").put(SecretRef("odd name/ü"), SecretBytes(b"v"))
    files = [path for path in (tmp_path / "s").rglob("*") if path.is_file()]
    assert [stat.S_IMODE(path.stat().st_mode) for path in files] == [0o600]
    assert "odd" not in str(files)


def test_a_killed_writer_leaves_nothing_that_is_read_as_a_version(tmp_path):
    provider = FileProvider(tmp_path / "s")
    provider.put(SecretRef("k"), SecretBytes(b"one"))
    (folder,) = (tmp_path / "s").iterdir()
    (folder / ".0123456789abcdef").write_bytes(b"half")  # the draft of a writer that died
    assert provider.put(SecretRef("k"), SecretBytes(b"two")) == 2
    assert provider.get(SecretRef("k")).value.reveal() == b"two"
    provider.destroy(SecretRef("k"))
    assert provider.list() == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param(b"plain", b"plain", id="raw-text"),
        pytest.param(b'{"k": "v"}', b"v", id="map-of-one"),
        pytest.param(b"{not json", b"{not json", id="brace-but-no-json"),
        pytest.param(b"[1]", b"[1]", id="json-list-is-raw"),
        pytest.param(b"null", b"null", id="json-null-is-raw"),
        pytest.param(b"a\n", b"a\n", id="newline-kept"),
        pytest.param(b"{" * 100_000, b"{" * 100_000, id="depth-bomb-is-raw"),
    ],
)
def test_value_convention(text, value):
    assert value_of_text(text).reveal() == value


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{}", id="empty-map"),
        pytest.param(b'{"a": "1", "b": "2"}', id="two-values"),
        pytest.param(b'{"a": 1}', id="number"),
    ],
)
def test_value_convention_refuses(text):
    with pytest.raises(SecretDataError):
        value_of_text(text)
