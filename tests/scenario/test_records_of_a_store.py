"""A store is saved while it serves, comes back on another engine, and moves between engines."""

import subprocess
import sys
import threading

import pytest
from tests.support.gpg import GpgHome
from tests.support.store_process import StoreProcess
from tests.support.zookeeper import shared_server

LIMIT_SECONDS = 120
SECRETS = {f"team/app-{number}": {"password": f"marked-7f3a-{number}"} for number in range(40)}


@pytest.fixture(scope="module")
def gpg(tmp_path_factory):
    with GpgHome(tmp_path_factory.mktemp("gpg")) as home:
        home.generate("ada", bits=2048)
        (home.directory / "ada.gpg").write_bytes(home.gpg("--export", "ada"))
        yield home


@pytest.fixture
def store(tmp_path):
    (tmp_path / "first").mkdir()
    with StoreProcess(tmp_path / "first", workers=1) as running:
        running.initialize(shares=3, threshold=2)
        for path, data in SECRETS.items():
            running.client().request("PUT", f"secret/data/{path}", {"data": data})
        yield running


def zookeeper_stanza(name, path):
    return (
        f'{name} "zookeeper" {{\n  address = "{shared_server()}"\n  path = "{path}"\n'
        "  unprotected = true\n}\n"
    )


def holdfast(*words, standard_input=b""):
    return subprocess.run(
        [sys.executable, "-m", "holdfast.cli.holdfast", *map(str, words)],
        input=standard_input,
        capture_output=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )


def succeed(*words, standard_input=b""):
    done = holdfast(*words, standard_input=standard_input)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def content_key(gpg, file):
    return gpg.gpg("--decrypt", standard_input=succeed("operator", "restore", "--show-key", file))


def assert_same_store(copy, original):
    copy.shares, copy.threshold, copy.root_token = original.shares, original.threshold, original.root_token
    copy.unseal()
    for path, data in SECRETS.items():
        assert copy.client().request("GET", f"secret/data/{path}")["data"]["data"] == data


def test_a_store_is_saved_while_it_is_written_to_and_comes_back_on_zookeeper(store, gpg, tmp_path):
    file, stop = tmp_path / "store.backup", threading.Event()

    def write_on():
        client, number = store.client(), 0
        while not stop.is_set():
            number += 1
            client.request("PUT", f"secret/data/later/{number % 50}", {"data": {"number": number}})

    writer = threading.Thread(target=write_on)
    writer.start()
    try:
        recipient = f"--recipient={gpg.directory}/ada.gpg"
        succeed("operator", "backup", f"--config={store.config_path}", recipient, file)
    finally:
        stop.set()
        writer.join()
    content = file.read_bytes()
    assert file.stat().st_mode & 0o777 == 0o600
    assert b"marked-7f3a" not in content
    assert b"logical" not in content
    (tmp_path / "second").mkdir()
    copy = StoreProcess(
        tmp_path / "second", workers=1, storage=zookeeper_stanza("storage", f"/{tmp_path.name}-restored")
    )
    key = content_key(gpg, file)
    printed = succeed("operator", "restore", f"--config={copy.config_path}", file, standard_input=key)
    assert key.strip() not in printed
    with copy:
        assert_same_store(copy, store)
    again = holdfast("operator", "restore", f"--config={copy.config_path}", file, standard_input=key)
    assert again.returncode == 1
    assert b"a store already" in again.stderr


def test_a_store_moves_to_zookeeper_and_back(store, tmp_path):
    store.stop()
    path = f"/{tmp_path.name}-moved"
    there, back = tmp_path / "there.hcl", tmp_path / "back.hcl"
    there.write_text(
        f'storage_source "file" {{\n  path = "{store.data_path}"\n}}\n'
        + zookeeper_stanza("storage_destination", path)
    )
    back.write_text(
        zookeeper_stanza("storage_source", path)
        + f'storage_destination "file" {{\n  path = "{tmp_path}/third/data"\n}}\n'
    )
    succeed("operator", "migrate", f"--config={there}")
    (tmp_path / "second").mkdir()
    with StoreProcess(tmp_path / "second", workers=1, storage=zookeeper_stanza("storage", path)) as moved:
        assert_same_store(moved, store)
    (tmp_path / "third").mkdir()
    succeed("operator", "migrate", f"--config={back}")
    with StoreProcess(tmp_path / "third", workers=1) as returned:
        assert_same_store(returned, store)


class TestRefusals:
    @pytest.fixture
    def saved(self, store, gpg, tmp_path):
        file = tmp_path / "store.backup"
        succeed(
            "operator",
            "backup",
            f"--config={store.config_path}",
            f"--recipient={gpg.directory}/ada.gpg",
            file,
        )
        return file

    def test_nothing_is_restored_where_a_server_runs(self, store, saved, gpg):
        done = holdfast(
            "operator",
            "restore",
            f"--config={store.config_path}",
            saved,
            standard_input=content_key(gpg, saved),
        )
        assert done.returncode == 1
        assert b"another store is using the directory" in done.stderr
        assert_same_store(store, store)

    def test_a_store_that_runs_is_not_moved(self, store, tmp_path):
        config = tmp_path / "move.hcl"
        config.write_text(
            f'storage_source "file" {{\n  path = "{store.data_path}"\n}}\n'
            f'storage_destination "file" {{\n  path = "{tmp_path}/elsewhere"\n}}\n'
        )
        done = holdfast("operator", "migrate", f"--config={config}")
        assert done.returncode == 1
        assert b"another store is using the directory" in done.stderr

    def test_a_damaged_backup_makes_no_store(self, store, saved, gpg, tmp_path):
        key = content_key(gpg, saved)
        content = bytearray(saved.read_bytes())
        content[-1] ^= 1
        saved.write_bytes(content)
        (tmp_path / "second").mkdir()
        copy = StoreProcess(tmp_path / "second", workers=1)
        done = holdfast("operator", "restore", f"--config={copy.config_path}", saved, standard_input=key)
        assert done.returncode == 1
        assert b"damaged or cut off" in done.stderr
        with copy:
            assert copy.get("/v1/sys/health").status == 501  # not initialised

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            pytest.param((), b"--recipient", id="no-recipient"),
            pytest.param(("--recipient=/nowhere",), b"cannot be read", id="no-such-key"),
            pytest.param(("--recipient=/etc/hostname",), b"OpenPGP", id="no-key"),
        ],
    )
    def test_a_backup_for_nobody_is_not_written(self, store, tmp_path, words, told):
        done = holdfast("operator", "backup", f"--config={store.config_path}", *words, tmp_path / "file")
        assert done.returncode == 1
        assert told in done.stderr
        assert not (tmp_path / "file").exists()

    def test_a_file_that_is_there_stays(self, store, saved, gpg):
        before = saved.read_bytes()
        done = holdfast(
            "operator",
            "backup",
            f"--config={store.config_path}",
            f"--recipient={gpg.directory}/ada.gpg",
            saved,
        )
        assert done.returncode == 1
        assert saved.read_bytes() == before
