"""Keys in AWS Secrets Manager: one secret of AWS for each name, its text the JSON of a map with one entry.

Versions of AWS are not numbered and do not last, so none are kept here. A namespace is a first segment of the
name that no plain name can have.
"""

import re
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from holdfast.errors import HoldfastError, InvalidInputError
from holdfast.model import SecretBytes
from holdfast.providers.aws import in_node_words, login_of, open_client
from holdfast.providers.errors import (
    ProviderDeniedError,
    SecretDataError,
    SecretExistsError,
    SecretNotFoundError,
)
from holdfast.providers.interface import ProviderStatus, Reason, Secret, SecretRef, trouble
from holdfast.providers.opening import Opening
from holdfast.providers.value import FIELD, value_of_text

NAMESPACE_MARK = "ns="
MAX_NAME = 512

_name = re.compile(r"[A-Za-z0-9/_+=.@-]+").fullmatch

T = TypeVar("T")


def open_from(opening: Opening) -> "SecretsManagerProvider":
    """Return the provider for ``AWS_REGION``.

    Raises:
        InvalidInputError: a setting is missing or malformed.
    """
    settings = opening.settings
    client = open_client("secretsmanager", settings)
    return SecretsManagerProvider(client, settings.text("AWS_REGION"), login_of(settings))


class SecretsManagerProvider:
    """Secrets of one account in one region.

    Args:
        client: of Secrets Manager.
        region: where it is.
        login: how the node logs in.
    """

    kind = "aws-secrets-manager"

    def __init__(self, client: Any, region: str, login: str) -> None:
        self._client = client
        self._place = f"region {region}"
        self._login = login

    def get(self, ref: SecretRef) -> Secret:
        """Return the value of a secret; see ``SecretsProvider``."""
        if ref.version is not None:
            raise InvalidInputError("version: AWS Secrets Manager keeps no versions that last")
        name = _id(ref.name, ref.namespace)
        answer = self._call(lambda client: client.get_secret_value(SecretId=name))
        text = answer.get("SecretString")
        if not isinstance(text, str):
            raise SecretDataError
        return Secret(value_of_text(text.encode()), None)

    def put(self, ref: SecretRef, value: SecretBytes, *, expected_version: int | None = None) -> None:
        """Store a value, replacing the one before; see ``SecretsProvider``."""
        if expected_version:
            raise InvalidInputError("expected version: AWS Secrets Manager keeps no versions that last")
        name = _id(ref.name, ref.namespace)
        text = msgspec.json.encode({FIELD: value.reveal().decode()}).decode()
        if expected_version is None:
            try:
                self._call(lambda client: client.put_secret_value(SecretId=name, SecretString=text))
            except SecretNotFoundError:
                pass
            else:
                return
        try:
            self._call(lambda client: client.create_secret(Name=name, SecretString=text))
        except SecretExistsError:
            if expected_version is not None:
                raise
            self._call(lambda client: client.put_secret_value(SecretId=name, SecretString=text))

    def destroy(self, ref: SecretRef) -> None:
        """Remove a secret at once, without a time in which it could be restored; see ``SecretsProvider``."""
        if ref.version is not None:
            raise InvalidInputError("version: AWS Secrets Manager keeps no versions that last")
        name = _id(ref.name, ref.namespace)
        try:
            self._call(lambda client: client.describe_secret(SecretId=name))
            self._call(lambda client: client.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True))
        except SecretNotFoundError:
            return

    def versions(self, ref: SecretRef) -> tuple[int, ...]:  # noqa: ARG002 - there are none of anything
        """Return nothing: see the module."""
        return ()

    def list(self, prefix: str = "", *, namespace: str = "") -> list[str]:
        """Return the names one level below ``prefix``; see ``SecretsProvider``."""
        start = f"{_id(prefix.strip('/'), namespace)}/" if prefix.strip("/") else _home(namespace)
        filters = [{"Key": "name", "Values": [start]}] if start else []
        pages = self._call(
            lambda client: list(client.get_paginator("list_secrets").paginate(Filters=filters))
        )
        names: set[str] = set()
        for entry in (entry for page in pages for entry in page.get("SecretList", ())):
            name = str(entry["Name"])
            if name.startswith(start) and (start or not name.startswith(NAMESPACE_MARK)):
                head, slash, _ = name[len(start) :].partition("/")
                names.add(head + slash)
        return sorted(names)

    def status(self) -> ProviderStatus:
        """Try whether keys can be had now; see ``SecretsProvider``."""
        problem, reason = "", Reason.NONE
        try:
            self._call(lambda client: client.list_secrets(MaxResults=1))
        except ProviderDeniedError:
            pass  # it knows us; listing is not needed
        except HoldfastError as error:
            problem, reason = trouble(error)
        return ProviderStatus(
            kind=self.kind,
            place=self._place,
            usable=not problem,
            problem=problem,
            reason=reason,
            versioned=False,
            login=self._login,
        )

    def close(self) -> None:
        """Close idle connections; see ``SecretsProvider``."""
        self._client.close()

    def _call(self, action: Callable[[Any], T]) -> T:
        with in_node_words(self.kind, self._place):
            return action(self._client)


def _home(namespace: str) -> str:
    return f"{NAMESPACE_MARK}{namespace}/" if namespace else ""


def _id(name: str, namespace: str) -> str:
    whole = f"{_home(namespace)}{name}"
    if not _name(whole) or len(whole) > MAX_NAME or "/" in namespace or name.startswith(NAMESPACE_MARK):
        raise InvalidInputError("secret name: expected letters, digits and /_+=.@- as AWS takes them")
    return whole
