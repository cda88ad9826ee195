"""The gate of a node that looks at no token, for as long as its cluster lets it be open.

    nobody looks at tokens     whoever calls may do everything
    others of the cluster do   whoever calls is a guest: he gets at what has no owner, and at nothing else
    all others do              nobody may do anything: security is required, and this node does not have it

Which of these holds is asked anew for every call, so that a node is as closed as the others from the moment
the first of them is secured. Decisions are written down here as well.
"""

from collections.abc import Callable, Iterator

from holdfast.errors import UnavailableError
from holdfast.model import Principal
from holdfast.model.principal import GUEST
from holdfast.node.access.decision_log import DecisionLog
from holdfast.node.access.gate import Gate, RoleSource, SecretRules
from holdfast.node.access.resource import PAGE, Collection, IndexedCollection, R, Resource
from holdfast.node.api import Admission, Api
from holdfast.node.cluster.cluster_security import Standing
from holdfast.policy.decision import Allowed, Decision
from holdfast.policy.ownership import AccessType
from holdfast.policy.roles import Right

EVERYBODY = Principal(name="", display_name="Everybody", roles=("system.guest",))
_RULE = "security is off"
_EVERYWHERE = Right(())


class OpenGate(Gate):
    """See the module.

    Args:
        standing: what callers get here, at this moment.
        roles: defines the guest's role.
        log: where decisions are written.
        secret_rules: who may name which secrets.
    """

    def __init__(
        self,
        *,
        standing: Callable[[], Standing],
        roles: RoleSource,
        log: DecisionLog,
        secret_rules: SecretRules,
    ) -> None:
        super().__init__(
            verifier=_NoTokens(), roles=roles, log=log, secret_rules=secret_rules, ownerless_is_public=True
        )
        self._standing = standing

    def _identify(self, token: str | None) -> Principal:  # noqa: ARG002 - none is looked at
        standing = self._standing()
        if standing is Standing.NOTHING:
            raise UnavailableError(
                "this node looks at no token, and its cluster demands that: start it again with the keys"
            )
        return EVERYBODY if standing is Standing.EVERYTHING else GUEST

    def _in_his_absence(self, principal: Principal) -> Principal:  # noqa: ARG002 - no name counts here
        return self._identify(None)

    def readable(
        self, admission: Admission, collection: IndexedCollection[R], *, after: str = "", page: int = PAGE
    ) -> Iterator[R]:
        """Yield the resources that the caller may read; see ``Gate``."""
        if admission.principal is not EVERYBODY:
            return super().readable(admission, collection, after=after, page=page)
        return iter(sorted_after(collection, after))

    def secret(
        self, admission: Admission, name: str, namespace: str = "", *, literally: bool = False
    ) -> None:
        """Raise unless the caller may name a secret; see ``Gate``."""
        if admission.principal is not EVERYBODY:
            super().secret(admission, name, namespace, literally=literally)

    def _decide_api(self, principal: Principal, api: Api) -> Decision:
        return Allowed(_RULE) if principal is EVERYBODY else super()._decide_api(principal, api)

    def _rights(self, principal: Principal) -> Callable[[Api], Right]:
        return (lambda _: _EVERYWHERE) if principal is EVERYBODY else super()._rights(principal)

    def _decide(self, principal: Principal, resource: Resource, wanted: AccessType) -> Decision:
        if principal is EVERYBODY:
            return Allowed(_RULE)
        return super()._decide(principal, resource, wanted)


def sorted_after(collection: Collection[R], after: str) -> list[R]:
    """Return all resources of a collection by id, those that sort after one."""
    found = sorted(collection.enumerate(), key=lambda resource: resource.id)
    return [resource for resource in found if resource.id > after]


class _NoTokens:
    """A verifier that is asked nothing."""

    def verify(self, token: str | bytes) -> Principal:  # noqa: ARG002 - as a verifier has it
        raise UnavailableError("this node looks at no token")
