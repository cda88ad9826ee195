"""The same tokens, read and written by an independent implementation (PyJWT)."""

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from tests.unit.tokens.conftest import ISSUER, NOW

from holdfast.clock import ManualClock
from holdfast.model import SecretBytes
from holdfast.tokens.compact import write_compact
from holdfast.tokens.ec_key import EcSigningKey
from holdfast.tokens.issuer import Issuer, IssuerRegistry
from holdfast.tokens.rsa_key import RsaSigningKey
from holdfast.tokens.shared_secret import SharedSecretKey
from holdfast.tokens.verify import Verifier

SECRET = b"0123456789abcdef" * 4


@pytest.fixture(scope="module")
def families() -> dict:
    """By algorithm: PyJWT's private and public key, and ours."""
    rsa_key = rsa.generate_private_key(65_537, 2048)
    curves = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}
    families = {}
    for algorithm in ("HS256", "HS384", "HS512"):
        secret = SharedSecretKey(SecretBytes(SECRET), key_id="k1")
        families[algorithm] = (SECRET, SECRET, secret, secret)
    for algorithm in ("RS256", "RS384", "RS512"):
        ours = RsaSigningKey(rsa_key, key_id="k1")
        families[algorithm] = (rsa_key, rsa_key.public_key(), ours, ours.verifying_key())
    for algorithm, curve in curves.items():
        private = ec.generate_private_key(curve)
        ours = EcSigningKey(private, key_id="k1")
        families[algorithm] = (private, private.public_key(), ours, ours.verifying_key())
    return families


ALGORITHMS = ["HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384", "ES512"]


@pytest.mark.parametrize("headers", [None, {"kid": "k1"}], ids=["without-key-id", "with-key-id"])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_we_verify_what_others_sign(algorithm: str, headers: dict | None, families: dict, claims: dict):
    private, _, _, verifying = families[algorithm]
    verifier = Verifier(IssuerRegistry([Issuer(name=ISSUER, keys=(verifying,))]), clock=ManualClock(NOW))

    assert verifier.verify(jwt.encode(claims, private, algorithm, headers=headers)).name == "alice"


@pytest.mark.parametrize("algorithm", ["HS256", "RS256", "ES256", "ES384", "ES512"])
def test_others_verify_what_we_sign(algorithm: str, families: dict, claims: dict):
    _, public, signing, _ = families[algorithm]
    token = write_compact(claims, signing)

    decoded = jwt.decode_complete(token, public, algorithms=[algorithm], options={"verify_exp": False})

    assert decoded["payload"] == claims
    assert decoded["header"] == {"alg": algorithm, "typ": "JWT", "kid": "k1"}
