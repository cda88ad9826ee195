"""Logins of a store under test that need nobody else: tokens of accounts and jobs, verified by a key."""

from typing import Any

from tests.support.auth import enable, logged_in, write
from tests.support.cluster import ISSUER
from tests.support.provider import rsa_key

from holdfast.tokens.compact import write_compact

KEY = rsa_key("identity-1")
PEM = KEY.verifying_key().pem().decode()


def enable_jwt(store, path: str = "jwt", **role: Any) -> str:
    """Mount ``jwt`` with the role ``job`` for anybody of our issuer; return the accessor of the mount."""
    enable(store, "jwt", path)
    write(store, f"{path}/config", jwt_validation_pubkeys=[PEM])
    said = {
        "role_type": "jwt",
        "user_claim": "sub",
        "bound_audiences": ["store"],
        "groups_claim": "groups",
        "claim_mappings": {"team": "team"},
    }
    write(store, f"{path}/role/job", **(said | role))
    return accessor_of(store, path)


def job_token(store, sub: str, **claims: Any) -> str:
    """Return what a job called ``sub`` has to show."""
    now = store.clock.now()
    said = {
        "iss": "https://ci.example",
        "aud": "store",
        "sub": sub,
        "iat": now,
        "exp": now + 600,
        "groups": [],
    }
    return write_compact(said | claims, KEY)


def job(store, sub: str, path: str = "jwt", **claims: Any) -> dict[str, Any]:
    """Log a job in; return the ``auth`` part of the answer."""
    return logged_in(store, f"{path}/login", role="job", jwt=job_token(store, sub, **claims))


def enable_kubernetes(store, path: str = "kubernetes", **role: Any) -> str:
    """Mount ``kubernetes`` with the role ``pod`` for every account; return the accessor of the mount."""
    enable(store, "kubernetes", path)
    write(
        store,
        f"{path}/config",
        kubernetes_host="https://127.0.0.1:1",
        pem_keys=[PEM],
        local_verification=True,
        disable_local_ca_jwt=False,
    )
    said = {"bound_service_account_names": "*", "bound_service_account_namespaces": ["*"]}
    write(store, f"{path}/role/pod", **(said | role))
    return accessor_of(store, path)


def pod(store, namespace: str, name: str, path: str = "kubernetes", uid: str = "") -> dict[str, Any]:
    """Log a pod in; return the ``auth`` part of the answer."""
    now = int(store.clock.now())
    account = {"name": name, "uid": uid or f"uid-of-{namespace}-{name}"}
    claims = {
        "iss": ISSUER,
        "aud": [ISSUER],
        "iat": now,
        "exp": now + 3600,
        "kubernetes.io": {"namespace": namespace, "serviceaccount": account},
    }
    return logged_in(store, f"{path}/login", role="pod", jwt=write_compact(claims, KEY))


def accessor_of(store, path: str) -> str:
    """Return the accessor of an auth mount."""
    return store.vault("GET", "sys/auth", token=store.root).data[f"{path}/"]["accessor"]


class Identity:
    """``identity/...`` of a store, as root or with another token."""

    def __init__(self, store) -> None:
        self._store = store

    def ask(self, method: str, path: str, body: Any = None, *, token: str = "") -> Any:
        """Send a request; return the reply."""
        return self._store.vault(method, f"identity/{path}", body, token=token or self._store.root)

    def write(self, path: str, **said: Any) -> Any:
        """Write; return the data of the answer, which must be no refusal."""
        answer = self.ask("POST", path, said)
        assert answer.status in {200, 204}, answer.body
        return answer.data if answer.status == 200 else None

    def read(self, path: str) -> Any:
        """Read; return the data."""
        answer = self.ask("GET", path)
        assert answer.status == 200, answer.body
        return answer.data

    def remove(self, path: str) -> None:
        """Remove."""
        assert self.ask("DELETE", path).status == 204

    def keys(self, path: str) -> list[str]:
        """List; nothing there is an empty list."""
        answer = self.ask("LIST", path)
        return answer.data["keys"] if answer.status == 200 else []
