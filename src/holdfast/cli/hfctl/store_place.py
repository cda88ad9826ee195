"""Tokens of contexts as secrets of the store that ``HOLDFAST_ADDR`` names, under the login that is at hand.

The reference names the store. A login to one store is never shown to another, so a context whose token is in
a store that is not the configured one is an error that says so.
"""

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from getpass import getuser

from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import LocalError
from holdfast.cli.holdfast.advice import advise
from holdfast.cli.holdfast.connection import DEFAULT_ADDRESS, add_server_options, configured_token, connect
from holdfast.cli.holdfast.environment import setting
from holdfast.client import VaultClient
from holdfast.client.errors import RemoteError
from holdfast.client.vault_kv import KvMount
from holdfast.errors import NotFoundError

STORE_PATH_VARIABLE = "HFCTL_STORE_PATH"
DEFAULT_STORE_PATH = "secret/hfctl"


def is_at_hand() -> bool:
    """Whether a store is configured and somebody is logged in to it."""
    return bool(setting("ADDR")) and configured_token() is not None


@contextmanager
def _asking() -> Iterator[None]:
    """Name the store in its errors; what is advised to users of a node would lead them astray."""
    try:
        yield
    except RemoteError as error:
        text = f"the store that keeps tokens of contexts: {error.message}"
        raise RemoteError(f"{text}\n{advise(error)}".rstrip()) from None


@_asking()
def new_reference(context_name: str) -> dict[str, str]:
    """Return where the secrets of a context are to be.

    Raises:
        RemoteError: the store does not answer, or has no such mount for us.
    """
    base = os.environ.get(STORE_PATH_VARIABLE) or DEFAULT_STORE_PATH
    path = f"{base.strip('/')}/{getuser()}@{socket.gethostname()}/{context_name.replace('/', '_')}"
    found = _client().mount_of(path)
    mount = str(found.get("path") or "").strip("/")
    if found.get("type") not in {"kv", "generic"} or not path.startswith(f"{mount}/"):
        raise LocalError(f"{STORE_PATH_VARIABLE}: expected a path below a key-value mount")
    version = str((found.get("options") or {}).get("version") or "1")
    return {
        "place": "store",
        "address": _address(),
        "mount": mount,
        "name": path.removeprefix(f"{mount}/"),
        "version": version,
    }


@_asking()
def put(reference: Mapping[str, str], content: Mapping[str, str]) -> None:
    """Keep the secrets of a context.

    Raises:
        RemoteError: the store does not take them.
    """
    _mount(reference).put(reference["name"], content)


@_asking()
def get(reference: Mapping[str, str]) -> Mapping[str, object]:
    """Return the secrets of a context; nothing if they are gone.

    Raises:
        RemoteError: the store does not answer, is sealed, or refuses.
    """
    try:
        return _mount(reference).get(reference["name"]).data
    except NotFoundError:
        return {}


@_asking()
def destroy(reference: Mapping[str, str]) -> None:
    """Remove the secrets of a context with all their versions.

    Raises:
        RemoteError: the store refuses.
    """
    _mount(reference).destroy(reference["name"])


def _mount(reference: Mapping[str, str]) -> KvMount:
    if reference["address"] != _address():
        raise LocalError(
            f"the context's token is in the store at {reference['address']}; set HOLDFAST_ADDR to that"
        )
    return KvMount(_client(), reference["mount"], version=2 if reference["version"] == "2" else 1)


def _client() -> VaultClient:
    parser = CommandParser(command="", summary="")
    add_server_options(parser)
    return connect(parser.parse_words([]))


def _address() -> str:
    return setting("ADDR") or DEFAULT_ADDRESS
