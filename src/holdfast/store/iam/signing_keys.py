"""The keys that sign users' tokens: at rest, parsed, and as the set that anybody may verify with.

``iam/signing-key/<kid>`` holds one key. One of them signs; those before it are trusted until the last token
that they signed has expired, unless an operator ended them at once. The id is the one that DC/OS makes: the
SHA-256, in hex, of exponent, modulus and key type written one behind the other.

Private keys are kept by the barrier like every other record, and leave it only in the memory of the store's
processes.
"""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Iterator

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from holdfast.errors import InternalError
from holdfast.storage.interface import Reader, Transaction
from holdfast.tokens.rsa_key import NEW_KEY_BITS, PUBLIC_EXPONENT, RsaSigningKey, RsaVerifyingKey

ROTATED_AFTER_SECONDS = 90 * 86_400
"""A login makes a new key when the one that signs is older."""

_PREFIX = "signing-key/"


class SigningKeyRecord(msgspec.Struct, array_like=True, frozen=True):
    """A stored key. Fields are only ever appended: their order is the record format.

    Attributes:
        private_key: PKCS#8 in DER form.
        made_at: Unix seconds.
        trusted_until: Unix seconds; 0 for the key that signs.
    """

    private_key: bytes
    made_at: float
    trusted_until: float = 0.0

    def __repr__(self) -> str:
        return "SigningKeyRecord(...)"


class NewKey(msgspec.Struct, frozen=True):
    """A key that is not stored yet: its id, and PKCS#8 in DER form."""

    key_id: str
    private_key: bytes

    def __repr__(self) -> str:
        return "NewKey(...)"


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(SigningKeyRecord).decode


class _Key:
    """A parsed key, with what was made from it."""

    __slots__ = ("jwk", "made_at", "signing", "trusted_until", "verifying")

    def __init__(self, key_id: str, record: SigningKeyRecord) -> None:
        # The barrier vouches for the record, and checking the primes again would take a tenth of a second.
        key = serialization.load_der_private_key(
            record.private_key, password=None, unsafe_skip_rsa_key_validation=True
        )
        if not isinstance(key, rsa.RSAPrivateKey):
            raise InternalError("a stored signing key is no RSA key")
        self.signing = RsaSigningKey(key, key_id=key_id)
        self.verifying = self.signing.verifying_key()
        self.jwk = _jwk(key_id, key.public_key().public_numbers())
        self.made_at = record.made_at
        self.trusted_until = record.trusted_until


class SigningKeys:
    """The keys as one process knows them. Parsed keys are remembered for as long as they are stored."""

    __slots__ = ("_keys", "_known")

    def __init__(self) -> None:
        self._known: dict[str, _Key] = {}
        self._keys: dict[str, _Key] | None = None

    def forget(self) -> None:
        """Look again at what is stored, at the next use."""
        self._keys = None

    def current(self, view: Reader, now: float) -> RsaSigningKey | None:
        """Return the key that signs; ``None`` if there is none yet, or it is due to be replaced."""
        for key in self._load(view).values():
            if not key.trusted_until and now - key.made_at < ROTATED_AFTER_SECONDS:
                return key.signing
        return None

    def verifying(self, view: Reader, key_id: str, now: float) -> RsaVerifyingKey | None:
        """Return the key with this id, if it is ours and trusted."""
        key = self._load(view).get(key_id)
        return None if key is None or not _is_trusted(key, now) else key.verifying

    def jwks(self, view: Reader, now: float) -> list[dict[str, str]]:
        """Return the trusted keys as a JSON Web Key Set has them (RFC 7517), the one that signs first."""
        keys = sorted(self._load(view).values(), key=lambda key: (key.trusted_until > 0, -key.made_at))
        return [key.jwk for key in keys if _is_trusted(key, now)]

    def fingerprints(self, view: Reader) -> set[bytes]:
        """Return the fingerprints of all stored keys."""
        return {key.verifying.fingerprint for key in self._load(view).values()}

    def _load(self, view: Reader) -> dict[str, _Key]:
        if self._keys is None:
            self._keys = {key_id: self._parsed(key_id, record) for key_id, record in _records(view)}
            self._known = dict(self._keys)
        return self._keys

    def _parsed(self, key_id: str, record: SigningKeyRecord) -> _Key:
        known = self._known.get(key_id)
        if known is None:
            return _Key(key_id, record)
        known.trusted_until = record.trusted_until
        return known


def current_key_id(view: Reader) -> str:
    """Return the id of the key that signs; empty if there is none."""
    return next((key_id for key_id, record in _records(view) if not record.trusted_until), "")


def generate() -> NewKey:
    """Make a key; takes a tenth of a second or so."""
    key = rsa.generate_private_key(PUBLIC_EXPONENT, NEW_KEY_BITS)
    private = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return NewKey(_key_id(key.public_key().public_numbers()), private)


def add(tx: Transaction, key: NewKey, *, now: float, trust_old_until: float) -> None:
    """Let ``key`` sign from now on.

    Args:
        tx: the view of the IAM.
        key: the new key.
        now: Unix seconds.
        trust_old_until: when the keys before it end: Unix seconds; not after ``now`` ends them at once.
    """
    for key_id, record in list(_records(tx)):
        until = min(record.trusted_until or trust_old_until, trust_old_until)
        if until <= now:
            tx.delete(_PREFIX + key_id)
        else:
            tx.put(_PREFIX + key_id, _encode(msgspec.structs.replace(record, trusted_until=until)))
    tx.put(_PREFIX + key.key_id, _encode(SigningKeyRecord(key.private_key, now)))


def tidy(tx: Transaction, *, now: float) -> int:
    """Remove keys that are not trusted any more; return how many."""
    ended = [
        key_id for key_id, record in _records(tx) if record.trusted_until and record.trusted_until <= now
    ]
    for key_id in ended:
        tx.delete(_PREFIX + key_id)
    return len(ended)


def _records(view: Reader) -> Iterator[tuple[str, SigningKeyRecord]]:
    for key_id in view.list(_PREFIX):
        record = view.get(_PREFIX + key_id)
        if record is not None:
            yield key_id, _decode(record)


def _is_trusted(key: _Key, now: float) -> bool:
    return not key.trusted_until or now < key.trusted_until


def _key_id(numbers: rsa.RSAPublicNumbers) -> str:
    return hashlib.sha256(f"{numbers.e}{numbers.n}RSA".encode()).hexdigest()


def _jwk(key_id: str, numbers: rsa.RSAPublicNumbers) -> dict[str, str]:
    return {
        "kid": key_id,
        "kty": "RSA",
        "n": _base64url_uint(numbers.n),
        "e": _base64url_uint(numbers.e),
        "alg": "RS256",
        "use": "sig",
    }


def _base64url_uint(number: int) -> str:
    """Write a number as RFC 7518 section 2 has it."""
    return urlsafe_b64encode(number.to_bytes((number.bit_length() + 7) // 8)).rstrip(b"=").decode()
