"""A real store as storage nodes find one: KV 1 and 2, every login, namespaces, DC/OS users."""

import time
from pathlib import Path
from typing import Any, Self

from tests.support.cluster import Cluster
from tests.support.https_service import HttpsService
from tests.support.store_process import StoreProcess

from holdfast.client import IamClient, Subject, VaultClient
from holdfast.model import SecretBytes
from holdfast.providers import open_provider

# As the original's users are told to write it: no right to the table of mounts, none to metadata.
SEED_POLICY = """
path "sys/mounts/*" { capabilities = ["read", "list"] }
path "secret/*" { capabilities = ["create", "read", "update", "delete", "list"] }
path "secret/data/*" { capabilities = ["create", "read", "update", "delete", "list"] }
path "kv1/*" { capabilities = ["create", "read", "update", "delete", "list"] }
"""
NODE_POLICY = """
path "secret/data/*" { capabilities = ["create", "read", "update", "delete", "list"] }
path "secret/metadata/*" { capabilities = ["read", "delete", "list"] }
path "secret/destroy/*" { capabilities = ["update"] }
path "kv1/*" { capabilities = ["create", "read", "update", "delete", "list"] }
path "transit/*" { capabilities = ["create", "read", "update"] }
"""
DCOS_USER, DCOS_PASSWORD = "px-user", "px-password-31"
DCOS_BASE = "pwx/secrets"
ADMIN_PASSWORD = "admin-password-77"


class SecretBackends:
    """One store for a whole module of tests; each test works below names of its own.

    Args:
        directory: for what it keeps.
        logins: have a namespace, and what takes an identity from elsewhere; without, there are tokens and
            DC/OS users alone, in a fraction of the time.
    """

    def __init__(self, directory: Path, *, logins: bool = True) -> None:
        self.directory = directory
        password = directory / "admin.password"
        password.write_text(ADMIN_PASSWORD)
        password.chmod(0o600)
        settings = f'iam {{\n  superuser = "admin"\n  superuser_password_file = "{password}"\n}}\n'
        self.store = StoreProcess(directory, workers=1, settings=settings)
        self._logins = logins
        if logins:
            self.service = HttpsService(directory)
            self.cluster = Cluster(self.service)
        self.account_file = directory / "service-account-token"

    def __enter__(self) -> Self:
        self.store.start()
        try:
            self._prepare()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._logins:
            self.service.close()
        self.store.stop()

    def root(self, namespace: str = "") -> VaultClient:
        return VaultClient(self.store.url, self.store.root_token, namespace=namespace)

    def _prepare(self) -> None:
        self.store.initialize(shares=1, threshold=1)
        root = self.root()
        root.put_policy("node", NODE_POLICY)
        root.enable_mount("transit", "transit")
        if self._logins:
            root.request("POST", "sys/namespaces/team-a", {})
            for namespace in ("", "team-a"):
                self._prepare_namespace(self.root(namespace), namespace)
            self.show_account()
        self._prepare_dcos()

    def _prepare_namespace(self, client: VaultClient, namespace: str) -> None:
        client.enable_mount("kv1", "kv")
        if namespace:
            client.enable_mount("secret", "kv", options={"version": "2"})
        client.put_policy("seed", SEED_POLICY)
        client.put_policy("node", NODE_POLICY)
        client.put_policy("data-only", 'path "secret/data/*" { capabilities = ["create", "read", "update"] }')
        for method in ("kubernetes", "approle"):
            client.request("POST", f"sys/auth/{method}", {"type": method})
        client.request(
            "POST",
            "auth/kubernetes/config",
            {
                "token_reviewer_jwt": self.cluster.token(
                    "kube-system", "vault-auth", now=time.time(), seconds=10**6
                ),
                "kubernetes_host": self.service.url,
                "kubernetes_ca_cert": self.service.ca_pem,
            },
        )
        self.kubernetes_role(client, policies="node", ttl="1h")
        self.kubernetes_role(client, "service", policies="node", ttl="1h", token_type="service")
        role = {"token_policies": "node", "token_ttl": "1h", "token_type": "service"}
        client.request("POST", "auth/approle/role/px", role)

    def kubernetes_role(self, client: VaultClient, name: str = "portworx", **fields: Any) -> None:
        bound = {
            "bound_service_account_names": "px-account",
            "bound_service_account_namespaces": "kube-system",
        }
        client.request("POST", f"auth/kubernetes/role/{name}", bound | fields)

    def show_account(self, **changes: Any) -> None:
        """Put a fresh token of the node's service account where Kubernetes mounts it."""
        token = self.cluster.token("kube-system", "px-account", now=time.time(), **changes)
        self.account_file.write_text(token + "\n")

    def _prepare_dcos(self) -> None:
        token = IamClient(self.store.url).log_in("admin", password=SecretBytes(ADMIN_PASSWORD.encode()))
        self.iam = IamClient(self.store.url, token)
        self.iam.request("PUT", "users", DCOS_USER, body={"password": DCOS_PASSWORD})
        self.iam.grant(f"dcos:secrets:default:/{DCOS_BASE}/*", Subject.USER, DCOS_USER, "full")
        self.iam.grant(f"dcos:secrets:list:default:/{DCOS_BASE}", Subject.USER, DCOS_USER, "read")

    # --- providers -------------------------------------------------------------------------------

    def vault(
        self,
        policy: str = "node",
        *,
        ttl: str = "1h",
        namespace: str = "",
        kind: str = "vault",
        storage: Any = None,
        **options: str,
    ):
        """Open a provider with a token of its own."""
        token = self.root(namespace).create_token(policies=[policy], ttl=ttl)["client_token"]
        settings = {"VAULT_ADDR": self.store.url, "VAULT_TOKEN": token, **options}
        return open_provider(kind, settings, environment={}, storage=storage)

    def kubernetes(self, **options: str):
        settings = {
            "VAULT_ADDR": self.store.url,
            "VAULT_AUTH_METHOD": "kubernetes",
            "VAULT_AUTH_KUBERNETES_ROLE": "portworx",
            "VAULT_AUTH_KUBERNETES_TOKEN_PATH": str(self.account_file),
            **options,
        }
        return open_provider("vault", settings, environment={})

    def approle(self, **options: str):
        root = self.root()
        role_id = root.request("GET", "auth/approle/role/px/role-id")["data"]["role_id"]
        secret_id = root.request("POST", "auth/approle/role/px/secret-id", {})["data"]["secret_id"]
        settings = {
            "VAULT_ADDR": self.store.url,
            "VAULT_AUTH_METHOD": "approle",
            "VAULT_APPROLE_ROLE_ID": role_id,
            "VAULT_APPROLE_SECRET_ID": secret_id,
            **options,
        }
        return open_provider("vault", settings, environment={})

    def dcos(self, **options: str):
        settings = {
            "DCOS_CLUSTER_URL": self.store.url,
            "DCOS_SECRETS_USERNAME": DCOS_USER,
            "DCOS_SECRETS_PASSWORD": DCOS_PASSWORD,
            "SECRETS_BASE_PATH": DCOS_BASE,
            **options,
        }
        return open_provider("dcos", settings, environment={})
