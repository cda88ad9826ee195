"""How ``holdfast exec`` reads secrets, holds them and notices that they changed."""

import base64
import os
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.cli.errors import LocalError
from holdfast.cli.exec.binding import Binding, Place
from holdfast.cli.exec.descriptors import open_descriptor
from holdfast.cli.exec.environment import MAX_VARIABLE_BYTES, inherited, with_secrets
from holdfast.cli.exec.errors import NotDeliverableError
from holdfast.cli.exec.files import NAME_PREFIX, file_system_of, secrets_directory
from holdfast.cli.exec.sources import DcosSource, Secret, VaultSource, check_spaces, read_all
from holdfast.cli.exec.watcher import MAX_WAIT_SECONDS, Watcher, wait_seconds
from holdfast.client import DcosClient, VaultClient
from holdfast.client.errors import RemoteUnavailableError
from holdfast.errors import SealedError
from holdfast.model import SecretBytes, parse_path


def variable(name, secret):
    return Binding(Place.VARIABLE, name, secret)


A, B, C = variable("A", "team/a"), variable("B", "team/b"), variable("C", "team/c")


@pytest.fixture
def dcos(wire):
    return DcosSource(DcosClient(wire.url, "t"))


def answer(wire, path, status, body):
    wire.answers["GET", f"/secrets/v1/secret/default/{path}"] = (status, body)


class TestReading:
    def test_all_that_is_wrong_is_told_at_once(self, wire, dcos):
        answer(wire, "team/a", 404, {"description": "does not exist"})
        answer(wire, "team/b", 403, {"message": "no"})
        answer(wire, "team/c", 200, {"value": "fine"})
        with pytest.raises(NotDeliverableError) as caught:
            read_all([A, B, C], dcos)
        assert caught.value.message.splitlines() == [
            "the command was not started:",
            "  A (team/a): does not exist",
            "  B (team/b): permission denied",
        ]

    def test_a_secret_in_two_places_is_read_once(self, wire, dcos):
        answer(wire, "team/a", 200, {"value": "x"})
        delivery = read_all([A, variable("AGAIN", "team/a")], dcos)
        assert [secret.value.reveal() for secret in delivery.values()] == [b"x", b"x"]
        assert len(wire.requests) == 1

    def test_a_sealed_store_is_no_missing_secret(self, wire, dcos):
        answer(wire, "team/a", 503, {"description": "the store is sealed"})
        with pytest.raises(SealedError):
            read_all([A], dcos)

    def test_base64_is_decoded_where_the_name_says_so(self, wire, dcos):
        binary = bytes(range(256))
        answer(wire, "team/__dcos_base64__key", 200, {"value": base64.encodebytes(binary).decode()})
        answer(wire, "__dcos_base64__dir/key", 200, {"value": "YWJj"})
        assert dcos.read("team/__dcos_base64__key").value.reveal() == binary
        assert dcos.read("__dcos_base64__dir/key").value.reveal() == b"YWJj"

    def test_what_cannot_be_delivered_exactly_is_refused(self, wire, dcos):
        answer(wire, "__dcos_base64__x", 200, {"value": "not base64!"})
        with pytest.raises(NotDeliverableError):
            read_all([variable("A", "__dcos_base64__x")], dcos)

    @pytest.mark.parametrize("body", [{}, {"value": 7}], ids=["no-value", "not-text"])
    def test_what_does_not_speak_this_dialect_says_nothing_of_single_secrets(self, wire, dcos, body):
        answer(wire, "team/a", 200, body)
        with pytest.raises(RemoteUnavailableError):
            read_all([A], dcos)

    def test_a_name_that_climbs_is_refused_without_asking(self, wire, dcos):
        with pytest.raises(NotDeliverableError):
            read_all([variable("A", "team/../other")], dcos)
        assert wire.requests == []

    @pytest.mark.parametrize(
        ("reference", "value"),
        [
            pytest.param("secret/app", b"v", id="field-value-unless-named"),
            pytest.param("secret/app#pw", b"p", id="named-field"),
            pytest.param("secret/app#port", b"5432", id="number"),
            pytest.param("secret/app#tls", b'{"on":true}', id="object"),
        ],
    )
    def test_a_field_of_the_newest_version(self, wire, reference, value):
        wire.answers["GET", "/v1/sys/internal/ui/mounts/secret/app"] = (
            200,
            {"data": {"path": "secret/", "type": "kv", "options": {"version": "2"}}},
        )
        data = {"value": "v", "pw": "p", "port": 5432, "tls": {"on": True}}
        wire.answers["GET", "/v1/secret/data/app"] = (
            200,
            {"data": {"data": data, "metadata": {"version": 3}}},
        )
        secret = VaultSource(VaultClient(wire.url, "t")).read(reference)
        assert (secret.value.reveal(), secret.version) == (value, 3)

    def test_a_missing_field_and_a_deleted_version_are_told(self, wire):
        for name in ("app", "gone"):
            wire.answers["GET", f"/v1/sys/internal/ui/mounts/secret/{name}"] = (
                200,
                {"data": {"path": "secret/", "type": "kv", "options": {"version": "2"}}},
            )
        wire.answers["GET", "/v1/secret/data/app"] = (200, {"data": {"data": {"pw": "p"}, "metadata": {}}})
        wire.answers["GET", "/v1/secret/data/gone"] = (200, {"data": {"data": None, "metadata": {}}})
        bindings = [variable("A", "secret/app#other"), variable("B", "secret/gone")]
        with pytest.raises(NotDeliverableError) as caught:
            read_all(bindings, VaultSource(VaultClient(wire.url, "t")))
        assert "A (secret/app#other): has no field other" in caught.value.message
        assert "B (secret/gone): does not exist" in caught.value.message


