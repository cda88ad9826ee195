"""What somebody may do, told from what he was granted: pure functions over rids and actions.

Grants add up and none denies. ``full`` is all actions. A wildcard grant covers what is below its folder:

    granted                        covers
    dcos:secrets:default:/a        /a
    dcos:secrets:default:/a/*      /a/b, /a/b/c; not /a itself (``WILDCARD_COVERS_ITS_FOLDER``)
    dcos:secrets:list:default:/a   the names below /a, and below every folder in it
    dcos:secrets:list:default:/a/* the same: what it covers are exactly those names
    dcos:superuser                 everything, whichever the action
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from holdfast.iam.names import Action
from holdfast.iam.resource import SUPERUSER, Scope, SecretResource, secret_resource

# DC/OS documents neither answer. A right for what is in a folder is none for a secret of the folder's name.
WILDCARD_COVERS_ITS_FOLDER = False

ALL_ACTIONS = frozenset({Action.CREATE, Action.READ, Action.UPDATE, Action.DELETE})

Grants = Mapping[str, Iterable[str]]
"""Canonical rid to actions."""


@dataclass(frozen=True, slots=True)
class SecretRight:
    """One right to secrets.

    Attributes:
        resource: to which secrets, or to whose names.
        actions: what may be done; ``full`` is spelt out.
        rid: what was granted, in the operator's words.
    """

    resource: SecretResource
    actions: frozenset[Action]
    rid: str


@dataclass(frozen=True, slots=True)
class Rights:
    """Everything that somebody may do here.

    Attributes:
        is_superuser: may do everything.
        secrets: rights to secrets; empty means none.
    """

    is_superuser: bool
    secrets: tuple[SecretRight, ...]


def rights_of(grants: Iterable[Grants]) -> Rights:
    """Return what these grants allow together: a user's own, and those of his groups."""
    is_superuser = False
    secrets = []
    for rid, actions in (grant for some in grants for grant in some.items()):
        spelt_out = _spelt_out(actions)
        is_superuser = is_superuser or (rid == SUPERUSER and bool(spelt_out))
        resource = secret_resource(rid)
        if resource is not None and spelt_out:
            secrets.append(SecretRight(resource, spelt_out, rid))
    return Rights(is_superuser, tuple(secrets))


def is_allowed(grants: Iterable[Grants], rid: str, action: Action) -> bool:
    """Whether these grants together allow ``action`` on the canonical ``rid``."""
    grants = tuple(grants)
    rights = rights_of(grants)
    if rights.is_superuser:
        return True
    wanted = ALL_ACTIONS if action is Action.FULL else {action}
    granted = {
        word for some in grants for known, words in some.items() if known == rid for word in _spelt_out(words)
    }
    resource = secret_resource(rid)
    if resource is not None:
        granted |= {
            word for right in rights.secrets if _covers(right.resource, resource) for word in right.actions
        }
    return wanted <= granted


def _spelt_out(actions: Iterable[str]) -> frozenset[Action]:
    named = frozenset(map(Action, actions))
    return ALL_ACTIONS if Action.FULL in named else named


def _covers(granted: SecretResource, asked: SecretResource) -> bool:
    """Whether a grant with a wider meaning speaks for ``asked`` too."""
    if granted.store != asked.store:
        return False
    if granted.scope is Scope.BELOW and asked.scope in {Scope.SECRET, Scope.BELOW}:
        is_folder = asked.path == granted.path and (asked.scope is Scope.BELOW or WILDCARD_COVERS_ITS_FOLDER)
        return is_folder or _is_below(asked.path, granted.path)
    if granted.scope is Scope.NAMES and asked.scope is Scope.NAMES:
        return asked.path == granted.path or _is_below(asked.path, granted.path)
    return False


def _is_below(path: str, folder: str) -> bool:
    return bool(path) and (not folder or path.startswith(folder + "/"))
