"""The secret scopes of a node in its storage: who may name which secrets as keys of volumes.

scopes/<name>    a scope, as JSON
"""

from collections.abc import Callable

import msgspec

from holdfast.errors import InternalError, NotFoundError
from holdfast.model import Principal
from holdfast.node.stored import read_all
from holdfast.policy.decision import Decision
from holdfast.policy.secret_scopes import OWN, SecretScope, decide_namespace, decide_secret
from holdfast.storage.interface import Storage


class ScopeBook:
    """Every scope that exists at this moment: stored ones, and ``own`` unless one of that name is stored.

    Args:
        storage: where they are kept.
        cluster_key: returns name and namespace of the cluster-wide key, ``None`` if none is set.
    """

    def __init__(self, storage: Storage, *, cluster_key: Callable[[], tuple[str, str] | None]) -> None:
        self._storage = storage
        self._cluster_key = cluster_key

    def scopes(self) -> list[SecretScope]:
        """Return all scopes, by name; asked anew for every call, so that a change acts at once."""
        found = {OWN.name: OWN}
        for _, stored in read_all(self._storage, "scopes/"):
            scope = _decode(stored)
            found[scope.name] = scope
        return sorted(found.values(), key=lambda scope: scope.name)

    def put(self, scope: SecretScope) -> None:
        """Store a scope, replacing one of that name.

        Raises:
            InvalidInputError: it cannot be one.
        """
        scope.check()
        encoded = msgspec.json.encode(scope)
        self._storage.write(lambda transaction: transaction.put(f"scopes/{scope.name}", encoded))

    def remove(self, name: str) -> None:
        """Forget a stored scope; without one of its own, ``own`` is again what it was.

        Raises:
            NotFoundError: none of that name is stored.
        """
        SecretScope(name=name, prefix="").check()
        if self._storage.get(f"scopes/{name}") is None:
            raise NotFoundError("name: no such secret scope is stored")
        self._storage.write(lambda transaction: transaction.delete(f"scopes/{name}"))

    def decide_secret(self, principal: Principal, name: str, namespace: str) -> Decision:
        """Decide whether somebody may name a secret."""
        return decide_secret(principal, name, namespace, self.scopes(), cluster_key=self._cluster_key())

    def decide_namespace(self, principal: Principal, namespace: str) -> Decision:
        """Decide whether somebody may have a key made in a namespace of the provider."""
        return decide_namespace(principal, namespace, self.scopes() if namespace else ())


def _decode(stored: bytes) -> SecretScope:
    try:
        return msgspec.json.decode(stored, type=SecretScope)
    except msgspec.DecodeError:
        raise InternalError("a stored secret scope cannot be read") from None
