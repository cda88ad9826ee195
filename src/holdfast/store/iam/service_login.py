"""How a service account proves itself: its registered key, and the token that it signed with it.

A login token is signed with RS256 by the account's private key and says ``uid`` and ``exp``. Clients of DC/OS
sign for two minutes up to five days ahead. DC/OS itself also took tokens without an expiry; no known client
sends one, and nothing could ever end it.
"""

from secrets import randbits

from cryptography.hazmat.primitives.asymmetric import rsa

from holdfast.errors import HoldfastError
from holdfast.iam.errors import Code, refusal
from holdfast.tokens.compact import read_compact
from holdfast.tokens.errors import Reason, TokenError
from holdfast.tokens.key_files import load_verifying_key
from holdfast.tokens.keys import Algorithm
from holdfast.tokens.rsa_key import NEW_KEY_BITS, PUBLIC_EXPONENT, RsaVerifyingKey

LONGEST_LOGIN_TOKEN_SECONDS = 7 * 86_400


def read_public_key(pem: str) -> RsaVerifyingKey:
    """Return the key of a service account.

    Raises:
        InvalidInputError: not an RSA public key in PEM form, or too weak.
    """
    try:
        key = load_verifying_key(pem.encode())
    except HoldfastError as error:
        raise refusal(Code.INVALID_PUBLIC_KEY, f"public_key: {error.message}") from None
    if not isinstance(key, RsaVerifyingKey):
        raise refusal(Code.INVALID_PUBLIC_KEY, "public_key: expected an RSA key")
    return key


def decoy_public_key() -> str:
    """Return a key, in PEM form, that nobody has the private half of, for users that do not exist.

    Verifying needs no primes, so a random modulus of the right size costs what a real key does.
    """
    modulus = (1 << (NEW_KEY_BITS - 1)) | randbits(NEW_KEY_BITS - 1) | 1
    key = RsaVerifyingKey(rsa.RSAPublicNumbers(PUBLIC_EXPONENT, modulus).public_key())
    return key.pem().decode()


def check_login_token(text: str, uid: str, key: RsaVerifyingKey, *, now: float) -> None:
    """Return if ``key`` vouches that the bearer is ``uid`` at ``now``, in Unix seconds.

    Raises:
        TokenError: it does not.
    """
    token = read_compact(text)
    if token.algorithm is not Algorithm.RS256:
        raise TokenError(Reason.UNSUPPORTED_ALGORITHM, "expected RS256")
    key.verify(token.algorithm, token.signed, token.signature)
    claims = token.unverified_claims
    expires_at = claims.get("exp")
    if claims.get("uid") != uid or isinstance(expires_at, bool) or not isinstance(expires_at, int | float):
        raise TokenError(Reason.INVALID_CLAIM, "expected the claims uid, as in the request, and exp")
    if now >= expires_at:
        raise TokenError(Reason.EXPIRED, "expired")
    if expires_at - now > LONGEST_LOGIN_TOKEN_SECONDS:
        raise TokenError(Reason.LIFETIME_TOO_LONG, "made to live too long")
