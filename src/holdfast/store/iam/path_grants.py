"""From permissions to paths: what a right to secrets opens in the mount that holds them, in every dialect.

A store of the DC/OS API is a mount of KV version 2. Each thing that can be done to a secret there, by either
dialect, belongs to one of the four actions:

    action   data/<path>        metadata/<path>    besides
    create   create             create
    read     read               read               subkeys/<path> read
    update   update, patch      update, patch      undelete/<path> update
    delete   delete             delete             delete/<path>, destroy/<path> update

``list`` on ``metadata/<folder>/`` comes from a right to names only: who may read a secret need not know what
else there is. ``*`` and ``+`` in a path are characters here, see ``policy.grant_table``.
"""

from collections.abc import Iterable, Iterator, Mapping

from holdfast.iam.names import Action
from holdfast.iam.permissions import WILDCARD_COVERS_ITS_FOLDER, Rights, SecretRight
from holdfast.iam.resource import Scope
from holdfast.policy.acl import Capability
from holdfast.policy.grant_table import PathGrant, Reach

_SECTIONS: dict[Action, dict[str, frozenset[Capability]]] = {
    Action.CREATE: {
        "data": frozenset({Capability.CREATE}),
        "metadata": frozenset({Capability.CREATE}),
    },
    Action.READ: {
        "data": frozenset({Capability.READ}),
        "metadata": frozenset({Capability.READ}),
        "subkeys": frozenset({Capability.READ}),
    },
    Action.UPDATE: {
        "data": frozenset({Capability.UPDATE, Capability.PATCH}),
        "metadata": frozenset({Capability.UPDATE, Capability.PATCH}),
        "undelete": frozenset({Capability.UPDATE}),
    },
    Action.DELETE: {
        "data": frozenset({Capability.DELETE}),
        "metadata": frozenset({Capability.DELETE}),
        "delete": frozenset({Capability.UPDATE}),
        "destroy": frozenset({Capability.UPDATE}),
    },
}
_LIST = frozenset({Capability.LIST})

LOGOUT_PATH = "acs/auth/logout"
_OWN = "every user, to himself"
OWN_GRANTS = (
    PathGrant("auth/token/lookup-self", Reach.PATH, frozenset({Capability.READ, Capability.UPDATE}), _OWN),
    PathGrant("auth/token/renew-self", Reach.PATH, frozenset({Capability.UPDATE}), _OWN),
    PathGrant("auth/token/revoke-self", Reach.PATH, frozenset({Capability.UPDATE}), _OWN),
    PathGrant("sys/capabilities-self", Reach.PATH, frozenset({Capability.UPDATE}), _OWN),
    PathGrant(LOGOUT_PATH, Reach.PATH, frozenset({Capability.UPDATE}), _OWN),
)
"""What every user may do about himself and his token."""


def path_grants(rights: Rights, mounts: Mapping[str, str]) -> Iterator[PathGrant]:
    """Yield what these rights open.

    Args:
        rights: from ``permissions.rights_of``.
        mounts: which mount holds the secrets of which store. A right to another store opens nothing.
    """
    for right in rights.secrets:
        mount = mounts.get(right.resource.store)
        if mount is not None:
            yield from _names(right, mount) if right.resource.scope is Scope.NAMES else _values(right, mount)


def _values(right: SecretRight, mount: str) -> Iterator[PathGrant]:
    for action in sorted(right.actions):
        for section, capabilities in _SECTIONS[action].items():
            for path, reach in _places(right, f"{mount}{section}/"):
                yield PathGrant(path, reach, capabilities, right.rid)


def _places(right: SecretRight, section: str) -> Iterable[tuple[str, Reach]]:
    path = right.resource.path
    match right.resource.scope:
        case Scope.SECRET:
            yield section + path, Reach.PATH
        case Scope.BELOW:
            yield section + _as_folder(path), Reach.BELOW
            if WILDCARD_COVERS_ITS_FOLDER and path:
                yield section + path, Reach.PATH
        case Scope.SPACE:
            # The folders whose secrets the rule opens to the service: the top, and each on the way to it.
            names = path.split("/")
            for depth in range(len(names) + 1):
                yield section + _as_folder("/".join(names[:depth])), Reach.WITHIN


def _names(right: SecretRight, mount: str) -> Iterator[PathGrant]:
    if Action.READ in right.actions:
        folder = f"{mount}metadata/{_as_folder(right.resource.path)}"
        yield PathGrant(folder, Reach.PATH, _LIST, right.rid)
        yield PathGrant(folder, Reach.BELOW, _LIST, right.rid)


def _as_folder(path: str) -> str:
    return f"{path}/" if path else ""
