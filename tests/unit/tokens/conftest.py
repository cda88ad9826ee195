"""A verifier with one real key, and a forge that signs whatever it is told to."""

import base64
import json

import pytest

from holdfast.clock import ManualClock
from holdfast.model import SecretBytes
from holdfast.tokens.issuer import Issuer, IssuerRegistry
from holdfast.tokens.keys import SigningKey
from holdfast.tokens.shared_secret import SharedSecretKey
from holdfast.tokens.verify import Verifier

NOW = 1_700_000_000
ISSUER = "holdfast.test"


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class Forge:
    """Makes tokens as an attacker or another program would: any header, any payload, truly signed.

    Args:
        key: signs with its own algorithm, whatever the header says.
    """

    def __init__(self, key: SigningKey) -> None:
        self.key = key

    def token(self, claims: dict | bytes, header: dict | bytes | None = None) -> str:
        header = {"alg": self.key.signing_algorithm.value, "typ": "JWT"} if header is None else header
        segments = [
            base64url(part if isinstance(part, bytes) else json.dumps(part).encode())
            for part in (header, claims)
        ]
        signed = ".".join(segments)
        return f"{signed}.{base64url(self.key.sign(signed.encode()))}"


@pytest.fixture
def secret() -> SharedSecretKey:
    return SharedSecretKey(SecretBytes(b"a shared secret of thirty-two by"))


@pytest.fixture
def forge(secret: SharedSecretKey) -> Forge:
    return Forge(secret)


@pytest.fixture
def claims() -> dict:
    return {
        "iss": ISSUER,
        "sub": "alice",
        "name": "Alice",
        "email": "alice@example.com",
        "roles": ["system.user"],
        "groups": ["dev"],
        "iat": NOW - 10,
        "exp": NOW + 3600,
        "jti": "token-1",
    }


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def issuers(secret: SharedSecretKey) -> IssuerRegistry:
    return IssuerRegistry([Issuer(name=ISSUER, keys=(secret,))])


@pytest.fixture
def verifier(issuers: IssuerRegistry, clock: ManualClock) -> Verifier:
    return Verifier(issuers, clock=clock)
