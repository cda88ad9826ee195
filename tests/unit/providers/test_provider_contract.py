"""What every provider promises, whatever store is behind it."""

import contextlib
import threading

import pytest

from holdfast.errors import InvalidInputError
from holdfast.model import SecretBytes
from holdfast.providers import SecretExistsError, SecretNotFoundError, SecretRef, open_provider


def open_kind(kind, tmp_path, vault):
    if kind == "file":
        options = {"HOLDFAST_SECRETS_DIRECTORY": str(tmp_path / "secrets")}
        return open_provider("file", options, environment={})
    vault.version = 2 if kind == "vault-kv2" else 1
    options = {"VAULT_ADDR": vault.address, "VAULT_TOKEN": vault.token}
    return open_provider("vault", options, environment={})


@pytest.fixture(params=["file", "vault-kv2", "vault-kv1"])
def provider(request, tmp_path, vault):
    return open_kind(request.param, tmp_path, vault)


@pytest.fixture(params=["file", "vault-kv2"])
def versioned(request, tmp_path, vault):
    return open_kind(request.param, tmp_path, vault)


def put(provider, name, text, **options):
    return provider.put(SecretRef(name), SecretBytes(text.encode()), **options)


def test_what_was_put_is_got(provider):
    put(provider, "pwx/key", "geheim ü")
    assert provider.get(SecretRef("pwx/key")).value.reveal() == "geheim ü".encode()


def test_missing_is_not_found(provider):
    with pytest.raises(SecretNotFoundError, match="No Secret Data found"):
        provider.get(SecretRef("nothing"))


def test_every_version_stays_readable(versioned):
    versions = [put(versioned, "k", text) for text in ("one", "two", "three")]
    assert versions == [1, 2, 3]
    assert [versioned.get(SecretRef("k", version=v)).value.reveal() for v in versions] == [
        b"one",
        b"two",
        b"three",
    ]
    assert versioned.get(SecretRef("k")).version == 3


def test_an_unknown_version_is_not_found(versioned):
    put(versioned, "k", "one")
    with pytest.raises(SecretNotFoundError):
        versioned.get(SecretRef("k", version=2))


def test_create_only_refuses_what_is_there(provider):
    put(provider, "k", "one", expected_version=0)
    with pytest.raises(SecretExistsError):
        put(provider, "k", "two", expected_version=0)
    assert provider.get(SecretRef("k")).value.reveal() == b"one"


def test_a_stale_expectation_is_refused(versioned):
    put(versioned, "k", "one")
    put(versioned, "k", "two", expected_version=1)
    with pytest.raises(SecretExistsError):
        put(versioned, "k", "three", expected_version=1)


def test_of_many_writers_with_one_expectation_exactly_one_wins(versioned):
    won = []

    def write(text):
        with contextlib.suppress(SecretExistsError):
            won.append(put(versioned, "k", text, expected_version=0))

    threads = [threading.Thread(target=write, args=(f"w{i}",)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert won == [1]


def test_destroying_one_version_leaves_the_others(versioned):
    put(versioned, "k", "one")
    put(versioned, "k", "two")
    versioned.destroy(SecretRef("k", version=1))
    with pytest.raises(SecretNotFoundError):
        versioned.get(SecretRef("k", version=1))
    assert versioned.get(SecretRef("k")).value.reveal() == b"two"


def test_a_destroyed_number_is_never_given_out_again(versioned):
    put(versioned, "k", "one")
    versioned.destroy(SecretRef("k", version=1))
    assert put(versioned, "k", "two") == 2


def test_destroying_everything_is_repeatable(provider):
    put(provider, "k", "one")
    provider.destroy(SecretRef("k"))
    provider.destroy(SecretRef("k"))
    with pytest.raises(SecretNotFoundError):
        provider.get(SecretRef("k"))


def test_list_shows_one_level(versioned):
    for name in ("top", "a/one", "a/b/two"):
        put(versioned, name, "v")
    assert versioned.list() == ["a/", "top"]
    assert versioned.list("a") == ["b/", "one"]
    assert versioned.list("none") == []


def test_status_says_whether_versions_are_kept(vault, tmp_path):
    kinds = {
        kind: open_kind(kind, tmp_path, vault).status().versioned
        for kind in ("file", "vault-kv2", "vault-kv1")
    }
    assert kinds == {"file": True, "vault-kv2": True, "vault-kv1": False}


def test_status_says_usable_and_no_secret(provider):
    put(provider, "k", "canary-value")
    status = provider.status()
    assert status.usable
    assert "canary" not in repr(status)
    assert "hvs." not in repr(status)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("", id="empty"),
        pytest.param("/", id="only-slash"),
        pytest.param("/a", id="leading-slash"),
        pytest.param("a/", id="trailing-slash"),
        pytest.param("a//b", id="empty-segment"),
        pytest.param("../etc/passwd", id="dot-dot"),
        pytest.param("a/./b", id="dot"),
        pytest.param("a\x00b", id="nul"),
        pytest.param("a\nb", id="newline"),
        pytest.param("x" * 2000, id="huge"),
    ],
)
def test_hostile_names_never_reach_a_store(name):
    with pytest.raises(InvalidInputError):
        SecretRef(name)


@pytest.mark.parametrize("version", [0, -1])
def test_hostile_versions_never_reach_a_store(version):
    with pytest.raises(InvalidInputError):
        SecretRef("a", version=version)
