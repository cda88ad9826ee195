"""What an export writes down, and a restore reads: both kinds exactly, and whole or not at all."""

import json
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.cli.errors import LocalError
from holdfast.cli.migrate import document as module
from holdfast.cli.migrate.document import STILL_ENCRYPTED, entries_of_document, write_document
from holdfast.cli.migrate.sealed_file import check_place, write_sealed
from holdfast.client import DcosValue

TEXT = DcosValue("p\u00e4ss\n\0".encode(), is_text=True)
BINARY = DcosValue(b"\xff\0", is_text=False)
LOOKS_LIKE_TEXT = DcosValue(b"abc", is_text=False)
SECRETS = [
    ("a/text", TEXT),
    ("a/binary", BINARY),
    ("b", LOOKS_LIKE_TEXT),
    ("empty", DcosValue(b"", is_text=True)),
]

values = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"])).map(
        lambda text: DcosValue(text.encode(), is_text=True)
    ),
    st.binary().map(lambda content: DcosValue(content, is_text=False)),
)


def written(secrets):
    return write_document(secrets, store="default", path="")


def read(content):
    return [(entry.name, entry.read()) for entry in entries_of_document(content)]


class TestDocument:
    def test_both_kinds_come_back(self):
        assert read(written(SECRETS)) == SECRETS

    @given(st.lists(st.tuples(st.text(st.characters(exclude_categories=["Cs"])), values), max_size=5))
    def test_whatever_was_written_is_read(self, secrets):
        assert read(written(secrets)) == secrets

    def test_the_form_is_that_of_the_docstring(self):
        first, *lines, last = written(SECRETS[:2]).decode().splitlines()
        assert first == '{"holdfast_export":1,"store":"default","path":""}'
        assert json.loads(lines[0]) == {"path": "a/text", "text": "p\u00e4ss\n\0"}
        assert lines[1] == '{"path":"a/binary","base64":"/wA="}'
        assert json.loads(last)["secrets"] == 2

    def test_wherever_it_is_cut_off_it_is_refused(self):
        whole = written(SECRETS)
        for length in range(len(whole) - 1):  # without its last newline it is whole
            with pytest.raises(LocalError):
                entries_of_document(whole[:length])

    def test_wherever_it_is_damaged_it_is_refused(self):
        whole = written(SECRETS)
        for position in range(len(whole) - 1):
            damaged = bytearray(whole)
            damaged[position] ^= 1
            with pytest.raises(LocalError):
                entries_of_document(bytes(damaged))

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            pytest.param(b"", "did the decryption fail", id="empty"),
            pytest.param(b"\n", "expected what `holdfast export` wrote", id="blank"),
            pytest.param(b"-----BEGIN PGP MESSAGE-----\n", STILL_ENCRYPTED, id="armoured-message"),
            pytest.param(b"\x85\x01\x0c\x03", STILL_ENCRYPTED, id="message-of-gnupg"),
            pytest.param(b"\xc1\xc1\x4c\x03", STILL_ENCRYPTED, id="message-of-ours"),
            pytest.param(b'{"a":1}\n{}\n', "expected what `holdfast export` wrote", id="another-document"),
            pytest.param(b"text\n{}\n", "document line 1: not valid JSON", id="no-json"),
            pytest.param(b'{"holdfast_export":2}\n{}\n', "newer Holdfast", id="another-version"),
        ],
    )
    def test_what_is_no_such_document_is_told(self, content, told):
        with pytest.raises(LocalError) as caught:
            entries_of_document(content)
        assert told in caught.value.message

    @pytest.mark.parametrize(
        "line",
        [
            pytest.param(b'{"path":"a"}', id="no-value"),
            pytest.param(b'{"path":"a","text":"x","base64":""}', id="two-values"),
            pytest.param(b'{"path":"a","text":"x","more":1}', id="further-member"),
            pytest.param(b'{"path":1,"text":"x"}', id="path-no-text"),
            pytest.param(b'{"path":"a","text":null}', id="text-no-text"),
            pytest.param(b'{"path":"a","base64":"%"}', id="malformed-base64"),
            pytest.param(b'{"path":"a","path":"b","text":"x"}', id="duplicate-name"),
            pytest.param(b"[]", id="array"),
            pytest.param(b"", id="empty-line"),
        ],
    )
    def test_a_line_that_is_no_secret_is_told_by_number(self, line):
        import hashlib

        body = b'{"holdfast_export":1,"store":"default","path":""}\n' + line + b"\n"
        last = json.dumps({"secrets": 1, "sha256": hashlib.sha256(body).hexdigest()}).encode()
        with pytest.raises(LocalError, match="document line 2: "):
            entries_of_document(body + last)

    def test_a_store_too_large_for_one_document_is_told(self, monkeypatch):
        monkeypatch.setattr(module, "MAX_BYTES", 1000)
        with pytest.raises(LocalError, match="--path"):
            written([(f"n{number}", TEXT) for number in range(100)])


class TestSealedFile:
    def test_it_is_its_owners_and_alone(self, tmp_path):
        place = tmp_path / "backup.gpg"
        write_sealed(place, b"x", replace=False)
        assert (place.read_bytes(), stat.S_IMODE(place.stat().st_mode)) == (b"x", 0o600)
        assert [*tmp_path.glob("*backup*")] == [place]

    def test_nothing_is_replaced_unasked(self, tmp_path):
        place = tmp_path / "backup.gpg"
        place.write_bytes(b"old")
        with pytest.raises(LocalError, match="--force"):
            check_place(place, replace=False)
        with pytest.raises(LocalError, match="--force"):
            write_sealed(place, b"new", replace=False)
        assert place.read_bytes() == b"old"
        assert [*tmp_path.glob("*backup*")] == [place]

    def test_what_is_replaced_gets_its_own_mode(self, tmp_path):
        place = tmp_path / "backup.gpg"
        place.write_bytes(b"old")
        place.chmod(0o644)
        check_place(place, replace=True)
        write_sealed(place, b"new", replace=True)
        assert (place.read_bytes(), stat.S_IMODE(place.stat().st_mode)) == (b"new", 0o600)

    @pytest.mark.parametrize("kind", ["link", "directory", "fifo"])
    def test_only_a_plain_file_is_replaced(self, tmp_path, kind):
        import os

        place = tmp_path / "backup.gpg"
        target = tmp_path / "target"
        target.write_bytes(b"old")
        {
            "link": lambda: place.symlink_to(target),
            "directory": place.mkdir,
            "fifo": lambda: os.mkfifo(place),
        }[kind]()
        with pytest.raises(LocalError, match="plain file"):
            check_place(place, replace=True)

    def test_a_link_that_appears_late_is_not_written_through(self, tmp_path):
        place = tmp_path / "backup.gpg"
        target = tmp_path / "target"
        target.write_bytes(b"old")
        place.symlink_to(target)
        with pytest.raises(LocalError, match="--force"):
            write_sealed(place, b"new", replace=False)
        write_sealed(place, b"new", replace=True)
        assert (target.read_bytes(), place.is_symlink()) == (b"old", False)

    def test_a_directory_that_is_not_there_is_told_early(self, tmp_path):
        with pytest.raises(LocalError, match="directory that exists"):
            check_place(tmp_path / "absent" / "backup.gpg", replace=False)
