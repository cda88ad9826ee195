"""Ways into a bucket by means of a cloud credential, and who can open what lies there."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from holdfast.client.errors import (
    RemoteInvalidInputError,
    RemotePermissionDeniedError,
    RemoteTooLargeError,
    RemoteUnavailableError,
)
from holdfast.client.s3_objects import S3Objects
from holdfast.client.signature_v4 import AwsKeys
from holdfast.clock import Clock
from holdfast.errors import InvalidInputError, UnavailableError, UnsupportedError
from holdfast.model import SecretBytes
from holdfast.node.backups.format import DamagedBackupError, SetKeys, SetPlace
from holdfast.node.backups.protection import (
    MAX_KEY_OBJECT_BYTES,
    PASSPHRASE,
    SECRET,
    WrappedKey,
    new_set_key,
    open_set_key,
    read_key_object,
)
from holdfast.node.credentials.credential_check import EndpointRules
from holdfast.node.credentials.credential_records import CredentialRecord, S3Account, SecretPart
from holdfast.node.credentials.credential_secrets import CredentialSecrets
from holdfast.node.errors import CredentialRefusedError
from holdfast.node.inventory.records import KeyNote
from holdfast.node.keys.volume_keys import VolumeKeys
from holdfast.volumes.key_reference import KeyReference


@dataclass(frozen=True, slots=True)
class OpenBucket:
    """A bucket that a credential opened.

    Attributes:
        objects: what is in it.
        passphrase: that the credential brings along for backups; ``None`` if it brings none.
    """

    objects: S3Objects
    passphrase: SecretBytes | None


class Buckets:
    """Opens buckets.

    Args:
        secrets: has the secret parts of credentials.
        rules: which endpoints may be asked.
        clock: the time, which S3 compares with its own.
    """

    def __init__(self, secrets: CredentialSecrets, rules: EndpointRules, *, clock: Clock) -> None:
        self._secrets = secrets
        self._rules = rules
        self._clock = clock

    @contextmanager
    def open(self, credential: CredentialRecord) -> Iterator[OpenBucket]:
        """Open the bucket of a credential for the length of a block.

        Raises:
            UnsupportedError: the credential is not for S3.
            InvalidInputError: it names no bucket.
            CredentialRefusedError: who named the endpoint may not name such a one; or the service refuses.
            ProviderUnavailableError: its secret parts cannot be had.
            UnavailableError: the service is away, or does not answer as it should.
        """
        account = credential.account
        if not isinstance(account, S3Account):
            raise UnsupportedError("credential_id: expected one for S3; backups go nowhere else")
        if not credential.bucket:
            raise InvalidInputError("credential_id: expected a credential that names a bucket")
        place = self._rules.place(account)
        parts = self._secrets.fetch(credential.secret)
        keys = AwsKeys(
            access_key=account.access_key, secret_key=parts[SecretPart.SECRET_KEY], region=account.region
        )
        headers = {
            name: text
            for name, text in (
                ("x-amz-storage-class", account.storage_class),
                ("x-amz-server-side-encryption", account.server_side_encryption),
            )
            if text
        }
        objects = S3Objects(place, keys, credential.bucket, put_headers=headers, now=self._clock.now)
        try:
            with told_of_the_bucket():
                yield OpenBucket(objects, parts.get(SecretPart.ENCRYPTION_KEY))
        finally:
            objects.close()
            for part in parts.values():
                part.wipe()


@contextmanager
def told_of_the_bucket() -> Iterator[None]:
    """Say what an object store answered as what it means to whoever asked this node."""
    try:
        yield
    except RemotePermissionDeniedError as error:
        raise CredentialRefusedError(f"the object store refuses: {error.message}") from None
    except (RemoteUnavailableError, RemoteTooLargeError) as error:
        said = error.message.removeprefix("endpoint: ")
        raise UnavailableError(f"the object store does not answer as it should: {said}") from None
    except RemoteInvalidInputError as error:
        raise InvalidInputError(f"the object store refuses: {error.message}") from None


class BackupKeys:
    """Data keys of sets, wrapped under what opens them.

    Args:
        keys: secrets of the provider.
    """

    def __init__(self, keys: VolumeKeys) -> None:
        self._keys = keys

    def create(self, bucket: OpenBucket, place: SetPlace, note: KeyNote | None) -> SetKeys:
        """Make the data key of a new set and store it, wrapped.

        Args:
            bucket: where to.
            place: the set.
            note: the secret that opens it; ``None`` for the passphrase of the credential.
        """
        if note is None:
            content, key = new_set_key(WrappedKey(by=PASSPHRASE, salt=""), place, _passphrase(bucket))
        else:
            found, secret = self._keys.at(note)
            template = WrappedKey(
                by=SECRET,
                provider=found.provider,
                path=found.name,
                namespace=found.namespace,
                version=found.version,
                salt="",
            )
            with secret:
                content, key = new_set_key(template, place, secret)
        with key:
            bucket.objects.put(place.key, content)
            return SetKeys(key)

    def read(self, bucket: OpenBucket, place: SetPlace) -> WrappedKey:
        """Return what the bucket says about who opens a set; nothing of it is believed yet.

        Raises:
            DamagedBackupError: there is nothing, or it has another form.
        """
        return read_key_object(bucket.objects.get(place.key, max_bytes=MAX_KEY_OBJECT_BYTES))

    def open(self, bucket: OpenBucket, place: SetPlace, wrapped: WrappedKey) -> SetKeys:
        """Open the data key of a set. The caller may name the secret that ``wrapped`` names.

        Raises:
            WrongBackupKeyError: passphrase or secret are another one, or the object was changed.
            SecretNotFoundError, ProviderUnavailableError: the secret cannot be had.
        """
        if wrapped.by == PASSPHRASE:
            with open_set_key(wrapped, place, _passphrase(bucket)) as key:
                return SetKeys(key)
        reference = KeyReference(wrapped.provider, wrapped.path, wrapped.version, wrapped.namespace)
        with self._keys.fetch(reference) as secret, open_set_key(wrapped, place, secret) as key:
            return SetKeys(key)


def protection_of(note: KeyNote | None) -> str:
    """Say in one text what a set is to be opened by, so that sets can be told apart by it."""
    return PASSPHRASE if note is None else f"{SECRET}\n{note.provider}\n{note.namespace}\n{note.name}"


def is_missing(bucket: OpenBucket, place: SetPlace) -> bool:
    """Whether a set has no key in the bucket, and so is none."""
    try:
        return bucket.objects.get(place.key, max_bytes=MAX_KEY_OBJECT_BYTES) is None
    except DamagedBackupError:
        return True


def _passphrase(bucket: OpenBucket) -> SecretBytes:
    if bucket.passphrase is None:
        raise InvalidInputError(
            "credential_id: expected a credential with the encryption passphrase of the backup"
        )
    return bucket.passphrase
