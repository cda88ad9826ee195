"""Secrets read for a command through either dialect: all of them, or an error that names each one missing.

A reference of the Vault dialect is ``mount/path#field``, and ``value`` is the field unless one is named.
A reference of the DC/OS dialect is the secret's path. A secret whose last segment starts with
``__dcos_base64__`` holds base64 text there, which is decoded on delivery.

A trouble of the whole store, such as its being sealed or away, is raised as it is: it says nothing about
single secrets, and asking again later may help.
"""

import base64
import binascii
from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from holdfast.cli.errors import LocalError
from holdfast.cli.exec.binding import Binding
from holdfast.cli.exec.errors import NotDeliverableError
from holdfast.cli.holdfast.kv_target import find_target
from holdfast.client import DcosClient, VaultClient
from holdfast.client.errors import RemoteInvalidInputError, RemoteNotFoundError, RemotePermissionDeniedError
from holdfast.errors import InvalidInputError
from holdfast.model import Path, SecretBytes, parse_path
from holdfast.policy.space import decide_space

DEFAULT_FIELD = "value"
BASE64_PREFIX = "__dcos_base64__"


@dataclass(frozen=True, slots=True)
class Secret:
    """What a source has under a reference.

    Attributes:
        value: exactly the bytes to deliver.
        version: its number, ``None`` where none are kept.
    """

    value: SecretBytes
    version: int | None = None


Delivery = dict[Binding, Secret]
"""Every secret that a command was promised."""


class Source(Protocol):
    """A store, seen as somewhere that references can be resolved."""

    def path_of(self, reference: str) -> Path:
        """Return the path that the space rule is about.

        Raises:
            HoldfastError: it cannot be told from the reference alone.
        """

    def read(self, reference: str) -> Secret:
        """Read one secret.

        Raises:
            HoldfastError: it is not there, or the store does not say.
        """


class VaultSource:
    """Reads through the Vault dialect.

    Args:
        client: connected, with a token.
        mount: what references are relative to; empty if they start with the mount.
    """

    def __init__(self, client: VaultClient, *, mount: str = "") -> None:
        self._client = client
        self._mount = mount

    def path_of(self, reference: str) -> Path:
        """Return the path below the mount."""
        if not self._mount:
            raise LocalError("--service-id: expected --mount too, as spaces start below a mount")
        return parse_path(reference.rpartition("#")[0] or reference, field="secret")

    def read(self, reference: str) -> Secret:
        """Read one field of the newest version."""
        path, hash_sign, field = reference.rpartition("#")
        if not hash_sign:
            path, field = reference, DEFAULT_FIELD
        parse_path(path, field="secret")
        target = find_target(self._client, Namespace(path=path, mount=self._mount))
        data = self._client.request("GET", target.api_path("data")).get("data")
        version = None
        if target.is_versioned:
            outer = data if isinstance(data, dict) else {}
            data, version = outer.get("data"), (outer.get("metadata") or {}).get("version")
        if not isinstance(data, dict):
            raise RemoteNotFoundError("this version of the secret is deleted")
        if field not in data:
            raise LocalError(f"has no field {field}; name one as path#field")
        return Secret(_as_bytes(data[field]), version)


class DcosSource:
    """Reads through the DC/OS dialect.

    Args:
        client: connected to the secret store, with a token.
    """

    def __init__(self, client: DcosClient) -> None:
        self._client = client

    def path_of(self, reference: str) -> Path:
        """Return the secret's path."""
        return parse_path(reference, field="secret")

    def read(self, reference: str) -> Secret:
        """Read the value, of whichever kind it is."""
        path = parse_path(reference, field="secret")
        value = self._client.read(str(path))
        if value.is_text and path.segments[-1].startswith(BASE64_PREFIX):
            return Secret(_decoded(value.content))
        return Secret(SecretBytes(value.content))


def check_spaces(bindings: Sequence[Binding], source: Source, service: Path) -> None:
    """Apply the space rule to every binding, before the store is asked for any.

    Raises:
        NotDeliverableError: the service may not use some of the secrets.
    """

    def check(binding: Binding) -> None:
        if not (decision := decide_space(source.path_of(binding.secret), service)):
            raise LocalError(f"not accessible: {decision.reason}")

    _for_each(bindings, check)


def read_all(bindings: Sequence[Binding], source: Source) -> Delivery:
    """Read every secret, each reference once.

    Raises:
        NotDeliverableError: some are missing or refused; the others are not returned either.
        HoldfastError: the store does not answer such questions at the moment.
    """
    known: dict[str, Secret] = {}
    delivery: Delivery = {}

    def read(binding: Binding) -> None:
        if binding.secret not in known:
            known[binding.secret] = source.read(binding.secret)
        delivery[binding] = known[binding.secret]

    _for_each(bindings, read)
    return delivery


def _for_each(bindings: Sequence[Binding], act: Callable[[Binding], None]) -> None:
    """Act on all bindings and gather what is wrong, so that one run shows every mistake."""
    problems = []
    for binding in bindings:
        try:
            act(binding)
        except RemoteNotFoundError:
            problems.append(f"{binding}: does not exist")
        except RemotePermissionDeniedError:
            problems.append(f"{binding}: permission denied")
        except (LocalError, RemoteInvalidInputError, InvalidInputError) as error:
            problems.append(f"{binding}: {error.message}")
    if problems:
        raise NotDeliverableError(problems)


def _as_bytes(value: Any) -> SecretBytes:
    return SecretBytes(value.encode() if isinstance(value, str) else msgspec.json.encode(value))


def _decoded(value: bytes) -> SecretBytes:
    try:
        return SecretBytes(base64.b64decode(b"".join(value.split()), validate=True))
    except (binascii.Error, ValueError):
        raise LocalError(f"expected base64, as its name starts with {BASE64_PREFIX}") from None
