"""An HSM by PKCS#11: the PIN, the key, and a library that is what it says."""

import pytest
from tests.support.soft_hsm import make_token

from holdfast.errors import InvalidInputError
from holdfast.model import SecretBytes
from holdfast.providers import (
    CredentialExpiredError,
    NoCredentialError,
    ProviderUnavailableError,
    SecretRef,
    open_provider,
)
from holdfast.storage.memory import MemoryStorage

REF = SecretRef("hsm/key")


@pytest.fixture(scope="module")
def hsm(tmp_path_factory):
    return make_token(tmp_path_factory.mktemp("hsm"), "trouble")


@pytest.fixture
def storage():
    return MemoryStorage()


def opened(options, storage, **changes):
    return open_provider("pkcs11", {**options, **changes}, environment={}, storage=storage)


def test_a_wrong_pin_is_refused_without_a_word_of_it(hsm, storage):
    provider = opened(hsm, storage, PKCS11_PIN="canary-9")
    with pytest.raises(CredentialExpiredError, match="PKCS11_PIN: the HSM does not accept it") as caught:
        provider.put(REF, SecretBytes(b"v"))
    assert "canary" not in f"{caught.value.message} {caught.value.detail} {provider!r}"
    assert not provider.status().usable
    good = opened(hsm, storage)
    good.put(REF, SecretBytes(b"v"))
    assert good.get(REF).value.reveal() == b"v"
    good.close()
    assert good.get(REF).value.reveal() == b"v"  # a session that was closed is opened anew
    good.close()


def test_a_pin_may_come_from_a_file(hsm, storage, tmp_path):
    (tmp_path / "pin").write_text(hsm["PKCS11_PIN"] + "\n")
    provider = opened(hsm, storage, PKCS11_PIN="", PKCS11_PIN_FILE=str(tmp_path / "pin"))
    provider.put(REF, SecretBytes(b"v"))
    provider.close()


@pytest.mark.parametrize("name", ["PKCS11_TOKEN_LABEL", "PKCS11_KEY_LABEL"])
def test_a_token_or_key_that_is_not_there_is_named(hsm, storage, name):
    provider = opened(hsm, storage, **{name: "nowhere"})
    with pytest.raises(ProviderUnavailableError, match=r"not exactly one of what was named: .*nowhere"):
        provider.put(REF, SecretBytes(b"v"))
    provider.close()


def test_a_wrapped_key_that_was_changed_does_not_open(hsm, storage):
    provider = opened(hsm, storage)
    provider.put(REF, SecretBytes(b"v"))
    place = provider._value_key(REF, 1)
    entry = bytearray(storage.get(place))
    entry[20] ^= 1
    storage.write(lambda change: change.put(place, bytes(entry)))
    with pytest.raises(ProviderUnavailableError):
        provider.get(REF)
    provider.close()


@pytest.mark.parametrize(
    ("changes", "kind", "text"),
    [
        ({"PKCS11_MODULE": ""}, InvalidInputError, "PKCS11_MODULE not set"),
        ({"PKCS11_MODULE": "softhsm.so"}, InvalidInputError, "absolute path"),
        ({"PKCS11_PIN": ""}, NoCredentialError, "PKCS11_PIN not set"),
        ({"PKCS11_KEY_LABEL": ""}, InvalidInputError, "PKCS11_KEY_LABEL not set"),
    ],
)
def test_settings_that_are_missing_or_malformed_are_named(hsm, storage, changes, kind, text):
    with pytest.raises(kind, match=text):
        opened(hsm, storage, **changes)
