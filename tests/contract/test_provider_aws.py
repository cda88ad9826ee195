"""AWS KMS and Secrets Manager: who is refused or denied, what the original wrote, entries that were moved."""

import base64

import pytest
from tests.support.aws_service import aws_service

from holdfast.errors import InvalidInputError, UnavailableError
from holdfast.model import SecretBytes
from holdfast.providers import (
    CredentialExpiredError,
    ProviderDeniedError,
    ProviderUnavailableError,
    SecretDataError,
    SecretExistsError,
    SecretRef,
    generate_key,
    open_provider,
)
from holdfast.storage.memory import MemoryStorage

REF = SecretRef("aws/key")
KINDS = ("aws-kms", "aws-secrets-manager")


@pytest.fixture(scope="module")
def aws():
    with aws_service() as running:
        yield running


@pytest.fixture
def storage():
    return MemoryStorage()


def opened(kind, options, storage, environment=None):
    return open_provider(kind, options, environment=environment or {}, storage=storage)


@pytest.mark.parametrize("kind", KINDS)
def test_wrong_keys_are_refused_and_good_ones_without_rights_denied(aws, storage, kind):
    wrong = opened(kind, aws.options(AWS_SECRET_ACCESS_KEY="canary-wrong-key"), storage)
    with pytest.raises(CredentialExpiredError, match="Not authenticated with the secrets endpoint") as caught:
        wrong.put(REF, SecretBytes(b"v"))
    assert "canary" not in f"{caught.value.message} {caught.value.detail}"
    assert not wrong.status().usable
    with pytest.raises(ProviderDeniedError, match="no IAM policy"):
        opened(kind, aws.options(aws.stranger), storage).put(REF, SecretBytes(b"v"))


@pytest.mark.parametrize("kind", KINDS)
def test_keys_come_from_the_environment_and_never_from_two_places_mixed(aws, storage, kind):
    options = aws.options()
    environment = {name: options.pop(name) for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    provider = opened(kind, options, storage, environment)
    provider.put(REF, SecretBytes(b"v"))
    assert provider.get(REF).value.reveal() == b"v"
    assert provider.status().login == "access key"
    with pytest.raises(InvalidInputError, match="expected both, or neither"):
        opened(kind, options, storage, {"AWS_ACCESS_KEY_ID": "only-half"})


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_there_is_unavailable_within_bounds(aws, storage, kind):
    provider = opened(kind, aws.options(AWS_ENDPOINT_URL="http://127.0.0.1:1"), storage)
    with pytest.raises(ProviderUnavailableError, match="no answer"):
        provider.put(REF, SecretBytes(b"v"))
    assert not provider.status().usable


@pytest.mark.parametrize(
    ("missing", "text"),
    [
        ("AWS_CMK", "AWS CMK not provided. Cannot perform secret operations."),
        ("AWS_REGION", "AWS Region not provided. Cannot perform secret operations."),
    ],
)
def test_what_is_missing_is_said_in_the_originals_words(aws, storage, missing, text):
    with pytest.raises(InvalidInputError) as caught:
        opened("aws-kms", aws.options() | {missing: ""}, storage)
    assert caught.value.message == f"{text} {missing} not set"


def test_plain_http_to_another_machine_is_refused(aws, storage):
    with pytest.raises(InvalidInputError, match="loopback"):
        opened("aws-kms", aws.options(AWS_ENDPOINT_URL="http://10.0.0.1"), storage)


def test_in_the_nodes_storage_there_is_no_plain_value(aws, storage):
    provider = opened("aws-kms", aws.options(), storage)
    provider.put(REF, SecretBytes(b"canary-value"))
    with storage.snapshot() as reader:
        (name,) = reader.list("wrapped/aws-kms/names/_/aws/")
        assert name == "key"
        (digest,) = reader.list("wrapped/aws-kms/values/")
        stored = reader.get(f"wrapped/aws-kms/values/{digest}1")
    assert b"canary" not in stored


def test_an_entry_in_anothers_place_does_not_open(aws, storage):
    provider = opened("aws-kms", aws.options(), storage)
    for name in ("mine", "theirs"):
        provider.put(SecretRef(name), SecretBytes(name.encode()))
    provider.put(SecretRef("mine"), SecretBytes(b"newer"))

    def keys(name):
        return provider._value_key(SecretRef(name), 1), provider._value_key(SecretRef(name), 2)

    for taken, place in ((keys("theirs")[0], keys("mine")[0]), (keys("mine")[0], keys("mine")[1])):
        entry = storage.get(taken)
        storage.write(lambda change, place=place, entry=entry: change.put(place, entry))
    for ref in (SecretRef("mine", version=1), SecretRef("mine", version=2)):
        with pytest.raises((SecretDataError, ProviderUnavailableError)):
            provider.get(ref)


def test_the_keys_of_the_original_are_read_from_its_files_and_never_written_over(aws, storage, tmp_path):
    made = aws.client("kms").generate_data_key(KeyId=aws.cmk, KeySpec="AES_256")
    (tmp_path / "pwx!vol1").write_bytes(made["CiphertextBlob"])
    (tmp_path / "vol2").write_bytes(base64.b64encode(made["CiphertextBlob"]))
    provider = opened("aws-kms", aws.options(HOLDFAST_KMS_FILES=str(tmp_path)), storage)
    for name in ("pwx/vol1", "vol2"):
        found = provider.get(SecretRef(name))
        assert (found.value.reveal(), found.version) == (made["Plaintext"], None)
        with pytest.raises(SecretExistsError):
            generate_key(provider, SecretRef(name), first=True)


def test_a_key_that_is_disabled_is_named(aws, storage):
    kms = aws.client("kms")
    cmk = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.disable_key(KeyId=cmk)
    status = opened("aws-kms", aws.options(AWS_CMK=cmk), storage).status()
    assert (status.usable, status.problem) == (False, "the key of AWS KMS is Disabled; enable it")


def test_a_storage_without_room_changes_nothing(aws, storage):
    provider = opened("aws-kms", aws.options(), storage)
    provider.put(REF, SecretBytes(b"v"))

    class Full:
        def __getattr__(self, name):
            return getattr(storage, name)

        def write(self, change):
            raise UnavailableError("full")

    full = opened("aws-kms", aws.options(), Full())
    with pytest.raises(UnavailableError, match="full"):
        full.put(REF, SecretBytes(b"w"))
    assert full.get(REF).value.reveal() == b"v"


def test_secrets_manager_keeps_json_and_forgets_at_once(aws, storage):
    provider = opened("aws-secrets-manager", aws.options(), storage)
    provider.put(SecretRef("sm/key"), SecretBytes(b"geheim"))
    manager = aws.client("secretsmanager")
    assert manager.get_secret_value(SecretId="sm/key")["SecretString"] == '{"value":"geheim"}'
    manager.create_secret(Name="sm/plain", SecretString="plain text")
    assert provider.get(SecretRef("sm/plain")).value.reveal() == b"plain text"
    manager.create_secret(Name="sm/two", SecretString='{"a": "1", "b": "2"}')
    with pytest.raises(SecretDataError):
        provider.get(SecretRef("sm/two"))
    provider.put(SecretRef("key", "team"), SecretBytes(b"theirs"))
    assert provider.list("sm") == ["key", "plain", "two"]
    assert "ns=team/" not in provider.list()
    assert provider.list(namespace="team") == ["key"]
    with pytest.raises(InvalidInputError):
        provider.get(SecretRef("ns=team/key"))
    provider.destroy(SecretRef("sm/key"))
    provider.put(SecretRef("sm/key"), SecretBytes(b"again"), expected_version=0)
