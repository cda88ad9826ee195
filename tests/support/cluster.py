"""The part of a Kubernetes API server that logins need: TokenReview over TLS, and its public keys.

It answers as version 1.36 does: a review that fails has an error and an empty user, and no ``authenticated``.
"""

from typing import Any

from tests.support.https_service import Answer, HttpsService
from tests.support.kubernetes_secrets import failure_status
from tests.support.provider import as_jwk, rsa_key

from holdfast.tokens.compact import write_compact

ISSUER = "https://kubernetes.default.svc.cluster.local"
REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"
KEYS = "/openid/v1/jwks"
REVIEWER = "system:serviceaccount:kube-system:vault-auth"


class Cluster:
    """Service accounts, their tokens, and what the API server says of them.

    Attributes:
        accounts: uid by (namespace, name); take one away to delete the account.
        reviewers: who may create a TokenReview, by user name.
        reviews: what was asked, decoded.
        labels: of namespaces; those that are not there do not exist.
    """

    def __init__(self, service: HttpsService) -> None:
        self.service = service
        self.key = rsa_key("cluster-1")
        self.accounts: dict[tuple[str, str], str] = {}
        self.reviewers = {REVIEWER}
        self.reviews: list[Any] = []
        self.labels: dict[str, dict[str, str]] = {}
        self._tokens: dict[str, tuple[str, str, str, list[str]]] = {}
        service.pages = {REVIEWS: self._review, KEYS: {"keys": [as_jwk(self.key)]}}

    def label(self, namespace: str, **labels: str) -> None:
        """Make a namespace, which a reviewer may look at."""
        self.labels[namespace] = labels
        self.service.pages[f"/api/v1/namespaces/{namespace}"] = self._namespace

    def add(self, namespace: str, name: str) -> None:
        self.accounts[namespace, name] = f"uid-of-{namespace}-{name}"

    def token(
        self,
        namespace: str,
        name: str,
        *,
        now: float,
        audience: str = ISSUER,
        seconds: int = 3600,
        **changes: Any,
    ) -> str:
        """Return a token as a pod has it mounted; ``changes`` replace claims."""
        uid = self.accounts.setdefault((namespace, name), f"uid-of-{namespace}-{name}")
        claims = {
            "iss": ISSUER,
            "aud": [audience],
            "iat": int(now),
            "nbf": int(now),
            "exp": int(now) + seconds,
            "sub": f"system:serviceaccount:{namespace}:{name}",
            "kubernetes.io": {"namespace": namespace, "serviceaccount": {"name": name, "uid": uid}},
        } | changes
        text = write_compact({key: value for key, value in claims.items() if value is not None}, self.key)
        self._tokens[text] = (namespace, name, uid, [audience])
        return text

    def legacy_token(self, namespace: str, name: str) -> str:
        """Return a token as Kubernetes before 1.24 kept it in a secret: without end or audience."""
        prefix = "kubernetes.io/serviceaccount/"
        uid = self.accounts.setdefault((namespace, name), f"uid-of-{namespace}-{name}")
        claims = {
            "iss": "kubernetes/serviceaccount",
            "sub": f"system:serviceaccount:{namespace}:{name}",
            prefix + "namespace": namespace,
            prefix + "secret.name": f"{name}-token-x1",
            prefix + "service-account.name": name,
            prefix + "service-account.uid": uid,
        }
        text = write_compact(claims, self.key)
        self._tokens[text] = (namespace, name, uid, [ISSUER])
        return text

    def _user(self, text: str) -> tuple[str, str, str, list[str]] | None:
        known = self._tokens.get(text)
        return known if known is not None and self.accounts.get(known[:2]) == known[2] else None

    def _namespace(self, path: str, headers: dict[str, str], _body: Any) -> Answer:
        name = path.rpartition("/")[2]
        refused = self._refusal(
            headers, f'get resource "namespaces" in API group "" in the namespace "{name}"'
        )
        if refused is not None:
            return refused
        metadata = {"name": name, "uid": f"uid-of-{name}", "labels": self.labels[name]}
        return 200, {"kind": "Namespace", "apiVersion": "v1", "metadata": metadata, "spec": {}, "status": {}}

    def _review(self, _path: str, headers: dict[str, str], body: Any) -> Answer:
        group = "authentication.k8s.io"
        refused = self._refusal(
            headers, f'create resource "tokenreviews" in API group "{group}" at the cluster scope'
        )
        if refused is not None:
            return refused
        self.reviews.append(body)
        spec = body["spec"]
        user = self._user(spec["token"])
        wanted = spec.get("audiences") or [ISSUER]
        fits = [audience for audience in wanted if user is not None and audience in user[3]]
        if user is None or not fits:
            problem = "service account token has been invalidated"
            if user is not None:
                problem = f"token audiences {user[3]} is invalid for the target audiences {wanted}"
            status: dict[str, Any] = {"user": {}, "error": f"[invalid bearer token, {problem}]"}
        else:
            namespace, name, uid, _ = user
            about = {
                "username": f"system:serviceaccount:{namespace}:{name}",
                "uid": uid,
                "groups": [
                    "system:serviceaccounts",
                    f"system:serviceaccounts:{namespace}",
                    "system:authenticated",
                ],
                "extra": {"authentication.kubernetes.io/credential-id": ["JTI=00000000-0000-4000-8000-1"]},
            }
            status = {"authenticated": True, "audiences": fits, "user": about}
        return 201, {**body, "metadata": {}, "status": status}

    def _refusal(self, headers: dict[str, str], what: str) -> Answer | None:
        bearer = self._user(headers.get("Authorization", "").removeprefix("Bearer "))
        if bearer is None:
            return 401, failure_status(401, "Unauthorized", "Unauthorized")
        who = f"system:serviceaccount:{bearer[0]}:{bearer[1]}"
        if who not in self.reviewers:
            return 403, failure_status(403, "Forbidden", f'User "{who}" cannot {what}')
        return None
