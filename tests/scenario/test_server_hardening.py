"""What the store's processes deny to the rest of their host, as the host sees it."""

import base64
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.store_process import StoreProcess
from tests.support.store_talk import ask

NOBODY = 65534
# A user who is not root, so that the host shows whom it would let look; reading is all that is left of root.
AS_NOBODY = [
    "setpriv",
    f"--reuid={NOBODY}",
    f"--regid={NOBODY}",
    "--clear-groups",
    "--bounding-set=-all,+dac_read_search",
    "--inh-caps=-all,+dac_read_search",
    "--ambient-caps=-all,+dac_read_search",
]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    directory = tmp_path_factory.mktemp("hardening")
    launcher = []
    if os.geteuid() == 0:
        os.chown(directory, NOBODY, NOBODY)
        launcher = AS_NOBODY
    with StoreProcess(directory, launcher=launcher) as process:
        process.initialize()
        ask(process, "PUT", "/v1/secret/data/a", {"data": {"k": "a-value-to-look-for"}})
        yield process


def status_field(process_id, name):
    lines = Path(f"/proc/{process_id}/status").read_text().splitlines()
    return next(line.partition(":")[2].split() for line in lines if line.startswith(f"{name}:"))


def owner_of_memory(process_id):
    """Return who owns a process's files below ``/proc``: root, if it may not be looked into."""
    return Path(f"/proc/{process_id}/mem").stat().st_uid


def test_no_process_can_be_traced_by_others_of_its_user(store):
    user = NOBODY if os.geteuid() == 0 else os.geteuid()
    launcher = AS_NOBODY if os.geteuid() == 0 else []
    ordinary = subprocess.Popen(
        [*launcher, sys.executable, "-c", "print(flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        ordinary.stdout.readline()
        assert owner_of_memory(ordinary.pid) == user  # so that the next lines say something
    finally:
        ordinary.communicate(b"\n", timeout=60)
    for process_id in store.process_ids():
        assert status_field(process_id, "Uid")[1] == str(user)
        assert owner_of_memory(process_id) == 0


def test_no_process_leaves_a_core_dump(store):
    for process_id in store.process_ids():
        limits = Path(f"/proc/{process_id}/limits").read_text().splitlines()
        core = next(line for line in limits if line.startswith("Max core file size"))
        assert core.split()[4:6] == ["0", "0"]


def test_every_file_is_for_its_owner(store):
    for process_id in store.process_ids():
        assert status_field(process_id, "Umask") == ["0077"]
    assert store.data_path.stat().st_mode & 0o777 == 0o700
    files = list(store.data_path.iterdir())
    assert len(files) == 2
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


def test_nothing_secret_is_in_arguments_or_environment(store):
    secrets = [store.root_token, "a-value-to-look-for", *store.shares]
    secrets += [base64.b64decode(share).hex() for share in store.shares]
    for process_id in store.process_ids():
        for place in ("cmdline", "environ"):
            shown = Path(f"/proc/{process_id}/{place}").read_bytes().decode("utf-8", "replace")
            assert "PATH" in shown or "holdfast" in shown
            assert not [secret for secret in secrets if secret in shown]


def test_keys_are_kept_out_of_swap(tmp_path):
    store = StoreProcess(tmp_path)
    text = store.config_path.read_text()
    store.config_path.write_text(text.replace("disable_mlock = true", ""))
    with store:
        store.initialize()
        _, *children = store.process_ids()
        for process_id in children:
            locked = int(status_field(process_id, "VmLck")[0])
            resident = int(status_field(process_id, "RssAnon")[0])
            assert locked > resident // 2
        assert "memory lock is not in place" not in store.log()