class TestSpaces:
    def test_the_store_is_not_asked_for_what_the_service_may_not_use(self, wire, dcos):
        bindings = [A, variable("TOP", "top"), variable("OTHER", "other/x")]
        with pytest.raises(NotDeliverableError) as caught:
            check_spaces(bindings, dcos, parse_path("/team/app"))
        assert caught.value.message.count("\n") == 1
        assert "OTHER (other/x): not accessible" in caught.value.message
        assert wire.requests == []

    def test_below_a_mount_the_mount_is_no_space(self, wire):
        source = VaultSource(VaultClient(wire.url, "t"), mount="secret")
        check_spaces([variable("A", "team/a#pw"), variable("T", "top#a/b")], source, parse_path("/team"))
        with pytest.raises(NotDeliverableError):
            check_spaces([variable("A", "secret/a")], source, parse_path("/team"))

    def test_without_a_mount_nothing_is_guessed(self, wire):
        with pytest.raises(NotDeliverableError, match="--mount"):
            check_spaces([A], VaultSource(VaultClient(wire.url, "t")), parse_path("/team"))


PASSWORDS = {"HOLDFAST_PASSWORD": "p", "DCOS_PASSWORD": "p"}
MINE = {"PATH": "/bin", "SHELL": "sh", "EDITOR": "ed", "HOLDFAST_TOKEN": "t", "VAULT_TOKEN": "t", **PASSWORDS}


class TestEnvironment:
    @pytest.mark.parametrize(
        ("pristine", "keep_token", "names"),
        [
            pytest.param(False, False, {"PATH", "SHELL", "EDITOR"}, id="all-but-the-token"),
            pytest.param(True, False, {"PATH", "SHELL"}, id="pristine"),
            pytest.param(
                True, True, {"PATH", "SHELL", "HOLDFAST_TOKEN", "VAULT_TOKEN"}, id="pristine-and-token"
            ),
            pytest.param(False, True, set(MINE) - set(PASSWORDS), id="all-but-passwords"),
        ],
    )
    def test_what_is_inherited(self, pristine, keep_token, names):
        assert set(inherited(MINE, pristine=pristine, keep_token=keep_token)) == names

    def test_secrets_are_delivered_byte_for_byte(self):
        value = b" \xff\xfe line\n\n"
        block = with_secrets({"P": "caf\udce9"}, {"A": SecretBytes(value)}, overwrite=False)
        assert block == {b"P": b"caf\xe9", b"A": value}

    @pytest.mark.parametrize(
        ("value", "reason"),
        [
            pytest.param(b"a\x00b", "NUL", id="nul"),
            pytest.param(b"x" * (MAX_VARIABLE_BYTES - 2), "128 KiB", id="one-byte-too-long"),
        ],
    )
    def test_what_no_variable_can_hold_is_refused(self, value, reason):
        with pytest.raises(NotDeliverableError, match=reason) as caught:
            with_secrets({}, {"A": SecretBytes(value)}, overwrite=False)
        assert value[:8].decode() not in caught.value.message

    def test_the_longest_value_can_really_be_started_with(self):
        block = with_secrets({}, {"A": SecretBytes(b"x" * (MAX_VARIABLE_BYTES - 3))}, overwrite=False)
        child = os.posix_spawn("/bin/true", ["true"], block)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0

    def test_a_variable_that_is_set_is_replaced_only_when_told(self):
        secrets = {"A": SecretBytes(b"new")}
        with pytest.raises(NotDeliverableError, match="already set"):
            with_secrets({"A": "old"}, secrets, overwrite=False)
        assert with_secrets({"A": "old"}, secrets, overwrite=True) == {b"A": b"new"}


class TestDescriptors:
    def test_it_reads_from_the_start_each_time_and_nobody_can_change_it(self):
        descriptor = open_descriptor("A", SecretBytes(b"x" * 100_000))
        try:
            for _ in range(2):
                with open(f"/proc/self/fd/{descriptor}", "rb") as file:  # noqa: PTH123 - as a command would
                    assert file.read() == b"x" * 100_000
            with pytest.raises(PermissionError):
                os.write(descriptor, b"y")
            with pytest.raises(PermissionError):
                os.ftruncate(descriptor, 0)
            assert os.get_inheritable(descriptor)
        finally:
            os.close(descriptor)


