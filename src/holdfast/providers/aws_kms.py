"""Data keys wrapped by a key of AWS KMS; the secrets lie in the node's own storage.

What the original wrote is read as well: files of wrapped data keys, whose plain bytes are the secret.
"""

import base64
import binascii
from contextlib import suppress
from pathlib import Path
from typing import Any

from holdfast.errors import InvalidInputError
from holdfast.model import SecretBytes
from holdfast.providers.aws import in_node_words, login_of, open_client
from holdfast.providers.errors import NoCredentialError, ProviderDeniedError, ProviderUnavailableError
from holdfast.providers.interface import SecretRef
from holdfast.providers.opening import Opening
from holdfast.providers.wrapped import WrappedSecrets

ORIGINAL_FILES = "/var/lib/osd/secrets"
CONTEXT = "holdfast-secret"  # the one entry of the encryption context
MAX_BLOB_BYTES = 6144


def open_from(opening: Opening) -> WrappedSecrets:
    """Return the provider that ``AWS_CMK`` and ``AWS_REGION`` name.

    Raises:
        NoCredentialError: one of them is missing.
        InvalidInputError: there is no storage to keep wrapped keys in.
    """
    settings = opening.settings
    cmk = settings.text("AWS_CMK")
    if not cmk:  # a login by command may bring it
        raise NoCredentialError("AWS CMK not provided. Cannot perform secret operations. AWS_CMK not set")
    if opening.storage is None:
        raise InvalidInputError("secret_type aws-kms: expected a storage for wrapped keys")
    region = settings.text("AWS_REGION")
    wrapper = KmsWrapper(open_client("kms", settings), cmk, region, login_of(settings))
    files = Path(settings.text("HOLDFAST_KMS_FILES", default=ORIGINAL_FILES))
    return WrappedSecrets(wrapper, opening.storage, imported=lambda ref: wrapper.original(files, ref))


class KmsWrapper:
    """A customer master key of AWS KMS.

    Args:
        client: of KMS.
        cmk: id of the key.
        region: where it is.
        login: how the node logs in.
    """

    kind = "aws-kms"

    def __init__(self, client: Any, cmk: str, region: str, login: str) -> None:
        self._client = client
        self._cmk = cmk
        self.place = f"region {region}"
        self.login = login

    def new_key(self, context: str) -> tuple[SecretBytes, bytes]:
        """Have KMS make a data key; see ``KeyWrapper``."""
        with in_node_words(self.kind, self.place):
            answer = self._client.generate_data_key(
                KeyId=self._cmk, KeySpec="AES_256", EncryptionContext={CONTEXT: context}
            )
        return SecretBytes(answer["Plaintext"]), bytes(answer["CiphertextBlob"])

    def unwrap(self, wrapped: bytes, context: str) -> SecretBytes:
        """Have KMS unwrap a data key; see ``KeyWrapper``."""
        with in_node_words(self.kind, self.place):
            answer = self._client.decrypt(
                KeyId=self._cmk, CiphertextBlob=wrapped, EncryptionContext={CONTEXT: context}
            )
        return SecretBytes(answer["Plaintext"])

    def original(self, files: Path, ref: SecretRef) -> SecretBytes | None:
        """Return the data key that the original keeps under a name, if there is one."""
        if ref.namespace:
            return None
        try:
            with (files / ref.name.replace("/", "!")).open("rb") as file:
                blob = file.read(MAX_BLOB_BYTES)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        except OSError as error:
            raise ProviderUnavailableError(
                f"{files}: the original's wrapped keys cannot be read ({error.strerror})"
            ) from None
        with suppress(binascii.Error, ValueError):  # the bytes as they are, or their base64
            blob = base64.b64decode(blob.strip(), validate=True)
        with in_node_words(self.kind, self.place):
            return SecretBytes(self._client.decrypt(KeyId=self._cmk, CiphertextBlob=blob)["Plaintext"])

    def check(self) -> None:
        """Ask about the key; where that alone is not allowed, it counts as usable."""
        try:
            with in_node_words(self.kind, self.place):
                state = self._client.describe_key(KeyId=self._cmk)["KeyMetadata"]["KeyState"]
        except ProviderDeniedError:
            return
        if state != "Enabled":
            raise ProviderUnavailableError(f"the key of AWS KMS is {state}; enable it")

    def times(self) -> tuple[None, None]:
        """Return nothing; see ``KeyWrapper``."""
        return None, None

    def close(self) -> None:
        """Close idle connections."""
        self._client.close()
