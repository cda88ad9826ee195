"""Whom a login knows somebody as: the alias that its token remembers. Reads, and writes nothing."""

from holdfast.storage.interface import Reader
from holdfast.store.auth.issue import Earned
from holdfast.store.auth.mounts import AuthMount
from holdfast.store.identity.known import groups_with_use, place_of
from holdfast.store.identity.names import Names
from holdfast.store.login_alias import LoginAlias


def alias_of(
    view: Reader, names: Names, mount: AuthMount, earned: Earned, *, home: str
) -> tuple[LoginAlias, bool]:
    """Return the alias, and whether its entity waits for a login to put the alias on record.

    Args:
        view: of the identity.
        names: of the store.
        mount: where the login happened.
        earned: what it found out.
        home: uuid of the namespace.
    """
    name = earned.alias or earned.name
    place = place_of(view, names, mount.accessor, name)
    alias = LoginAlias(
        mount=mount.accessor,
        name=name,
        groups=groups_with_use(view, names, mount.accessor, earned.groups),
        linked=place.alias is not None,
        home=home,
        is_in_meta=True,
    )
    return alias, bool(place.awaited)
