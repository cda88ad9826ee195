"""A real OpenID provider (the npm package ``oidc-provider``) as a process on loopback, and people at it.

``./dev`` installs it from ``tests/oidc/package-lock.json``. One process serves one configuration; ``start``
after ``stop`` comes back on the same port, with other keys or people if they were changed meanwhile.
"""

import hashlib
import http.client
import json
import subprocess
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_urlsafe
from typing import Any, Self
from urllib.parse import parse_qsl, urlencode, urlsplit

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from tests.support.ports import free_port

SCRIPT = Path(__file__).parent.parent / "oidc" / "server.mjs"
START_SECONDS = 60.0
MAX_STEPS = 12
REDIRECT = "http://localhost:8250/oidc/callback"

PEOPLE: dict[str, dict[str, Any]] = {
    "ann": {
        "email": "ann@example.com",
        "email_verified": True,
        "name": "Ann",
        "groups": ["team-red", "admins"],
        "roles": ["system.user"],
    },
    "bob": {"email": "bob@example.com", "email_verified": False, "name": "Bob", "groups": []},
}
SCOPES = {"email": ["email", "email_verified"], "profile": ["name"], "groups": ["groups", "roles"]}


def private_jwk(algorithm: str = "RS256", key_id: str = "k1") -> dict[str, Any]:
    """Return a new private key as a provider is configured with it."""
    common = {"kid": key_id, "use": "sig", "alg": algorithm}
    if algorithm == "EdDSA":
        key = ed25519.Ed25519PrivateKey.generate()
        x, d = key.public_key().public_bytes_raw(), key.private_bytes_raw()
        return {"kty": "OKP", "crv": "Ed25519", "x": _b64(x), "d": _b64(d), **common}
    if algorithm == "ES256":
        numbers = ec.generate_private_key(ec.SECP256R1()).private_numbers()
        point = {"x": _number(numbers.public_numbers.x, 32), "y": _number(numbers.public_numbers.y, 32)}
        return {"kty": "EC", "crv": "P-256", "d": _number(numbers.private_value, 32), **point, **common}
    private = rsa.generate_private_key(65_537, 2048).private_numbers()
    parts = {
        "n": private.public_numbers.n,
        "e": private.public_numbers.e,
        "d": private.d,
        "p": private.p,
        "q": private.q,
        "dp": private.dmp1,
        "dq": private.dmq1,
        "qi": private.iqmp,
    }
    return {"kty": "RSA", **{name: _number(value) for name, value in parts.items()}, **common}


