"""A disk without room: what cannot be kept or put on record is refused, what was acknowledged stays, and
everything goes on once there is room again.

Needs root, to mount small file systems in memory.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.store_process import StoreProcess
from tests.support.store_talk import ask, ask_every_worker, eventually

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a file system")

NO_ROOM = "storage: no room left; nothing was changed"
NOT_AUDITED = "the request was refused because it could not be audited"
BIG = "x" * 100_000


class SmallDisk:
    """A file system in memory, with a filler that takes or gives back its room."""

    def __init__(self, path: Path, size: int) -> None:
        self.path = path
        self._filler = path / "filler"
        path.mkdir(mode=0o700)
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", str(path)], check=True
        )

    def fill(self) -> None:
        with self._filler.open("ab", buffering=0) as file:
            try:
                while file.write(b"\0" * 4096):
                    pass
            except OSError:
                return

    def take(self, size: int) -> None:
        self._filler.write_bytes(b"\0" * size)

    def give_back(self) -> None:
        self._filler.unlink()

    def unmount(self) -> None:
        subprocess.run(["umount", str(self.path)], check=True)


@pytest.fixture
def store_on_small_disk(tmp_path: Path) -> Iterator[tuple[StoreProcess, SmallDisk]]:
    disk = SmallDisk(tmp_path / "data", 3 << 20)
    try:
        with StoreProcess(tmp_path) as store:
            store.initialize()
            disk.take(1 << 20)
            yield store, disk
    finally:
        disk.unmount()


@pytest.fixture
def store_with_small_audit_disk(tmp_path: Path) -> Iterator[tuple[StoreProcess, SmallDisk]]:
    disk = SmallDisk(tmp_path / "audit", 256 << 10)
    try:
        with StoreProcess(tmp_path, audit=True) as store:
            store.initialize()
            yield store, disk
    finally:
        disk.unmount()


def put(store, path, value):
    return ask(store, "PUT", f"/v1/secret/data/{path}", {"data": {"k": value}})


def values(store, paths):
    return {path: ask(store, "GET", f"/v1/secret/data/{path}").json["data"]["data"]["k"] for path in paths}


def fill_with_secrets(store):
    """Write until there is no room; return what was acknowledged, and the first refusal."""
    acknowledged = {}
    for number in range(100):
        answer = put(store, f"full/{number}", f"{number}{BIG}")
        if answer.status != 200:
            return acknowledged, answer
        acknowledged[f"full/{number}"] = f"{number}{BIG}"
    raise AssertionError("the disk did not fill up")


def fill_audit_file(store, disk):
    """Leave no room, not even on the last page of the audit file: a line that fits half-way takes that."""
    disk.fill()
    eventually(lambda: ask(store, "GET", "/v1/auth/token/lookup-self").status == 500)


def test_without_room_writes_are_refused_and_reads_go_on(store_on_small_disk):
    store, disk = store_on_small_disk
    acknowledged, refusal = fill_with_secrets(store)
    assert len(acknowledged) > 5
    assert (refusal.status, refusal.json) == (503, {"errors": [NO_ROOM]})
    disk.fill()

    for _ in range(3):
        assert put(store, "full/0", BIG).json == {"errors": [NO_ROOM]}
    refusal = ask(
        store,
        "PUT",
        "/secrets/v1/secret/default/full/new",
        {"value": BIG},
        token="",
        headers={"Authorization": f"token={store.root_token}"},
    )
    assert (refusal.status, refusal.json) == (
        503,
        {"title": "Service Unavailable", "description": NO_ROOM},
    )
    assert values(store, acknowledged) == acknowledged
    assert ask(store, "GET", "/v1/secret/data/full/new").status == 404

    disk.give_back()
    assert put(store, "full/0", "smaller").status == 200
    assert put(store, "full/new", BIG).status == 200
    acknowledged |= {"full/0": "smaller", "full/new": BIG}
    store.stop()
    store.start()
    store.unseal()
    assert values(store, acknowledged) == acknowledged


def test_a_store_without_room_can_be_sealed_unsealed_and_started(store_on_small_disk):
    store, disk = store_on_small_disk
    acknowledged, _ = fill_with_secrets(store)
    disk.fill()
    assert ask(store, "PUT", "/v1/sys/seal").status == 204
    store.unseal()
    assert values(store, acknowledged) == acknowledged
    store.kill()
    store.start()
    store.unseal()
    assert values(store, acknowledged) == acknowledged
    assert put(store, "full/0", BIG).status == 503
    disk.give_back()
    assert put(store, "full/0", BIG).status == 200


def test_what_cannot_be_put_on_record_is_neither_done_nor_answered(store_with_small_audit_disk):
    store, disk = store_with_small_audit_disk
    assert put(store, "audited", "the secret").status == 200
    fill_audit_file(store, disk)

    refusals = [
        *ask_every_worker(store, "GET", "/v1/secret/data/audited"),
        put(store, "audited", "never written"),
        ask(store, "DELETE", "/v1/secret/data/audited"),
        ask(store, "POST", "/v1/auth/token/create", {"ttl": "1h"}),
        ask(store, "GET", "/v1/secret/data/audited", token="hvs.nobody"),
    ]
    for refusal in refusals:
        assert refusal.status == 500
        assert refusal.json == {"errors": [NOT_AUDITED]}
    refusal = ask(
        store,
        "GET",
        "/secrets/v1/secret/default/audited",
        token="",
        headers={"Authorization": f"token={store.root_token}"},
    )
    assert refusal.status == 503
    assert refusal.json["description"] == NOT_AUDITED
    assert ask(store, "GET", "/v1/sys/health").status == 200

    disk.give_back()
    answer = ask(store, "GET", "/v1/secret/data/audited")
    assert answer.json["data"]["data"] == {"k": "the secret"}
    assert answer.json["data"]["metadata"]["version"] == 1
    lines = store.audit_path.read_text().splitlines()
    assert json.loads(lines[-1])["request"]["id"] == answer.json["request_id"]


def test_a_store_that_cannot_audit_can_be_unsealed_once_it_can(store_with_small_audit_disk):
    store, disk = store_with_small_audit_disk
    put(store, "audited", "the secret")
    fill_audit_file(store, disk)
    store.stop()
    store.start()
    store.unseal()
    refusal = ask(store, "GET", "/v1/secret/data/audited")
    assert (refusal.status, refusal.json) == (500, {"errors": [NOT_AUDITED]})
    disk.give_back()
    assert ask(store, "GET", "/v1/secret/data/audited").status == 200