@pytest.fixture
def memory(tmp_path, monkeypatch):
    """A runtime directory in memory for one test."""
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory(dir="/dev/shm") as directory:
        monkeypatch.setenv("XDG_RUNTIME_DIR", directory)
        yield Path(directory)


class TestFiles:
    def test_they_are_there_for_the_owner_only_and_gone_afterwards(self, memory):
        with secrets_directory(None) as directory:
            directory.write({"a": SecretBytes(b"1"), "deep/er/b": SecretBytes(b"\x00\xff")})
            assert directory.path.parent == memory
            found = {path: path.stat().st_mode for path in (directory.path, *directory.path.rglob("*"))}
            assert {stat.S_IMODE(mode) for mode in found.values() if stat.S_ISDIR(mode)} == {0o700}
            assert {stat.S_IMODE(mode) for mode in found.values() if stat.S_ISREG(mode)} == {0o400}
            assert (directory.path / "deep/er/b").read_bytes() == b"\x00\xff"
        assert list(memory.iterdir()) == []

    def test_a_reader_keeps_the_content_it_opened(self, memory):
        with secrets_directory(None) as directory:
            directory.write({"a": SecretBytes(b"old")})
            with (directory.path / "a").open("rb") as reader:
                directory.write({"a": SecretBytes(b"new and longer")})
                assert reader.read() == b"old"
            assert (directory.path / "a").read_bytes() == b"new and longer"
            assert [path.name for path in directory.path.iterdir()] == ["a"]

    def test_an_error_leaves_nothing_behind(self, memory):
        with pytest.raises(OSError, match="name"), secrets_directory(memory / "mine") as directory:
            directory.write({"a": SecretBytes(b"1"), "b" * 300: SecretBytes(b"2")})
        assert list(memory.iterdir()) == []

    def test_a_directory_that_is_there_is_neither_used_nor_removed(self, memory):
        (memory / "mine").mkdir()
        (memory / "link").symlink_to(memory / "mine")
        for name in ("mine", "link"):
            with pytest.raises(LocalError, match="no such directory yet"), secrets_directory(memory / name):
                pass
        assert (memory / "mine").is_dir()

    def test_secrets_never_go_to_a_disk(self, tmp_path):
        assert file_system_of(tmp_path) not in {"tmpfs", "ramfs"}, "the tests' directory should be on a disk"
        with pytest.raises(LocalError, match="tmpfs"), secrets_directory(tmp_path / "mine"):
            pass
        with pytest.raises(LocalError), secrets_directory(tmp_path / "no" / "mine"):
            pass
        assert list(tmp_path.iterdir()) == [tmp_path / "home"]

    def test_leftovers_of_a_killed_supervisor_are_swept_and_living_ones_are_not(self, memory):
        leftover = memory / f"{NAME_PREFIX}left"
        leftover.mkdir()
        (leftover / "pw").write_text("old")
        with secrets_directory(None) as living, secrets_directory(None) as other:
            assert not leftover.exists()
            assert living.path.is_dir()
            assert other.path.is_dir()


class TestWatcher:
    def look_at(self, *values):
        """Return what each look finds after the first of ``(value, version)``."""
        deliveries = [{A: Secret(SecretBytes(value), version)} for value, version in values]
        coming = iter(deliveries[1:])
        watcher = Watcher(lambda: next(coming), first=deliveries[0], interval_seconds=1, notify=lambda: None)
        return [change.changed if (change := watcher.look()) else () for _ in deliveries[1:]]

    @pytest.mark.parametrize(
        ("values", "told"),
        [
            pytest.param([(b"1", 1), (b"1", 1)], [()], id="nothing"),
            pytest.param([(b"1", 1), (b"2", 2)], [("A (team/a), version 1 to 2",)], id="new-version"),
            pytest.param([(b"1", 1), (b"1", 2)], [()], id="another-field-was-written"),
            pytest.param([(b"1", 1), (b"2", 1)], [("A (team/a)",)], id="destroyed-and-written-anew"),
            pytest.param([(b"1", None), (b"2", None)], [("A (team/a)",)], id="no-versions"),
            pytest.param(
                [(b"1", 1), (b"2", 2), (b"2", 2)], [("A (team/a), version 1 to 2",), ()], id="told-once"
            ),
            pytest.param([(b"1", 2), (b"", 3)], [("A (team/a), version 2 to 3",)], id="emptied"),
        ],
    )
    def test_what_counts_as_changed(self, values, told):
        assert self.look_at(*values) == told

    @given(
        interval=st.floats(1, 86_400),
        failures=st.integers(0, 10**6),
        jitter=st.floats(0, 1, exclude_max=True),
    )
    def test_the_wait_is_bounded_and_never_shorter_than_it_should_be(self, interval, failures, jitter):
        wait = wait_seconds(interval, failures, jitter=jitter)
        assert 0.9 * interval <= wait <= 1.1 * max(interval, MAX_WAIT_SECONDS) + 1e-6

    def test_the_wait_doubles_with_every_failure(self):
        assert [wait_seconds(30, failures, jitter=0.5) for failures in range(6)] == [
            30,
            60,
            120,
            240,
            300,
            300,
        ]
