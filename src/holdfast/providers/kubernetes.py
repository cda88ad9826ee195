"""Keys as entries of Kubernetes Secret objects. The namespace of a reference is a namespace of the cluster.

    key              the entry ``key`` of px-vol-encryption, where the original keeps the cluster-wide key
    object/key       the entry ``key`` of ``object``
    a/longer/path    the entry ``value`` of an object that the node names and labels itself

Writing adds an entry to an object and leaves the others alone. Kubernetes keeps no versions that can be read.
"""

import base64
import hashlib
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from holdfast.errors import HoldfastError, InvalidInputError
from holdfast.model import SecretBytes
from holdfast.providers.errors import (
    ProviderDeniedError,
    ProviderUnavailableError,
    SecretExistsError,
    SecretNotFoundError,
)
from holdfast.providers.interface import ProviderStatus, Reason, Secret, SecretRef, trouble
from holdfast.providers.kubernetes_api import ClusterOptions, KubernetesApi, read_cluster_options
from holdfast.providers.kubernetes_data import entries_of, value_of_entry
from holdfast.providers.opening import Opening

CLUSTER_OBJECT = "px-vol-encryption"
OWN_PREFIX = "holdfast-"
OWN_KEY = "value"
LABEL = "app.kubernetes.io/managed-by"
ANNOTATION = "holdfast/secret-name"
MAX_ATTEMPTS = 20

_object_name = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?").fullmatch
_entry_name = re.compile(r"(?!\.\.|\.$)[A-Za-z0-9._-]{1,253}").fullmatch
_namespace_name = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?").fullmatch


def open_from(opening: Opening) -> "KubernetesProvider":
    """Return the provider for the cluster that the node runs in.

    Raises:
        NoCredentialError: it runs in none.
    """
    return KubernetesProvider(read_cluster_options(opening.settings))


@dataclass(frozen=True, slots=True)
class Entry:
    """Which entry of which object a reference means.

    Attributes:
        namespace: of the cluster.
        object: name of the secret object.
        key: the entry.
        path: the reference's whole name, for objects that the node names itself; else empty.
    """

    namespace: str
    object: str
    key: str
    path: str = ""


