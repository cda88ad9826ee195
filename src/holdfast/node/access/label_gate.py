"""The second gate where labels are given: a scope is about labels, so nobody may choose them past his own.

Whoever makes a thing, copies it or labels it anew decides which scopes it is in. So its labels before and
after are looked at, and he may not come by them to do more than his roles allow.
"""

from collections.abc import Callable, Iterable, Mapping

from holdfast.model import Principal
from holdfast.node import apis
from holdfast.node.api import Admission, Api
from holdfast.node.errors import RoleDeniedError
from holdfast.policy.decision import Decision, Denied
from holdfast.policy.roles import Right

BY_SCOPE = "a scope in the caller's roles does not allow it with these labels"


class LabelGate:
    """What of a node's gates is about labels that something is to have.

    Args:
        rights: what the roles of somebody say at this moment, about each API that is asked for.
        record: writes a decision of a gate down.
    """

    def __init__(
        self,
        rights: Callable[[Principal], Callable[[Api], Right]],
        record: Callable[[Admission, str, Decision], None],
    ) -> None:
        self._rights = rights
        self._record = record

    def require_new(
        self, admission: Admission, labels: Mapping[str, str], *, copy_of: Mapping[str, str] | None = None
    ) -> None:
        """Raise unless the caller's roles allow him to make something with these labels.

        A copy may not be open to more than its original: what his roles do not let him do with the one, they
        must not let him do with the other.

        Args:
            admission: from ``admit``.
            labels: of what is made.
            copy_of: the labels of what it is made of; ``None`` if it is made of nothing.

        Raises:
            RoleDeniedError: they do not.
        """
        of = self._rights(admission.principal)
        right = of(admission.api)
        if right.is_scoped:
            decision = right.decide(labels)
            self._record(admission, "role", decision)
            if not decision:
                raise labels_denied(admission, decision.reason)
        if copy_of is not None:
            self._refuse_change(
                admission, of, lambda right: bool(right.decide(labels)) > bool(right.decide(copy_of))
            )

    def require_content(
        self, admission: Admission, labels: Mapping[str, str], *, of: Mapping[str, str]
    ) -> None:
        """Raise unless something that is there may be given the content of something else.

        What is in the one may come to be open to the caller no further than it is in the other, as with a
        copy. That he may delete the one and not the other opens nothing: the other stays.

        Args:
            admission: from ``admit``.
            labels: of what gets the content.
            of: the labels of what has it.

        Raises:
            RoleDeniedError: his roles let him do more with the one than with the other.
        """
        self._refuse_change(
            admission,
            self._rights(admission.principal),
            lambda right: bool(right.decide(labels)) > bool(right.decide(of)),
            among=apis.SCOPED_TO_CONTENT,
            why="the caller's roles allow more with those of the volume than with those of the snapshot; "
            "make a clone of the snapshot instead",
        )

    def relabelling(self, admission: Admission) -> Callable[[Mapping[str, str], Mapping[str, str]], None]:
        """Return what to ask, within a change, about the labels of a resource before and after it.

        Before it, the roles must allow the change. And it changes nothing of what they let the caller do
        with the resource: it moves it between scopes only if he may do the same in both.

        Returns:
            A function that raises ``RoleDeniedError``.
        """
        of = self._rights(admission.principal)

        def ask(before: Mapping[str, str], after: Mapping[str, str]) -> None:
            right = of(admission.api)
            if right.is_scoped and not (decision := right.decide(before)):
                self._record(admission, "role", decision)
                raise labels_denied(admission, decision.reason)
            if before != after:
                self._refuse_change(
                    admission, of, lambda right: bool(right.decide(before)) != bool(right.decide(after))
                )

        return ask

    def _refuse_change(
        self,
        admission: Admission,
        of: Callable[[Api], Right],
        changes: Callable[[Right], bool],
        *,
        among: Iterable[Api] = apis.SCOPED,
        why: str = BY_SCOPE,
    ) -> None:
        """Raise if something changes what the caller's roles say about any API, and if so, write it down."""
        for api in among:
            right = of(api)
            if right.is_scoped and changes(right):
                denied = Denied(f"with these labels the roles say something else about {api}")
                self._record(admission, "role", denied)
                raise labels_denied(admission, denied.reason, why)


def labels_denied(admission: Admission, reason: str, why: str = BY_SCOPE) -> RoleDeniedError:
    return RoleDeniedError(f"Access to {admission.api.full_method} denied: labels: {why}", detail=reason)
