"""What the third gate has to know of a thing that belongs to somebody, whatever kind of thing it is.

Volumes, snapshots, credentials, storage policies and cluster pairs are resources. A service hands the gate
the collection and the reference that its caller gave, and gets the resource back, or the one refusal that
all kinds have in common. So there is no second way to look something up, and none to answer about it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol, TypeVar

from holdfast.model import Principal
from holdfast.policy.ownership import Ownership

PAGE = 500


class Resource(Protocol):
    """Something that belongs to somebody."""

    @property
    def id(self) -> str:
        """By which the audit log names it."""
        ...

    @property
    def ownership(self) -> Ownership:
        """Whom it belongs to."""
        ...

    @property
    def scope_labels(self) -> Mapping[str, str] | None:
        """By which scopes in rules of roles find it; ``None`` for a kind that no scope is about."""
        ...


R_co = TypeVar("R_co", bound=Resource, covariant=True)
R = TypeVar("R", bound=Resource)


class Collection(Protocol[R_co]):
    """All resources of one kind.

    Attributes:
        kind: what one of them is called in a text, in lower case: ``volume``, ``storage policy``.
    """

    kind: str

    def check_reference(self, reference: str) -> str:
        """Return ``reference`` if it has the form of an id or a name of this kind.

        Raises:
            InvalidInputError: it has neither; said before anything is looked up.
        """
        ...

    def find(self, reference: str) -> R_co | None:
        """Return the resource of this id or name, or ``None``."""
        ...

    def enumerate(self) -> Iterable[R_co]:
        """Yield all of them."""
        ...


class IndexedCollection(Collection[R_co], Protocol[R_co]):
    """A collection that may be large, and knows who can read what without looking at each of them."""

    def candidates(
        self, principal: Principal, *, ownerless: bool, after: str = "", page: int = PAGE
    ) -> Iterator[R_co]:
        """Yield, sorted by id, all that ``principal`` may read, and perhaps others.

        Args:
            principal: who asks.
            ownerless: whether everybody may read what has no owner.
            after: only ids that sort after this one.
            page: how many are read at once.
        """
        ...


class OwnedCollection(Collection[R_co], Protocol[R_co]):
    """A collection whose resources may be given away and shared."""

    def change_ownership(self, identity: str, edit: Callable[[Ownership], Ownership]) -> R_co:
        """Change whom one belongs to, in one transaction, and return it as it is then.

        Args:
            identity: its id.
            edit: from the ownership that is stored at that moment to the new one; may refuse.

        Raises:
            NotFoundError: it is gone.
        """
        ...
