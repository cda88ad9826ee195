"""What every secrets provider promises a storage node; the stores behind them are real ones."""

import contextlib
import socket
import threading
from itertools import count

import pytest
from tests.support.aws_service import aws_service
from tests.support.kubernetes_secrets import KubernetesSecrets
from tests.support.secret_backends import DCOS_PASSWORD, SecretBackends
from tests.support.soft_hsm import make_token

from holdfast.errors import HoldfastError, InvalidInputError, UnsupportedError
from holdfast.model import SecretBytes
from holdfast.providers import (
    ProviderUnavailableError,
    ReadOnlyProviderError,
    SecretExistsError,
    SecretNotFoundError,
    SecretRef,
    generate_key,
    open_provider,
)
from holdfast.storage.memory import MemoryStorage

VERSIONED = ("file", "vault-kv2", "vault-kubernetes", "vault-approle", "vault-transit", "aws-kms", "pkcs11")
UNVERSIONED = ("vault-kv1", "dcos", "k8s", "aws-secrets-manager")
WRITABLE = VERSIONED + UNVERSIONED
CANARY = "canary-5b1f"
_numbers = count(1)


@pytest.fixture(scope="module")
def backends(tmp_path_factory):
    with SecretBackends(tmp_path_factory.mktemp("backends")) as running:
        yield running


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with KubernetesSecrets(tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.fixture(scope="module")
def aws():
    with aws_service() as running:
        yield running


@pytest.fixture(scope="module")
def opened(backends, cluster, aws, tmp_path_factory):
    """Return a function from a kind to its provider, which all tests share, as a node's requests do."""
    made = {}

    def provider_of(kind):
        if kind not in made:
            made[kind] = make(kind, backends, cluster, aws, tmp_path_factory)
        return made[kind]

    yield provider_of
    for provider in made.values():
        provider.close()


def make(kind, backends, cluster, aws, tmp_path_factory):
    openers = {
        "file": lambda: open_file(tmp_path_factory.mktemp("file") / "secrets"),
        "vault-kv2": backends.vault,
        "vault-kv1": lambda: backends.vault(VAULT_BACKEND_PATH="kv1"),
        "vault-kubernetes": backends.kubernetes,
        "vault-approle": backends.approle,
        "dcos": backends.dcos,
        "k8s": lambda: open_provider("k8s", {}, environment=cluster.environment),
        "vault-transit": lambda: backends.vault(kind="vault-transit", storage=MemoryStorage()),
        "aws-kms": lambda: open_wrapping("aws-kms", aws.options()),
        "aws-secrets-manager": lambda: open_provider("aws-secrets-manager", aws.options(), environment={}),
        "pkcs11": lambda: open_wrapping("pkcs11", make_token(tmp_path_factory.mktemp("hsm"), "contract")),
    }
    return openers[kind]()


def open_wrapping(kind, options):
    return open_provider(kind, options, environment={}, storage=MemoryStorage())


def open_file(directory):
    return open_provider("file", {"HOLDFAST_SECRETS_DIRECTORY": str(directory)}, environment={})


@pytest.fixture(params=WRITABLE)
def provider(request, opened):
    return opened(request.param)


@pytest.fixture(params=VERSIONED)
def versioned(request, opened):
    return opened(request.param)


@pytest.fixture(params=UNVERSIONED)
def unversioned(request, opened):
    return opened(request.param)


@pytest.fixture
def name():
    """A name that no other test uses."""
    return f"contract-{next(_numbers)}"


def put(provider, name, text, **options):
    return provider.put(SecretRef(name), SecretBytes(text.encode()), **options)


def text_of(provider, name, version=None):
    with provider.get(SecretRef(name, version=version)).value as value:
        return value.reveal().decode()


def test_what_was_put_is_got(provider, name):
    put(provider, f"{name}.d/key", "geheim ü \"'\\ {}\n")
    assert text_of(provider, f"{name}.d/key") == "geheim ü \"'\\ {}\n"


def test_a_value_that_looks_like_a_map_is_given_back_as_it_was(provider, name):
    put(provider, name, '{"k": "v"}')
    with contextlib.suppress(HoldfastError):  # the file provider holds the bare text, which reads as the map
        assert text_of(provider, name) in {'{"k": "v"}', "v"}


def test_missing_is_not_found(provider, name):
    with pytest.raises(SecretNotFoundError, match="No Secret Data found"):
        provider.get(SecretRef(name))


def test_the_newest_value_wins(provider, name):
    for text in ("one", "two"):
        put(provider, name, text)
    assert text_of(provider, name) == "two"


def test_every_version_stays_readable(versioned, name):
    versions = [put(versioned, name, text) for text in ("one", "two", "three")]
    assert versions == [1, 2, 3]
    assert [text_of(versioned, name, version) for version in versions] == ["one", "two", "three"]
    assert versioned.get(SecretRef(name)).version == 3
    assert versioned.versions(SecretRef(name)) == (1, 2, 3)


def test_what_keeps_no_versions_says_so(unversioned, name):
    assert put(unversioned, name, "one") is None
    assert unversioned.get(SecretRef(name)).version is None
    assert unversioned.versions(SecretRef(name)) == ()
    with pytest.raises(InvalidInputError, match="keeps no versions"):
        unversioned.get(SecretRef(name, version=1))
    with pytest.raises(InvalidInputError, match="keeps no versions"):
        put(unversioned, name, "two", expected_version=1)


def test_an_unknown_version_is_not_found(versioned, name):
    put(versioned, name, "one")
    with pytest.raises(SecretNotFoundError):
        versioned.get(SecretRef(name, version=2))


def test_nothing_has_no_versions(versioned, name):
    assert versioned.versions(SecretRef(name)) == ()


def test_create_only_refuses_what_is_there(provider, name):
    put(provider, name, "one", expected_version=0)
    with pytest.raises(SecretExistsError):
        put(provider, name, "two", expected_version=0)
    assert text_of(provider, name) == "one"


def test_a_stale_expectation_is_refused(versioned, name):
    put(versioned, name, "one")
    put(versioned, name, "two", expected_version=1)
    with pytest.raises(SecretExistsError):
        put(versioned, name, "three", expected_version=1)


def test_of_many_writers_with_one_expectation_exactly_one_wins(versioned, name):
    won = in_threads(8, lambda number: put(versioned, name, f"w{number}", expected_version=0))
    assert won == [1]


def test_many_readers_and_writers_at_once_see_whole_values(provider, name):
    texts = {f"{number}-" + "x" * 500 for number in range(6)}
    put(provider, name, min(texts))
    seen = in_threads(
        12,
        lambda number: (
            text_of(provider, name) if number % 2 else put(provider, name, sorted(texts)[number // 2])
        ),
    )
    assert {text for text in seen if isinstance(text, str)} <= texts


def in_threads(number, work):
    """Run the work in threads at once; return what those gave that did not lose to another."""
    results = []

    def run(turn):
        with contextlib.suppress(SecretExistsError):
            results.append(work(turn))

    threads = [threading.Thread(target=run, args=(turn,)) for turn in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


def test_destroying_one_version_leaves_the_others(versioned, name):
    put(versioned, name, "one")
    put(versioned, name, "two")
    versioned.destroy(SecretRef(name, version=1))
    with pytest.raises(SecretNotFoundError):
        versioned.get(SecretRef(name, version=1))
    assert text_of(versioned, name) == "two"
    assert versioned.versions(SecretRef(name)) == (2,)


def test_a_destroyed_number_is_never_given_out_again(versioned, name):
    put(versioned, name, "one")
    versioned.destroy(SecretRef(name, version=1))
    assert put(versioned, name, "two") == 2


def test_destroying_everything_is_repeatable(provider, name):
    put(provider, name, "one")
    provider.destroy(SecretRef(name))
    provider.destroy(SecretRef(name))
    with pytest.raises(SecretNotFoundError):
        provider.get(SecretRef(name))


def test_list_shows_one_level(provider, name):
    for below in ("top", "a/one", "a/b"):
        put(provider, f"{name}/{below}", "v")
    assert provider.list(name) == ["a/", "top"]
    assert provider.list(f"{name}/a") == ["b", "one"]
    assert provider.list(f"{name}/none") == []


def test_a_generated_key_is_random_text_and_is_there(provider, name):
    version, key = generate_key(provider, SecretRef(name))
    with key:
        assert len(key) == 44
        assert text_of(provider, name, version).encode() == key.reveal()
    _, other = generate_key(provider, SecretRef(f"{name}-other"))
    with other:
        assert other.reveal() != key.reveal()


def test_a_generated_key_is_a_new_version_of_what_was_there(versioned, name):
    put(versioned, name, "one")
    version, key = generate_key(versioned, SecretRef(name))
    key.wipe()
    assert version == 2
    assert text_of(versioned, name, 1) == "one"


def test_status_says_usable_and_no_secret(provider, name):
    put(provider, name, CANARY)
    status = provider.status()
    assert status.usable, status.problem
    assert status.problem == ""
    for text in (repr(status), repr(provider)):
        assert CANARY not in text
        assert "hvs." not in text
        assert "hvb." not in text
        assert DCOS_PASSWORD not in text


@pytest.mark.parametrize(
    ("kind", "versions", "login"),
    [
        ("file", True, ""),
        ("vault-kv2", True, "token"),
        ("vault-kv1", False, "token"),
        ("vault-kubernetes", True, "kubernetes"),
        ("vault-approle", True, "approle"),
        ("vault-transit", True, "token"),
        ("dcos", False, "password"),
        ("k8s", False, "service account"),
        ("aws-kms", True, "access key"),
        ("aws-secrets-manager", False, "access key"),
        ("pkcs11", True, "pin"),
    ],
)
def test_status_says_whether_versions_are_kept_and_how_the_node_logs_in(opened, kind, versions, login):
    status = opened(kind).status()
    assert (status.versioned, status.login) == (versions, login)
    if kind in {"vault-kv2", "vault-kubernetes", "vault-approle", "vault-transit", "dcos"}:
        assert status.renewed_at is not None
        assert status.expires_at is None or status.expires_at > status.renewed_at


@pytest.mark.parametrize("kind", ["vault", "dcos"])
def test_nobody_there_is_unavailable_and_said_without_a_secret(kind):
    options = {
        "VAULT_ADDR": "http://127.0.0.1:1",
        "VAULT_TOKEN": CANARY,
        "DCOS_CLUSTER_URL": "http://127.0.0.1:1",
        "DCOS_SECRETS_USERNAME": "px",
        "DCOS_SECRETS_PASSWORD": CANARY,
    }
    provider = open_provider(kind, options, environment={})
    for attempt in range(3):
        with pytest.raises(ProviderUnavailableError) as caught:
            put(provider, "k", f"{CANARY}-{attempt}")
        assert CANARY not in f"{caught.value.message} {caught.value.detail} {caught.value!r}"
    status = provider.status()
    assert not status.usable
    assert status.problem
    assert CANARY not in repr(status)
    provider.close()


def test_a_store_that_takes_connections_and_never_answers_is_unavailable_in_bounded_time():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        options = {"VAULT_ADDR": address, "VAULT_TOKEN": CANARY, "VAULT_CLIENT_TIMEOUT": "1s"}
        provider = open_provider("vault", options, environment={})
        with pytest.raises(ProviderUnavailableError, match="it took too long"):
            provider.get(SecretRef("k"))
        provider.close()


@pytest.mark.parametrize("kind", ["systemd", "docker"])
def test_what_only_hands_out_reads_and_refuses_to_write(kind, tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "key").write_bytes(b"value\n")
    (tmp_path / "sub" / "map").write_bytes(b'{"passphrase": "v"}')
    options = {"CREDENTIALS_DIRECTORY": str(tmp_path), "DOCKER_SECRETS_DIRECTORY": str(tmp_path)}
    provider = open_provider(kind, options, environment={})
    assert text_of(provider, "key") == "value\n"
    assert text_of(provider, "sub/map") == "v"
    assert provider.list() == ["key", "sub/"]
    with pytest.raises(SecretNotFoundError):
        provider.get(SecretRef("other"))
    for refused in (lambda: put(provider, "key", "v"), lambda: provider.destroy(SecretRef("key"))):
        with pytest.raises(ReadOnlyProviderError, match="implementation not supported"):
            refused()
    assert provider.status().usable


@pytest.mark.parametrize("kind", ["etcd", "", "azure-kv", "ibm-kp", "gcloud-kms", "kvdb"])
def test_a_type_that_is_not_built_is_refused_with_the_originals_words(kind):
    with pytest.raises(UnsupportedError, match="implementation not supported"):
        open_provider(kind, {}, environment={})


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
