"""The environment that a node finds for each secrets provider, and the services behind it.

A service is started when it is asked for first, and only then is loaded what it takes.
"""

import os
import secrets
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from tests.support.aws_service import AwsService
    from tests.support.secret_backends import SecretBackends

READ_ONLY = "systemd"
OF_AWS = ("aws-kms", "aws-secrets-manager")
KINDS = ("file", READ_ONLY, "vault", "vault-transit", "dcos", "k8s", *OF_AWS, "pkcs11")


class Surroundings:
    """Holds the services for the length of a block.

    Args:
        directory: for what they keep.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._running = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def of(self, kind: str, directory: Path) -> dict[str, str]:
        """Return the environment of a node, whose directory is given, for a kind of provider."""
        makers = {
            "file": self._of_directory,
            READ_ONLY: self._of_files,
            "vault": self._of_store,
            "vault-transit": self._of_store,
            "dcos": self._of_dcos,
            "k8s": self._of_kubernetes,
            **dict.fromkeys(OF_AWS, self._of_aws),
            "pkcs11": self._of_hsm,
        }
        return makers[kind](directory)

    @cached_property
    def _backends(self) -> "SecretBackends":
        from tests.support.secret_backends import SecretBackends

        return self._running.enter_context(SecretBackends(self._directory, logins=False))

    @cached_property
    def _aws(self) -> "AwsService":
        from tests.support.aws_service import aws_service

        return self._running.enter_context(aws_service())

    @staticmethod
    def _of_directory(directory: Path) -> dict[str, str]:
        return {"HOLDFAST_SECRETS_DIRECTORY": str(directory / "secrets")}

    @staticmethod
    def _of_files(directory: Path) -> dict[str, str]:
        (directory / "secrets").mkdir(mode=0o700)
        (directory / "secrets" / "cluster-key").write_text(secrets.token_hex(32))
        return {"CREDENTIALS_DIRECTORY": str(directory / "secrets")}

    def _of_store(self, _: Path) -> dict[str, str]:
        token = self._backends.root().create_token(policies=["node"])["client_token"]
        return {"VAULT_ADDR": self._backends.store.url, "VAULT_TOKEN": token}

    def _of_dcos(self, _: Path) -> dict[str, str]:
        from tests.support.secret_backends import DCOS_BASE, DCOS_PASSWORD, DCOS_USER

        login = {"DCOS_SECRETS_USERNAME": DCOS_USER, "DCOS_SECRETS_PASSWORD": DCOS_PASSWORD}
        return {"DCOS_CLUSTER_URL": self._backends.store.url, "SECRETS_BASE_PATH": DCOS_BASE, **login}

    def _of_kubernetes(self, directory: Path) -> dict[str, str]:
        from tests.support.kubernetes_secrets import KubernetesSecrets

        return self._running.enter_context(KubernetesSecrets(directory)).environment

    def _of_aws(self, _: Path) -> dict[str, str]:
        return self._aws.options()

    @staticmethod
    def _of_hsm(directory: Path) -> dict[str, str]:
        from tests.support.soft_hsm import make_token

        options = make_token(directory, "unseen")
        return {**options, "SOFTHSM2_CONF": os.environ["SOFTHSM2_CONF"]}
