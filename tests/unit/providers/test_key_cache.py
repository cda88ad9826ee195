"""The key cache bridges an absence of the provider, for a bounded time, and nothing else."""

import threading
import time

import pytest

from holdfast.clock import ManualClock
from holdfast.errors import InvalidInputError
from holdfast.model import SecretBytes
from holdfast.providers import (
    CredentialExpiredError,
    ProviderUnavailableError,
    SecretNotFoundError,
    SecretRef,
    plan_provider,
)
from holdfast.providers.cache import KeyCache
from holdfast.providers.errors import ProviderSealedError
from holdfast.providers.file import FileProvider
from holdfast.storage.memory import MemoryStorage

REF = SecretRef("k", version=1)


class Store:
    """Secrets in files, behind a door that a test closes."""

    def __init__(self, directory):
        self._files = FileProvider(directory)
        self.kind = "file"
        self.trouble = None
        self.asked = 0
        self.closed = False

    def __getattr__(self, name):
        return getattr(self._files, name)

    def get(self, ref):
        self.asked += 1
        if self.trouble is not None:
            raise self.trouble
        return self._files.get(ref)

    def status(self):
        from holdfast.providers.interface import ProviderStatus, trouble

        if self.trouble is None:
            return self._files.status()
        problem, reason = trouble(self.trouble)
        return ProviderStatus(kind="file", place="", usable=False, problem=problem, reason=reason)

    def close(self):
        self.closed = True


@pytest.fixture
def store(tmp_path):
    made = Store(tmp_path / "s")
    made.put(SecretRef("k"), SecretBytes(b"v"))
    return made


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def cache(store, clock):
    made = KeyCache(store, seconds=60, clock=clock, look_seconds=0.02)
    yield made
    made.close()


def eventually(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def text(cache, ref=REF):
    with cache.get(ref).value as value:
        return value.reveal()


def test_a_key_is_had_while_the_provider_is_away_and_no_longer_than_it_may_be_kept(cache, store, clock):
    assert text(cache) == b"v"
    store.trouble = ProviderUnavailableError("away")
    clock.advance(59)
    assert text(cache) == b"v"
    time.sleep(0.1)  # the provider is asked meanwhile, and only says nothing
    assert text(cache) == b"v"
    clock.advance(1)
    with pytest.raises(ProviderUnavailableError):
        cache.get(REF)
    eventually(lambda: len(cache) == 0)


@pytest.mark.parametrize(
    "trouble",
    [ProviderSealedError("sealed; unseal it"), CredentialExpiredError("revoked")],
    ids=["seal", "revoke"],
)
def test_all_keys_are_dropped_when_the_provider_is_sealed_or_refuses_the_node(cache, store, trouble):
    assert text(cache) == b"v"
    store.trouble = trouble
    eventually(lambda: len(cache) == 0)  # without anybody asking for a key
    store.trouble = ProviderUnavailableError("away")
    with pytest.raises(ProviderUnavailableError):
        cache.get(REF)


def test_the_newest_version_is_always_asked_for(cache, store):
    assert text(cache, SecretRef("k")) == b"v"
    store.put(SecretRef("k"), SecretBytes(b"w"))  # by another node
    assert text(cache, SecretRef("k")) == b"w"
    assert text(cache) == b"v"
    assert store.asked == 2


def test_what_is_written_or_destroyed_here_is_not_remembered(cache):
    assert text(cache) == b"v"
    cache.put(SecretRef("k"), SecretBytes(b"w"))
    assert len(cache) == 0
    assert text(cache) == b"v"
    cache.destroy(SecretRef("k"))
    with pytest.raises(SecretNotFoundError):
        cache.get(REF)


def test_a_key_that_is_fetched_while_all_are_dropped_is_not_kept(cache, store):
    fetching, dropped = threading.Event(), threading.Event()
    get = store._files.get

    def slow(ref):
        fetching.set()
        assert dropped.wait(60)
        return get(ref)

    store._files.get = slow
    thread = threading.Thread(target=cache.get, args=(REF,))
    thread.start()
    assert fetching.wait(60)
    cache.drop()
    dropped.set()
    thread.join(60)
    assert len(cache) == 0


def test_callers_get_copies_and_closing_wipes_and_closes(cache, store):
    first = cache.get(REF).value
    first.wipe()
    assert text(cache) == b"v"
    cache.close()
    assert len(cache) == 0
    assert store.closed
    cache.get(REF)
    assert len(cache) == 0


def test_it_is_off_unless_asked_for_and_bounded(tmp_path):
    options = {"HOLDFAST_SECRETS_DIRECTORY": str(tmp_path / "s")}
    plain = plan_provider("file", options, environment={})(MemoryStorage())
    assert isinstance(plain._provider, FileProvider)
    cached = plan_provider("file", options | {"HOLDFAST_KEY_CACHE": "10m"}, environment={})(MemoryStorage())
    assert isinstance(cached._provider, KeyCache)
    cached.close()
    for value in ("2h", "soon"):
        with pytest.raises(InvalidInputError, match="HOLDFAST_KEY_CACHE"):
            plan_provider("file", options | {"HOLDFAST_KEY_CACHE": value}, environment={})
