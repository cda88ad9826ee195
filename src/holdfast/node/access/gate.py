"""The three gates that every request passes, in this order, in this one place.

1. The token: verified, or none at all, which makes the caller a guest. A token that is not believed is
   an error, never a guest.
2. The role: some role of the caller must allow the API. Guests have the one role ``system.guest``. Which
   labels he may give to something is a part of it: see ``label_gate``.
3. The resource: if a rule of the role has a scope, the resource must be in it; and its ownership must give
   the caller the access type that the API states. There is no other way to a resource's record than through
   this gate, and it is the same for every kind.

A fourth stands before the secrets provider: a secret that the caller names must be one that he may name, for
the node fetches it with rights of its own.

Each decision is written to the audit log before it takes effect. A caller who may not see a resource gets
the same answer as for one that does not exist.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Protocol

from holdfast.errors import NotFoundError, PermissionDeniedError, UnauthenticatedError, UnavailableError
from holdfast.model import Principal
from holdfast.model.principal import GUEST
from holdfast.node.access.decision_log import DecisionLog, new_request_id
from holdfast.node.access.label_gate import LabelGate, labels_denied
from holdfast.node.access.resource import PAGE, Collection, IndexedCollection, R, Resource
from holdfast.node.api import Admission, Api
from holdfast.node.errors import OwnershipDeniedError, RoleDeniedError, SecretDeniedError
from holdfast.policy.decision import Allowed, Decision, Denied
from holdfast.policy.ownership import AccessType, decide_ownership, is_storage_administrator
from holdfast.policy.roles import Right
from holdfast.policy.secret_scopes import CLUSTER_WIDE
from holdfast.tokens.errors import TokenError

_EVERYWHERE = Right(())


class TokenVerifier(Protocol):
    """What the gate needs of the tokens room."""

    def verify(self, token: str | bytes) -> Principal:
        """Return whose token it is, or raise ``UnauthenticatedError``."""
        ...


class RoleSource(Protocol):
    """Where roles are defined; asked anew for every call, so that a change acts on live tokens."""

    def decide(self, principal: Principal, api: Api) -> Decision:
        """Decide whether the roles of the principal allow a call of an API, whatever resource it is about."""
        ...

    def rights(self, principal: Principal) -> Callable[[Api], Right]:
        """Return what the roles of the principal say at this moment, about each API that is asked for."""
        ...


class SecretRules(Protocol):
    """Who may name which secrets; asked anew for every call."""

    def decide_secret(self, principal: Principal, name: str, namespace: str) -> Decision:
        """Decide whether somebody may name a secret."""
        ...

    def decide_namespace(self, principal: Principal, namespace: str) -> Decision:
        """Decide whether somebody may have a key made in a namespace of the provider."""
        ...


class Gate:
    """The gates of one node.

    Args:
        verifier: checks tokens.
        roles: defines roles.
        log: where decisions are written.
        secret_rules: who may name which secrets.
        ownerless_is_public: let everybody do everything with what has no owner, as the original does. Only
            for the time of a migration from it.

    Attributes:
        labels: what of the second gate is about labels that something is to have.
    """

    def __init__(
        self,
        *,
        verifier: TokenVerifier,
        roles: RoleSource,
        log: DecisionLog,
        secret_rules: SecretRules,
        ownerless_is_public: bool = False,
    ) -> None:
        self._verifier = verifier
        self._roles = roles
        self._log = log
        self._secret_rules = secret_rules
        self._ownerless_is_public = ownerless_is_public
        self.labels = LabelGate(self._rights, self._record)

    def admit(
        self, token: str | None, api: Api, *, peer: str = "", correlation: str = "", request: str = ""
    ) -> Admission:
        """Pass a caller through the first two gates.

        Args:
            token: the signed token; ``None`` for a guest.
            api: what it wants to call.
            peer: its address, for the log.
            correlation: an id that the caller gave the request, for the log; never in place of ours.
            request: our id of the request, from ``new_request_id``; a new one if empty.

        Raises:
            UnauthenticatedError: the token is not believed; ``reason`` says why.
            UnavailableError: whether it is to be believed cannot be told at the moment.
            RoleDeniedError: no role allows the API.
        """
        request = request or new_request_id()
        try:
            principal = self._identify(token)
        except (UnauthenticatedError, UnavailableError) as error:
            self.turn_away(error, api, peer=peer, correlation=correlation, request=request)
            raise
        admission = Admission(principal, api, request, peer, correlation)
        decision = self._decide_api(principal, api)
        self._record(admission, "role", decision)
        if decision:
            return admission
        raise _role_denied(admission, decision.reason)

    def turn_away(
        self,
        error: UnauthenticatedError | UnavailableError,
        api: Api,
        *,
        peer: str,
        correlation: str,
        request: str,
    ) -> None:
        """Note that what a caller brought is no token that is believed, and whose it is if that is known.

        Args:
            error: why not.
            api: what it wanted to call.
            peer: its address.
            correlation: an id that the caller gave the request.
            request: our id of the request.
        """
        self._log.record(
            "denied",
            error.bearer if isinstance(error, TokenError) else None,
            gate="token",
            request=request,
            correlation=correlation,
            peer=peer,
            api=str(api),
            reason=error.reason or error.message,
        )

    def admit_absent(self, principal: Principal, api: Api, *, peer: str) -> Admission:
        """Pass somebody who is not there, for what he asked to have done later, through the second gate.

        Args:
            principal: as the token said that he asked with; what its roles allow is asked anew.
            api: what is done for him.
            peer: what does it, for the log.

        Raises:
            RoleDeniedError: no role allows the API.
        """
        admission = Admission(self._in_his_absence(principal), api, new_request_id(), peer)
        decision = self._decide_api(admission.principal, api)
        self._record(admission, "role", decision)
        if decision:
            return admission
        raise _role_denied(admission, decision.reason)

    def note_refusal(self, admission: Admission, error: PermissionDeniedError) -> None:
        """Note that an admitted caller was refused elsewhere than at a gate, as for what he wants to change.

        Args:
            admission: of the caller.
            error: what he was refused with; nothing is done about one that a gate has noted already.
        """
        if not getattr(error, "is_noted", False):
            gate, reason = getattr(error, "gate", ""), error.detail or error.message
            self._log.record("denied", admission.principal, **_where(admission), gate=gate, reason=reason)

    def recheck(self, token: str | None, admission: Admission) -> None:
        """Pass a caller whose call goes on for long through the first two gates again; only a no is logged.

        Raises:
            UnauthenticatedError: the token has expired or was revoked meanwhile.
            UnavailableError: whether it is to be believed cannot be told at the moment.
            RoleDeniedError: no role allows the API any more.
        """
        try:
            principal = self._identify(token)
        except (UnauthenticatedError, UnavailableError) as error:
            self._log.record(
                "denied", admission.principal, **_where(admission), gate="token", reason=error.reason
            )
            raise
        api = admission.api
        decision = self._decide_api(principal, api)
        if not decision:
            self._record(admission, "role", decision)
            raise _role_denied(admission, decision.reason)

    def require_api(
        self, admission: Admission, api: Api, *, labels: Mapping[str, str] | None = None
    ) -> Admission:
        """Raise unless a role of the caller allows another API, too, which a part of the work is about.

        Args:
            admission: from ``admit``.
            api: the other API.
            labels: of what is made, if the work is about something that is not there yet.

        Returns:
            The admission to that API, with which to ask about the resources that the part is about.

        Raises:
            RoleDeniedError: none does.
        """
        further = replace(admission, api=api)
        decision = self._decide_api(admission.principal, api)
        if decision and labels is not None and (right := self._right(further)).is_scoped:
            decision = right.decide(labels)
            self._record(further, "role", decision)
            if not decision:
                raise labels_denied(further, decision.reason)
            return further
        self._record(further, "role", decision)
        if not decision:
            raise _role_denied(further, decision.reason)
        return further

    def resource(
        self,
        admission: Admission,
        collection: Collection[R],
        reference: str,
        *,
        access: AccessType | None = None,
    ) -> R:
        """Pass the caller through the third gate, to one resource.

        Args:
            admission: from ``admit``; its API states the access that is needed.
            collection: all resources of the kind.
            reference: id or name of the resource.
            access: what is needed instead, of a second resource that the API is also about.

        Raises:
            OwnershipDeniedError: the resource does not allow it, or does not exist.
            NotFoundError: it does not exist, said only to who may see every resource.
            InvalidInputError: not the form of an id or name.
        """
        collection.check_reference(reference)
        resource = collection.find(reference)
        if resource is None:
            if is_storage_administrator(admission.principal) and not self._right(admission).is_scoped:
                raise NotFoundError(f"{collection.kind.capitalize()} {reference} not found")
            self._record(admission, "ownership", Denied(f"no such {collection.kind}"), collection, reference)
            raise _refusal(collection, reference, f"no such {collection.kind}")
        self.require(admission, collection, resource, reference=reference, access=access)
        return resource

    def require(
        self,
        admission: Admission,
        collection: Collection[R],
        resource: R,
        *,
        reference: str = "",
        access: AccessType | None = None,
    ) -> None:
        """Raise unless a resource gives the caller the API's access type, or ``access`` if that is named."""
        wanted = access if access is not None else admission.api.access
        if wanted is None:
            wanted = AccessType.ADMIN  # an API that states nothing gets at no resource by less
        in_scope = _decide_scope(self._right(admission), resource)
        if in_scope is not None:
            self._record(admission, "role", in_scope, collection, resource.id)
            if not in_scope:
                raise _refusal(collection, reference or resource.id, in_scope.reason)
        decision = self._decide(admission.principal, resource, wanted)
        self._record(admission, "ownership", decision, collection, resource.id)
        if not decision:
            raise _refusal(collection, reference or resource.id, decision.reason)

    def still(
        self, admission: Admission, collection: Collection[R], *, access: AccessType | None = None
    ) -> Callable[[R], R]:
        """Return what to ask about a resource after a wait: may the caller still? Only a no is logged.

        Args:
            admission: with which ``resource`` was passed.
            collection: all resources of the kind.
            access: as it was asked of ``resource``.

        Returns:
            A function that returns the resource, read anew; or raises ``RoleDeniedError`` if no role allows
            the API any more, ``OwnershipDeniedError`` if the resource was given away, or is not shared any
            more.
        """

        def ask(resource: R) -> R:
            decision = self._decide_api(admission.principal, admission.api)
            if not decision:
                self._record(admission, "role", decision)
                raise _role_denied(admission, decision.reason)
            wanted = access if access is not None else admission.api.access
            in_scope = _decide_scope(self._right(admission), resource)
            is_in_scope = in_scope is None or bool(in_scope)
            if wanted is None or not is_in_scope or not self._decide(admission.principal, resource, wanted):
                self.require(admission, collection, resource, access=access)
            return resource

        return ask

    def visible(self, admission: Admission, collection: Collection[R]) -> list[R]:
        """Return the resources that the caller may read; the others are silently left out.

        Args:
            admission: from ``admit``.
            collection: all resources of the kind; each is looked at, so there had better be few.
        """
        return [resource for resource in collection.enumerate() if self.may_read(admission, resource)]

    def readable(
        self, admission: Admission, collection: IndexedCollection[R], *, after: str = "", page: int = PAGE
    ) -> Iterator[R]:
        """Yield, by id, the resources of a large collection that the caller may read.

        Args:
            admission: from ``admit``.
            collection: all resources of the kind.
            after: only ids that sort after this one.
            page: how many are read at once.
        """
        found = collection.candidates(
            admission.principal, ownerless=self._ownerless_is_public, after=after, page=page
        )
        right = self._right(admission)
        return (resource for resource in found if self._may(admission, right, resource, AccessType.READ))

    def may(self, admission: Admission, resource: Resource, access: AccessType) -> bool:
        """Whether a resource gives the caller an access type, where that opens nothing by itself."""
        return self._may(admission, self._right(admission), resource, access)

    def may_read(self, admission: Admission, resource: Resource) -> bool:
        """Whether the caller may read a resource; for lists, which leave the others out silently."""
        return self.may(admission, resource, AccessType.READ)

    def secret(
        self, admission: Admission, name: str, namespace: str = "", *, literally: bool = False
    ) -> None:
        """Raise unless the caller may name a secret. To be asked about every name that a caller gives.

        Args:
            admission: from ``admit``.
            name: path of the secret; empty if the caller named none, but wants a key made.
            namespace: the provider's namespace, as the caller named it.
            literally: ``default`` is the secret of that name, and does not stand for the cluster-wide key.

        Raises:
            SecretDeniedError: he may not, be there such a secret or not.
        """
        if (name == CLUSTER_WIDE and not literally) or not (name or namespace):
            return  # no name at all, or the one that everybody may say
        if name:
            decision = self._secret_rules.decide_secret(admission.principal, name, namespace)
        else:
            decision = self._secret_rules.decide_namespace(admission.principal, namespace)
        word = {"rule": decision.rule} if decision else {"reason": decision.reason}
        self._log.record(
            "allowed" if decision else "denied",
            admission.principal,
            **_where(admission),
            gate="secret",
            kind="secret",
            resource=f"{namespace}:{name}" if namespace else name,
            **word,
        )
        if not decision:
            raise SecretDeniedError(
                "Access denied to the secret: name the cluster-wide key (default), a secret below "
                "users/<your user name>/, or one that a secret scope opens to you",
                detail=decision.reason,
            )

    def done(
        self,
        admission: Admission,
        resource: str,
        outcome: str,
        *,
        before: object = None,
        after: object = None,
    ) -> None:
        """Note what came of an admitted request that changed something.

        Args:
            admission: of the caller.
            resource: id or name of what was changed.
            outcome: what was done.
            before: what the rights in question were, as JSON will show it; where rights were changed.
            after: what they are now.
        """
        change = {"before": before, "after": after}
        self._log.record(
            "done", admission.principal, **_where(admission), resource=resource, reason=outcome, **change
        )

    def _identify(self, token: str | None) -> Principal:
        return GUEST if token is None else self._verifier.verify(token)

    def _in_his_absence(self, principal: Principal) -> Principal:
        """Return whom somebody counts for who is not there; a guest is one, whatever is kept of him."""
        return GUEST if principal.is_guest else principal

    def _decide_api(self, principal: Principal, api: Api) -> Decision:
        decision = self._roles.decide(principal, api)
        if decision or principal.is_guest or decision.is_final or not api.of_every_bearer:
            return decision
        return Allowed("every bearer of a token, about that token")

    def _rights(self, principal: Principal) -> Callable[[Api], Right]:
        return self._roles.rights(principal)

    def _right(self, admission: Admission) -> Right:
        """Return what the caller's roles say about the API now, if that may depend on what it is about."""
        return self._rights(admission.principal)(admission.api) if admission.api.is_scoped else _EVERYWHERE

    def _may(self, admission: Admission, right: Right, resource: Resource, access: AccessType) -> bool:
        in_scope = _decide_scope(right, resource)
        if in_scope is not None and not in_scope:
            return False
        return bool(self._decide(admission.principal, resource, access))

    def _decide(self, principal: Principal, resource: Resource, wanted: AccessType) -> Decision:
        return decide_ownership(
            principal, resource.ownership, wanted, ownerless_is_public=self._ownerless_is_public
        )

    def _record(
        self,
        admission: Admission,
        gate: str,
        decision: Decision,
        collection: Collection[Resource] | None = None,
        resource: str = "",
    ) -> None:
        if decision:
            word, ground = "allowed", {"rule": decision.rule}
        else:
            word, ground = "denied", {"reason": decision.reason}
        if collection is not None:
            ground |= {"kind": collection.kind, "resource": resource}
        self._log.record(word, admission.principal, **_where(admission), gate=gate, **ground)


def _refusal(collection: Collection[Resource], reference: str, reason: str) -> OwnershipDeniedError:
    """Return the one answer for what a caller may not use and for what is not there."""
    return OwnershipDeniedError(f"Access denied to {collection.kind} {reference}", detail=reason)


def _decide_scope(right: Right, resource: Resource) -> Decision | None:
    """Decide by the labels of a resource; ``None`` if no scope has a say."""
    labels = resource.scope_labels if right.is_scoped else None
    return None if labels is None else right.decide(labels)


def _role_denied(admission: Admission, reason: str) -> RoleDeniedError:
    if admission.principal.is_guest:
        return RoleDeniedError("Access denied without authentication token", detail=reason)
    roles = " ".join(admission.principal.roles)
    return RoleDeniedError(
        f"Access to {admission.api.full_method} denied: Access denied to roles: [{roles}]", detail=reason
    )


def _where(admission: Admission) -> dict[str, str]:
    return {
        "request": admission.request,
        "correlation": admission.correlation,
        "peer": admission.peer,
        "api": str(admission.api),
    }
