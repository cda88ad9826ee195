"""The keyring is rotated when an operator wants it to be, and nothing becomes unreadable by it."""

import pytest

from holdfast.barrier import Keyring
from holdfast.barrier.keyring import RESERVED_BLOCK
from holdfast.store import version_history
from holdfast.store.key_rotation import KeyRotation


def configure(store, **wanted):
    return store.vault("POST", "sys/rotate/config", wanted, token=store.root)


def term_of(store):
    return store.vault("GET", "sys/key-status", token=store.root).data["term"]


def test_what_is_wanted_is_read_as_it_was_written(store):
    read = store.vault("GET", "sys/rotate/config", token=store.root)
    assert read.data == {"enabled": True, "max_operations": 3865470566, "interval": 0}
    assert read.json["max_operations"] == 3865470566
    assert configure(store, enabled=False, max_operations="2000000", interval="48h").status == 204
    assert configure(store, enabled=True).status == 204
    store.restart()
    read = store.vault("GET", "sys/rotate/config", token=store.root)
    assert read.data == {"enabled": True, "max_operations": 2000000, "interval": 172800}


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"max_operations": 999_999}, "max_operations"),
        ({"max_operations": 3865470567}, "max_operations"),
        ({"interval": "23h"}, "interval"),
        ({"interval": "canary-7f3a"}, "interval"),
        ({"enabled": "canary-7f3a"}, "enabled"),
    ],
)
def test_what_cannot_be_wanted(store, wanted, field):
    answer = configure(store, **wanted)
    assert answer.status == 400
    assert field in answer.errors[0]
    assert b"canary" not in answer.body


def test_a_key_is_used_no_longer_than_wanted(store):
    store.vault("PUT", "secret/data/a", {"data": {"k": "v"}}, token=store.root)
    configure(store, interval="24h")
    store.clock.advance(24 * 3600 - 10)
    store.local.keeper.tick()
    assert term_of(store) == 1
    store.clock.advance(10)
    for _ in range(3):
        store.local.keeper.tick()
    assert term_of(store) == 2
    assert store.vault("GET", "secret/data/a", token=store.root).data["data"] == {"k": "v"}
    store.vault("PUT", "secret/data/b", {"data": {"k": "v"}}, token=store.root)
    store.restart()
    assert store.vault("GET", "secret/data/b", token=store.root).status == 200


def test_nothing_is_rotated_that_is_switched_off(store):
    configure(store, interval="24h", enabled=False)
    store.clock.advance(48 * 3600)
    store.local.keeper.tick()
    assert term_of(store) == 1


def test_a_key_encrypts_no_more_than_wanted():
    keyring, wanted = Keyring.generate(now=0.0), KeyRotation(max_operations=2 * RESERVED_BLOCK)
    assert not wanted.wants(keyring, now=10.0)
    keyring = keyring.with_block_reserved()
    assert wanted.wants(keyring, now=10.0)
    assert not KeyRotation(enabled=False, max_operations=2 * RESERVED_BLOCK).wants(keyring, now=10.0)


def test_versions_are_noted_once_each(store, monkeypatch):
    history = store.vault("LIST", "sys/version-history", token=store.root).data
    assert history["keys"] == [version_history.VERSION]
    monkeypatch.setattr(version_history, "VERSION", "99.0")
    store.restart()
    for _ in range(2):
        store.local.keeper.tick()
    history = store.vault("LIST", "sys/version-history", token=store.root).data
    assert history["keys"][-1] == "99.0"
    assert len(history["keys"]) == 2
    assert history["key_info"]["99.0"]["previous_version"] == history["keys"][0]
    assert history["key_info"][history["keys"][0]]["previous_version"] is None


def test_the_host_is_told_in_numbers(store):
    data = store.vault("GET", "sys/host-info", token=store.root).data
    assert data["host"]["os"] == "linux"
    assert 0 < data["memory"]["used"] < data["memory"]["total"]
    assert data["cpu"]
    assert store.vault("GET", "sys/host-info", token=store.token(policies=["default"])).status == 403