class KubernetesProvider:
    """Secret objects of one cluster.

    Args:
        options: where the cluster is.

    Raises:
        InvalidInputError: the address cannot be used.
    """

    kind = "k8s"

    def __init__(self, options: ClusterOptions) -> None:
        self._options = options
        self._api = KubernetesApi(options)

    def get(self, ref: SecretRef) -> Secret:
        """Return the value of a secret; see ``SecretsProvider``."""
        if ref.version is not None:
            raise InvalidInputError("version: Kubernetes keeps no versions")
        entry = self._entry(ref)
        data = entries_of(self._api.read(entry.namespace, entry.object))
        if entry.key not in data:
            raise SecretNotFoundError
        return Secret(value_of_entry(data[entry.key]), None)

    def put(self, ref: SecretRef, value: SecretBytes, *, expected_version: int | None = None) -> None:
        """Store a value beside the other entries of its object; see ``SecretsProvider``."""
        if expected_version:
            raise InvalidInputError("expected version: Kubernetes keeps no versions")
        entry = self._entry(ref)
        encoded = base64.b64encode(value.view()).decode()

        def write() -> None:
            try:
                found = self._api.read(entry.namespace, entry.object)
            except SecretNotFoundError:
                self._api.create(entry.namespace, _new_object(entry, encoded))
                return
            if expected_version is not None and entry.key in entries_of(found):
                raise _ThereError
            change = {**_unless_changed(found), "data": {entry.key: encoded}}
            self._api.patch(entry.namespace, entry.object, change)

        _until_nobody_else_writes(write)

    def destroy(self, ref: SecretRef) -> None:
        """Remove an entry; see ``SecretsProvider``.

        An object that the node named itself is deleted after that, where the node's roles allow it.
        """
        if ref.version is not None:
            raise InvalidInputError("version: Kubernetes keeps no versions")
        entry = self._entry(ref)

        def remove() -> None:
            found = self._api.read(entry.namespace, entry.object)
            if entry.key in entries_of(found):
                change = {**_unless_changed(found), "data": {entry.key: None}}
                self._api.patch(entry.namespace, entry.object, change)

        try:
            _until_nobody_else_writes(remove)
            if entry.path:
                self._api.delete(entry.namespace, entry.object)
        except (SecretNotFoundError, ProviderDeniedError):
            self._expect_gone(ref)

    def versions(self, ref: SecretRef) -> tuple[int, ...]:  # noqa: ARG002 - there are none of anything
        """Return nothing: Kubernetes keeps no versions that could be read."""
        return ()

    def list(self, prefix: str = "", *, namespace: str = "") -> list[str]:
        """Return the names one level below ``prefix``; see ``SecretsProvider``.

        Objects that others made are not listed, but what is in one of them is.
        """
        prefix = prefix.strip("/")
        where = self._namespace(namespace)
        names: set[str] = set()
        if "/" not in prefix:
            with suppress(SecretNotFoundError):
                names |= entries_of(self._api.read(where, prefix or CLUSTER_OBJECT)).keys()
        start = f"{prefix}/" if prefix else ""
        for metadata in self._api.names(where, label=f"{LABEL}=holdfast"):
            path = str((metadata.get("annotations") or {}).get(ANNOTATION) or f"{metadata.get('name')}/")
            if path.startswith(start):
                head, slash, _ = path[len(start) :].partition("/")
                names.add(head + slash)
        return sorted(names - {"", f"{CLUSTER_OBJECT}/"})

    def status(self) -> ProviderStatus:
        """Try whether keys can be had now; see ``SecretsProvider``."""
        problem, reason = "", Reason.NONE
        try:
            self._api.read(self._options.namespace, CLUSTER_OBJECT)
        except SecretNotFoundError:
            pass  # it may be read, and is not there yet
        except HoldfastError as error:
            problem, reason = trouble(error)
        return ProviderStatus(
            kind=self.kind,
            place=f"{self._options.url} namespace {self._options.namespace}",
            usable=not problem,
            problem=problem,
            reason=reason,
            versioned=False,
            login="service account",
        )

    def close(self) -> None:
        """Close idle connections; see ``SecretsProvider``."""
        self._api.close()

    def _expect_gone(self, ref: SecretRef) -> None:
        """Raise unless the entry is not there: the roles may have denied more than deleting the object."""
        try:
            self.get(ref).value.wipe()
        except SecretNotFoundError:
            return
        raise ProviderDeniedError("the service account's roles do not allow changing secrets")

    def _namespace(self, namespace: str) -> str:
        namespace = namespace or self._options.namespace
        if not _namespace_name(namespace):
            raise InvalidInputError("secret namespace: expected the name of a namespace of the cluster")
        return namespace

    def _entry(self, ref: SecretRef) -> Entry:
        namespace, parts = self._namespace(ref.namespace), ref.name.split("/")
        if len(parts) > 2:  # noqa: PLR2004 - object and key
            digest = hashlib.sha256(ref.name.encode()).hexdigest()[:40]
            return Entry(namespace, f"{OWN_PREFIX}{digest}", OWN_KEY, ref.name)
        name, key = parts if len(parts) > 1 else (CLUSTER_OBJECT, parts[0])
        if not _object_name(name) or name.startswith(OWN_PREFIX):
            raise InvalidInputError("secret name: expected <secret object>/<key>, as Kubernetes has them")
        if not _entry_name(key):
            raise InvalidInputError(
                "secret key: expected letters, digits, dashes, underscores and dots, the first two not dots"
            )
        return Entry(namespace, name, key)


class _ThereError(SecretExistsError):
    """The entry is there, although it was to be the first: not to be tried again."""


def _until_nobody_else_writes(change: Callable[[], None]) -> None:
    for _ in range(MAX_ATTEMPTS):
        try:
            return change()
        except _ThereError:
            raise SecretExistsError from None
        except SecretExistsError:
            continue  # somebody else was faster: look again
    raise ProviderUnavailableError("the secret object changes too often; try again")


def _new_object(entry: Entry, encoded: str) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": entry.object, "labels": {LABEL: "holdfast"}}
    if entry.path:
        metadata["annotations"] = {ANNOTATION: entry.path}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata,
        "type": "Opaque",
        "data": {entry.key: encoded},
    }


def _unless_changed(found: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"resourceVersion": (found.get("metadata") or {}).get("resourceVersion")}}
