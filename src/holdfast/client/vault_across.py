"""Many secrets at once, and secrets by name, across the key-value mounts of a Holdfast store.

Other servers of the Vault API do not have these calls.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from holdfast.client.errors import RemoteUnavailableError
from holdfast.client.vault import VaultClient

BULK_READ = "sys/kv/bulk-read"
SEARCH = "sys/kv/search"
MOST_AT_ONCE = 256


@dataclass(frozen=True, slots=True, repr=False)
class ManyResult:
    """What came of one read among many.

    Attributes:
        path: as it was asked for.
        status: the status code that a request of its own would have got.
        data: the data of the answer, as a GET has them; ``None`` if there are none.
        errors: why there are none, in the server's words.
    """

    path: str
    status: int
    data: dict[str, Any] | None
    errors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FoundSecret:
    """A secret that a search found.

    Attributes:
        mount: path of its mount, with a trailing slash.
        name: its path below the mount.
        path: what a GET reads it by, below ``/v1/``.
    """

    mount: str
    name: str
    path: str


def read_many(client: VaultClient, paths: Sequence[str]) -> Iterator[ManyResult]:
    """Yield what came of reading each path, in their order.

    Args:
        client: whose token is used.
        paths: as GET requests name them, such as ``secret/data/team/db``. As many as fit into one request
            are read in one state of the store.

    Raises:
        InvalidInputError: the secrets of one request are too large together; ask for fewer.
    """
    for first in range(0, len(paths), MOST_AT_ONCE):
        part = paths[first : first + MOST_AT_ONCE]
        answer = client.request("POST", BULK_READ, {"paths": list(part)})
        results = _list(answer, "results")
        if len(results) != len(part):
            raise _misshapen()
        for result in results:
            data = result.get("data")
            yield ManyResult(
                str(result.get("path", "")),
                int(result.get("status", 0)),
                data if isinstance(data, dict) else None,
                tuple(str(error) for error in result.get("errors") or ()),
            )


def search(client: VaultClient, what: Mapping[str, Any]) -> Iterator[FoundSecret]:
    """Yield the secrets that a search finds, fetching page after page as they are taken.

    Args:
        client: whose token is used.
        what: ``below``, ``contains``, ``prefix``, ``glob`` and ``custom_metadata``, as the API has them.
    """
    after: str | None = ""
    while after is not None:
        answer = client.request("POST", SEARCH, {**what, **({"after": after} if after else {})})
        for found in _list(answer, "results"):
            yield FoundSecret(str(found.get("mount")), str(found.get("name")), str(found.get("path")))
        before, after = after, answer["data"].get("after")
        if after is not None and (not isinstance(after, str) or after == before):
            raise _misshapen()


def _list(answer: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    data = answer.get("data")
    items = data.get(name) if isinstance(data, dict) else None
    if not isinstance(items, list) or any(not isinstance(item, dict) for item in items):
        raise _misshapen()
    return items


def _misshapen() -> RemoteUnavailableError:
    return RemoteUnavailableError("the server's answer has another shape than this client knows")