@dataclass
class OidcProvider:
    """The provider.

    Attributes:
        keys: private JSON Web Keys; the first that fits signs.
        clients: as the package has them.
        people: claims by account.
        scopes: which scope shows which claims.
        slim: leave claims out of identity tokens, so that they are at the userinfo endpoint alone.
        resources: audiences of access tokens in the form of JWTs, and the claims in those.
        port: where it listens.
    """

    keys: list[dict[str, Any]] = field(default_factory=lambda: [private_jwk()])
    clients: list[dict[str, Any]] = field(default_factory=list)
    people: dict[str, dict[str, Any]] = field(default_factory=lambda: dict(PEOPLE))
    scopes: dict[str, list[str]] = field(default_factory=lambda: dict(SCOPES))
    slim: bool = False
    resources: dict[str, dict[str, Any]] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[str] | None = None

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, name: str, secret: str, *redirect_uris: str, **more: Any) -> None:
        """Add a client that logs people in; without a secret a public one."""
        method = "client_secret_basic" if secret else "none"
        added = {
            "client_id": name,
            "redirect_uris": list(redirect_uris),
            "grant_types": ["authorization_code"],
            "response_types": ["code"],
            "token_endpoint_auth_method": method,
            "application_type": "native",
        }
        if secret:
            added["client_secret"] = secret
        self.clients.append(added | more)

    def start(self) -> Self:
        self.process = subprocess.Popen(
            ["node", str(SCRIPT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=SCRIPT.parent,
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        wanted = {
            "issuer": self.issuer,
            "port": self.port,
            "jwks": {"keys": self.keys},
            "clients": self.clients,
            "people": self.people,
            "scopes": self.scopes,
            "slim": self.slim,
            "resources": self.resources,
        }
        self.process.stdin.write(json.dumps(wanted))
        self.process.stdin.close()
        for line in self.process.stdout:  # ends with the process; remarks of the package come before
            if line.strip() == "listening":
                return self
        raise AssertionError("the provider did not start; is tests/oidc installed? ./dev test does it")

    def stop(self) -> None:
        process, self.process = self.process, None
        if process is not None:
            process.terminate()
            process.wait(START_SECONDS)
            if process.stdout is not None:
                process.stdout.close()

    def rotate(self, key: dict[str, Any], *, keep_old: bool = True) -> None:
        """Sign with another key from now on."""
        self.stop()
        self.keys = [key, *(self.keys if keep_old else [])]
        self.start()

    def access_token(self, client: str, secret: str, resource: str) -> str:
        """Return an access token in the form of a JWT, as a program gets one for itself."""
        body = f"grant_type=client_credentials&scope=api&resource={resource}"
        basic = _plain_b64(f"{client}:{secret}")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=START_SECONDS)
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": f"Basic {basic}"}
        connection.request("POST", "/token", body, headers)
        answer = json.loads(connection.getresponse().read())
        connection.close()
        token: str = answer["access_token"]
        return token

    def identity_token(self, client: str, person: str, *, secret: str = "", redirect: str = REDIRECT) -> str:
        """Return an identity token, as a program gets one for a person at a browser (with PKCE)."""
        verifier = token_urlsafe(48)
        challenge = _b64(hashlib.sha256(verifier.encode()).digest())
        asked = {
            "client_id": client,
            "redirect_uri": redirect,
            "response_type": "code",
            "scope": " ".join(["openid", *self.scopes]),
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "state": "s",
        }
        back = Browser(person).log_in(f"{self.issuer}/auth?{urlencode(asked)}")
        form = {
            "grant_type": "authorization_code",
            "code": dict(parse_qsl(urlsplit(back).query))["code"],
            "redirect_uri": redirect,
            "code_verifier": verifier,
            "client_id": client,
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if secret:
            headers["Authorization"] = f"Basic {_plain_b64(f'{client}:{secret}')}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=START_SECONDS)
        connection.request("POST", "/token", urlencode(form), headers)
        answer = json.loads(connection.getresponse().read())
        connection.close()
        token: str = answer["id_token"]
        return token

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


class Browser:
    """What a person at a browser does: follow where the provider leads, until it leads elsewhere.

    Args:
        person: the account; empty for somebody who does not log in.
    """

    def __init__(self, person: str) -> None:
        self.person = person
        self.cookies: dict[str, str] = {}

    def log_in(self, url: str) -> str:
        """Open the address that a login asks for; return where the provider sends the person back to."""
        host = urlsplit(url).netloc
        for _ in range(MAX_STEPS):
            status, location = self.open(url)
            assert status in {302, 303}, f"{status} at {urlsplit(url).path}"
            parts = urlsplit(location)
            if parts.netloc and parts.netloc != host:
                return location
            url = location if parts.netloc else f"http://{host}{location}"
        raise AssertionError("the provider leads in circles")

    def open(self, url: str) -> tuple[int, str]:
        """Open one address; return the status, and where it leads."""
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=START_SECONDS)
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if self.person:
            headers["X-Person"] = self.person
        connection.request("GET", f"{parts.path}?{parts.query}", headers=headers)
        response = connection.getresponse()
        response.read()
        connection.close()
        for cookie in response.headers.get_all("Set-Cookie") or []:
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return response.status, response.headers.get("Location", "")


def _b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _plain_b64(text: str) -> str:
    from base64 import b64encode

    return b64encode(text.encode()).decode()


def _number(number: int, width: int = 0) -> str:
    return _b64(number.to_bytes(width or (number.bit_length() + 7) // 8))
