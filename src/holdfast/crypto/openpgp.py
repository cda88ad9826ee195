"""OpenPGP messages (RFC 4880) to people and machines that hold the keys: encrypt, decrypt, look at a key.

The cryptography is Sequoia's. What is written here any OpenPGP program reads; what GnuPG writes is read.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pysequoia import Cert, Tsk, decrypt, encrypt
from pysequoia.packet import PacketPile, Tag

from holdfast.errors import InvalidInputError
from holdfast.model import SecretBytes

MAX_KEY_BYTES = 256 * 1024

_SECRET = (Tag.SecretKey, Tag.SecretSubkey)


class KeyUnusableError(InvalidInputError):
    """An OpenPGP key that cannot do what it was given for."""


class PrivateKeySentError(KeyUnusableError):
    """A private key where a public one was wanted; it has now been seen by a machine that it was not for."""

    def __init__(self) -> None:
        super().__init__("this is a private key, which nobody else may have: send the public key")


class NotDecryptedError(InvalidInputError):
    """The message is not for this key, or is no message."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody to whom messages can be encrypted.

    Attributes:
        certificate: the public key, in binary form.
        fingerprint: of its primary key, in lower-case hex.
    """

    certificate: bytes
    fingerprint: str

    def encrypt(self, plaintext: bytes) -> bytes:
        """Return a binary message that only the holder of the private key reads.

        Raises:
            KeyUnusableError: the key is expired, revoked, or not made for encryption.
        """
        try:
            return bytes(encrypt(plaintext, recipients=[Cert.from_bytes(self.certificate)], armor=False))
        except Exception:  # noqa: BLE001 - the library raises plain RuntimeErrors, with a trace in the text
            raise KeyUnusableError(
                f"the OpenPGP key {self.fingerprint} cannot encrypt: "
                "it is expired, revoked or made for something else"
            ) from None


def encrypt_for(recipients: Sequence[Recipient], plaintext: bytes) -> bytes:
    """Return a binary message that the holder of any one of the private keys reads.

    Raises:
        KeyUnusableError: no recipients, or one of them cannot encrypt any more.
    """
    if not recipients:  # the library would have nobody to encrypt to
        raise KeyUnusableError("expected at least one OpenPGP public key")
    certificates = [Cert.from_bytes(recipient.certificate) for recipient in recipients]
    try:
        return bytes(encrypt(plaintext, recipients=certificates, armor=False))
    except Exception:  # noqa: BLE001 - as above
        raise KeyUnusableError("one of the OpenPGP keys cannot encrypt any more") from None


def read_recipient(key: bytes) -> Recipient:
    """Read one public key, binary or armoured, and make sure that it encrypts.

    Raises:
        KeyUnusableError: no OpenPGP public key, several, a private key, or one that does not encrypt.
    """
    if not 0 < len(key) <= MAX_KEY_BYTES:
        raise KeyUnusableError(f"expected an OpenPGP public key of at most {MAX_KEY_BYTES} bytes")
    try:
        is_private = any(part.tag in _SECRET for part in PacketPile.from_bytes(key))
        certificates = [] if is_private else Cert.split_bytes(key)
    except Exception:  # noqa: BLE001 - as above
        is_private, certificates = False, []
    if is_private:
        raise PrivateKeySentError
    if len(certificates) != 1:
        raise KeyUnusableError("expected exactly one OpenPGP public key, as `gpg --export KEY` writes it")
    certificate = certificates[0]
    if certificate.is_revoked:
        raise KeyUnusableError(f"the OpenPGP key {certificate.fingerprint} is revoked")
    recipient = Recipient(bytes(certificate), certificate.fingerprint)
    recipient.encrypt(b"")
    return recipient


def decrypt_message(message: bytes, private_key: SecretBytes) -> SecretBytes:
    """Open a message with a private key that has no passphrase.

    Args:
        message: binary or armoured.
        private_key: binary or armoured.

    Raises:
        KeyUnusableError: no private key, or one with a passphrase.
        NotDecryptedError: see there.
    """
    try:
        decryptor = Tsk.from_bytes(private_key.reveal()).decryptor()
    except Exception:  # noqa: BLE001 - as above
        raise KeyUnusableError(
            "the private key of the seal is unreadable: expected an OpenPGP private key without a passphrase"
        ) from None
    try:
        plaintext = decrypt(message, decryptor).bytes
    except Exception:  # noqa: BLE001 - as above
        plaintext = None
    if plaintext is None:
        raise NotDecryptedError("the message is not encrypted to this private key")
    return SecretBytes(plaintext)


def public_part(private_key: SecretBytes) -> Recipient:
    """Return the public half of a private key.

    Raises:
        KeyUnusableError: no OpenPGP private key.
    """
    try:
        certificate = Tsk.from_bytes(private_key.reveal()).extract_certificate()
    except Exception:  # noqa: BLE001 - as above
        raise KeyUnusableError("expected an OpenPGP private key") from None
    return Recipient(bytes(certificate), certificate.fingerprint)
