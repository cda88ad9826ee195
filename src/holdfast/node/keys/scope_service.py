"""The part of service ``Secrets`` that says who may name which secrets."""

from holdfast.node import apis
from holdfast.node.access.gate import Gate
from holdfast.node.api import Admission, operation
from holdfast.node.keys.secret_scopes import ScopeBook
from holdfast.policy.secret_scopes import SecretScope


class ScopeService:
    """Secret scopes as the API shows and changes them.

    Args:
        gate: every call passes.
        book: holds the scopes.
    """

    def __init__(self, *, gate: Gate, book: ScopeBook) -> None:
        self._gate = gate
        self._book = book

    @operation(apis.SECRETS_SCOPE_UPDATE)
    def put(self, admission: Admission, scope: SecretScope) -> SecretScope:
        """Store a scope, replacing one of that name; counts from the next call on.

        Raises:
            InvalidInputError: it cannot be one.
        """
        self._book.put(scope)
        self._gate.done(admission, scope.name, "secret scope stored", after=scope)
        return scope

    @operation(apis.SECRETS_SCOPE_ENUMERATE)
    def enumerate(self, admission: Admission) -> list[SecretScope]:  # noqa: ARG002 - being admitted is enough
        """Return all scopes, by name."""
        return self._book.scopes()

    @operation(apis.SECRETS_SCOPE_DELETE)
    def delete(self, admission: Admission, name: str) -> None:
        """Forget a scope; ``own`` is then again what it was at first.

        Raises:
            NotFoundError: none of that name is stored.
        """
        self._book.remove(name)
        self._gate.done(admission, name, "secret scope deleted")
