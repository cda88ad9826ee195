"""The few calls of a Kubernetes API that secrets need, as the node's service account.

The account's token is read anew for every request, because Kubernetes replaces it every hour or so. The
cluster's certificate is always verified, against the authority that Kubernetes mounts beside the token.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from holdfast.client import TlsSettings
from holdfast.client.errors import RemoteNotFoundError
from holdfast.client.json_api import JsonApi
from holdfast.client.opening import open_api
from holdfast.errors import HoldfastError, InvalidInputError
from holdfast.providers.errors import (
    CredentialExpiredError,
    NoCredentialError,
    ProviderUnavailableError,
    SecretNotFoundError,
)
from holdfast.providers.remote_words import Words, in_node_words
from holdfast.providers.settings import Settings, secret_word_of_file

MOUNTED = "/var/run/secrets/kubernetes.io/serviceaccount"
DEFAULT_NAMESPACE = "portworx"
TIMEOUT_SECONDS = 10.0
MERGE_PATCH = "application/merge-patch+json"
NAMES_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterOptions:
    """Where a cluster's API is, and how the node shows who it is.

    Attributes:
        url: address of the API server.
        token_file: the service account's token.
        ca_file: the authority of the API server's certificate.
        namespace: where the node's own secrets are.
    """

    url: str
    token_file: str
    ca_file: str
    namespace: str


def is_in_cluster(settings: Settings) -> bool:
    """Whether the node runs in a pod."""
    return bool(settings.text("KUBERNETES_SERVICE_HOST"))


def read_cluster_options(settings: Settings) -> ClusterOptions:
    """Read where the cluster is, as Kubernetes tells its pods.

    ``PX_SECRETS_NAMESPACE`` names the namespace; else it is ``portworx``.

    Raises:
        NoCredentialError: the node runs in no pod.
        InvalidInputError: the address cannot be one.
    """
    host, port = settings.text("KUBERNETES_SERVICE_HOST"), settings.text("KUBERNETES_SERVICE_PORT")
    if not host:
        raise NoCredentialError("KUBERNETES_SERVICE_HOST not set: the node does not run in a pod")
    mounted = settings.text("HOLDFAST_SERVICE_ACCOUNT_DIRECTORY", default=MOUNTED)
    url = f"https://[{host}]:{port or 443}" if ":" in host else f"https://{host}:{port or 443}"
    try:
        urlsplit(url).port  # noqa: B018 - raises for what is no number
    except ValueError:
        raise InvalidInputError("KUBERNETES_SERVICE_PORT: expected the number of a port") from None
    return ClusterOptions(
        url=url,
        token_file=f"{mounted}/token",
        ca_file=f"{mounted}/ca.crt",
        namespace=settings.text("PX_SECRETS_NAMESPACE", default=DEFAULT_NAMESPACE),
    )


class KubernetesApi:
    """Secrets of one cluster.

    Args:
        options: where it is.

    Raises:
        InvalidInputError: the address cannot be used.
    """

    def __init__(self, options: ClusterOptions) -> None:
        self._options = options
        self._api = self._open()

    def read(self, namespace: str, name: str) -> dict[str, Any]:
        """Return a secret object.

        Raises:
            SecretNotFoundError: there is none of that name.
            CredentialExpiredError, ProviderDeniedError, ProviderUnavailableError: no answer that can be used.
        """
        return self._call("GET", f"{_secrets(namespace)}/{name}")

    def create(self, namespace: str, document: Mapping[str, Any]) -> None:
        """Create a secret object.

        Raises:
            InvalidInputError: there is no such namespace.
            SecretExistsError: there is one.
        """
        self._call("POST", _secrets(namespace), document)

    def patch(self, namespace: str, name: str, change: Mapping[str, Any]) -> None:
        """Merge a change into a secret object; a resource version in it must be the present one.

        Raises:
            SecretExistsError: it has another version by now.
            SecretNotFoundError: there is no such object.
        """
        self._call("PATCH", f"{_secrets(namespace)}/{name}", change, content_type=MERGE_PATCH)

    def delete(self, namespace: str, name: str) -> None:
        """Delete a secret object.

        Raises:
            SecretNotFoundError: there is no such object.
        """
        self._call("DELETE", f"{_secrets(namespace)}/{name}")

    def names(self, namespace: str, *, label: str) -> list[dict[str, Any]]:
        """Return the metadata of the secret objects with a label; no values travel."""
        items: list[dict[str, Any]] = []
        more = ""
        while True:
            query = {"labelSelector": label, "limit": "500", **({"continue": more} if more else {})}
            page = self._call("GET", _secrets(namespace), query=query, accept=NAMES_ONLY)
            items += [item["metadata"] for item in page.get("items") or () if isinstance(item, dict)]
            more = str((page.get("metadata") or {}).get("continue") or "")
            if not more:
                return items

    def close(self) -> None:
        """Close idle connections."""
        self._api.close()

    def _call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> dict[str, Any]:
        with in_node_words(_words(self._options.url)):
            try:
                token = secret_word_of_file(self._options.token_file, field="service account token")
            except InvalidInputError as error:
                raise CredentialExpiredError(error.message) from None
            with token:
                headers = {
                    "Authorization": f"Bearer {token.reveal().decode()}",
                    "Content-Type": content_type,
                    "Accept": accept,
                }
                try:
                    return self._api.call(method, path, body, headers=headers, query=query)
                except RemoteNotFoundError as error:
                    raise self._not_there(error) from None

    def _not_there(self, error: RemoteNotFoundError) -> HoldfastError:
        """Return what is not there: a cluster says so, and whatever else answers at its address does not."""
        about = error.answer.get("details")
        kind = about.get("kind") if isinstance(about, dict) else None
        if kind == "secrets":
            return SecretNotFoundError(detail=error.message)
        if kind == "namespaces":
            return InvalidInputError("secret namespace: expected one that the cluster has")
        return ProviderUnavailableError(
            f"the secrets provider (k8s at {self._options.url}) does not answer as a cluster's API does; "
            "is the address right?"
        )

    def _open(self) -> JsonApi:
        return open_api(
            self._options.url,
            field="KUBERNETES_SERVICE_HOST",
            tls=TlsSettings(ca_cert=self._options.ca_file),
            timeout_seconds=TIMEOUT_SECONDS,
            read_error=lambda document: (str(document.get("message") or ""), ""),
        )


def _secrets(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/secrets"


def _words(url: str) -> Words:
    return Words(
        f"the secrets provider (k8s at {url})",
        expired=" does not accept the service account's token",
        denied=": the service account's roles do not allow this",
    )
