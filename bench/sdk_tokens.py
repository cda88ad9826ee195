"""What the verification of a token costs, beside PyJWT and beside the check of its signature alone.

PyJWT does the same on top of the same primitives. The signature alone is one call of the primitive, with all
that it needs prepared beforehand: no base64, no JSON, no claims.
"""

import hmac
import secrets
import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any, NamedTuple

import jwt
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from bench.figure import Figure, in_turn
from holdfast.clock import SystemClock
from holdfast.model import SecretBytes
from holdfast.tokens.compact import read_compact
from holdfast.tokens.issuer import Issuer, IssuerRegistry
from holdfast.tokens.key_files import load_verifying_key
from holdfast.tokens.keys import VerifyingKey
from holdfast.tokens.shared_secret import SharedSecretKey
from holdfast.tokens.verify import Verifier

ISSUER = "bench"
PIECES = 20  # of a round: the shorter they are, the more alike is what they meet
_PADDING, _HASH, _ECDSA = padding.PKCS1v15(), hashes.SHA256(), ec.ECDSA(hashes.SHA256())


class _Case(NamedTuple):
    what: str
    token: str
    key: VerifyingKey
    pyjwt: Callable[[], object]
    signature: Callable[[], object]


def measure(rounds: int) -> list[Figure]:
    """Measure each kind of key."""
    figures = []
    for case in _cases():
        registry = IssuerRegistry([Issuer(name=ISSUER, keys=(case.key,))])
        new = Verifier(registry, clock=SystemClock(), remembered_tokens=0)
        known = Verifier(registry, clock=SystemClock())
        steps: dict[str, Callable[[], object]] = {
            "new": lambda: new.verify(case.token),  # noqa: B023 - run at once
            "seen": lambda: known.verify(case.token),  # noqa: B023
            "PyJWT": case.pyjwt,
            "its signature alone": case.signature,
        }
        in_turn(steps, PIECES)  # warm
        taken = in_turn(steps, rounds * PIECES)
        if not figures:
            figures.append(Figure("a token seen before", "us", median(taken["seen"]), 0, 0, "under 5"))
        for beside, goal in (("PyJWT", "at most 1.3"), ("its signature alone", "1.3 if read strictly")):
            what = f"a new token, {case.what}, beside {beside}"
            ratio = median(one / other for one, other in zip(taken["new"], taken[beside], strict=True))
            figures.append(Figure(what, "us", median(taken["new"]), median(taken[beside]), ratio, goal))
    return figures


def _cases() -> Iterator[_Case]:
    secret = secrets.token_bytes(64)
    token, signed, signature = _token(secret, "HS256")
    yield _Case(
        "HS256",
        token,
        SharedSecretKey(SecretBytes(secret)),
        lambda: jwt.decode(token, secret, algorithms=["HS256"]),
        lambda: hmac.compare_digest(hmac.digest(secret, signed, "sha256"), signature),
    )
    for bits in (2048, 3072):
        yield _rsa(bits)
    yield _ec()


def _rsa(bits: int) -> _Case:
    private = rsa.generate_private_key(65537, bits)
    public = private.public_key()
    token, signed, signature = _token(private, "RS256")
    return _Case(
        f"RS256 with {bits} bits",
        token,
        load_verifying_key(_pem(public)),
        lambda: jwt.decode(token, public, algorithms=["RS256"]),
        lambda: public.verify(signature, signed, _PADDING, _HASH),
    )


def _ec() -> _Case:
    private = ec.generate_private_key(ec.SECP256R1())
    public = private.public_key()
    token, signed, signature = _token(private, "ES256")
    half = len(signature) // 2
    der = encode_dss_signature(int.from_bytes(signature[:half]), int.from_bytes(signature[half:]))
    return _Case(
        "ES256",
        token,
        load_verifying_key(_pem(public)),
        lambda: jwt.decode(token, public, algorithms=["ES256"]),
        lambda: public.verify(der, signed, _ECDSA),
    )


def _token(key: Any, algorithm: str) -> tuple[str, bytes, bytes]:
    """Return a token, what is signed of it, and the signature."""
    now = int(time.time())
    claims = {
        "iss": ISSUER, "sub": "alice", "name": "Alice", "email": "alice@example.com", "jti": "0123456789",
        "iat": now, "exp": now + 3600, "roles": ["system.user"], "groups": ["dev", "ops"],
    }  # fmt: skip
    token = jwt.encode(claims, key, algorithm=algorithm)
    parts = read_compact(token)
    return token, parts.signed, parts.signature


def _pem(key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
