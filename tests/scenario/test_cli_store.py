"""The holdfast program against a real store, as sessions at a terminal; each in a store of its own."""

import sys
from pathlib import Path

import pytest
from tests.support.store_process import StoreProcess
from tests.support.transcript import play

TRANSCRIPTS = Path(__file__).parent / "transcripts"


class Desk:
    """Somebody's terminal: an empty home, an empty directory, and a store to talk to."""

    def __init__(self, store, directory):
        self.home = directory / "home"
        self.work = directory / "work"
        self.environment = {
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "HOME": str(self.home),
            "HOLDFAST_ADDR": store.url,
            "LC_ALL": "C.UTF-8",
        }
        if store.certificate:
            self.environment["HOLDFAST_CACERT"] = str(store.certificate)
        if store.root_token:
            self.environment["HOLDFAST_TOKEN"] = store.root_token
        for place in (self.home, self.work):
            place.mkdir()

    def play(self, name):
        text = (TRANSCRIPTS / name).read_text(encoding="utf-8")
        return play(text, directory=self.work, environment=self.environment)


def test_from_an_empty_directory_to_a_secret(tmp_path):
    with StoreProcess(tmp_path) as store:
        Desk(store, tmp_path).play("first_secret.txt")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("both_dialects.txt", id="both-dialects"),
        pytest.param("versions.txt", id="versions"),
        pytest.param("kv.txt", id="kv"),
        pytest.param("tokens_and_policies.txt", id="tokens-and-policies"),
        pytest.param("audit.txt", id="audit"),
        pytest.param("wrapping.txt", id="wrapping-and-leases"),
        pytest.param("vault_verbs.txt", id="verbs-of-vault"),
    ],
)
def test_a_session_with_an_open_store(tmp_path, name):
    with StoreProcess(tmp_path, tls=True, audit=True) as store:
        store.initialize()
        Desk(store, tmp_path).play(name)


def test_holders_of_shares_come_together(tmp_path):
    with StoreProcess(tmp_path, tls=True) as store:
        store.initialize()
        for number, share in enumerate(store.shares, 1):
            (tmp_path / f"share{number}").write_text(share)
        Desk(store, tmp_path).play("ceremonies.txt")
