"""An OpenID provider that says whatever a test wants, right or wrong; and a login at it, step by step."""

from itertools import count
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.support.auth import enable, login, write
from tests.support.https_service import HttpsService
from tests.support.provider import JWKS, Provider

CLIENT, SECRET = "holdfast", "a client's secret/with=odd+characters"
REDIRECT = "http://localhost:8250/oidc/callback"
_numbers = count(1)


class WilfulProvider(Provider):
    """Signs like ``Provider``, and exchanges the codes that ``hand_out`` gave for what was wanted.

    Attributes:
        codes: what the token endpoint answers, by code: (status, document).
        exchanged: form and headers of every exchange.
        userinfo: what the userinfo endpoint answers: (status, document).
    """

    def __init__(self, service: HttpsService, *, key_id: str = "k1") -> None:
        self.codes: dict[str, tuple[int, Any]] = {}
        self.exchanged: list[tuple[dict[str, str], dict[str, str]]] = []
        self.userinfo: tuple[int, Any] = (200, {"sub": "ann"})
        super().__init__(service, key_id=key_id)

    def publish(self) -> None:
        super().publish()
        url = self.service.url
        self.service.pages["/.well-known/openid-configuration"] |= {
            "authorization_endpoint": url + "/auth?kind=people",
            "token_endpoint": url + "/token",
            "userinfo_endpoint": url + "/me",
        }
        self.service.pages["/token"] = self._exchange
        self.service.pages["/me"] = lambda *_: self.userinfo
        assert self.service.pages[JWKS]

    def _exchange(self, _path: str, headers: dict[str, str], form: dict[str, str]) -> tuple[int, Any]:
        self.exchanged.append((form, headers))
        return self.codes.pop(form["code"], (400, {"error": "invalid_grant"}))

    def hand_out(self, claims: dict[str, Any], **more: Any) -> str:
        """Return a code for an identity token with these claims; ``key`` signs, the rest is said beside."""
        token = self.sign(claims, key=more.pop("key", None))
        return self.hand_out_answer(200, {"id_token": token, "access_token": "access", **more})

    def hand_out_answer(self, status: int, document: Any) -> str:
        code = f"code-{next(_numbers)}"
        self.codes[code] = (status, document)
        return code


def configure(store, provider, *, path="oidc", **role):
    """Mount the method, with a role ``people``."""
    enable(store, "oidc", path)
    write(
        store,
        f"{path}/config",
        oidc_discovery_url=provider.service.url,
        oidc_discovery_ca_pem=provider.service.ca_pem,
        oidc_client_id=CLIENT,
        oidc_client_secret=SECRET,
        default_role="people",
    )
    fields = {"user_claim": "sub", "allowed_redirect_uris": REDIRECT, "token_policies": "reader"}
    write(store, f"{path}/role/people", **fields | role)


def begin(store, *, path="oidc", **fields):
    """Ask where to log in; return the parameters of the address."""
    answer = login(store, f"{path}/oidc/auth_url", **{"role": "people", "redirect_uri": REDIRECT} | fields)
    assert answer.status == 200, answer.body
    return dict(parse_qsl(urlsplit(answer.data["auth_url"]).query))


def come_back(store, *, path="oidc", **query):
    """Come back with an answer of the provider."""
    from urllib.parse import urlencode

    return store.vault("GET", f"auth/{path}/oidc/callback?{urlencode(query)}")


def claims_for(store, provider, asked, **changes):
    """Return what an honest provider says of ann; what is changed to ``None`` is left out."""
    now = store.clock.now()
    said = {
        "iss": provider.service.url,
        "sub": "ann",
        "aud": asked["client_id"],
        "nonce": asked["nonce"],
        "iat": now,
        "exp": now + 600,
    } | changes
    return {name: value for name, value in said.items() if value is not None}


def have_somebody_come_back_to_the_store(store, directory):
    """Log in from beginning to end, the way on which the store itself takes people back."""
    with HttpsService(directory) as service:
        provider, callback = WilfulProvider(service), "https://vault.example/v1/auth/oidc/oidc/callback"
        configure(store, provider, callback_mode="direct", allowed_redirect_uris=callback)
        asked = begin(store, redirect_uri=callback, client_nonce="of the program")
        code = provider.hand_out(claims_for(store, provider, asked))
        assert come_back(store, state=asked["state"], code=code, confirmation="yes").status == 200
        answer = login(store, "oidc/oidc/poll", state=asked["state"], client_nonce="of the program")
        assert answer.status == 200, answer.body
